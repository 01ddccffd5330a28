"""`make up` and `make down`: one stack of stacks/ brought up or taken down, by the same code for every stack.

Only `local` runs unattended: it has the emulator for a service and a file for a backend. Every other stack shows
what it will cost and asks, because what it makes is billed by the hour.
"""

import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import yaml

from hfdeploy import engine
from hfdeploy.errors import EngineError, HfdeployError, UsageError
from tools import emulator

PROJECT = "hfdeploy"
LOCAL = "local"
SPEED = 100.0
PLACEHOLDER = re.compile(r"<.*>|your[-_].*|", re.IGNORECASE)
"""Namespaces that nobody has: `<your-namespace>`, `your-namespace`, nothing at all."""

ELSEWHERE = {"HFDEPLOY_API_URL", "HF_ENDPOINT", "HF_TOKEN", "PULUMI_STACK"}
"""Variables that are about a real service: the stack `local` has all of it in its configuration."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A checkout of this repository, one of its stacks, and the environment that `pulumi` gets."""

    root: Path
    stack: str
    variables: Mapping[str, str]

    @property
    def program(self) -> Path:
        """The folder of the stack program."""
        return self.root / "stacks"

    @property
    def config(self) -> Path:
        """The stack's configuration."""
        return self.program / f"Pulumi.{self.stack}.yaml"

    @property
    def backend(self) -> Path:
        """The file backend of checkouts."""
        return self.root / ".state" / "pulumi"

    @property
    def data(self) -> Path:
        """The emulator's folder."""
        return self.root / ".state" / "emulator"

    @property
    def is_local(self) -> bool:
        """Whether this is the stack that costs nothing."""
        return self.stack == LOCAL


def main() -> int:
    """Parse the command line that the Makefile gives, do it, and return the exit code."""
    parser = argparse.ArgumentParser(prog="make")
    parser.add_argument("action", choices=["up", "down"])
    parser.add_argument("--stack", default=LOCAL)
    parser.add_argument("--port", type=int)
    parser.add_argument("--speed", type=float, default=SPEED)
    parser.add_argument("--yes", action="store_true")
    options = parser.parse_args()
    # Pulumi answers Ctrl-C itself: it waits for what is running and writes it down. This process must outlive it,
    # so it hears the signal and goes on waiting. (Ignoring it would be inherited by Pulumi, which would then not hear.)
    signal.signal(signal.SIGINT, lambda *_: None)
    try:
        checkout = open_checkout(Path.cwd(), options.stack, os.environ)  # noqa: TID251 - passed down from here
        if options.action == "up":
            return up(checkout, port=options.port, speed=options.speed, is_agreed=options.yes)
        return down(checkout, is_agreed=options.yes)
    except HfdeployError as error:
        _say(f"error: {error}")
        return error.exit_code


def open_checkout(root: Path, stack: str, environment: Mapping[str, str]) -> Checkout:
    """The checkout at `root`, ready for `pulumi`.

    Raises:
        UsageError: there is no such stack.
        EngineError: there is no engine yet.
    """
    found = engine.find(environment)
    if found is None:
        raise EngineError("There is no Pulumi engine yet: `.venv/bin/hfdeploy engine install`.")
    is_local = stack == LOCAL
    backend = None if not is_local and environment.get("PULUMI_BACKEND_URL") else engine.local_backend(root)
    ours = engine.environment(
        found,
        python=Path(sys.executable),
        path=environment.get("PATH", os.defpath),
        backend=backend,
        passphrase="" if is_local else None,
    )
    theirs = {name: value for name, value in environment.items() if not (is_local and name in ELSEWHERE)}
    checkout = Checkout(root, stack, {**theirs, **ours})
    if not checkout.config.is_file():
        known = ", ".join(sorted(file.name.split(".")[1] for file in checkout.program.glob("Pulumi.*.yaml")))
        raise UsageError(f"There is no stack {stack!r}: {checkout.config} is missing. Known: {known}.")
    return checkout


def up(checkout: Checkout, *, port: int | None, speed: float, is_agreed: bool) -> int:
    """Bring the stack up and print what is live, whatever came of it. Returns Pulumi's exit code.

    The summary has the stack's outputs and more, so Pulumi does not print them as well.
    """
    if checkout.is_local:
        _use_emulator(checkout, port, speed)
        agreement = ["--yes", "--skip-preview"]
    else:
        _require_namespace(checkout)
        _require_somebody(is_agreed)
        shown = _hfdeploy(checkout, "plan", "--stack", checkout.stack)
        if shown:
            return shown
        agreement = ["--yes"] if is_agreed else []
    _prepare(checkout)
    started = datetime.now(UTC).isoformat(timespec="seconds")
    outcome = _pulumi(checkout, "up", *agreement, "--continue-on-error", "--suppress-outputs")
    summary = _hfdeploy(checkout, "status", "--stack", checkout.stack, "--since", started)
    if outcome:
        _say(
            f"pulumi up failed and ended with {outcome}: its errors are above, and what is listed here as passed was "
            f"proved before or beside them."
        )
    return outcome or summary


def down(checkout: Checkout, *, is_agreed: bool) -> int:
    """Take the stack down. Of the stack `local` nothing stays: no state, no emulator, no data."""
    if not checkout.is_local:
        _require_somebody(is_agreed)
        _prepare(checkout)
        return _pulumi(checkout, "destroy", *(["--yes"] if is_agreed else []))
    running = emulator.running(checkout.data)
    if (_states(checkout.backend) / f"{LOCAL}.json").exists():
        running = _use_emulator(checkout, None, SPEED)
        _prepare(checkout)
        outcome = _destroy(checkout) or _pulumi(checkout, "stack", "rm", "--yes", "--preserve-config", is_quiet=True)
        if outcome:
            return outcome
    if running:
        emulator.stop(running)
    _clear(checkout)
    return 0


