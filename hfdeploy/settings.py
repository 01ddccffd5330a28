"""Who is asking, and which service: read from the stack's configuration and the environment, here and nowhere else.

Stack configuration beats the environment. Two different addresses from the two are an error, because one of them would
get what was meant for the other. A token follows its address: one from the environment or from a saved login never
goes to an emulator that the stack's configuration names, and nothing goes to a Hub that nobody chose.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from hfdeploy import errors, redact, trust
from hfdeploy.redact import Secret
from hfdeploy.spec import FromConfig, FromEnv

API: Final = "https://api.endpoints.huggingface.cloud"
HUB: Final = "https://huggingface.co"
SPECS: Final = "../specs/*.yaml"
"""Where the specs are when nobody says: relative to the stack program."""
PLACEHOLDER: Final = "YOUR-NAMESPACE"

_PREFIX: Final = "hfdeploy:"
_FALSE: Final = frozenset({"", "0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything about this run that is not in a spec.

    Addresses have no slash at their end. `token` is for the management API and the hosts of endpoints; `hub_token` is
    the same one where it may go to the Hub, else None.
    """

    api_url: str = API
    hub_url: str = HUB
    token: Secret | None = None
    hub_token: Secret | None = None
    namespace: str | None = None
    token_source: str = field(default="", compare=False)
    """Where the token was found, for people; empty without one."""

    @property
    def is_emulated(self) -> bool:
        """Whether the management API is on this machine."""
        return is_loopback(self.api_url)

    @property
    def may_ask_hub(self) -> bool:
        """Whether the Hub is one that goes with the service: an emulator's endpoints say nothing about the real Hub."""
        return is_loopback(self.hub_url) == self.is_emulated


class Drift(StrEnum):
    """What happens to a configuration that somebody changed outside the stack."""

    REVERT = "revert"
    """The spec wins: the next `up` puts it back."""
    REPORT = "report"
    """It stays, and every run says so."""
    BLOCK = "block"
    """`up` stops before anything is sent, and says what was changed."""


@dataclass(frozen=True, slots=True)
class Safeguards:
    """How much a run may do by itself: from the stack's configuration, and from two variables for one run.

    `HFDEPLOY_ALLOW_REMOVALS=5` and `HFDEPLOY_DRIFT=revert` are typed before one command. They go beyond what the
    stack's configuration says, and are gone with the command.
    """

    max_removals: int | None = None
    """Endpoints that one run may remove or replace; None for 2 or 10 % of the stack's, whichever is more."""
    allowed_removals: int = 0
    """The same, said for this run."""
    removes_orphans: bool = False
    """Whether the end of a stack takes endpoints with it that carry its owner tag and are in no state."""
    drift: Drift = Drift.REVERT

    def most_removals(self, members: int) -> int:
        """How many of so many endpoints one run may remove or replace."""
        usual = max(2, members // 10) if self.max_removals is None else self.max_removals
        return max(usual, self.allowed_removals)


def load_safeguards(config: Mapping[str, str] | None = None, environ: Mapping[str, str] | None = None) -> Safeguards:
    """Read the limits of a stack and of this run.

    Raises:
        errors.UsageError: a value that cannot be meant.
    """
    stack, environ = _Config(config or {}), _environment() if environ is None else environ
    orphans = stack.get("orphans") or "report"
    if orphans not in {"report", "delete"}:
        raise errors.UsageError(f"hfdeploy:orphans is {orphans!r}: it must be report or delete.")
    source, drift = "HFDEPLOY_DRIFT", environ.get("HFDEPLOY_DRIFT")
    if not drift:
        source, drift = "hfdeploy:drift", stack.get("drift") or Drift.REVERT
    if drift not in set(Drift):
        raise errors.UsageError(f"{source} is {drift!r}: it must be revert, report or block.")
    return Safeguards(
        max_removals=_count("hfdeploy:maxRemovals", stack.get("maxRemovals")),
        allowed_removals=_count("HFDEPLOY_ALLOW_REMOVALS", environ.get("HFDEPLOY_ALLOW_REMOVALS")) or 0,
        removes_orphans=orphans == "delete",
        drift=Drift(drift),
    )


def load_budget(config: Mapping[str, str]) -> Decimal | None:
    """What the stack may cost in a month with every replica up, in USD; None where nobody said.

    Raises:
        errors.UsageError: anything but `{monthly_ceiling_usd: NUMBER}`; a typing mistake must not lift a limit.
    """
    text = _Config(config).get("budget")
    if text is None:
        return None
    try:
        given = json.loads(text)
    except ValueError:
        given = text
    match given:
        case {"monthly_ceiling_usd": int() | float() | str() as amount, **others} if not others:
            found = str(amount).strip()
            if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,2})?", found):
                return Decimal(found)
    raise errors.UsageError(
        f"hfdeploy:budget is {text!r}: it must be {{monthly_ceiling_usd: NUMBER}}, such as "
        f"`pulumi config set --path hfdeploy:budget.monthly_ceiling_usd 500`."
    )


def budget_place(file: Path) -> tuple[str, int]:
    """Where a stack's file says its budget, to be shown: line 0 where it does not, since it may come from elsewhere."""
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, ValueError):
        lines = []
    found = (number for number, line in enumerate(lines, 1) if "hfdeploy:budget" in line.partition("#")[0])
    return os.path.relpath(file), next(found, 0)


