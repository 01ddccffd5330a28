"""A body that was asked for, another value for each of its fields, and the live endpoint made from it."""

import copy
from typing import Any

from hfdeploy.wire import Endpoint, parse_endpoint

SHA = "1" * 40

WANTED: dict[str, Any] = {
    "name": "chat",
    "type": "private",
    "provider": {"vendor": "aws", "region": "us-east-1"},
    "compute": {
        "accelerator": "gpu",
        "instanceType": "nvidia-a10g",
        "instanceSize": "x1",
        "scaling": {"minReplica": 0, "maxReplica": 2, "scaleToZeroTimeout": 15, "measure": {"hardwareUsage": 80}},
    },
    "model": {
        "repository": "acme/chat",
        "framework": "pytorch",
        "revision": SHA,
        "task": "text-generation",
        "image": {"vLLM": {"url": "vllm/vllm-openai:v0.11.0", "tensorParallelSize": 1}},
        "env": {"A": "1"},
        "command": ["serve"],
        "args": ["--max-model-len", "8192"],
    },
    "tags": ["team-a"],
    "route": {"domain": "chat.example.org", "path": "/"},
}

OTHER: dict[tuple[str, ...], Any] = {
    ("type",): "public",
    ("compute", "accelerator"): "cpu",
    ("compute", "instanceType"): "nvidia-l4",
    ("compute", "instanceSize"): "x4",
    ("compute", "scaling", "minReplica"): 1,
    ("compute", "scaling", "maxReplica"): 4,
    ("compute", "scaling", "scaleToZeroTimeout"): 60,
    ("compute", "scaling", "measure"): {"pendingRequests": 1.5},
    ("model", "repository"): "acme/other",
    ("model", "framework"): "custom",
    ("model", "revision"): "2" * 40,
    ("model", "task"): "feature-extraction",
    ("model", "image"): {"vLLM": {"url": "vllm/vllm-openai:v0.12.0", "tensorParallelSize": 1}},
    ("model", "env"): {"A": "2"},
    ("model", "command"): ["other"],
    ("model", "args"): [],
    ("tags",): ["team-b"],
    ("route",): {"domain": "chat.example.org", "path": "/v2"},
}


def endpoint(body: dict[str, Any], **status: Any) -> Endpoint:
    """A live endpoint that was made from `body`, with everything that the server fills in."""
    live = copy.deepcopy(body)
    for variant in live["model"]["image"].values():
        variant |= {"port": 8000, "healthRoute": "/health"}
    live["model"]["secrets"] = {}
    live["tags"] = ["hfd-o-0123456789ab", "hfd-l-chat", *live["tags"]]
    live["experimentalFeatures"] = live["notifications"] = {}
    live["healthRoute"] = "/health"
    live["compute"]["id"] = "aws-us-east-1-nvidia-a10g-x1"
    live["compute"]["scaling"]["metric"] = "hardwareUsage"
    live["status"] = {"state": "running", "createdAt": "2026-11-01T09:00:00.000Z", "readyReplica": 1, **status}
    return parse_endpoint(live)
