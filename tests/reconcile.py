"""What the engine does with our providers, without the engine: one plugin process serves hundreds of runs.

The rules are those of the reference on the engine: a refresh comes first, the guard before the identities before the
configurations; a create that raises leaves nothing in the state, a failed update leaves the old inputs and outputs, a
read with an empty id drops the resource; a replacement deletes first, and what is no longer asked for is deleted last
and only when nothing failed before. Killing the process ends the run at that point.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import grpc
from plugin_host import SECONDS, Host, Props, packed, unpacked
from plugin_process import Plugin
from pulumi.dynamic import ResourceProvider
from pulumi.runtime.proto import provider_pb2

from hfdeploy.provider import EndpointProvider, GuardProvider, IdentityProvider
from hfdeploy.provider.members import member

NAMESPACE = "acme"
_GUARD = "stack-guard"

Specs = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Providers:
    """The three classes of a stack; a negative control replaces some of them."""

    guard: type[ResourceProvider] = GuardProvider
    identity: type[ResourceProvider] = IdentityProvider
    endpoint: type[ResourceProvider] | None = EndpointProvider
    """None for strategies that do all of it in the identity's create()."""


STOCK = Providers()


@dataclass
class Held:
    """One resource in the state."""

    kind: str
    name: str
    id: str
    inputs: Props
    outs: Props


@dataclass
class Run:
    """How one `up` or `destroy` ended. `errors` has what the terminal would show."""

    errors: list[str] = field(default_factory=list)
    was_killed: bool = False

    @property
    def is_green(self) -> bool:
        return not self.errors and not self.was_killed

    def __str__(self) -> str:
        return "green" if self.is_green else "killed" if self.was_killed else "; ".join(self.errors)


