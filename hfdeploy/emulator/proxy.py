"""What stands between a caller and a replica: who may pass, what sleeps, what is paused, and how long to wait.

Facts: section 12.1 of the project's API reference; what it leaves open is a switch (`switches.py`).
"""

import anyio
from starlette.datastructures import Headers
from starlette.responses import Response

from hfdeploy.emulator.engines.call import JSON
from hfdeploy.emulator.serving import Account, Endpoints, Serving

_POLL_S = 0.05
_STARTED = frozenset({"running", "updating", "updateFailed"})
_PHRASES = {
    401: ("401 Unauthorized", "UNAUTHORIZED"),
    403: ("403 Forbidden", "FORBIDDEN"),
    404: ("404 Not Found", "NOT_FOUND"),
    408: ("408 Request Timeout", "REQUEST_TIMEOUT"),
    413: ("413 Payload Too Large", "PAYLOAD_TOO_LARGE"),
    502: ("502 Bad Gateway", "BAD_GATEWAY"),
    503: ("503 Service Unavailable", "SERVICE_UNAVAILABLE"),
    504: ("504 Gateway Timeout", "GATEWAY_TIMEOUT"),
}
_PAUSED = {
    "current": "Bad Request: The endpoint is paused, ask a maintainer to restart it",
    "2024": "Bad Request: Invalid state",
}


def refusal(status: int) -> Response:
    """The proxy's own answer of that status."""
    message, code = _PHRASES[status]
    return JSON({"error": message, "code": code}, status_code=status)


async def admit(endpoints: Endpoints, namespace: str, name: str, headers: Headers) -> Serving | Response:
    """The endpoint with a replica that can be asked, or the proxy's answer in its place.

    Wakes a sleeping endpoint, for callers that may pass and for nobody else. A request with `X-Scale-Up-Timeout` is
    held until a replica is ready or its seconds are over.
    """
    serving = endpoints.serving(namespace, name)
    if serving is None:
        return refusal(endpoints.option("absent_endpoint_status"))
    denied = _denial(endpoints, serving, bearer(headers))
    if denied is not None:
        return refusal(denied)
    if serving.state == "scaledToZero":
        endpoints.wake(namespace, name)
    seconds = _patience(endpoints, headers)
    if seconds is None or serving.is_ready or serving.state == "paused":
        return _reached(endpoints, serving)
    with anyio.move_on_after(seconds):
        while not serving.is_ready:
            await anyio.sleep(_POLL_S)
            found = endpoints.serving(namespace, name)
            if found is None or found.state == "paused":
                break
            serving = found
            if serving.state == "scaledToZero":
                endpoints.wake(namespace, name)
        return await admit(endpoints, namespace, name, _without_patience(headers))
    return refusal(endpoints.option("scale_up_timeout_answer"))


def bearer(headers: Headers) -> str | None:
    """The token of an `Authorization: Bearer` header; the scheme is matched without regard to case."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _denial(endpoints: Endpoints, serving: Serving, token: str | None) -> int | None:
    """The status for a caller who may not pass."""
    if serving.access == "public":
        return None
    account = endpoints.account(token)
    if account is None or serving.access == "protected":
        return 401
    if serving.access == "private" and not _is_member(endpoints, serving, account):
        outsider: int = endpoints.option("outsider_status")
        return outsider
    return None


def _is_member(endpoints: Endpoints, serving: Serving, account: Account) -> bool:
    match endpoints.option("private_access"):
        case "any_account":
            return True
        case "nobody":
            return False
        case _:
            return serving.namespace in account.namespaces


def _reached(endpoints: Endpoints, serving: Serving) -> Serving | Response:
    """The endpoint when a container is there to answer, loaded or not; else what the proxy says."""
    if serving.state == "paused":
        text = _PAUSED[endpoints.option("paused_text")]
        return JSON({"error": text, "code": "BAD_REQUEST"}, status_code=400)
    if serving.is_ready or serving.state in _STARTED:
        return serving
    return refusal(endpoints.option("failed_status" if serving.state == "failed" else "asleep_status"))


def _patience(endpoints: Endpoints, headers: Headers) -> float | None:
    """The seconds a request may be held; None when it did not ask, or not with a number."""
    asked = headers.get("x-scale-up-timeout", "")
    if not asked.isascii() or not asked.isdigit():
        return None
    longest = endpoints.option("scale_up_timeout_max_s")
    return float(asked) if longest is None else min(float(asked), float(longest))


def _without_patience(headers: Headers) -> Headers:
    return Headers(raw=[(key, value) for key, value in headers.raw if key != b"x-scale-up-timeout"])
