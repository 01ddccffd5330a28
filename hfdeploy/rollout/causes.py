"""What a failed start usually comes from: what the container's last lines give away, else what is worth a look."""

from collections.abc import Sequence
from typing import Final

from hfdeploy.wire import State

_SIGNS: Final = (
    (
        ("out of memory", "outofmemory", "oom-kill", "oomkilled", "not enough memory", "insufficient memory"),
        "too little memory for the model: a larger instance, engine.quantize, or a shorter max_model_len",
    ),
    (
        ("gated repo", "gated model", "access to model", "401 client error", "403 client error", "is restricted"),
        "a repository that the container may not read: accept the model's conditions, and put a token under secrets",
    ),
    (
        ("revision not found", "repository not found", "is not a valid model identifier", "entry not found"),
        "a repository or revision that does not exist, or whose files are others than the engine needs",
    ),
    (
        ("trust_remote_code", "trust-remote-code"),
        "a model with code of its own, which runs only with the engine's argument for that",
    ),
    (
        ("unrecognized argument", "unexpected argument", "invalid argument", "no such option", "unknown option"),
        "an argument that this engine does not know: args and the fields of engine",
    ),
    (
        ("exec format error", "no such file or directory", "executable file not found", "manifest unknown"),
        "an image, or a command in it, that does not exist for this hardware",
    ),
)
_STARTED_AND_SILENT: Final = (
    "a container that listens on another port than engine.port, another health route than engine.health_route, too "
    "little memory, or a start that takes longer than rollout.timeout"
)
_ENDED: Final = "too little memory for the model, or an image, a command or an argument that is not there"


def likely_causes(state: State, lines: Sequence[str]) -> str:
    """One sentence. `lines` are the newest of the container's log, none where it could not be read."""
    text = "\n".join(lines).lower()
    found = [cause for signs, cause in _SIGNS if any(sign in text for sign in signs)]
    if found:
        return f"Its log points to {'; or to '.join(found)}."
    usual = _ENDED if state in {State.FAILED, State.UPDATE_FAILED} else _STARTED_AND_SILENT
    return f"Usual causes: {usual}."
