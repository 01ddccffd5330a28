"""Made-up secrets that must turn up nowhere, and the search for them in everything a run wrote and printed.

Knows nothing of `hfdeploy.redact`: the forms in which a value may appear are listed here a second time, so that a form
forgotten there is found here. A twelfth of a secret is a find as well: what was cut before it was scrubbed leaves one.
"""

import base64
import gzip
import html
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, quote_plus

TOKEN = "hf_" + "CanaryOfTheToken" + "Nb7Qx2Lm9Rt4Wz1K"
"""As a token has to be: nothing that a header cannot hold."""

SECRETS = {
    "config": 'c0nfig canary/+"Kj8&<Vq2>\\%ü=',
    "environment": "env-canary:Hy6?Tn3#Pw5 @Dd0/+~é",
    "rotated": "rotated-canary|Gz4'Bq7 Xs1+/=ß",
    "registry": 'r3gistry canary "Mc9/Fv5+" &Lk2',
}
"""Two secrets, one of them rotated, and a registry's password: characters that every notation writes otherwise."""

_SHORTEST = 12
"""Characters of a value that are a find by themselves."""

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}")


@dataclass(frozen=True, order=True)
class Find:
    """A canary where none may be."""

    where: str
    name: str
    form: str
    around: str = field(compare=False, default="")


@dataclass
class Canaries:
    """The values to search for by name, and what was found so far."""

    values: Mapping[str, str] = field(default_factory=lambda: {"token": TOKEN, **SECRETS})
    finds: set[Find] = field(default_factory=set)
    texts: int = 0
    files: int = 0

    def __post_init__(self) -> None:
        self._forms = [
            (name, form, shape.encode("utf-8", "surrogatepass"))
            for name, value in self.values.items()
            for form, shape in forms(value)
        ]

    def scan_text(self, text: str, where: str) -> list[Find]:
        """What is in a text that was printed, logged or raised."""
        self.texts += 1
        return self.scan_bytes(text.encode("utf-8", "surrogatepass"), where)

    def scan_bytes(self, data: bytes, where: str) -> list[Find]:
        """What is in any bytes, and in what base64 within them decodes to (pickles among it)."""
        found = [*self._search(data, where)]
        for run in _BASE64.findall(data):
            found += self._search(_decoded(run), f"{where} (decoded)")
        self.finds.update(found)
        return found

    def scan_folder(self, folder: Path) -> list[Find]:
        """What is in the files below a folder, hidden and packed ones included, and in their names."""
        found: list[Find] = []
        for path in sorted(folder.rglob("*")):
            where = str(path.relative_to(folder))
            found += self.scan_bytes(where.encode("utf-8", "surrogateescape"), f"name of {where}")
            if path.is_file():
                self.files += 1
                data = path.read_bytes()
                found += self.scan_bytes(data, where)
                if data.startswith(b"\x1f\x8b"):
                    found += self.scan_bytes(gzip.decompress(data), f"{where} (unpacked)")
        return found

    @contextmanager
    def watching_processes(self) -> Iterator[None]:
        """Within this block every command line on this machine is looked at, twenty times a second."""
        is_over = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(is_over,))
        watcher.start()
        try:
            yield
        finally:
            is_over.set()
            watcher.join()

    def _watch(self, is_over: threading.Event) -> None:
        seen: set[bytes] = set()
        while not is_over.wait(0.05):
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    line = (process / "cmdline").read_bytes()
                except OSError:
                    continue  # it ended meanwhile
                if line in seen:
                    continue
                seen.add(line)
                self.finds.update(self._search(line, f"command line of {line[:60]!r}"))

    def _search(self, data: bytes, where: str) -> Iterator[Find]:
        for name, form, shape in self._forms:
            at = data.find(shape)
            if at >= 0:
                yield Find(where, name, form, data[max(0, at - 60) : at + 90].decode("utf-8", "replace"))


def forms(value: str) -> list[tuple[str, str]]:
    """The shapes of a value with their names, parts of twelve characters included."""
    raw = value.encode()
    shapes = {
        "plain": value,
        "python": repr(value)[1:-1],
        "json": json.dumps(value)[1:-1],
        "json with its own letters": json.dumps(value, ensure_ascii=False)[1:-1],
        "json in json": json.dumps(json.dumps(value))[3:-3],
        "url": quote(value, safe=""),
        "url path": quote(value),
        "form": quote_plus(value),
        "small url": re.sub("%..", lambda found: found[0].lower(), quote(value, safe="")),
        "xml": html.escape(value),
        "hex": raw.hex(),
    }
    for name, encode in (("base64", base64.b64encode), ("base64 of urls", base64.urlsafe_b64encode)):
        for before in range(3):
            first, last = -(-8 * before // 6), 8 * (before + len(raw)) // 6
            shapes[f"{name}, {before} before"] = encode(b"\0" * before + raw).decode()[first:last]
    for start in range(len(value) - _SHORTEST + 1):
        shapes[f"part from {start}"] = value[start : start + _SHORTEST]
    return [(name, shape) for name, shape in shapes.items() if len(shape) >= _SHORTEST]


def _decoded(run: bytes) -> bytes:
    text = run.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
    return base64.b64decode(text[: len(text) // 4 * 4])
