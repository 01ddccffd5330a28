"""The stock plugin process, driven over gRPC as the engine drives it: real process, real serialiser, no CLI."""

import base64
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import dill
import grpc
from google.protobuf import empty_pb2, struct_pb2
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, provider_pb2_grpc

from hfdeploy.provider import EndpointProvider, GuardProvider, IdentityProvider

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How the engine writes a value that is not known yet."""

_KINDS = {"endpoint": EndpointProvider, "identity": IdentityProvider, "guard": GuardProvider}


class Engine(engine_pb2_grpc.EngineServicer):
    """The part of the engine that plugins talk to: it keeps the lines that they show, and those for `--debug` apart."""

    def __init__(self) -> None:
        self.lines: list[engine_pb2.LogRequest] = []
        self.debug: list[engine_pb2.LogRequest] = []

    def Log(  # noqa: N802 - the engine's own name
        self, request: engine_pb2.LogRequest, _context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        (self.debug if request.severity == engine_pb2.DEBUG else self.lines).append(request)
        return empty_pb2.Empty()


@dataclass
class Resource:
    """What the engine holds of one resource."""

    id: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    outs: dict[str, Any] = field(default_factory=dict)


class Plugin:
    """One plugin process. Methods are the engine's calls; values have been through protobuf both ways."""

    def __init__(
        self,
        stub: provider_pb2_grpc.ResourceProviderStub,
        engine: Engine,
        server: grpc.Server,
        process: subprocess.Popen[bytes],
    ) -> None:
        self._stub, self.engine, self._server, self.process = stub, engine, server, process

    def check(self, kind: str, news: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        request = provider_pb2.CheckRequest(urn=_urn(kind, news), news=_struct(kind, news))
        reply = self._stub.Check(request, timeout=30)
        return _plain(reply.inputs), [f"{failure.property}: {failure.reason}" for failure in reply.failures]

    def diff(self, kind: str, old: Resource, news: Mapping[str, Any]) -> provider_pb2.DiffResponse:
        return self._stub.Diff(
            provider_pb2.DiffRequest(
                id=old.id, urn=_urn(kind, news), olds=_struct(kind, old.outs), news=_struct(kind, news)
            ),
            timeout=300,
        )

    def has_changes(self, kind: str, old: Resource, news: Mapping[str, Any]) -> bool:
        return bool(self.diff(kind, old, news).changes == provider_pb2.DiffResponse.DIFF_SOME)

    def create(self, kind: str, inputs: Mapping[str, Any], *, timeout: float = 300) -> Resource:
        reply = self._stub.Create(
            provider_pb2.CreateRequest(urn=_urn(kind, inputs), properties=_struct(kind, inputs)), timeout=timeout
        )
        return Resource(reply.id, dict(inputs), _plain(reply.properties))

    def update(self, kind: str, old: Resource, news: Mapping[str, Any]) -> Resource:
        reply = self._stub.Update(
            provider_pb2.UpdateRequest(
                id=old.id, urn=_urn(kind, news), olds=_struct(kind, old.outs), news=_struct(kind, news)
            ),
            timeout=300,
        )
        return Resource(old.id, dict(news), _plain(reply.properties))

    def read(self, kind: str, old: Resource) -> Resource:
        reply = self._stub.Read(
            provider_pb2.ReadRequest(id=old.id, urn=_urn(kind, old.outs), properties=_struct(kind, old.outs)),
            timeout=300,
        )
        return Resource(reply.id, _plain(reply.inputs), _plain(reply.properties))

    def delete(self, kind: str, old: Resource) -> None:
        self._stub.Delete(
            provider_pb2.DeleteRequest(id=old.id, urn=_urn(kind, old.outs), properties=_struct(kind, old.outs)),
            timeout=300,
        )

    def cancel(self) -> None:
        """What the engine sends on the first Ctrl-C."""
        self._stub.Cancel(empty_pb2.Empty(), timeout=30)

    def kill_engine(self) -> None:
        """Let the engine be gone from one moment to the next."""
        self._server.stop(0).wait()

    def lines(self, *, is_lasting: bool | None = None) -> list[str]:
        return [line.message for line in self.engine.lines if is_lasting in {None, not line.ephemeral}]


@contextmanager
def running_plugin(
    config: Mapping[str, str],
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    stderr: IO[bytes] | None = None,
) -> Iterator[Plugin]:
    """A plugin process configured like the stack's, with an engine to report to."""
    engine = Engine()
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    engine_pb2_grpc.add_EngineServicer_to_server(engine, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "pulumi.dynamic", f"127.0.0.1:{port}"],
        stdout=subprocess.PIPE,
        stderr=stderr,
        cwd=folder,
        env={**os.environ, "PULUMI_PROJECT": "hfdeploy", **(environment or {})},
    )
    assert process.stdout is not None
    try:
        address = f"127.0.0.1:{int(process.stdout.readline())}"
        with grpc.insecure_channel(address) as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            arguments = struct_pb2.Struct()
            arguments.update(dict(config))
            stub.Configure(provider_pb2.ConfigureRequest(args=arguments), timeout=30)
            yield Plugin(stub, engine, server, process)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        server.stop(None).wait()


def _struct(kind: str, values: Mapping[str, Any]) -> struct_pb2.Struct:
    pickled = base64.b64encode(dill.dumps(_KINDS[kind](), protocol=4, recurse=True)).decode()
    struct = struct_pb2.Struct()
    struct.update({**values, "__provider": pickled})
    return struct


def _plain(struct: struct_pb2.Struct) -> dict[str, Any]:
    values = MessageToDict(struct)
    values.pop("__provider", None)
    return values


def _urn(kind: str, values: Mapping[str, Any]) -> str:
    name = values.get("logical_name") or values.get("name") or "stack-guard"
    return f"urn:pulumi:test::hfdeploy::pulumi-python:dynamic/hfdeploy:{_KINDS[kind].__name__}::{name}"
