"""Infrastructure as code for Hugging Face Inference Endpoints: one YAML spec per endpoint, `pulumi up`, proof.

The map of a deployment
    specs/tiny.yaml -spec-> EndpointSpec -+
                                          +-plan-> Plan -review-> findings     `hfdeploy plan`, `deploy()`
    catalogue ------catalog-> Catalog ----+        |
    resources --pulumi--> EndpointIdentity -client-> POST, returns at once     `pulumi up`
                          InferenceEndpoint -rollout-> PUT, wait, verify(stream -> verdict) -> outputs

A Pulumi program needs one line, `hfdeploy.deploy()`, or makes its own `hfdeploy.InferenceEndpoint(...)` after
`hfdeploy.guard()`.
Importing this package loads nothing heavy: names are looked up when they are used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hfdeploy.resources import EndpointIdentity, InferenceEndpoint, StackGuard, guard
    from hfdeploy.spec import EndpointSpec, load_specs, parse_spec
    from hfdeploy.stack import deploy

__all__ = [
    "EndpointIdentity",
    "EndpointSpec",
    "InferenceEndpoint",
    "StackGuard",
    "deploy",
    "guard",
    "load_specs",
    "parse_spec",
]

_HOMES = {
    "EndpointIdentity": "hfdeploy.resources",
    "EndpointSpec": "hfdeploy.spec",
    "InferenceEndpoint": "hfdeploy.resources",
    "StackGuard": "hfdeploy.resources",
    "deploy": "hfdeploy.stack",
    "guard": "hfdeploy.resources",
    "load_specs": "hfdeploy.spec",
    "parse_spec": "hfdeploy.spec",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the type of a name is its home module's business
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'hfdeploy' has no attribute {name!r}")
    return getattr(import_module(home), name)