class Stack:
    """A state and the runs that change it. Runs are sequential inside, so that a seed names one course of events."""

    def __init__(self, host: Host, providers: Providers = STOCK) -> None:
        self.host, self.providers = host, providers
        self.state: dict[tuple[str, str], Held] = {}
        self._plugin: Plugin

    @property
    def owner(self) -> str | None:
        """The owner id, None before the guard was made."""
        held = self.state.get(("guard", _GUARD))
        return None if held is None else str(held.outs["owner"])

    def outs(self, kind: str, name: str) -> Props:
        return self.state[kind, name].outs

    def has(self, kind: str, name: str) -> bool:
        return (kind, name) in self.state

    def saved(self) -> str:
        """The state as a file would hold it."""
        return json.dumps([asdict(held) for held in self.state.values()], indent=1)

    def up(self, specs: Specs, *, refresh: bool = True) -> Run:
        """One `pulumi up`."""
        with self._run() as run:
            if refresh and not self._refresh(run):
                return run
            self._bring(specs, run)
            if run.is_green:
                self._drop([name for kind, name in list(self.state) if kind == "identity" and name not in specs], run)
        return run

    def preview(self, specs: Specs) -> list[str]:
        """What the next `up` would change, after a refresh of its own; raises where it cannot be told."""
        changes: list[str] = []
        with self._run() as run:
            self._refresh(run)
            changes += [f"{kind} {name} would be deleted" for kind, name in self.state if not _is_in(kind, name, specs)]
            changes += self._previewed("guard", _GUARD, self._guard_inputs(specs))
            for name, spec in specs.items():
                for kind in self._kinds():
                    inputs = self._inputs(kind, name, spec) if self.has("identity", name) else {}
                    changes += self._previewed(kind, name, inputs)
        return changes + run.errors

    def destroy(self) -> Run:
        """One `pulumi destroy`."""
        with self._run() as run:
            if not self._refresh(run):
                return run
            self._drop([name for kind, name in list(self.state) if kind == "identity"], run)
            self._drop_strays(run)
            if run.is_green and self.has("guard", _GUARD):
                self._delete("guard", _GUARD, run)
        return run

    @contextmanager
    def _run(self) -> Iterator[Run]:
        run = Run()
        try:
            self._plugin = self.host.begin()
            yield run
        except grpc.RpcError as error:
            if error.code() not in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}:
                raise
            run.was_killed = True
            self.host.mourn()

    def _refresh(self, run: Run) -> bool:
        for key, held in list(self.state.items()):
            request = provider_pb2.ReadRequest(
                id=held.id, urn=_urn(*key), properties=packed(self._provider(held.kind), held.outs)
            )
            reply = self._call(run, lambda request=request: self._plugin._stub.Read(request, timeout=SECONDS))
            if reply is None:
                continue
            if not reply.id:
                del self.state[key]
                continue
            held.outs = unpacked(reply.properties)
            held.inputs = unpacked(reply.inputs) or held.inputs
        return run.is_green

    def _bring(self, specs: Specs, run: Run) -> None:
        if not self._step("guard", _GUARD, self._guard_inputs(specs), run):
            return
        for name, spec in specs.items():
            for kind in self._kinds():
                if not self._step(kind, name, self._inputs(kind, name, spec), run):
                    break

    def _step(self, kind: str, name: str, wanted: Props, run: Run) -> bool:
        """Check, then create, update, replace or nothing; whether it went well."""
        held = self.state.get((kind, name))
        checked = self._check(kind, name, held, wanted, run)
        if checked is None:
            return False
        if held is None:
            return self._create(kind, name, checked, run)
        diff = self._diff(kind, name, held, checked, run)
        if diff is None or not _differs(diff):
            return diff is not None
        if diff.replaces:
            return self._delete(kind, name, run) and self._create(kind, name, checked, run)
        return self._update(kind, name, held, checked, run)

    def _check(self, kind: str, name: str, held: Held | None, wanted: Props, run: Run) -> Props | None:
        provider = self._provider(kind)
        request = provider_pb2.CheckRequest(
            urn=_urn(kind, name), olds=packed(provider, held.inputs if held else {}), news=packed(provider, wanted)
        )
        reply = self._call(run, lambda: self._plugin._stub.Check(request, timeout=SECONDS))
        if reply is None:
            return None
        run.errors += [f"{failure.property}: {failure.reason}" for failure in reply.failures]
        return None if reply.failures else unpacked(reply.inputs)

    def _diff(self, kind: str, name: str, held: Held, inputs: Props, run: Run) -> Any:
        provider = self._provider(kind)
        request = provider_pb2.DiffRequest(
            id=held.id, urn=_urn(kind, name), olds=packed(provider, held.outs), news=packed(provider, inputs)
        )
        return self._call(run, lambda: self._plugin._stub.Diff(request, timeout=SECONDS))

    def _create(self, kind: str, name: str, inputs: Props, run: Run) -> bool:
        request = provider_pb2.CreateRequest(urn=_urn(kind, name), properties=packed(self._provider(kind), inputs))
        reply = self._call(run, lambda: self._plugin._stub.Create(request, timeout=SECONDS))
        if reply is None:
            return False
        self.state[kind, name] = Held(kind, name, reply.id, inputs, unpacked(reply.properties))
        return True

    def _update(self, kind: str, name: str, held: Held, inputs: Props, run: Run) -> bool:
        provider = self._provider(kind)
        request = provider_pb2.UpdateRequest(
            id=held.id, urn=_urn(kind, name), olds=packed(provider, held.outs), news=packed(provider, inputs)
        )
        reply = self._call(run, lambda: self._plugin._stub.Update(request, timeout=SECONDS))
        if reply is None:
            return False
        held.inputs, held.outs = inputs, unpacked(reply.properties)
        return True

    def _delete(self, kind: str, name: str, run: Run) -> bool:
        held = self.state[kind, name]
        request = provider_pb2.DeleteRequest(
            id=held.id, urn=_urn(kind, name), properties=packed(self._provider(kind), held.outs)
        )
        if self._call(run, lambda: self._plugin._stub.Delete(request, timeout=SECONDS)) is None:
            return False
        del self.state[kind, name]
        return True

    def _drop(self, names: list[str], run: Run) -> None:
        for name in names:
            if not self.has("endpoint", name) or self._delete("endpoint", name, run):
                self._delete("identity", name, run)

    def _drop_strays(self, run: Run) -> None:
        """Configurations whose identity is gone already."""
        for kind, name in [key for key in self.state if key[0] == "endpoint" and not self.has("identity", key[1])]:
            self._delete(kind, name, run)

    def _previewed(self, kind: str, name: str, inputs: Props) -> list[str]:
        held = self.state.get((kind, name))
        if held is None:
            return [f"{kind} {name} would be created"]
        run = Run()
        checked = self._check(kind, name, held, inputs, run)
        diff = None if checked is None else self._diff(kind, name, held, checked, run)
        return [*run.errors, *([f"{kind} {name} would be changed"] if diff is not None and _differs(diff) else [])]

    def _call(self, run: Run, call: Callable[[], Any]) -> Any:
        """The reply, or None with the error noted; a dead process ends the run."""
        try:
            return call()
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.UNKNOWN:
                raise
            run.errors.append(str(error.details()).strip().removeprefix("hfdeploy: "))
            return None

    def _kinds(self) -> list[str]:
        return ["identity"] if self.providers.endpoint is None else ["identity", "endpoint"]

    def _provider(self, kind: str) -> type[ResourceProvider]:
        found: type[ResourceProvider] = getattr(self.providers, kind)
        return found

    def _guard_inputs(self, specs: Specs) -> Props:
        return {"members": sorted(member({"namespace": NAMESPACE, **spec}, name) for name, spec in specs.items())}

    def _inputs(self, kind: str, name: str, spec: Mapping[str, Any]) -> Props:
        inputs = {"name": name, "namespace": NAMESPACE, **spec, "logical_name": name, "owner": self.owner}
        if kind == "endpoint":
            inputs["generation"] = self.outs("identity", name)["generation"]
        return {key: value for key, value in inputs.items() if value is not None}


def _is_in(kind: str, name: str, specs: Specs) -> bool:
    return kind == "guard" or name in specs


def _differs(diff: Any) -> bool:
    return bool(diff.changes == provider_pb2.DiffResponse.DIFF_SOME)


def _urn(kind: str, name: str) -> str:
    words = {"guard": "StackGuard", "identity": "EndpointIdentity", "endpoint": "InferenceEndpoint"}
    return f"urn:pulumi:test::hfdeploy::pulumi-python:dynamic/hfdeploy:{words[kind]}::{name}"
