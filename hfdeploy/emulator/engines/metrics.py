"""Prometheus text of one replica."""

from starlette.responses import PlainTextResponse, Response

from hfdeploy.emulator.engines.call import Call


def page(call: Call, *, requests: str, tokens: str, running: str) -> Response:
    """The engine's counters under its own names.

    Args:
        requests: name of the counter of requests.
        tokens: name of the counter of generated tokens.
        running: name of the gauge of requests under way.
    """
    replica = call.replica
    lines = [
        f"# TYPE {requests} counter",
        f"{requests} {replica.requests}",
        f"# TYPE {tokens} counter",
        f"{tokens} {replica.tokens}",
        f"# TYPE {running} gauge",
        f"{running} {replica.in_flight}",
    ]
    return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")
