"""The service as it is met now: reachable, in time with us, and willing to serve this token in this namespace.

Single questions with a few seconds each and no repetition: what a person wants to know is what happens at this
moment. Redirects are not followed, since the token goes to the address that was chosen and nowhere else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Any, Final
from urllib.parse import quote

import httpx2

from hfdeploy.client import answer
from hfdeploy.doctor.finding import Finding, fine, obstacle, remark, skipped
from hfdeploy.errors import AuthError, UsageError
from hfdeploy.redact import Secret, bearer
from hfdeploy.settings import Settings
from hfdeploy.transport import Transport, bounded

PATIENCE: Final = 10.0
"""Seconds for one question."""

OFF: Final = timedelta(seconds=30)
"""A clock that is off by more is worth a word: ages, `Retry-After` dates and certificates are judged by it."""

_SET_CLOCK: Final = "Set this machine's clock, for instance with `timedatectl set-ntp true`."
_WRITES: Final = "inference.endpoints.write"
_TOKENS: Final = "https://huggingface.co/settings/tokens"


@dataclass(frozen=True, slots=True)
class _Reply:
    """What came back: a status with its sentence, or (status 0) why nothing did."""

    status: int
    text: str
    body: Any = None
    off: timedelta | None = None
    """The service's clock minus ours; None where it names no time."""


def look_at_service(chosen: Settings) -> list[Finding]:
    """Everything the network is needed for: the API, the clock, the token and the namespace."""
    bare = _ask(f"{chosen.api_url}/v2/provider", None)
    found = [_judge_reach(chosen, bare), _judge_clock(bare)]
    if chosen.token is None:
        return [*found, _no_token(chosen), skipped("namespace", "There is no token to ask with.")]
    try:
        bearer(chosen.token)
    except AuthError as error:
        return [
            *found,
            obstacle("token", f"{error}", f"It is that of {chosen.token_source}."),
            skipped("namespace", "There is no token that can be sent."),
        ]
    if not bare.status:
        nobody = "The management API cannot be reached."
        return [
            *found,
            fine("token", f"The token of {chosen.token_source}. Its kind is not known: nobody can be asked."),
            skipped("namespace", nobody),
        ]
    who = _ask(f"{chosen.hub_url}/api/whoami-v2", chosen.hub_token) if chosen.hub_token else None
    seen = _ask(_namespace_url(chosen), chosen.token) if chosen.namespace else None
    return [*found, *_judge_token(chosen, who, seen), _judge_namespace(chosen, who, seen)]


def _ask(url: str, token: Secret | None) -> _Reply:
    headers = {"user-agent": f"hfdeploy/{version('hfdeploy')}", "accept": "application/json"}
    if token is not None:
        headers["authorization"] = bearer(token)
    before = datetime.now(UTC)
    with httpx2.Client(transport=Transport(), headers=headers, follow_redirects=False, trust_env=False) as client:
        try:
            with bounded(total=PATIENCE):
                response = client.get(url)
        except (httpx2.TransportError, httpx2.DecodingError) as failure:
            return _Reply(0, answer.cut(f"{type(failure).__name__}: {failure}"))
        except (UsageError, httpx2.InvalidURL) as unusable:  # a proxy of the environment that cannot be one
            return _Reply(0, answer.cut(str(unusable)))
    now = datetime.now(UTC)
    off = _offset(response.headers.get("date", ""), before + (now - before) / 2)
    return _Reply(response.status_code, answer.refusal(response, now).text, _json(response), off=off)


def _json(response: httpx2.Response) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None


def _offset(text: str, now: datetime) -> timedelta | None:
    """`Date` has whole seconds, cut off: half a second is added, as it is past on average."""
    try:
        said = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return (said if said.tzinfo else said.replace(tzinfo=UTC)) + timedelta(seconds=0.5) - now


def _judge_reach(chosen: Settings, bare: _Reply) -> Finding:
    where = chosen.api_url
    if bare.status == 0:
        cure = (
            "Start the emulator: `make up`, or `hfdeploy emulate`."
            if chosen.is_emulated
            else (
                "Look at the network, the proxy (HTTPS_PROXY) and the clock; the service's own word: "
                "https://status.huggingface.co."
            )
        )
        return obstacle("api", f"{where} gave no answer ({PATIENCE:.0f} s are waited for one): {bare.text}.", cure)
    if bare.status >= 500 or bare.status == 429:
        text = f"{where} answers, but with {bare.status}: {bare.text}."
        return obstacle("api", text, "Wait and try again; https://status.huggingface.co has the service's own word.")
    if 300 <= bare.status < 400:
        return obstacle("api", f"{where} answers with {bare.text}.", "Set hfdeploy:apiUrl to the management API.")
    return fine("api", f"{where} answers.")


def _judge_clock(bare: _Reply) -> Finding:
    if bare.off is None:
        return skipped("clock", "The service cannot be reached." if not bare.status else "The service names no time.")
    seconds = bare.off.total_seconds()
    if abs(bare.off) <= OFF:
        return fine("clock", f"Within {max(1, round(abs(seconds)))} s of the service's.")
    return remark(
        "clock",
        f"This machine's clock is {abs(seconds):.0f} s {'behind' if seconds > 0 else 'ahead of'} the service's.",
        _SET_CLOCK,
    )


