"""Does it fit: weights, overhead and cache of a model against the memory of an instance's GPUs.

config.json ─shape→ Shape ┐
headers ─weights→ Weights ┴→ Model ─judge(hardware, load)→ Fit: fit | tight | no_fit | unknown, with the arithmetic

What is not known is `unknown` and says why; an architecture that is not recognised is never a "fit".
"""

from hfdeploy.fit.attention import (
    Attention,
    FullAttention,
    HybridAttention,
    LatentAttention,
    NoCache,
    WindowedAttention,
    attention_document,
    read_attention,
)
from hfdeploy.fit.card import GIB, Card, card_of
from hfdeploy.fit.gguf import gguf_shape, gguf_weights
from hfdeploy.fit.ggufheader import LONGEST_HEADER, GgufHeader, read_gguf
from hfdeploy.fit.judgement import judge
from hfdeploy.fit.pipeline import DENOISERS, read_pipeline_shape
from hfdeploy.fit.planned import can_be_judged, judge_plan, llamacpp_load, load_of
from hfdeploy.fit.ranking import judge_best, rank, ways_out
from hfdeploy.fit.remarks import lacks_bfloat16
from hfdeploy.fit.shape import Shape, UnknownShape, read_shape
from hfdeploy.fit.terms import Arithmetic, Fit, FitVerdict, Load, Model, gib
from hfdeploy.fit.told import loaded_beside, read_variables
from hfdeploy.fit.weights import Precision, UnknownWeights, Weights, weigh

__all__ = [
    "DENOISERS",
    "GIB",
    "LONGEST_HEADER",
    "Arithmetic",
    "Attention",
    "Card",
    "Fit",
    "FitVerdict",
    "FullAttention",
    "GgufHeader",
    "HybridAttention",
    "LatentAttention",
    "Load",
    "Model",
    "NoCache",
    "Precision",
    "Shape",
    "UnknownShape",
    "UnknownWeights",
    "Weights",
    "WindowedAttention",
    "attention_document",
    "can_be_judged",
    "card_of",
    "gguf_shape",
    "gguf_weights",
    "gib",
    "judge",
    "judge_best",
    "judge_plan",
    "lacks_bfloat16",
    "llamacpp_load",
    "load_of",
    "loaded_beside",
    "rank",
    "read_attention",
    "read_gguf",
    "read_pipeline_shape",
    "read_shape",
    "read_variables",
    "ways_out",
    "weigh",
]
