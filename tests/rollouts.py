"""Rollouts in this process, without an engine, on a clock that is wound: what the service then has is the subject.

A pytest plugin that test modules also import from, hence PYTEST_DONT_REWRITE.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from clocks import Clock
from control_plane import OWNER, Running
from plugin_stack import SPEC, puts
from rows import Told as Quiet

from hfdeploy.emulator import reply
from hfdeploy.errors import Cancelled, HfdeployError
from hfdeploy.provider import configuration, identity
from hfdeploy.provider.session import Session

BASE: dict[str, Any] = {**SPEC, "verify": {"max_new_tokens": 4}}
GOOD = BASE["engine"]["image"]
BAD, WORSE = "acme/broken-inference:1", "acme/broken-inference:2"
UPDATING_S = 300.0
"""Of an update that a run waits for, on the emulator's clock."""

OWNER_ID = "0123456789ab"
BARE = {"command": None, "args": None, "max_model_len": None}
"""Without what only the engine of `BASE` takes."""


def tgi(image: str = GOOD, **more: Any) -> dict[str, Any]:
    """The engine of `BASE` with another image, or more of it."""
    return {"engine": {**BASE["engine"], "image": image, **more}}


def custom(image: str = "registry.example.org/acme/server:1", *, user: str = "u1", source: str = "P") -> dict[str, Any]:
    """An image behind a password."""
    registry = {"username": user, "password": {"from_env": source}}
    return {"engine": {"type": "custom", "image": image, "registry": registry}}


def served(image: str, **more: Any) -> dict[str, Any]:
    """The same as `tgi`, as the service has it."""
    return {"image": {"tgi": {"url": image, "maxInputLength": 1024, "maxTotalTokens": 2048, **more}}}


class Interruptible(Clock):
    """A wound clock; whoever waits on it while `is_killed` hears that somebody asked to stop, as on the real one."""

    def __init__(self) -> None:
        super().__init__()
        self.is_killed = False
        self.goes_on: Callable[[float], object] = float
        """What else time passes for."""

    def sleep(self, seconds: float) -> None:
        if self.is_killed:
            raise Cancelled("Interrupted while waiting; run again to continue.")
        super().sleep(seconds)
        self.goes_on(seconds)


class Told(Quiet):
    """A row that remembers, and at whose words somebody may lend a hand."""

    def __init__(self) -> None:
        super().__init__()
        self.hands: dict[str, Callable[[], object]] = {}
        """What happens at the first live text that begins so."""

    def show(self, text: str) -> None:
        for beginning in [one for one in self.hands if text.startswith(one)]:
            self.hands.pop(beginning)()


