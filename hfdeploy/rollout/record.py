"""What one rollout did and saw, written down as it goes: the content of its evidence file.

Fields that were sent are named; values of `env` and of secrets are in none of this. Times are the wall clock's, and
seconds those of the monotonic clock since the rollout began.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from hfdeploy.client import Api
from hfdeploy.errors import (
    AuthError,
    Cancelled,
    CapacityMissing,
    HfdeployError,
    Inconclusive,
    QuotaExceeded,
    RolloutFailed,
    Untrusted,
)
from hfdeploy.rollout.goal import Goal
from hfdeploy.verdict import Verdict
from hfdeploy.verify import Verification
from hfdeploy.wait import Clock
from hfdeploy.wire import Body, Endpoint

LOG_LINES: Final = 50
UNFINISHED: Final = "unfinished"
"""The verdict of a rollout that nobody lived to conclude."""

Keep: TypeAlias = Callable[[Mapping[str, object], str], None]
"""Writes the document under its verdict, in the place of what the same rollout kept before."""


class Record:
    """One rollout's own words. `keep` is called before anything is undone and once more at the end."""

    def __init__(self, goal: Goal, clock: Clock, keep: Keep) -> None:
        self._clock, self._keep, self._began = clock, keep, clock.now()
        self._timings: dict[str, dict[str, object]] = {}
        self._stage = ""
        self.document: dict[str, Any] = {
            "format": 1,
            "endpoint": goal.place,
            "logical_name": goal.logical,
            "owner": goal.owner,
            "generation": goal.generation,
            "configuration": goal.digest,
            "attempt": goal.plan.spec.rollout.attempt,
            "kind": "first" if goal.is_first else "update",
            "verdict": UNFINISHED,
            "sentence": "",
            "timings": self._timings,
            **_page(),
            "restore": None,
        }
        self.page = self.document
        """Where is written now: the rollout itself, or its restore."""
        self.mark("start")

    def mark(self, moment: str) -> None:
        """Remember when something was reached; the last time counts."""
        self._timings[self._stage + moment] = {
            "at": self._clock.utcnow().isoformat(timespec="milliseconds"),
            "after_s": round(self._clock.now() - self._began, 3),
        }

    def seconds_since(self, moment: str) -> float:
        """How long ago that was; since the beginning, where it never was."""
        reached = self._timings.get(moment, {}).get("after_s", 0.0)
        return self._clock.now() - self._began - float(str(reached))

    def sent(self, fields: Sequence[str], body: Body, secrets: Iterable[str]) -> None:
        """A PUT went out: its fields as the spec calls them, and the names in `env` and `secrets`."""
        model = body.get("model") or {}
        self.page["request"] = {
            "method": "PUT",
            "fields": list(fields),
            "env": sorted(model.get("env") or {}),
            "secrets": sorted(secrets) if "secrets" in model else [],
        }
        self.mark("put")

    def served(self, live: Endpoint) -> None:
        """What serves now."""
        self.page["serves"] = told(live)

    def proved(self, verification: Verification) -> None:
        """What was asked and answered, the generated text included."""
        self.page["proof"] = verification.as_dict()
        if verification.first_token_at:
            self._timings[f"{self._stage}first_token"] = {"at": verification.first_token_at}

    def fail(self, live: Endpoint, lines: Sequence[str] | None) -> None:
        """Evidence of a failure, before anything is changed; only the first is kept. `lines` is None for no log."""
        if self.page["failure"] is None:
            self.mark("failure")
            self.page["failure"] = {
                "at": self._clock.utcnow().isoformat(timespec="milliseconds"),
                "state": live.status.state.value,
                "message": live.status.message,
                "error_message": live.status.error_message,
                "replicas": {"ready": live.status.ready_replica, "target": live.status.target_replica},
                "updated_by": live.status.updated_by.name,
                "log": None if lines is None else list(lines),
            }

    def restoring(self, **facts: object) -> None:
        """From here on what is written down is the restore's."""
        self.page = self.document["restore"] = {**facts, **_page()}
        self._stage = "restore_"
        self.mark("start")

    def keep(self, verdict: str = UNFINISHED, sentence: str = "") -> None:
        """Write everything down."""
        self.document |= {"verdict": verdict, "sentence": sentence}
        if verdict != UNFINISHED:
            self._stage = ""
            self.mark("end")
        self._keep(self.document, verdict)


def _page() -> dict[str, Any]:
    """What is written down alike of a rollout and of its restore."""
    return {
        "request": None,
        "replicas": {"before": [], "after": None},
        "serves": None,
        "proof": None,
        "failure": None,
    }


def told(live: Endpoint) -> dict[str, object]:
    """Revision, image and compute of what serves; of the image what is no credential."""
    variant = live.model.image.get(live.model.engine, {})
    return {
        "state": live.status.state.value,
        "repository": live.model.repository,
        "revision": live.model.revision,
        "engine": live.model.engine,
        "image": {name: value for name, value in variant.items() if name != "credentials"},
        "compute": live.compute.model_dump(mode="json"),
        "replicas": {"ready": live.status.ready_replica, "target": live.status.target_replica},
        "url": live.status.url,
    }


def last_lines(goal: Goal, api: Api) -> list[str] | None:
    """The newest lines of the container's log, which the client has scrubbed; None where they are not to be had."""
    try:
        return api.logs(goal.namespace, goal.plan.name, tail=LOG_LINES)
    except Cancelled:
        raise
    except HfdeployError:
        return None


def verdict_of(error: HfdeployError) -> str:
    """The word for how a rollout ended that was not green."""
    match error:
        case RolloutFailed():
            return Verdict.FAILED.value
        case Inconclusive() | QuotaExceeded() | CapacityMissing() | AuthError() | Untrusted():
            return Verdict.INCONCLUSIVE.value
        case Cancelled():
            return "cancelled"
        case _:
            return "error"
