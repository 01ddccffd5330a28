"""The evidence file of a rollout: what was asked and answered, kept with the run and in no output or state.

`<stack program>/.hfdeploy/evidence/<stack>/<endpoint>.json`, the newest rollout's. It holds the generated text, which
nothing else may hold; a token never.
"""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

_FOLDER: Final = Path(".hfdeploy")


def file_of(program: Path, stack: str, name: str, *, folder: str = "evidence") -> Path:
    """Where the evidence of an endpoint's newest rollout is; `stack` may be qualified (`org/project/stack`).

    Other documents that are kept beside a program and in no state have a `folder` of their own.
    """
    return program / _FOLDER / folder / stack.rpartition("/")[2] / f"{name}.json"


def keep(file: Path, document: Mapping[str, object]) -> None:
    """Write the evidence, whole or not at all.

    Raises:
        OSError: it could not be written; what was there before is still there.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    draft, path = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    try:
        with os.fdopen(draft, "w", encoding="utf-8") as stream:
            json.dump(document, stream, indent=2, ensure_ascii=False)
            stream.flush()
            os.fsync(stream.fileno())
        Path(path).replace(file)
    finally:
        Path(path).unlink(missing_ok=True)


def read(file: Path) -> dict[str, Any]:
    """The evidence; {} where there is none, or none that can be read."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