class Stack:
    """One endpoint as the engine would hold it: inputs, outputs, and a session for every run."""

    def __init__(self, world: Running, **spec: Any) -> None:
        self.world, self.row, self.clock = world, Told(), Interruptible()
        self.spec = {**BASE, **spec}
        self.outs: dict[str, Any] | None = None
        self._opened: list[Session] = []
        self.own = {"owner": OWNER_ID, "logical_name": "tiny"}

    def exist(self) -> "Stack":
        """Made, or taken over, by a run of its own."""
        self.session()
        self.make()
        return self

    def make(self) -> None:
        """The same in the run that goes on."""
        self.own.pop("generation", None)
        self.own["generation"] = identity.ensure(self.inputs(), self.run, self.row)["generation"]

    def remove(self) -> None:
        """Deleted, by a run that goes on."""
        self.session()
        identity.remove(self.inputs(), self.run, self.row)

    def session(self, hub: str | None = None) -> Session:
        """A process of its own."""
        self.close()
        url = self.world.url
        config = {"hfdeploy:apiUrl": url, "hfdeploy:hubUrl": hub or url, "hfdeploy:token": OWNER}
        self._opened.append(Session(config, clock=self.clock))
        return self.run

    @property
    def run(self) -> Session:
        """The process that was begun last."""
        return self._opened[-1]

    def close(self) -> None:
        """End it: huggingface_hub has one address, and other tests talk to other ones."""
        while self._opened:
            self._opened.pop().api.__exit__(None, None, None)

    def inputs(self, **changes: Any) -> dict[str, Any]:
        return {key: value for key, value in {**self.spec, **changes, **self.own}.items() if value is not None}

    def reasons(self, **changes: Any) -> list[str]:
        assert self.outs is not None
        return configuration.differences(self.outs, self.inputs(**changes), self.session(), self.row)

    def bring(self, **changes: Any) -> None:
        """Created or updated, with the outputs that the state then has."""
        self.outs = configuration.bring(self.inputs(**changes), self.outs, self.session(), self.row)

    def fail(self, **changes: Any) -> str:
        """What a run says that is not green; the state is what it was."""
        with pytest.raises(HfdeployError) as caught:
            self.bring(**changes)
        return str(caught.value)

    def kill(self, **changes: Any) -> None:
        """A run that sends its update and is gone before the service is ready; then the service is."""
        self.world.set(durations={**INSTANTLY, "updating": UPDATING_S})
        self.clock.is_killed = True
        with pytest.raises(Cancelled):
            self.bring(**changes)
        self.clock.is_killed = False
        self.world.set(durations=INSTANTLY)
        self.world.advance(UPDATING_S)

    def refresh(self) -> None:
        """Read it anew, as the next run does first; whether its branch moved is not asked."""
        assert self.outs is not None
        found = configuration.read(self.outs, self.session(hub="https://huggingface.co"), self.row)
        assert found is not None
        self.outs = found[0]

    @property
    def config(self) -> dict[str, Any]:
        """What the service has, secrets in the clear."""
        config: dict[str, Any] = self.world.inner("tiny")["config"]
        return config

    @property
    def image(self) -> str:
        return str(next(iter(self.config["model"]["image"].values()))["url"])

    @property
    def images_sent(self) -> list[str]:
        """By the updates that named one, in their order."""
        models = [put.get("model", {}) for put in puts(self.world)]
        return [next(iter(model["image"].values()))["url"] for model in models if "image" in model]

    def tags(self, prefix: str) -> list[str]:
        return [tag for tag in self.config["tags"] if tag.startswith(prefix)]


INSTANTLY = dict.fromkeys(("pending", "initializing", "updating", "private_service"), 0)

Make = Callable[..., Stack]


@pytest.fixture
def make(world: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Stacks by their specs; `is_live=False` leaves the first rollout to the test."""
    monkeypatch.chdir(tmp_path)
    stacks: list[Stack] = []

    def made(*, is_live: bool = True, **spec: Any) -> Stack:
        world.set(durations=INSTANTLY)
        stacks.append(Stack(world, **spec).exist())
        if is_live:
            stacks[-1].bring()
        return stacks[-1]

    yield made
    for stack in stacks:
        stack.close()


def seeded(world: Running, model: dict[str, Any], tags: list[str] | None = None) -> dict[str, Any]:
    """Somebody's endpoint of that name, and the fields of a spec that takes it over."""
    world.seed("tiny", model=model, **({"tags": tags} if tags else {}))
    found = world.get("tiny")
    where = found["provider"]
    return {"adopt": found["status"]["createdAt"], "cloud": where["vendor"], "region": where["region"]}


def keep_listing(world: Running, monkeypatch: pytest.MonkeyPatch) -> str:
    """The service goes on listing the replica that serves now; its id."""
    (old,) = world.owner.get("/v2/endpoint/acme/tiny/replica").json()["items"]
    listed = reply.replicas

    def with_the_old(*given: Any) -> Any:
        items = listed(*given)
        return items if old["id"] in {one["id"] for one in items} else [*items, old]

    monkeypatch.setattr(reply, "replicas", with_the_old)
    return str(old["id"])
