"""The plugin process kept for many runs, and the properties of resources as it is sent them."""

import base64
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import dill
from google.protobuf import struct_pb2
from google.protobuf.json_format import MessageToDict
from plugin_process import Plugin, running_plugin
from pulumi.dynamic import ResourceProvider
from pulumi.runtime.proto import provider_pb2
from wound.renewal import Renewal

HERE = Path(__file__).parent
SECONDS = 120
"""Real ones for one call: clocks are wound, so this is for what hangs for ever."""

Props = dict[str, Any]


class Host:
    """The plugin process, started again when somebody killed it. `environment` is what the next run sees."""

    def __init__(self, config: Mapping[str, str], folder: Path, **environment: str) -> None:
        self.config, self.folder = dict(config), folder
        self.environment = environment
        self.said: list[str] = []
        """Every line shown so far, of processes that are gone, too."""
        self._open: ExitStack | None = None
        self._plugin: Plugin | None = None

    @property
    def errors_file(self) -> Path:
        """What the processes wrote to their standard error."""
        return self.folder / "stderr.txt"

    def begin(self) -> Plugin:
        """A process that knows nothing of earlier runs."""
        if self._plugin is None or self._plugin.process.poll() is not None:
            self.close()
            self._start()
        assert self._plugin is not None
        self.said += self._plugin.lines()
        self._plugin.engine.lines.clear()
        request = provider_pb2.CreateRequest(
            urn="urn:pulumi:test::hfdeploy::renewal::renewal",
            properties=packed(Renewal, {"environment": self.environment}),
        )
        self._plugin._stub.Create(request, timeout=SECONDS)
        return self._plugin

    @property
    def pid(self) -> int:
        assert self._plugin is not None
        return self._plugin.process.pid

    def mourn(self) -> None:
        """Wait for the end of a process that is being killed; the next run starts another."""
        assert self._plugin is not None
        self._plugin.process.wait(timeout=30)

    def close(self) -> None:
        if self._plugin is not None:
            self.said += self._plugin.lines()
        if self._open is not None:
            self._open.close()
        self._open = self._plugin = None

    def _start(self) -> None:
        path = f"{HERE / 'wound'}:{HERE}:{HERE.parent}"
        environment = {"PYTHONPATH": path, "TEST_EMULATOR": self.config["hfdeploy:apiUrl"], **self.environment}
        self._open = ExitStack()
        stderr = self._open.enter_context(self.errors_file.open("ab"))
        self._plugin = self._open.enter_context(running_plugin(self.config, environment, self.folder, stderr))


def packed(provider: type[ResourceProvider], values: Mapping[str, Any]) -> struct_pb2.Struct:
    pickled = base64.b64encode(dill.dumps(provider(), protocol=4, recurse=True)).decode()
    struct = struct_pb2.Struct()
    struct.update({**values, "__provider": pickled})
    return struct


def unpacked(struct: struct_pb2.Struct) -> Props:
    values = MessageToDict(struct)
    values.pop("__provider", None)
    return values
