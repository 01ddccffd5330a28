"""A reply of the service about an endpoint, as it was recorded, and ways to change it."""

import copy
from typing import Any

from hfdeploy.diff.fields import put_at

CREATED: dict[str, Any] = {
    "name": "demo-llm",
    "type": "private",
    "provider": {"vendor": "aws", "region": "us-east-1"},
    "compute": {
        "id": "aws-us-east-1-nvidia-l4-x1",
        "accelerator": "gpu",
        "instanceType": "nvidia-l4",
        "instanceSize": "x1",
        "scaling": {
            "minReplica": 0,
            "maxReplica": 3,
            "scaleToZeroTimeout": 15,
            "measure": {"hardwareUsage": None},
            "metric": "hardwareUsage",
        },
    },
    "model": {
        "repository": "acme/demo-3b",
        "revision": "1" * 40,
        "framework": "pytorch",
        "task": "text-generation",
        "image": {
            "tgi": {
                "url": "acme/text-generation-inference:3.3.7",
                "port": 80,
                "healthRoute": "/health",
                "disableCustomKernels": False,
            }
        },
        "env": {"LOG": "info"},
        "secrets": {"KEY": "hunter2"},
        "command": ["serve"],
        "args": ["--x"],
    },
    "tags": ["team-a"],
    "experimentalFeatures": {},
    "notifications": {},
    "healthRoute": "/health",
    "status": {
        "state": "pending",
        "message": "Endpoint waiting to be scheduled",
        "readyReplica": 0,
        "targetReplica": 1,
        "private": None,
        "createdAt": "2026-11-01T09:00:00.000Z",
        "createdBy": {"id": "000000000000000000000001", "name": "alice"},
        "updatedAt": "2026-11-02T09:00:00.000Z",
        "updatedBy": {"id": "000000000000000000000002", "name": "bob"},
    },
}
"""A reply just after creation: the values are invented, the shape is that of recorded replies (Inference Endpoints
2.0.0, OpenAPI document, and public recordings of 2026)."""


def reply(path: tuple[str, ...] = (), value: Any = None) -> dict[str, Any]:
    """A recorded reply with one value changed."""
    body = copy.deepcopy(CREATED)
    if path:
        put_at(body, path, value)
    return body
