"""What nobody could verify about the service, as options of the emulator: a rollout from end to end under each of them.

`python tests/unknowns.py` tries every value alone and says which promises fall, `python tests/unknowns.py --write`
writes what is known of that into docs/unknowns.md.
"""

import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any, Final

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent / "emulator")]

import invariants
from allpairspy import AllPairs
from invariants import Others, Violation
from reconcile import Run, Stack
from sabotage import FOREIGN, Injury, Sabotage
from schedule import BAD, BASE, REGISTRY, SECRET
from theatre import Theatre, theatre

from hfdeploy.emulator import switches
from hfdeploy.emulator.options import control_options

Row = dict[str, Any]

AMOUNTS: Final[Mapping[str, tuple[Any, ...]]] = {
    "delete_visible_seconds": (0, 30),
    "name_free_after_seconds": (0, 30),
    "idle_timeout_seconds": (None, 600),
    "max_replica_bound": (None, 10),
    "rate_limit": (None, {"requests": 40, "seconds": 10}),
    "scale_up_timeout_max_s": (None, 5),
    "keep_alive_interval_s": (15, 0),
    "proxy_request_timeout_s": (None, 100),
    "proxy_body_limit_bytes": (None, 100_000),
}
"""Values for the options that take any amount; what is not here and has no named values is a table of the emulator."""

ALPHA: Final = {**BASE, **SECRET, "instance": "nvidia-l4 x1"}
"""On hardware that was seen in its region, since one of the doubts is about what was not."""
BETA: Final = {**ALPHA, **REGISTRY, "secrets": {}}
STEPS: Final = (
    "a first rollout is brought live and proved",
    "after it there is nothing to do",
    "an update is brought live, and wipes nothing",
    "an update that fails is put back",
    "somebody's edit is put back",
    "what a person paused stays paused, and runs again when the spec says so",
    "a run killed after its POST is continued",
    "destroy leaves nothing of ours",
)
"""The promises of one rollout from end to end, in order."""


def options() -> dict[str, tuple[Any, ...]]:
    """Every option that is a doubt, with its values, the default first."""
    found = {}
    for one in [*control_options(), *switches.OPTIONS]:
        values = one.values or AMOUNTS.get(one.name, ())
        if len(values) > 1:
            found[one.name] = (one.default, *(value for value in values if value != one.default))
    return found


def covering_rows() -> list[Row]:
    """Rows in which every value of every option meets every value of every other one."""
    known = options()
    # The library compares values by ==, to which 0 and False are one; their places are not.
    places = AllPairs([list(range(len(values))) for values in known.values()])
    return [{name: known[name][place] for name, place in zip(known, row, strict=True)} for row in places]


def pairs_in(rows: list[Row]) -> int:
    """How many different pairs of values are together in some row."""
    told = [[(name, repr(value)) for name, value in row.items()] for row in rows]
    return len({pair for row in told for pair in combinations(row, 2)})


def all_pairs() -> int:
    """How many there are."""
    counts = [len(values) for values in options().values()]
    return sum(one * other for one, other in combinations(counts, 2))


@dataclass(frozen=True, slots=True)
class Concession:
    """A promise that falls under a value of an option, and what happens instead."""

    option: str
    value: str
    promise: str
    instead: str
    way_out: Mapping[str, Any] = field(default_factory=dict)
    """Fields of a spec with which it does not fall; the rows of the array ask for these."""


CONCESSIONS: Final = (
    Concession(
        "private_access",
        "nobody",
        STEPS[0],
        "no token opens an endpoint with `security: private`, so it cannot be proved: the rollout ends as "
        "inconclusive, which is not green, and a later one is needed with `security: authenticated`",
        {"security": "authenticated"},
    ),
    Concession(
        "resume_replicas",
        "both_one",
        STEPS[5],
        "it runs again, with both replica bounds at 1; the run says so and fails, and the next one sets the bounds of "
        "the spec",
    ),
)


def met_by(row: Row) -> list[Concession]:
    """The concessions that a row calls for."""
    return [one for one in CONCESSIONS if row.get(one.option) == one.value]


def conceded(row: Row) -> frozenset[str]:
    """The promises that may fall in a row, although it asks for every way out."""
    return frozenset(one.promise for one in met_by(row) if not one.way_out)


DOCUMENT: Final = Path(__file__).parents[1] / "docs" / "unknowns.md"
MARKS: Final = ("<!-- options: written by python tests/unknowns.py --write -->", "<!-- /options -->")


def table() -> str:
    """What docs/unknowns.md says of the options: how many there are, and every concession."""
    known = options()
    counted = f"{len(known)} options with {sum(map(len, known.values()))} values make {all_pairs()} pairs."
    lines = [
        f"{counted} These promises hold only under some values:",
        "",
        "| option | value | the promise that falls | what happens instead |",
        "|---|---|---|---|",
        *(f"| `{one.option}` | `{one.value}` | {one.promise} | {one.instead} |" for one in CONCESSIONS),
    ]
    return "\n".join(lines)