def _destroy(checkout: Checkout) -> int:
    """Destroy with the configuration of now; a program that does not run must not keep the stack alive, though."""
    arguments = ("destroy", "--yes", "--skip-preview", "--suppress-outputs")
    outcome = _pulumi(checkout, *arguments)
    if outcome:
        _say("Once more without the program, by what the state knows.")
        outcome = _pulumi(checkout, *arguments, "--run-program=false")
    return outcome


def _use_emulator(checkout: Checkout, port: int | None, speed: float) -> emulator.Emulator:
    """The running emulator, and the stack's configuration pointed at it."""
    command = [str(Path(sys.executable).parent / "hfdeploy"), "emulate"]
    running = emulator.ensure(checkout.data, port=port, speed=speed, command=command)
    _point(checkout.config, running.port)
    _say(
        f"The emulator is on {running.url} (its page: {running.url}/docs), its data in {checkout.data}. "
        f"Deployments there run {running.speed:g} times faster than real ones."
    )
    return running


def _point(config: Path, port: int) -> None:
    """Write the emulator's port into the configuration of `local`, where a hand-typed `pulumi up` reads it too."""
    text = config.read_text("utf-8")
    pointed = re.sub(r"(?<=http://127\.0\.0\.1:)\d+", str(port), text)
    if pointed != text:
        config.write_text(pointed, "utf-8")


def _require_namespace(checkout: Checkout) -> None:
    config = yaml.safe_load(checkout.config.read_text("utf-8")).get("config") or {}
    namespace = str(config.get("hfdeploy:namespace", checkout.variables.get("HFDEPLOY_NAMESPACE", "")))
    if PLACEHOLDER.fullmatch(namespace.strip()):
        raise UsageError(
            f"The namespace of stack {checkout.stack} is a placeholder ({namespace!r}). Write the name of your user or "
            f"organisation as `hfdeploy:namespace` into {checkout.config}."
        )


def _require_somebody(is_agreed: bool) -> None:
    if not is_agreed and not sys.stdin.isatty():
        raise UsageError("Nobody can be asked without a terminal. To agree to what is done and billed: `YES=1`.")


def _prepare(checkout: Checkout) -> None:
    """Remove the lock of a dead engine, and make the stack if it is missing.

    Raises:
        UsageError: somebody is working on the stack.
    """
    if checkout.variables.get("PULUMI_BACKEND_URL") == engine.local_backend(checkout.root):
        checkout.backend.mkdir(parents=True, exist_ok=True)
        _unlock(checkout)
    if _pulumi(checkout, "stack", "select", "--create", is_quiet=True):
        raise EngineError(f"The stack {checkout.stack} could not be made or selected; Pulumi's words are above.")


def _unlock(checkout: Checkout) -> None:
    host = socket.gethostname()
    locks = engine.find_locks(checkout.backend, PROJECT, checkout.stack)
    for lock in locks.values():
        if not engine.is_stale(lock, hostname=host, is_alive=engine.is_alive):
            raise UsageError(
                f"The stack is locked by {lock or 'a lock that cannot be read'}. Wait for it to end; if nothing runs "
                f"there any more: `pulumi cancel --stack {checkout.stack}`."
            )
    for file in locks:
        removed = engine.remove_stale(file, hostname=host)
        if removed:
            _say(f"Removing the lock of an engine that was killed ({removed}).")


def _clear(checkout: Checkout) -> None:
    """Remove what the stack `local` kept; what other stacks keep in the same folders stays."""
    kept = checkout.program / ".hfdeploy"
    evidence, unfinished = kept / "evidence", kept / "unfinished"
    for folder in (checkout.data, evidence / LOCAL, unfinished / LOCAL):
        shutil.rmtree(folder, ignore_errors=True)
    emulator.log(checkout.data).unlink(missing_ok=True)
    if not list(_states(checkout.backend).glob("*.json")):
        shutil.rmtree(checkout.backend, ignore_errors=True)
    for folder in (evidence, unfinished, kept, checkout.data.parent):
        if folder.is_dir() and not list(folder.iterdir()):
            folder.rmdir()
    _point(checkout.config, emulator.DEFAULT_PORT)


def _states(backend: Path) -> Path:
    return backend / ".pulumi" / "stacks" / PROJECT


def _pulumi(checkout: Checkout, *arguments: str, is_quiet: bool = False) -> int:
    words = list(arguments)
    target = [checkout.stack] if words[:1] == ["stack"] else ["--stack", checkout.stack]
    return _run(["pulumi", *words, *target], checkout.program, checkout.variables, is_quiet=is_quiet)


def _hfdeploy(checkout: Checkout, *arguments: str) -> int:
    return _run(["hfdeploy", *arguments], checkout.root, checkout.variables)


def _run(command: list[str], folder: Path, variables: Mapping[str, str], *, is_quiet: bool = False) -> int:
    """Run a command on this terminal; when quiet, show its output only if it fails."""
    program = shutil.which(command[0], path=variables["PATH"]) or command[0]
    ended = subprocess.run(  # noqa: S603 - our own commands, no shell
        [program, *command[1:]],
        cwd=folder,
        env=dict(variables),
        check=False,
        stdout=subprocess.PIPE if is_quiet else None,
        stderr=subprocess.STDOUT if is_quiet else None,
    )
    if is_quiet and ended.returncode:
        sys.stderr.write(ended.stdout.decode(errors="replace"))
    return ended.returncode


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
