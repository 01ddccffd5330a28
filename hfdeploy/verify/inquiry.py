"""What an endpoint says of itself before it is asked to work: served name, kind of model, commit."""

import json
from collections.abc import Callable, Mapping
from typing import Final

from hfdeploy.spec import is_commit
from hfdeploy.stream import About, Address, Family, Late, Lost, Target, family_of, fetch
from hfdeploy.verdict import Judgement, Reason, inconclusive

_INFO: Final = frozenset({Family.TGI, Family.TEI, Family.UNKNOWN})
_MODELS: Final = frozenset({Family.OPENAI, Family.UNKNOWN})


def inquire(address: Address, target: Target, *, seconds: float, stopped: Callable[[], bool]) -> About:
    """Ask what this engine can be asked. Silence is no finding: the try that follows speaks for itself.

    Raises:
        errors.Cancelled: somebody asked to stop.
    """

    def ask(path: str) -> Mapping[str, object]:
        try:
            reply = fetch(address, path, token=target.token, seconds=seconds, stopped=stopped)
            document = json.loads(reply.body) if reply.status == 200 else {}
        except (Late, Lost, ValueError, RecursionError):
            return {}
        return document if isinstance(document, dict) else {}

    family = family_of(target.engine)
    info = ask("/info") if family in _INFO else {}
    model = _served(ask("/v1/models"), target.repository) if family in _MODELS else ""
    return About(model, info)


def other_revision(target: Target, about: About) -> Judgement | None:
    """Whether what answers says that it serves another commit: an old replica during an update, usually."""
    served = about.info.get("model_sha")
    if not isinstance(served, str) or not is_commit(served) or not is_commit(target.revision):
        return None
    if served == target.revision:
        return None
    sentence = f"the replica that answers serves commit {served[:12]}, asked for is {target.revision[:12]}"
    return inconclusive(Reason.WRONG_REVISION, sentence)


def _served(models: Mapping[str, object], repository: str) -> str:
    """The repository where it is listed, else the first name: an engine refuses every other."""
    data = models.get("data")
    entries = data if isinstance(data, list) else []
    names = [entry["id"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), str)]
    return repository if repository in names else next(iter(names), "")
