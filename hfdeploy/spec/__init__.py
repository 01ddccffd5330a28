"""What a person writes: one endpoint per file, in this project's words; `hfdeploy.wire` speaks the API's.

`load_specs` reads files, `parse_spec` a mapping; both answer with everything that is wrong at once. An `EndpointSpec`
that exists is valid on its own; whether its hardware, model and region exist is for others to say.
"""

from hfdeploy.spec.container import ContainerEngine, EngineSection
from hfdeploy.spec.endpoint import EndpointSpec, InstanceChoice, Security
from hfdeploy.spec.engine import (
    CustomEngine,
    Engine,
    HuggingfaceEngine,
    HuggingfaceNeuronEngine,
    LlamacppEngine,
    Registry,
    SglangEngine,
    TeiEngine,
    VllmEngine,
    VllmNeuronEngine,
)
from hfdeploy.spec.folder import LoadedSpec, declare, load_specs, meaning_alone, parse_spec, read_specs
from hfdeploy.spec.naming import is_commit
from hfdeploy.spec.network import PrivateService, Route
from hfdeploy.spec.rollout import OnCreateFailure, OnUpdateFailure, RolloutSpec
from hfdeploy.spec.scalar import duration_text
from hfdeploy.spec.scaling import Autoscaling, Measure
from hfdeploy.spec.schema import json_schema
from hfdeploy.spec.secret import FromConfig, FromEnv, SecretSource
from hfdeploy.spec.section import Section
from hfdeploy.spec.tgi import TgiEngine, TgiNeuronEngine
from hfdeploy.spec.verification import VerifyRoute, VerifySpec, VerifyWhen

__all__ = [
    "Autoscaling",
    "ContainerEngine",
    "CustomEngine",
    "EndpointSpec",
    "Engine",
    "EngineSection",
    "FromConfig",
    "FromEnv",
    "HuggingfaceEngine",
    "HuggingfaceNeuronEngine",
    "InstanceChoice",
    "LlamacppEngine",
    "LoadedSpec",
    "Measure",
    "OnCreateFailure",
    "OnUpdateFailure",
    "PrivateService",
    "Registry",
    "RolloutSpec",
    "Route",
    "SecretSource",
    "Section",
    "Security",
    "SglangEngine",
    "TeiEngine",
    "TgiEngine",
    "TgiNeuronEngine",
    "VerifyRoute",
    "VerifySpec",
    "VerifyWhen",
    "VllmEngine",
    "VllmNeuronEngine",
    "declare",
    "duration_text",
    "is_commit",
    "json_schema",
    "load_specs",
    "meaning_alone",
    "parse_spec",
    "read_specs",
]
