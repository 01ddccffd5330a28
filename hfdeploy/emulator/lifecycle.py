"""How an endpoint ages, as data: journeys are lists of stages, an outcome says how a journey ends.

Nothing here knows a clock or a network. Durations are seconds, named as in the option `durations`, whose defaults are
times that were recorded on the live service (T4 with TEI: 157 s to the first `running`; a resume: 84 s; a cold
start: 42 s; waiting for an A10G: 3.5 minutes).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Journey = Literal["create", "update", "resume", "wake"]
Serves = Literal["nothing", "old", "new"]

MOVING = frozenset({"pending", "initializing", "updating"})
BILLED = frozenset({"initializing", "running", "updating", "updateFailed"})
"""`initializing` and `running` by the documentation; an update keeps replicas running throughout."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a journey ends, where not well."""

    stuck_in: str | None = None
    """The state that is never left; an update that is stuck stays `updating`."""
    error: str | None = None
    """The journey ends in `failed`, an update in `updateFailed`, with this as `errorMessage`."""
    only: frozenset[Journey] = frozenset({"create", "update", "resume", "wake"})
    """The journeys that are concerned; all others end well."""
    waits: str | None = None
    """The duration to add before hardware is there."""
    answers_after: str | None = None
    """The duration for which `running` is shown before the health route answers."""


OUTCOMES: Mapping[str, Outcome] = {
    "healthy": Outcome(),
    "broken_image": Outcome(error="Endpoint failed to start: the container exited with code 1"),
    "update_failed": Outcome(
        error="Endpoint failed to start: the container exited with code 1", only=frozenset({"update"})
    ),
    "stuck_pending": Outcome(stuck_in="pending"),
    "stuck_initializing": Outcome(stuck_in="initializing"),
    "long_hardware_wait": Outcome(waits="hardware_wait"),
    "late_health": Outcome(answers_after="late_health"),
}


@dataclass(frozen=True, slots=True)
class Stage:
    """One stretch of a journey."""

    state: str
    seconds: float | None
    """How long until the next stage; None is for ever, or until somebody does something."""
    message: str
    serves: Serves = "nothing"
    """Which configuration answers meanwhile: none, the one that ran before the journey, or the new one."""
    error: str | None = None
    answers_after: float = 0.0
    """Seconds into the stage before the health route answers."""


RUNNING = Stage("running", None, "Endpoint is ready", "new")
PAUSED = Stage("paused", None, "Endpoint has been paused")
SCALED_TO_ZERO = Stage("scaledToZero", None, "Endpoint scaled to zero")

_WAITING = "Endpoint waiting to be scheduled"
_STARTING = "Endpoint is initializing"
_FAILED = "Endpoint failed to deploy"


def stages(
    journey: Journey,
    outcome: Outcome,
    seconds: Mapping[str, float],
    *,
    update_state: str = "updating",
    rolling: bool = True,
    keeps_serving: bool = True,
) -> list[Stage]:
    """The stages of a journey, in order; the last has no end.

    `seconds` has the keys of the option `durations`. `update_state` is shown during an update; `rolling` lets the
    old replicas serve meanwhile, `keeps_serving` also after an update has failed.
    """
    if journey not in outcome.only:
        outcome = OUTCOMES["healthy"]
    wait = seconds[outcome.waits] if outcome.waits else 0.0
    last = _end(journey, outcome, seconds, keeps_serving=keeps_serving)
    meanwhile: Serves = "old" if rolling else "nothing"
    match journey:
        case "update":
            way = [Stage(update_state, seconds["updating"] + wait, "Endpoint waiting for the update", meanwhile)]
        case "wake":
            way = [Stage("initializing", seconds["wake"] + wait, _STARTING)]
        case "create":
            way = _from_pending(seconds["pending"] + wait, seconds["initializing"])
        case "resume":
            way = _from_pending(seconds["resume_pending"] + wait, seconds["resume"])
    return _stick(way, outcome) or [*way, last]


def _from_pending(pending: float, initializing: float) -> list[Stage]:
    return [Stage("pending", pending, _WAITING), Stage("initializing", initializing, _STARTING)]


def _stick(way: list[Stage], outcome: Outcome) -> list[Stage]:
    """The way up to the stage that is never left; nothing when none is."""
    if outcome.stuck_in is None:
        return []
    index = next((i for i, stage in enumerate(way) if stage.state == outcome.stuck_in), len(way) - 1)
    stuck = way[index]
    return [*way[:index], Stage(stuck.state, None, stuck.message, stuck.serves)]


def _end(journey: Journey, outcome: Outcome, seconds: Mapping[str, float], *, keeps_serving: bool) -> Stage:
    if outcome.error is None:
        late = seconds[outcome.answers_after] if outcome.answers_after else 0.0
        return Stage(RUNNING.state, None, RUNNING.message, "new", answers_after=late)
    if journey == "update":
        return Stage("updateFailed", None, _FAILED, "old" if keeps_serving else "nothing", outcome.error)
    return Stage("failed", None, _FAILED, "nothing", outcome.error)
