"""The law that a spec survives its own YAML, for specs of every kind."""

import json
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from hfdeploy.spec import declare, json_schema, load_specs, parse_spec


def texts(pattern: str, longest: int = 40) -> st.SearchStrategy[str]:
    """Texts of a pattern, not too long."""
    return st.from_regex(pattern, fullmatch=True).filter(lambda text: len(text) <= longest)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A section with any of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


DIGEST = "0123456789abcdef" * 4
COUNT = st.integers(1, 10**6)
SHARE = st.floats(0.01, 0.99)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=30)
PROSE = WORDS.filter(lambda text: bool(text.strip()))
VARIABLE = texts("[A-Z_][A-Z0-9_]{0,12}").map(lambda name: f"APP_{name}_X")
SOURCE = st.one_of(
    VARIABLE.map(lambda name: {"from_env": name}), texts("[a-z]{1,8}K").map(lambda k: {"from_config": k})
)
DURATION = st.one_of(st.integers(15, 2880).map(lambda m: f"{m}m"), st.integers(1, 48).map(lambda h: f"{h}h"))
IMAGE = st.sampled_from(["acme/server:1.2", "registry.example:5000/a/b@sha256:" + DIGEST, "ghcr.io/a/b-c_d:v1-x"])
CONTAINER = {
    "image": IMAGE,
    "port": st.integers(1, 65535),
    "health_route": texts("/[a-z]{1,8}(/[a-z0-9._-]{1,8})?").filter(lambda path: ".." not in path),
}
LLAMACPP = {"type": "llamacpp", "model_path": "a.gguf", "ctx_size": 0, "n_parallel": 2, "threads_http": 1}
ENGINE = st.one_of(
    some(**CONTAINER, quantize=st.sampled_from(["awq", "fp8"]), max_batch_prefill_tokens=COUNT).map(
        lambda own: {"type": "tgi", **own}
    ),
    some(**CONTAINER, tensor_parallel_size=COUNT, max_num_seqs=COUNT).map(lambda own: {"type": "vllm", **own}),
    some(**CONTAINER, chunked_prefill_size=st.just(-1) | COUNT).map(lambda own: {"type": "sglang", **own}),
    some(**CONTAINER, pooling=st.sampled_from(["cls", "mean"])).map(lambda own: {"type": "tei", **own}),
    some(**CONTAINER, n_gpu_layers=st.integers(-1, 99)).map(lambda own: {**LLAMACPP, **own}),
    st.builds(
        lambda password: {
            "type": "custom", "image": "acme/x:1", "registry": {"username": "bob", "password": password}
        },
        SOURCE,
    ),
    st.sampled_from([{"type": "huggingface"}, {"type": "huggingface_neuron", "batch_size": 4}]),
)  # fmt: skip
VALID = st.fixed_dictionaries(
    {
        "name": texts("[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?"),
        "repository": texts("[A-Za-z0-9]{1,9}/[A-Za-z0-9]{1,9}(\\.[0-9])?"),
        "cloud": st.just("aws"),
        "region": texts("[a-z]{2}-[a-z]{4}-[0-9]"),
        "instance": st.sampled_from(["nvidia-t4 x1", "GPU [xlarge] · 1x A100", {"type": "intel-spr", "size": "x2"}]),
    },
    optional={
        "namespace": texts("[A-Za-z0-9]{1,9}"),
        "revision": texts("[a-z0-9]{1,9}(/[0-9a-f]{1,9})?"),
        "task": texts("[a-z]{1,9}(-[a-z]{1,9})?"),
        "engine": ENGINE,
        "autoscaling": st.one_of(
            some(max=COUNT, scale_to_zero_after=DURATION, measure=some(hardware_usage=SHARE).filter(bool)),
            st.builds(lambda least, more: {"min": least, "max": least + more}, COUNT, COUNT),
        ),
        "security": st.sampled_from(["private", "authenticated"]),
        "concurrency": COUNT,
        "args": st.lists(WORDS, max_size=3),
        "command": st.lists(WORDS, max_size=3),
        "env": st.dictionaries(VARIABLE, WORDS, max_size=3),
        "secrets": st.dictionaries(VARIABLE.map(lambda name: f"S{name}"), SOURCE, max_size=3),
        "route": some(domain=texts("[a-z]{1,9}\\.[a-z]{2,5}"), path=texts("/[a-z]{1,9}")).filter(bool),
        "private_service": st.just({"account_id": "012345678901", "region": "eu-west-1"}),
        "tags": st.lists(texts("[a-z0-9]{1,9}( [a-z]{1,5})?"), unique=True, max_size=3),
        "verify": some(
            when=st.sampled_from(["changed", "always", "never"]),
            prompt=PROSE,
            max_new_tokens=COUNT,
            parameters=some(temperature=SHARE, top_p=SHARE, seed=COUNT, stop=st.lists(PROSE, min_size=1, max_size=4)),
        ),
        "rollout": some(timeout=st.integers(1, 1440).map(lambda m: f"{m}m"), attempt=COUNT),
        "state": st.just("running"),
    },
)


@given(data=VALID)
@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
def test_a_spec_survives_its_own_yaml(tmp_path: Path, data: dict[str, Any]) -> None:
    """Files are written by tools too, and what crosses to the other process is the same mapping."""
    spec, file = parse_spec(data), tmp_path / "own.yaml"
    file.write_text(yaml.safe_dump(declare(spec), allow_unicode=True, sort_keys=False), encoding="utf-8")
    (loaded,) = load_specs([file])

    assert loaded.spec == spec == parse_spec(json.loads(json.dumps(declare(spec))))
    assert not list(Draft202012Validator(json_schema()).iter_errors(declare(spec)))
