"""The evidence file of a rollout: what was asked and answered, kept with the run and in no output or state."""

import json
import os
import tempfile
from pathlib import Path

from hfdeploy.provider.host import Row
from hfdeploy.verify import Verification

FOLDER = Path(".hfdeploy") / "evidence"
"""Relative to the stack program, beside a folder per stack."""


def keep_evidence(place: str, verification: Verification, row: Row) -> None:
    """Write `<program>/.hfdeploy/evidence/<stack>/<name>.json`, whole or not at all.

    Evidence that cannot be kept is a warning: the verdict stands without it.
    """
    target = FOLDER / row.stack / f"{place.rpartition('/')[2]}.json"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=target.parent, prefix=f".{target.name}-", delete=False
        ) as draft:
            json.dump({"endpoint": place, **verification.as_dict()}, draft, indent=2, ensure_ascii=False)
            draft.flush()
            os.fsync(draft.fileno())
        Path(draft.name).replace(target)
    except OSError as error:
        row.warn(f"the evidence of {place} could not be kept: {error}")
