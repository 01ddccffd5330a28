"""Replies of the management API as they come over the wire, for tests that say them byte by byte."""

from typing import Any

from recorded_reply import reply


def endpoint_reply(name: str = "tiny", state: str = "running", **model: Any) -> dict[str, Any]:
    """One endpoint of ours that runs, with every key that the service always sends and no more than it needs."""
    recorded = reply()
    plain = {
        "repository": "acme/tiny",
        "image": {"tgi": {"url": "acme/tgi:3.3.7", "port": 80, "healthRoute": "/health"}},
        "env": {},
        "secrets": {},
    }
    kept = {key: value for key, value in recorded["model"].items() if key not in {"command", "args"}}
    now = {
        "state": state,
        "message": "Endpoint is ready",
        "url": "https://abc.us-east-1.aws.endpoints.huggingface.cloud",
        "readyReplica": 1,
    }
    return recorded | {
        "name": name,
        "model": kept | plain | model,
        "tags": ["hfd-o-0123456789ab"],
        "status": recorded["status"] | now,
    }