def load(config: Mapping[str, str] | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the stack's configuration (keys with or without `hfdeploy:`) and the environment (this process's own).

    Raises:
        errors.UsageError: two different addresses, an address that cannot be meant, or HF_DEBUG.
    """
    stack, environ = _Config(config or {}), _environment() if environ is None else environ
    _refuse_debugging(environ)
    api_url = _address("apiUrl", stack, "HFDEPLOY_API_URL", environ, API)
    hub_url = _address("hubUrl", stack, "HF_ENDPOINT", environ, HUB)
    token, source = _token(stack, environ, api_url)
    return Settings(
        api_url=api_url,
        hub_url=hub_url,
        token=token,
        hub_token=token if _may_reach_hub(hub_url, api_url, stack) else None,
        namespace=stack.get("namespace") or environ.get("HFDEPLOY_NAMESPACE") or None,
        token_source=source,
    )


def secret_value(
    source: FromEnv | FromConfig, environ: Mapping[str, str] | None = None, config: Mapping[str, str] | None = None
) -> Secret | None:
    """The value that a spec's secret points at; None where the source is missing (an empty value is a value).

    Raises:
        errors.UsageError: the environment holds bytes that are no text.
    """
    environ = _environment() if environ is None else environ
    match source:
        case FromEnv():
            value = environ.get(source.from_env)
        case FromConfig():
            value = _Config(config or {}).get(source.from_config)
    if value is None:
        return None
    kept = _keep(value)
    try:
        value.encode()
    except UnicodeEncodeError:  # Python keeps the environment's undecodable bytes as halves of surrogate pairs.
        name = source.from_env if isinstance(source, FromEnv) else source.from_config
        raise errors.UsageError(
            f"{name} holds bytes that are no UTF-8 text, which no request can carry: encode them."
        ) from None
    return kept


def is_loopback(address: str) -> bool:
    """Whether an address is on this machine, by its text alone: nothing is resolved."""
    host = urlsplit(address).hostname or ""
    return host == "localhost" or trust.here(host)


def _environment() -> Mapping[str, str]:
    return os.environ  # noqa: TID251 - the one place where the process's own environment is read


class _Config:
    """The stack's configuration, asked by the bare key."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def get(self, key: str) -> str | None:
        return self._values.get(_PREFIX + key, self._values.get(key))


def _count(source: str, text: str | None) -> int | None:
    if text is None or not text.strip():
        return None
    if not re.fullmatch(r"[0-9]{1,6}", text.strip()):
        raise errors.UsageError(f"{source} is {text!r}: it must be a number of endpoints, such as 5.")
    return int(text)


def _refuse_debugging(environ: Mapping[str, str]) -> None:
    if environ.get("HF_DEBUG", "").strip().lower() not in _FALSE:
        raise errors.UsageError(
            "HF_DEBUG is set: it makes huggingface_hub log request bodies with endpoint secrets in them. Unset it."
        )


def _address(key: str, config: _Config, variable: str, environ: Mapping[str, str], default: str) -> str:
    chosen = {
        source: _normalised(source, text)
        for source, text in ((_PREFIX + key, config.get(key)), (variable, environ.get(variable)))
        if text
    }
    if len(set(chosen.values())) > 1:
        both = " and ".join(f"{source} says {address}" for source, address in chosen.items())
        raise errors.UsageError(f"Two addresses for one service: {both}. Unset one of them.")
    return next(iter(chosen.values()), default)


def _normalised(source: str, text: str) -> str:
    address = text.strip()
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise errors.UsageError(f"{source} is not an address: {address}.") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or any((parts.query, parts.fragment)):
        raise errors.UsageError(f"{source} must be an address like https://host, without a query: {address}.")
    if parts.username is not None or parts.password is not None:
        raise errors.UsageError(f"{source} holds a user name or a password; the token goes into HF_TOKEN.")
    if parts.scheme == "http" and not is_loopback(address):
        raise errors.UsageError(f"{source} is {address}: without https the token could be read on the way.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


def _token(config: _Config, environ: Mapping[str, str], api_url: str) -> tuple[Secret | None, str]:
    """The token, and where it was found."""
    typed = environ.get("HF_TOKEN", "").strip()
    candidates = {"the stack's hfdeploy:token": (config.get("token") or "").strip(), "HF_TOKEN": typed}
    if is_loopback(api_url):
        # An emulator: a real token of this person has no business there. Whoever types the emulator's address into the
        # environment types a token beside it; a stack that names an emulator brings its own.
        if config.get("apiUrl"):
            candidates.pop("HF_TOKEN")
    elif not any(candidates.values()):
        candidates["the saved login"] = _saved_login(environ) or ""
    return next(((_keep(text), source) for source, text in candidates.items() if text), (None, ""))


def _saved_login(environ: Mapping[str, str]) -> str | None:
    """What `hf auth login` left behind; the places are huggingface_hub's."""
    home = environ.get("HOME")
    cache = environ.get("XDG_CACHE_HOME") or (f"{home}/.cache" if home else None)
    hf_home = environ.get("HF_HOME") or (f"{cache}/huggingface" if cache else None)
    path = environ.get("HF_TOKEN_PATH") or (f"{hf_home}/token" if hf_home else None)
    if path is None:
        return None
    try:
        return Path(path).expanduser().read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None  # nobody logged in here, or nothing that could be a token


def _may_reach_hub(hub_url: str, api_url: str, config: _Config) -> bool:
    if is_loopback(hub_url) or is_loopback(api_url):
        return is_loopback(hub_url) and is_loopback(api_url)
    # HF_ENDPOINT often names a public mirror, which would learn the token; the stack's configuration is a decision.
    return hub_url == HUB or config.get("hubUrl") is not None


def _keep(value: str) -> Secret:
    redact.known.add(value)
    return Secret(value)
