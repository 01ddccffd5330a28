"""Ctrl-C once and twice, and CI's cancel, at the moments of an `up` where something is under way.

The request that a moment is about hangs, undone or carried out, and the keys are pressed then: the engine, in a
process group of its own as under a terminal, is told with the whole group. From what is left, both ways on are tried
as after a kill (`wreckage.py`): the next `up` is green over one endpoint that is tracked, live and proved; `destroy`
at once ends with nothing left, or not green.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import pytest
from control_plane import running
from killing import OPERATIONS, Point
from wreckage import Scene

NAMED, LISTED, STREAM = "/v2/endpoint/acme/tiny", "/v2/endpoint/acme", "/endpoints/acme/tiny/generate_stream"


@dataclass(frozen=True, slots=True)
class Moment:
    """A request of an operation: the one of this method and path after `skip` others; `commit` carries it out."""

    operation: str
    method: str
    path: str
    skip: int = 0
    commit: bool = False


MOMENTS = {
    "create, before the look": Moment("create", "GET", NAMED),
    "create, before the POST": Moment("create", "POST", LISTED),
    "create, after the POST": Moment("create", "POST", LISTED, commit=True),
    "create, in the wait": Moment("create", "GET", LISTED),
    "create, in the proof": Moment("create", "POST", STREAM),
    "update, before the PUT": Moment("update", "PUT", NAMED),
    "update, after the PUT": Moment("update", "PUT", NAMED, commit=True),
    "update, in the wait": Moment("update", "GET", LISTED, skip=1),
    "update, in the proof": Moment("update", "POST", STREAM),
    "restore, before its PUT": Moment("restore", "PUT", NAMED, skip=1),
    "restore, after its PUT": Moment("restore", "PUT", NAMED, skip=1, commit=True),
    "restore, in its proof": Moment("restore", "POST", STREAM, skip=3),
    "replace, after the DELETE": Moment("replace", "DELETE", NAMED, commit=True),
}
HARD = [
    "create, before the POST",
    "create, after the POST",
    "create, in the proof",
    "update, after the PUT",
    "restore, before its PUT",
    "replace, after the DELETE",
]
"""The moments at which an end without a word hurts."""

KEYS: dict[str, tuple[tuple[float, signal.Signals], ...]] = {
    "once": ((0.0, signal.SIGINT),),
    "twice": ((0.0, signal.SIGINT), (0.3, signal.SIGINT)),
    "cancelled by CI": ((0.0, signal.SIGINT), (0.75, signal.SIGTERM), (0.25, signal.SIGKILL)),
}
"""Seconds after the one before, and the signal. CI's are a tenth of what they are: all three then meet a process."""

CASES = [("once", name) for name in MOMENTS] + [(keys, name) for keys in ("twice", "cancelled by CI") for name in HARD]


class Desk(Scene):
    """A stack that somebody brings up at a terminal, and interrupts."""

    def press(self, moment: Moment, keys: tuple[tuple[float, signal.Signals], ...]) -> tuple[int, str]:
        """Bring up until the request of that moment hangs, press the keys; the exit code, and what the terminal shows.

        Raises:
            AssertionError: the run ended before that request.
        """
        self.set_out(OPERATIONS[moment.operation])
        self.world.fault("hang", method=moment.method, path=moment.path, skip=moment.skip, commit=moment.commit)
        engine = self._at_a_terminal()
        try:
            is_there = self._await_request(engine, Point(moment.operation, "engine", "after" * moment.commit))
            assert is_there, f"the run ended before {moment}:\n{engine.communicate()[0]}"
            for pause, key in keys:
                time.sleep(pause)
                self._signal(engine, key)
            # A hanging request is let go only now: without the signals the run would still be in it.
            shown, _ = engine.communicate(timeout=60)
        finally:
            self.world._script("DELETE", "/faults")
            self.clear()
            engine.wait()
        return engine.returncode, shown

    def _at_a_terminal(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.project._engine.pulumi), "up", "--yes", "--skip-preview", "--non-interactive"],
            cwd=self.project.stacks,
            env=self.project.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            # Whoever runs the tests in the background has SIGINT ignored, and children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    def _signal(self, engine: subprocess.Popen[str], key: signal.Signals) -> None:
        """To the group of the terminal; CI's last word is for every process that the run has started."""
        with suppress(ProcessLookupError):  # the keys before this one have ended it
            os.killpg(engine.pid, key)
        if key is signal.SIGKILL:
            self.clear()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One stack per worker. Wrecks that a kill has left too were repaired there, and the other way round."""
    known = tmp_path_factory.getbasetemp().parent / "repaired-wrecks"
    known.mkdir(exist_ok=True)
    with running(speed=5000) as world:
        found = Desk(tmp_path_factory.mktemp("desk"), world, known)
        yield found
        found.clear()


@pytest.mark.fault(43)
@pytest.mark.parametrize(("keys", "name"), CASES, ids=[f"{keys}: {name}" for keys, name in CASES])
def test_an_interrupted_run_is_healed(desk: Desk, keys: str, name: str, record_property) -> None:
    """One endpoint per spec, tracked, live as specified and proved; destroyed at once, nothing is left unsaid."""
    moment = MOMENTS[name]
    before = desk.orphans, desk.false_successes, desk.repaired
    began = time.monotonic()

    code, shown = desk.press(moment, KEYS[keys])

    assert code != 0, shown
    assert "Traceback" not in shown
    if keys == "once":
        assert "un again to continue" in shown, shown
        assert desk.project.pulumi("stack", "export").returncode == 0
    try:
        desk.examine(Point(moment.operation, "engine", "after"))
    finally:
        desk.clear()
        record_property("faults", 1)
        record_property("orphans", desk.orphans - before[0])
        record_property("false_successes", desk.false_successes - before[1])
    is_new = "repaired" if desk.repaired > before[2] else "known"
    desk.tell(f"{keys}: {name}: exit {code}, {is_new}, {time.monotonic() - began:.1f} s")
