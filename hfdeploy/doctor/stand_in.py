"""The emulator that a checkout keeps in the background, recognised by what it says of itself.

A process number in a file proves nothing (it may be anybody's by now), so every decision here comes from asking
`GET /_emulator` on the port: is it an emulator, and is its data folder ours?
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2

from hfdeploy.doctor.finding import Finding, Mend, fine, remark
from hfdeploy.errors import UsageError

NAME: Final = "hfdeploy-emulator"
DEFAULT_PORT: Final = 8300


@dataclass(frozen=True, slots=True)
class Emulator:
    """An emulator that answers on 127.0.0.1:`port`. `data` is its folder; deployments run `speed` times faster."""

    port: int
    pid: int
    data: Path
    speed: float

    @property
    def url(self) -> str:
        """Where both the management API and the Hub are emulated."""
        return f"http://127.0.0.1:{self.port}"


def data_of(root: Path) -> Path:
    """The folder of the emulator that belongs to the checkout at `root`."""
    return root / ".state" / "emulator"


def note_of(data: Path) -> Path:
    """Where the port was noted when the emulator of `data` was started."""
    return data.with_suffix(".port")


def ask(port: int) -> Emulator | None:
    """Who listens on the port: an emulator, or None when nobody does.

    Raises:
        UsageError: something else has the port.
    """
    url = f"http://127.0.0.1:{port}/_emulator"
    try:
        answer = httpx2.get(url, timeout=5, trust_env=False)
        said = answer.raise_for_status().json()
        if said["name"] == NAME:
            return Emulator(port, int(said["pid"]), Path(said["data"] or "memory"), float(said["speed"]))
    except httpx2.ConnectError:
        return None
    except (httpx2.HTTPError, ValueError, KeyError, TypeError):
        pass  # it speaks, but not as an emulator does
    raise UsageError(
        f"Port {port} is taken by something that is not this emulator. "
        "Stop it, or choose another: `make up EMULATOR_PORT=8400`."
    )


def look_at_emulator(root: Path) -> Finding:
    """The emulator of the checkout at `root`, or who has its port."""
    data, note = data_of(root), note_of(data_of(root))
    if not note.exists():
        return _look_at_port(DEFAULT_PORT, data)
    try:
        port = int(note.read_text("utf-8"))
        found = ask(port)
    except (OSError, ValueError, OverflowError, UsageError, httpx2.InvalidURL):
        found = None
    if found is None or found.data != data:
        text = f"{note} names an emulator that does not run any more."
        cure = "`make up` starts one; `make down` clears up."
        return remark("emulator", text, cure, Mend(f"remove {note}", lambda: note.unlink(missing_ok=True)))
    return _living(found)


def _look_at_port(port: int, data: Path) -> Finding:
    other = f"`make up EMULATOR_PORT={port + 100}` takes another port."
    try:
        found = ask(port)
    except UsageError:
        return remark("emulator", f"Port {port}, the emulator's, is taken by something else.", other)
    if found is None:
        return fine("emulator", f"None runs, and port {port} is free.")
    if found.data == data:
        return _living(found)
    text = f"Port {port} has an emulator that keeps its data in {found.data}, not in this checkout."
    return remark("emulator", text, f"If nobody needs it: `kill {found.pid}`; else {other}")


def _living(found: Emulator) -> Finding:
    if not found.data.is_dir():
        text = f"An old emulator runs on port {found.port}, and its folder {found.data} is gone."
        return remark("emulator", text, f"`kill {found.pid}`, then `make up`.")
    return fine("emulator", f"This checkout's runs on port {found.port}, process {found.pid}.")
