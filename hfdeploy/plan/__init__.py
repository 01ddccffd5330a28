"""A spec and a catalogue become the exact request: the one place where our words meet the API's."""

from hfdeploy.plan.images import default_image, registry_of, with_registry
from hfdeploy.plan.parallel import ParallelSizes, contradicted
from hfdeploy.plan.request import ENGINE_KEYS, OPENAI_ENGINES, REGISTRY, Plan, make_plan, sources_of

__all__ = [
    "ENGINE_KEYS",
    "OPENAI_ENGINES",
    "REGISTRY",
    "ParallelSizes",
    "Plan",
    "contradicted",
    "default_image",
    "make_plan",
    "registry_of",
    "sources_of",
    "with_registry",
]
