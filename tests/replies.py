"""Replies of the management API as they come over the wire, for tests that say them byte by byte."""

from typing import Any


def endpoint_reply(name: str = "tiny", state: str = "running", **model: Any) -> dict[str, Any]:
    """One endpoint with every key that the service always sends."""
    person = {"id": "000000000000000000000001", "name": "alice"}
    return {
        "name": name,
        "type": "private",
        "provider": {"vendor": "aws", "region": "us-east-1"},
        "compute": {
            "id": "aws-us-east-1-nvidia-l4-x1",
            "accelerator": "gpu",
            "instanceType": "nvidia-l4",
            "instanceSize": "x1",
            "scaling": {"minReplica": 0, "maxReplica": 1, "scaleToZeroTimeout": 15, "measure": {"hardwareUsage": None}},
        },
        "model": {
            "repository": "acme/tiny",
            "revision": "1" * 40,
            "framework": "pytorch",
            "task": "text-generation",
            "image": {"tgi": {"url": "acme/tgi:3.3.7", "port": 80, "healthRoute": "/health"}},
            "env": {},
            "secrets": {},
        }
        | model,
        "tags": ["hfd-o-0123456789ab"],
        "experimentalFeatures": {},
        "notifications": {},
        "healthRoute": "/health",
        "status": {
            "state": state,
            "message": "Endpoint is ready",
            "url": "https://abc.us-east-1.aws.endpoints.huggingface.cloud",
            "readyReplica": 1,
            "targetReplica": 1,
            "private": None,
            "createdAt": "2026-11-01T09:00:00.000Z",
            "createdBy": person,
            "updatedAt": "2026-11-01T09:00:00.000Z",
            "updatedBy": person,
        },
    }