def written(document: str) -> str:
    """The document with the table as it is now."""
    before, _, rest = document.partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    return f"{before}{MARKS[0]}\n{table()}\n{MARKS[1]}{after}"


class Rollout:
    """The scripted rollout under one row of options; `is_plain` asks for no way out of what is conceded."""

    def __init__(self, stage: Theatre, row: Row, *, is_plain: bool = False) -> None:
        self.world, self.host = stage.world, stage.host
        self.world._script("POST", "/reset")
        self.world.set(**row)
        self.stack, self.others = Stack(self.host), Others(self.world)
        self.world.seed("bystander", **FOREIGN)
        self.others.note("bystander")
        access: dict[str, Any] = {}
        for one in [] if is_plain else met_by(row):
            access |= one.way_out
        self.gamma = {**ALPHA, **access}
        self.specs: dict[str, Any] = {"alpha": self.gamma, "beta": {**BETA, **access}}

    def broken(self) -> Iterator[tuple[str, Violation]]:
        """The promises that fell, with what was seen."""
        steps = (
            self._create,
            self._preview,
            self._update,
            self._fail,
            self._drift,
            self._pause,
            self._crash,
            self._destroy,
        )
        for promise, step in zip(STEPS, steps, strict=True):
            violations = [*step(), *self.others.touched()]
            for violation in violations:
                yield promise, violation
            if violations and step == self._create:
                # Without a first rollout nothing else is promised but that nothing stays behind.
                for violation in self._destroy():
                    yield STEPS[-1], violation
                break
        for violation in invariants.nothing_leaked(self.stack, self.host, []):
            yield "nothing leaks", violation

    def _green(self, run: Run, *, may_be_paused: bool = False) -> list[Violation]:
        if not run.is_green:
            return [Violation("S", str(run))]
        return [
            *invariants.as_asked(self.world, self.stack, self.specs, may_be_paused=may_be_paused),
            *invariants.known(self.world, self.stack, self.others),
        ]

    def _create(self) -> list[Violation]:
        return self._green(self.stack.up(self.specs))

    def _preview(self) -> list[Violation]:
        return invariants.nothing_to_do(self.stack, self.specs)

    def _update(self) -> list[Violation]:
        more = {"env": {"KEPT": "yes", "MORE": "1"}, "autoscaling": {"min": 0, "max": 2}}
        self.specs["alpha"] = {**self.specs["alpha"], **more}
        engine = {**self.specs["beta"]["engine"], "image": "registry.example.org/acme/server:2"}
        self.specs["beta"] = {**self.specs["beta"], "engine": engine}
        return self._green(self.stack.up(self.specs))

    def _fail(self) -> list[Violation]:
        self.world.set(outcomes=[{"match": {"model.image.*.url": BAD}, "outcome": "broken_image"}])
        before = self.specs["alpha"]
        bad = {**before, "engine": {**before["engine"], "image": BAD}}
        run = self.stack.up({**self.specs, "alpha": bad})
        found = [Violation("G", "alpha cannot start, and the run was green")] if run.is_green else []
        return [
            *found,
            *invariants.restored(self.world, before, "alpha"),
            *invariants.nothing_to_do(self.stack, self.specs),
        ]

    def _drift(self) -> list[Violation]:
        self.world.mutate("alpha", model={"env": {"MORE": "meddled"}}, compute={"scaling": {"maxReplica": 5}})
        return self._green(self.stack.up(self.specs))

    def _pause(self) -> list[Violation]:
        self.world.mutate("alpha", state="paused")
        found = self._green(self.stack.up(self.specs), may_be_paused=True)
        if self.world.inner("alpha")["state"] != "paused":
            found.append(Violation("G", "alpha was paused by a person and does not stay so"))
        self.specs["alpha"] = {**self.specs["alpha"], "state": "running"}
        return found + self._green(self.stack.up(self.specs))

    def _crash(self) -> list[Violation]:
        self.specs["gamma"] = self.gamma
        posts = Injury("killed after commit", 3)
        sabotage = Sabotage(self.world, (posts,), None, pid=lambda: self.host.pid)
        with sabotage.watching(), sabotage.going_on():
            self.stack.up(self.specs)
        return self._green(self.stack.up(self.specs))

    def _destroy(self) -> list[Violation]:
        owner = self.stack.owner
        run = self.stack.destroy()
        left = invariants.tagged(invariants.endpoints(self.world), owner)
        found = [] if run.is_green else [Violation("S", str(run))]
        return found + [Violation("O", f"{name} is alive after destroy") for name in left]


def main(names: list[str]) -> None:
    """Every value that is no default, alone; of all options, or of those named."""
    if names == ["--write"]:
        DOCUMENT.write_text(written(DOCUMENT.read_text()))
        return
    with tempfile.TemporaryDirectory() as folder, theatre(Path(folder)) as stage:
        for name in names or list(options()):
            for value in options()[name][1:]:
                for promise, violation in Rollout(stage, {name: value}, is_plain=True).broken():
                    print(f"{name}={value!r} | {promise} | {violation}"[:600], flush=True)
        print("all tried")


if __name__ == "__main__":
    main(sys.argv[1:])
