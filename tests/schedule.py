"""A schedule: a seed becomes a stack, a step, two faults and somebody else's change.

`python tests/schedule.py SEED` shows one course of events, request by request.
"""

import random
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent / "emulator")]

from sabotage import CHANGES, FAULTS, OUTCOMES, STREAMS, Change, Injury

NAMES: Final = ("alpha", "beta", "gamma")
BAD: Final = "acme/broken-inference:1"
STEPS: Final = ("create", "update", "bad update", "bad create", "replace", "remove", "destroy")

Spec = dict[str, Any]

BASE: Final[Spec] = {
    "repository": "HuggingFaceTB/SmolLM2-360M-Instruct",
    "task": "text-generation",
    "cloud": "aws",
    "region": "us-east-1",
    "instance": "nvidia-t4 x1",
    "engine": {"type": "tgi", "image": "acme/inference:1"},
    "env": {"KEPT": "yes"},
    "tags": ["team-a"],
    "verify": {"max_new_tokens": 4},
    "rollout": {"timeout": "90s"},
}
SECRET: Final = {"secrets": {"API_KEY": {"from_env": "THE_KEY"}}}
REGISTRY: Final = {
    "engine": {
        "type": "custom",
        "image": "registry.example.org/acme/server:1",
        "health_route": "/health",
        "registry": {"username": "puller", "password": {"from_env": "REGISTRY_PASSWORD"}},
    },
}
UPDATES: Final[tuple[Spec, ...]] = (
    {"env": {"KEPT": "yes", "MORE": "1"}},
    {"instance": "nvidia-l4 x1"},
    {"autoscaling": {"min": 0, "max": 3}},
    {"security": "authenticated"},
    {"tags": ["team-b", "nightly"]},
    {"repository": "Qwen/Qwen2.5-7B-Instruct"},
    {"args": ["--trust-remote-code"]},
)
_LENGTHS: Final = {
    "create": (0, 14),
    "bad create": (0, 14),
    "update": (20, 0),
    "bad update": (40, 0),
    "replace": (16, 0),
    "remove": (8, 0),
    "destroy": (3, 3),
}
"""About how many requests a step sends, in all and more for each endpoint: where trouble can strike."""


@dataclass(frozen=True)
class Schedule:
    """What happens, in order: the stack `before` is made in peace, then the step meets `injuries` and `change`."""

    step: str
    before: Mapping[str, Spec]
    after: Mapping[str, Spec]
    injuries: tuple[Injury, ...] = ()
    change: Change | None = None
    target: str = NAMES[0]
    failure: str = ""
    """How a bad configuration fails: an outcome of a deployment, or `empty` answers."""
    destroys_at_once: bool = False
    """`destroy` follows the trouble directly, without a re-run."""

    def __str__(self) -> str:
        injuries = ", ".join(f"{one.kind} at {one.at} ({one.target})" for one in self.injuries)
        other = f"{self.change.kind} at {self.change.at} ({self.change.target})" if self.change else "nobody"
        ends = ", then destroy at once" if self.destroys_at_once else ""
        count = len(self.before) or len(self.after)
        return f"{self.step} of {self.target} among {count} {self.failure}: {injuries}; {other}{ends}"


def draw(seed: int) -> Schedule:
    """The schedule of a seed."""
    rng = random.Random(seed)  # noqa: S311 - repeatable on purpose
    specs = {name: _drawn_spec(rng) for name in NAMES[: rng.choice((1, 1, 2, 2, 3))]}
    step, target = rng.choice(STEPS), rng.choice(list(specs))
    after, failure = dict(specs), ""
    match step:
        case "update":
            after[target] = {**specs[target], **rng.choice(UPDATES)}
        case "bad update" | "bad create":
            failure = rng.choice(("broken_image", "empty"))
            after[target] = {**specs[target], "engine": {**specs[target]["engine"], "image": BAD}}
        case "replace":
            after[target] = {**specs[target], "region": "eu-west-1"}
        case "remove":
            del after[target]
        case "destroy":
            after = {}
    once, each = _LENGTHS[step]
    most = once + each * len(specs)
    return Schedule(
        step=step,
        before={} if "create" in step else specs,
        after=after,
        injuries=tuple(_drawn_injury(rng, most, target) for _ in range(2)),
        change=Change(rng.choice(CHANGES), rng.randrange(most), rng.choice(list(specs))),
        target=target,
        failure=failure,
        destroys_at_once=rng.random() < 0.2,
    )


def _drawn_spec(rng: random.Random) -> Spec:
    spec = {**BASE, **(REGISTRY if rng.random() < 0.25 else {}), **(SECRET if rng.random() < 0.5 else {})}
    return spec | {"autoscaling": {"min": 1, "max": 2}} if rng.random() < 0.3 else spec


def _drawn_injury(rng: random.Random, most: int, target: str) -> Injury:
    kinds = rng.choices((list(FAULTS), list(OUTCOMES), list(STREAMS)), weights=(8, 1, 1))[0]
    return Injury(rng.choice(kinds), rng.randrange(most), target)


if __name__ == "__main__":
    from theatre import main  # it plays schedules, so it needs this module first

    first, _, last = sys.argv[1].partition("-")
    sys.exit(main(list(range(int(first), int(last or first) + 1))))