def _no_token(chosen: Settings) -> Finding:
    if chosen.is_emulated:
        cure = "A stack that names an emulator takes hfdeploy:token only; without a stack: `export HF_TOKEN=...`."
    else:
        cure = "`export HF_TOKEN=...`, `hf auth login`, or `pulumi config set --secret hfdeploy:token`."
    return obstacle("token", "There is none.", cure)


def _judge_token(chosen: Settings, who: _Reply | None, seen: _Reply | None) -> list[Finding]:
    """Which token it is, by the Hub, and whether it is taken, by the management API."""
    where = f"The token of {chosen.token_source}"
    if 401 in {reply.status for reply in (who, seen) if reply}:
        said = next(reply.text for reply in (seen, who) if reply and reply.status == 401)
        cure = f"Make another at {_TOKENS} with the right {_WRITES}, and put it where this one is."
        return [obstacle("token", f"{where} is not accepted ({said}).", cure)]
    if who is None:
        return [fine("token", f"{where}. Its kind is not known: it may not go to {chosen.hub_url}.")]
    if not isinstance(who.body, dict) or who.status != 200:
        said = f"{chosen.hub_url} did not say ({who.status or 'no answer'})"
        return [fine("token", f"{where}. Its kind is not known: {said}.")]
    entry = _mapping(_mapping(who.body.get("auth")).get("accessToken"))
    role, owner = str(entry.get("role") or "unknown"), str(who.body.get("name") or "somebody")
    text = f"{where}: kind {role}, of {owner}."
    if role == "read":
        cure = f"Make one with the right {_WRITES} at {_TOKENS}."
        return [obstacle("token", f"{text} It may look and not deploy.", cure)]
    if role == "fineGrained" and _WRITES not in (rights := _rights(entry, chosen.namespace)):
        told = f"its rights in {chosen.namespace or 'your own namespace'}: {', '.join(sorted(rights)) or 'none'}"
        return [obstacle("token", f"{text} It lacks {_WRITES}; {told}.", f"Add that right at {_TOKENS}.")]
    return [fine("token", text)]


def _rights(entry: Mapping[str, Any], namespace: str | None) -> set[str]:
    """What a fine-grained token may do in the namespace."""
    detail = _mapping(entry.get("fineGrained"))
    rights = {str(right) for right in _list(detail.get("global"))}
    for scope in map(_mapping, _list(detail.get("scoped"))):
        if namespace is None or _mapping(scope.get("entity")).get("name") == namespace:
            rights |= {str(right) for right in _list(scope.get("permissions"))}
    return rights


def _judge_namespace(chosen: Settings, who: _Reply | None, seen: _Reply | None) -> Finding:
    name = chosen.namespace
    if name is None or seen is None:
        text = "No namespace is known."
        return obstacle("namespace", text, "Set hfdeploy:namespace in the stack, HFDEPLOY_NAMESPACE, or --namespace.")
    pays = _pays(who, name)
    match seen.status:
        case 200 if pays is False:
            text = f"{name} has no payment method, so nothing can be deployed there."
            return obstacle("namespace", text, "Add one at https://huggingface.co/settings/billing.")
        case 200:
            billing = "it can pay" if pays else "whether it can pay is not said"
            return fine("namespace", f"{name} can be used; {billing}.")
        case 401:
            return skipped("namespace", "The token is not accepted.")
        case 402:
            cure = "Settle it at https://huggingface.co/settings/billing."
            return obstacle("namespace", f"{name}: payment is refused ({seen.text}).", cure)
        case 403:
            cure = f"Ask an administrator of {name}, or set hfdeploy:namespace to one of yours{_own(who)}."
            if "payment" in seen.text.lower():
                cure = "Add a payment method at https://huggingface.co/settings/billing."
            return obstacle("namespace", f"{name} cannot be used ({seen.text}).", cure)
        case 404:
            cure = f"Correct hfdeploy:namespace{_own(who)}."
            return obstacle("namespace", f"There is no namespace {name} ({seen.text}).", cure)
    return skipped("namespace", f"{name}: the service answered {seen.status or 'nothing'} ({seen.text}).")


def _places(who: _Reply | None) -> Iterable[Mapping[str, Any]]:
    """The user and the organisations of a token."""
    if who is None or who.status != 200:
        return []
    return [_mapping(who.body), *map(_mapping, _list(_mapping(who.body).get("orgs")))]


def _pays(who: _Reply | None, namespace: str) -> bool | None:
    found = next((one.get("canPay") for one in _places(who) if one.get("name") == namespace), None)
    return found if isinstance(found, bool) else None


def _own(who: _Reply | None) -> str:
    names = ", ".join(str(one.get("name")) for one in _places(who))
    return f" ({names})" if names else ""


def _namespace_url(chosen: Settings) -> str:
    return f"{chosen.api_url}/v2/endpoint/{quote(str(chosen.namespace), safe='')}?limit=1"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
