"""The background emulator of `make`: reused, stopped, and nobody else's."""

import contextlib
import os
import signal
import socket
import threading

import pytest
from checkout import free_port, stand_in_command

from hfdeploy.errors import EngineError, UsageError
from tools import emulator

command = pytest.fixture(stand_in_command)
port = pytest.fixture(free_port)


@contextlib.contextmanager
def stranger(port: int = 0):
    """Somebody else's server, which speaks another protocol. Yields its port."""
    with socket.create_server(("127.0.0.1", port)) as listening:

        def answer() -> None:
            with contextlib.suppress(OSError):  # the shutdown below is how this ends
                while True:
                    caller, _ = listening.accept()
                    with caller:
                        caller.sendall(b"220 mail\r\n")

        speaking = threading.Thread(target=answer)
        speaking.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        speaking.join()


@pytest.fixture
def data(tmp_path):
    """An emulator's folder; whatever still runs for it is ended."""
    folder = tmp_path / ".state" / "emulator"
    yield folder
    running = emulator.running(folder)
    if running:
        with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
            os.kill(running.pid, signal.SIGKILL)


def test_a_second_run_reuses_the_emulator_of_the_first(data, port, command) -> None:
    """Its endpoints are still there, and no second process fights for the port."""
    first = emulator.ensure(data, port=port, speed=100, command=command)
    second = emulator.ensure(data, port=None, speed=100, command=command)

    assert second == first
    assert (first.port, first.data, first.speed) == (port, data, 100)


def test_a_stopped_emulator_leaves_its_port_free(data, port, command) -> None:
    """`make down` and `make up` follow each other at once."""
    emulator.stop(emulator.ensure(data, port=port, speed=100, command=command))

    assert emulator.running(data) is None
    socket.create_server(("127.0.0.1", port)).close()


def test_a_port_that_something_else_has_is_an_error_that_names_the_way_out(data, command) -> None:
    """Otherwise the stack would talk to whatever answers there."""
    with stranger() as taken, pytest.raises(UsageError, match=rf"Port {taken} is taken .*EMULATOR_PORT="):
        emulator.ensure(data, port=taken, speed=100, command=command)

    assert not data.parent.exists()


def test_the_emulator_of_another_checkout_is_left_alone(data, port, command, tmp_path) -> None:
    """Its endpoints belong to somebody else's stack of the same name."""
    other = emulator.ensure(tmp_path / "other" / "emulator", port=port, speed=100, command=command)
    try:
        with pytest.raises(
            UsageError, match=rf"Port {port} has an emulator that keeps its data in {tmp_path}/other/emulator"
        ):
            emulator.ensure(data, port=port, speed=100, command=command)

        assert emulator.ask(port) == other
    finally:
        emulator.stop(other)


def test_a_running_emulator_is_not_moved_behind_its_stacks_back(data, port, command) -> None:
    """Every URL in the state names the port."""
    emulator.ensure(data, port=port, speed=100, command=command)

    with pytest.raises(UsageError, match=rf"already runs on port {port}"):
        emulator.ensure(data, port=port + 1, speed=100, command=command)


def test_a_port_note_of_a_dead_emulator_is_forgotten(data, port, command) -> None:
    """After a reboot the file is there and the process is not; its port may be anybody's."""
    data.parent.mkdir(parents=True)
    data.with_suffix(".port").write_text(f"{port}\n")

    assert emulator.running(data) is None
    with stranger(port):
        assert emulator.running(data) is None
    assert emulator.ensure(data, port=port, speed=100, command=command).port == port


def test_an_emulator_that_does_not_start_says_why(data, port, command) -> None:
    """It runs in the background: nobody would see its words."""
    with pytest.raises(EngineError, match="ended at once: thirteen brings bad luck"):
        emulator.ensure(data, port=port, speed=13, command=command)
