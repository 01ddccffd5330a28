"""Theatre: an emulator and a plugin process in which schedules are carried out and judged, one after the other."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import invariants
from control_plane import Running, running
from invariants import Others, Violation
from plugin_host import Host
from reconcile import STOCK, Providers, Run, Stack
from sabotage import FOREIGN, OUTCOMES, Sabotage
from schedule import BAD, BASE, Schedule, draw

SPEED: Final = 20.0
"""Of deployments: what is left of them is wound, and few looks are needed."""

FAST: Final = {"first_token_ms": 1, "token_interval_ms": 1, "drip_interval_ms": 20, "accounts": invariants.ACCOUNTS}
LAWFUL_REFUSALS: Final = ("namesake made first", "recreated by somebody", "tags stripped", "owner tag forged")
"""Changes after which a run has to refuse: what is there is not this stack's any more."""


@dataclass
class Verdict:
    """What came of one schedule."""

    violations: list[Violation]
    runs: list[Run]
    hits: list[tuple[int, str, bool]]
    was_changed: bool


@dataclass
class Theatre:
    """One emulator and one plugin process, in which schedules are carried out one after the other."""

    world: Running
    host: Host

    def play(self, schedule: Schedule, providers: Providers = STOCK) -> Verdict:
        """Carry a schedule out and judge it."""
        self.world._script("POST", "/reset")
        self.host.said.clear()
        return _Play(self, schedule, Stack(self.host, providers)).verdict()


@contextmanager
def theatre(folder: Path) -> Iterator[Theatre]:
    """An emulator and a plugin process of one's own."""
    with running(speed=SPEED, options=FAST) as world:
        config = {"hfdeploy:apiUrl": world.url, "hfdeploy:hubUrl": world.url, "hfdeploy:token": invariants.TOKEN}
        host = Host(config, folder, **invariants.SECRETS)
        try:
            yield Theatre(world, host)
        finally:
            host.close()


