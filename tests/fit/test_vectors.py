"""Every vector of the data that travels with the package: verdict and reason exactly, GiB to a hundredth."""

import json
from importlib import resources
from typing import Any

import pytest

from hfdeploy.catalog import Catalog, Hardware
from hfdeploy.fit import (
    GIB,
    Load,
    Model,
    Precision,
    Shape,
    Weights,
    judge,
    read_pipeline_shape,
    read_shape,
    weigh,
)

DATA = json.loads((resources.files("hfdeploy.emulator") / "data" / "models.json").read_text())
REPOSITORIES = json.loads((resources.files("hfdeploy.emulator") / "data" / "repositories.json").read_text())["models"]
MODELS: dict[str, dict[str, Any]] = {model["id"]: model for model in DATA["models"]}
VECTORS = [(model["id"], vector) for model in DATA["models"] for vector in model["vectors"]]
CATALOG = Catalog.snapshot()
UNET = {"_class_name": "UNet2DConditionModel", "block_out_channels": [320, 640, 1280, 1280], "attention_head_dim": 8}


def hardware(vector: dict[str, Any]) -> Hardware:
    type_, size = vector["instance"].split()
    found = [row for row in CATALOG.rows if (row.vendor, row.spelling) == (vector["vendor"], f"{type_} {size}")]
    return found[0]


def shape_of(model: dict[str, Any]) -> Shape:
    config = REPOSITORIES[model["id"]].get("config")
    return read_shape(config) if config else read_pipeline_shape(UNET)


def weights_of(model: dict[str, Any]) -> Weights:
    stored = REPOSITORIES[model["id"]]["stored"]
    sizes = {"F32": 4, "I64": 8, "BF16": 2, "F16": 2, "U8": 1, "F8_E4M3": 1}
    header = {
        dtype: {"dtype": dtype, "shape": [count], "data_offsets": [0, count * sizes[dtype]]}
        for dtype, count in stored.items()
    }
    found = weigh([header])
    return Weights(found.bytes, found.parameters, found.dtypes, model["params"])


def load_of(model: dict[str, Any], vector: dict[str, Any]) -> Load:
    packed = weights_of(model).is_packed
    precision = {"INT8": Precision.INT8, "BF16": Precision.HALF if packed else Precision.STORED}
    return Load(
        max_model_len=vector["max_model_len"],
        precision=precision.get(vector["weights_dtype"], Precision.STORED),
        tensor=vector.get("tensor_parallel"),
    )


@pytest.mark.parametrize(
    ("name", "vector"),
    VECTORS,
    ids=[f"{name}-{v['instance']}-{v['weights_dtype']}-{v['max_model_len']}" for name, v in VECTORS],
)
def test_every_vector_holds(name: str, vector: dict[str, Any]) -> None:
    """Shape from the configuration, bytes from headers; verdict, reason, GiB and sequences as published."""
    model = MODELS[name]

    fit = judge(Model(name, weights_of(model), shape_of(model)), hardware(vector), load_of(model, vector))

    assert (fit.verdict, fit.reason) == (vector["expect"], vector["reason"])
    if "full_context_sequences" in vector and vector["full_context_sequences"] is not None:
        assert fit.full_sequences == vector["full_context_sequences"]
    if expected := vector.get("per_gpu_gib"):
        sums = fit.arithmetic
        assert sums is not None
        got = {
            "budget": sums.budget,
            "weights": sums.weights,
            "overhead": sums.overhead,
            "kv_needed": sums.cache,
            "free_for_kv": sums.free,
        }
        for what, value in expected.items():
            assert float(got[what] / GIB) == pytest.approx(value, abs=0.01), what


@pytest.mark.parametrize("name", MODELS)
def test_the_bytes_are_the_checkpoint_s(name: str) -> None:
    """The sum of the headers is the size of the weights, to the byte."""
    assert weights_of(MODELS[name]).bytes == MODELS[name]["checkpoint_bytes"]
