"""An update that was sent and that no state knows: what this machine remembers of it.

A run that is killed after its PUT leaves a live configuration that differs from the state, and so does a person's
change. A note beside the program, written before the PUT, tells the two apart. It is believed only where it leaves
no doubt; without it, as on another machine, the difference counts as a person's. No secret is in it: of the wanted
fields it holds keyed digests. What an endpoint was made with is noted as well: its first rollout may be another run's.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from hfdeploy import evidence, redact
from hfdeploy.provider.difference import meaning_of
from hfdeploy.provider.props import Props
from hfdeploy.redact import digest, new_salt
from hfdeploy.wire import Endpoint

log = redact.logger(__name__)

_FOLDER: Final = "unfinished"
_MOST: Final = 5
"""Updates that are remembered: one that is refused or killed does not make the earlier ones a person's."""

_NEVER_SHOWN: Final = ("engine", "instance", "max_model_len", "repository", "revision", "secrets")
"""Fields that decide what no answer of the service shows: a revision's text, which secrets there are, and what of an
image is the service's own default."""


class Note:
    """What was sent to one endpoint since it was last brought live; `stack` and `name` say which."""

    def __init__(self, stack: str, name: str, program: Path = Path()) -> None:
        self._is_open = False
        self._file = evidence.beside(program, stack, folder=_FOLDER) / f"{name}.json"

    def open(self, generation: str, declared: Props, sent: Iterable[str], replicas: Iterable[str]) -> None:
        """An update of these fields is about to be sent, for which these replicas have to go."""
        salt, meaning = new_salt(), meaning_of(declared) or {}
        fields = {name: _digest(salt, meaning.get(name)) for name in sent if meaning}
        entry = {"generation": generation, "salt": salt, "fields": fields, "replicas": sorted(replicas)}
        entry["asked"] = _asked(salt, declared)
        self._is_open = self._write([*self._entries(), entry][-_MOST:])

    def make(self, declared: Props, live: Endpoint) -> None:
        """The endpoint was just made so."""
        self.open(live.generation, declared, (), ())
        self.answer(live.status.updated_at)

    def answer(self, updated_at: str) -> None:
        """The service said that all is as wanted since that moment."""
        entries = self._entries()
        if self._is_open and entries:
            self._write([*entries[:-1], {**entries[-1], "updated_at": updated_at}])

    def withdraw(self) -> None:
        """The last one was refused."""
        if self._is_open:
            self._write(self._entries()[:-1])
        self._is_open = False

    def finish(self) -> None:
        """It is live and proved; the state may still be lost, so the last one is kept."""
        if entries := self._entries():
            self._write([{**entries[-1], "is_finished": True}])

    def clear(self) -> None:
        """What was sent has been put back."""
        if self._entries():
            self._write([])

    def asked_at(self, generation: str, declared: Props) -> str:
        """Since when the service has all that it never shows as it is declared now; "" where nobody knows.

        True for as long as nobody touches the endpoint.
        """
        mine = [entry for entry in self._entries() if entry.get("generation") == generation]
        if not mine or mine[-1].get("asked") != _asked(str(mine[-1].get("salt")), declared):
            return ""
        return str(mine[-1].get("updated_at", ""))

    def replicas(self, generation: str) -> frozenset[str]:
        """The replicas that had to go for updates that no run has seen through."""
        lists = [entry.get("replicas") for entry in self._open(generation)]
        return frozenset(str(one) for found in lists if isinstance(found, list) for one in found)

    def fields(self, generation: str) -> frozenset[str]:
        """What was sent by updates that no run has seen through: proved neither they nor what was put back."""
        maps = [entry.get("fields") for entry in self._open(generation)]
        return frozenset(str(name) for found in maps if isinstance(found, dict) for name in found)

    def others(self, generation: str, declared: Props) -> list[str]:
        """Those of them that were sent with another value than is declared now."""
        meaning = meaning_of(declared) or {}
        return sorted(
            {
                str(name)
                for entry in self._open(generation)
                if isinstance(fields := entry.get("fields"), dict)
                for name in fields
                if not _is_sent(entry, name, meaning.get(name))
            }
        )

    def _open(self, generation: str) -> list[dict[str, Any]]:
        return [
            entry for entry in self._entries() if entry.get("generation") == generation and not entry.get("is_finished")
        ]

    def explains(self, fields: Iterable[str], found: Props, live: Endpoint) -> list[str]:
        """Those of the fields that are as this stack sent them, and that nobody can have changed since.

        Either nobody has touched the endpoint since its answer, which showed all as wanted, or the value itself is
        the one that was sent.
        """
        mine = [entry for entry in self._entries() if entry.get("generation") == live.generation]
        at, differing = live.status.updated_at, list(fields)
        # Whole seconds could be shared with somebody else's change.
        if "." in at and any(entry.get("updated_at") == at for entry in mine):
            return differing
        meaning = meaning_of(found)
        if meaning is None:
            return []
        return [name for name in differing if any(_is_sent(entry, name, meaning.get(name)) for entry in mine)]

    def _entries(self) -> list[dict[str, Any]]:
        entries = evidence.read(self._file).get("sent")
        return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []

    def _write(self, entries: list[dict[str, Any]]) -> bool:
        try:
            evidence.write(self._file, {"sent": entries})
        except OSError as error:
            # Without the note a killed update counts as a person's change, which stops a run and loses nothing.
            log.debug("the note of an update could not be kept: %s", error)
            return False
        return True


def _is_sent(entry: Mapping[str, Any], name: str, value: object) -> bool:
    fields = entry.get("fields")
    return isinstance(fields, dict) and fields.get(name) == _digest(str(entry.get("salt")), value)


def _asked(salt: str, declared: Props) -> str:
    meaning = meaning_of(declared) or {}
    return _digest(salt, {name: meaning.get(name) for name in _NEVER_SHOWN})


def _digest(salt: str, value: object) -> str:
    return digest(salt, json.dumps(value, sort_keys=True))