@dataclass
class _Play:
    """One schedule under way."""

    theatre: Theatre
    schedule: Schedule
    stack: Stack
    runs: list[Run] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world = self.theatre.world
        self.others = Others(self.world)
        self.sabotage = Sabotage(
            self.world,
            self.schedule.injuries,
            self.schedule.change,
            pid=lambda: self.theatre.host.pid,
            note_foreign=self.others.note,
            silent_image=BAD if self.schedule.failure == "empty" else "",
        )

    def verdict(self) -> Verdict:
        with self.sabotage.watching():
            self._perform()
        return Verdict(self.violations, self.runs, self.sabotage.hits, self.sabotage.was_changed)

    def _perform(self) -> None:
        self._set_the_scene()
        self._meet_the_trouble()
        if not self.schedule.destroys_at_once and self.schedule.step != "destroy":
            self._run_again()
        self._judge_the_world()
        self._destroy()
        self._judge_the_requests()
        taken = None
        if self._was_changed("recreated by somebody") and self.schedule.change is not None:
            taken = (self.schedule.change.target, self.sabotage.changed_at)
        self.violations += self.others.touched(taken=taken)
        self.violations += invariants.nothing_leaked(self.stack, self.theatre.host, self.runs)

    def _set_the_scene(self) -> None:
        for name, tags in (("bystander", []), ("neighbour", ["hfd-o-0123456789ab", "hfd-l-alpha"])):
            self.world.seed(name, **FOREIGN, tags=tags)
            self.others.note(name)
        if self.schedule.failure in OUTCOMES:
            self.world.set(outcomes=[{"match": {"model.image.*.url": BAD}, "outcome": self.schedule.failure}])
        if self.schedule.before:
            run = self.stack.up(self.schedule.before)
            assert run.is_green, f"the undisturbed first run failed: {run}"

    def _meet_the_trouble(self) -> None:
        outcomes = [
            {"match": {"name": one.target}, "outcome": one.kind, "times": 1}
            for one in self.schedule.injuries
            if one.kind in OUTCOMES
        ]
        standing = self.world.app.world.options["outcomes"]
        self.world.set(outcomes=[*standing, *outcomes])
        with self.sabotage.going_on():
            run = self._once()
        self.world.set(outcomes=[rule for rule in self.world.app.world.options["outcomes"] if "times" not in rule])
        for record in self.world.app.world.store.all():
            record.behaviour = {}
        if run.is_green and self._is_bad():
            self.violations.append(Violation("G", f"{self.schedule.target} does not work, and the run was green"))

    def _once(self) -> Run:
        at_first = self._count()
        run = self.stack.destroy() if self.schedule.step == "destroy" else self.stack.up(self.schedule.after)
        self.runs.append(run)
        self.violations += invariants.stops_at_401(self.world.requests(at_first))
        return run

    def _run_again(self) -> None:
        run = self._once()
        for _ in range(2):
            if run.is_green or self._is_bad():
                break
            said = str(run)
            if "failed before and was put back" in said:
                # A fault made a good configuration fail: the way out is the one that is told.
                self.schedule.after[self.schedule.target]["rollout"] = {**BASE["rollout"], "attempt": 2}
            elif "although it was to be deleted" in said:
                invariants.orphaned(self.world, self.stack, remove=True)
            elif not any(one.kind in OUTCOMES for one in self.schedule.injuries):
                break
            # Else the deployment that was to go wrong was begun by the first run, and only this one saw it end.
            run = self._once()
        if run.is_green:
            bad = [self.schedule.target] if self._is_bad() else []
            self.violations += invariants.as_asked(
                self.world, self.stack, self.schedule.after, bad=bad, may_be_paused=self._was_changed("paused")
            )
            if not self._was_changed("paused"):
                self.violations += invariants.nothing_to_do(self.stack, self.schedule.after)
        elif self.schedule.step == "bad update" and not self._is_meddled_with():
            self._require_a_way_back()
        elif not (self._is_bad() or self._was_changed(*LAWFUL_REFUSALS)):
            self.violations.append(Violation("S", f"the plain re-run did not end green: {run}"))

    def _require_a_way_back(self) -> None:
        """What served before serves again, or does after `up` with the spec as it was: the way out that is told."""
        before, target = self.schedule.before, self.schedule.target
        missing = invariants.restored(self.world, before[target], target)
        if not self.schedule.injuries and self.schedule.change is None:
            # Nothing was in the way of putting it back at once.
            self.violations += missing
        if not missing:
            return
        run = self.stack.up(before)
        self.runs.append(run)
        if run.is_green:
            self.violations += invariants.restored(self.world, before[target], target)
        elif not any(one.kind.startswith("stuck") for one in self.schedule.injuries):
            self.violations.append(Violation("R", f"the spec as it was before does not come back: {run}"))

    def _is_bad(self) -> bool:
        return bool(self.schedule.failure)

    def _is_meddled_with(self) -> bool:
        change = self.schedule.change
        return self.sabotage.was_changed and change is not None and change.target == self.schedule.target

    def _was_changed(self, *kinds: str) -> bool:
        change = self.schedule.change
        return change is not None and self.sabotage.was_changed and change.kind in kinds

    def _judge_the_world(self) -> None:
        stripped = [self.schedule.change.target] if self._was_changed("tags stripped", "owner tag forged") else []
        self.violations += invariants.known(self.world, self.stack, self.others, excused=stripped)
        self.violations += invariants.loads(self.stack)

    def _destroy(self) -> None:
        """`destroy` ends green with nothing left, or not green and `orphans` clears it up."""
        owner = self.stack.owner
        run = self.stack.destroy()
        self.runs.append(run)
        if not run.is_green and not self._was_changed("tags stripped", "owner tag forged"):
            invariants.orphaned(self.world, self.stack, remove=True)
            run = self.stack.destroy()
            self.runs.append(run)
            if not run.is_green:
                self.violations.append(Violation("S", f"destroy does not end green after `orphans`: {run}"))
        alive = invariants.endpoints(self.world)
        left = set(invariants.tagged(alive, owner)) | (self._ours(alive) if run.is_green else set())
        if run.is_green and left:
            self.violations.append(Violation("O", f"destroy was green, and {', '.join(sorted(left))} is alive"))

    def _ours(self, alive: Mapping[str, Any]) -> set[str]:
        """Whatever is there and was not there without us, tags or no tags."""
        stripped = {self.schedule.change.target} if self._was_changed("tags stripped", "owner tag forged") else set()
        return set(alive) - set(self.others.before) - stripped

    def _judge_the_requests(self) -> None:
        carried_out = {number: was for number, _words, was in self.sabotage.hits}
        freed = {}
        if self._was_changed("deleted", "recreated by somebody"):
            freed[self.schedule.change.target] = self.sabotage.changed_at
        self.violations += invariants.posts_once(self.world.requests(), carried_out, freed)

    def _count(self) -> int:
        return int(self.world.app.world.journal.count)


def main(seeds: list[int]) -> int:
    """Show the courses of events of some seeds; 1 where a promise was broken."""
    worst = 0
    with tempfile.TemporaryDirectory() as folder, theatre(Path(folder)) as stage:
        for seed in seeds:
            schedule = draw(seed)
            verdict = stage.play(schedule)
            print(f"seed {seed}: {schedule}")
            for one in stage.world.requests() if len(seeds) == 1 else []:
                print(f"  {one['number']} {one['method']} {one['path']} {one['status']} {' '.join(one['faults'])}")
            for run in verdict.runs:
                print(f"  run: {run}")
            for violation in verdict.violations:
                print(f"  BROKEN {violation}")
            worst |= bool(verdict.violations)
    return worst
