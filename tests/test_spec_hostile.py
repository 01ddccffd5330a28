"""Specs that somebody made to hurt: bombs, noise, credentials; and the law that a spec survives its own YAML."""

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from hfdeploy.errors import Problem, SpecError
from hfdeploy.spec import declare, json_schema, load_specs, parse_spec

FIELDS = {
    "name": "tiny",
    "repository": "acme/tiny",
    "cloud": "aws",
    "region": "us-east-1",
    "instance": "nvidia-t4 x1",
}
TINY = "".join(f"{field}: {value}\n" for field, value in FIELDS.items())
MOST_MEMORY = 50 * 2**20

BOMBS = {
    "aliases": "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [{'*a, ' * 9}]\n" for n in range(2000)),
    "merges": TINY + "env: &e {A: 1}\n" + "".join(f"x{n}: {{<<: *e}}\n" for n in range(2000)),
    "lists in lists": TINY + "args: " + "[" * 100_000,
    "mappings in mappings": TINY + "env: " + "{a: " * 50_000,
    "one item after another": TINY + "args:\n" + "- a\n" * 60_000,
    "one key twice": TINY + "env:\n" + " A: 1\n" * 40_000,
    "keys as lists": TINY + "? - " * 50_000,
    "a long word": TINY + "revision: " + "a" * 250_000,
    "dots and slashes": TINY + "engine: {type: tgi, image: " + "a/" * 100_000 + "}",
}
HEAVY = {
    "half tokens": TINY + "env: {A: '" + "hf_eyJsk-SG." * 8_000 + "!'}",
    "addresses": TINY + "env: {A: '" + "a://" * 24_000 + "'}",
    "one long line": TINY + "env: {A: '" + "a" * 99_000 + "'}",
}
"""Allowed, and the worst that can be done to the patterns that look for credentials."""


@pytest.mark.fault(30)
@pytest.mark.parametrize("name", [*BOMBS, *HEAVY])
def test_a_bomb_is_refused_where_it_begins_to_grow(tmp_path: Path, name: str) -> None:
    """A pull request must not be able to take the pipeline down."""
    file = tmp_path / "bomb.yaml"
    file.write_text((BOMBS | HEAVY)[name])
    tracemalloc.start()
    try:
        problems = problems_of(lambda: load_specs([file]))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST_MEMORY
    assert bool(problems) is (name in BOMBS)
    assert all(problem.line > 0 for problem in problems)
    assert sum(len(str(problem)) for problem in problems) < 10_000


LETTERS = "Az09bY18cX27dW36eV45fU54gT63hS72iR81jQ90kP09lO18mN27"
HEX = "0123456789abcdef" * 4
UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
TOKENS = [
    "hf_" + LETTERS[:34],
    "api_org_" + LETTERS[:34],
    "sk-" + LETTERS[:48],
    "sk-proj-" + LETTERS[:48],
    "sk-ant-api03-" + LETTERS[:40],
    "sk-or-v1-" + HEX,
    "AKIA" + UPPER[:16],
    "ASIA" + UPPER[:16],
    "ghp_" + LETTERS[:36],
    "gho_" + LETTERS[:36],
    "ghu_" + LETTERS[:36],
    "ghs_" + LETTERS[:36],
    "ghr_" + LETTERS[:36],
    "github_pat_" + LETTERS[:22] + "_" + LETTERS,
    "glpat-" + LETTERS[:20],
    "xoxb-" + "123456789012-" + LETTERS[:24],
    "xoxp-" + "123456789012-" + LETTERS[:24],
    "xapp-1-" + LETTERS[:24],
    "https://hooks.slack.com/services/" + LETTERS[:9] + "/" + LETTERS[:24],
    "pul-" + HEX[:40],
    "npm_" + LETTERS[:36],
    "pypi-" + LETTERS[:40],
    "dckr_pat_" + LETTERS[:27],
    "dop_v1_" + HEX,
    "AIza" + LETTERS[:35],
    "ya29." + LETTERS[:40],
    "SG." + LETTERS[:22] + "." + LETTERS[:43],
    "sk_live_" + LETTERS[:24],
    "rk_test_" + LETTERS[:24],
    "whsec_" + LETTERS[:32],
    "shpat_" + HEX[:32],
    "hvs." + LETTERS[:24],
    "r8_" + LETTERS[:37],
    "gsk_" + LETTERS[:48],
    "nvapi-" + LETTERS[:48],
    "pplx-" + LETTERS[:48],
    "xai-" + LETTERS[:48],
    "fw_" + LETTERS[:24],
    "tgp_v1_" + LETTERS[:40],
    "lsv2_pt_" + HEX[:32] + "_" + HEX[:10],
    "dapi" + HEX[:32],
    "glsa_" + LETTERS[:32] + "_" + HEX[:8],
    "sbp_" + HEX[:40],
    "tskey-auth-" + LETTERS[:24],
    "lin_api_" + LETTERS[:40],
    "ntn_" + LETTERS[:40],
    "figd_" + LETTERS[:40],
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJib2IifQ." + LETTERS[:43],
    "-----BEGIN OPENSSH PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----",
    "Bearer " + LETTERS[:32],
    "postgres://bob:" + LETTERS[:12] + "@db.example/x",
    "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=" + LETTERS[:43] + LETTERS[:43] + "==",
]
"""The shapes of credentials, put together here so that no scanner takes them for real ones."""


@pytest.mark.fault(32)
@pytest.mark.parametrize("token", TOKENS, ids=lambda token: token[:12])
def test_a_credential_is_accepted_nowhere_and_shown_nowhere(token: str) -> None:
    """Whoever pastes one into a spec has published it with the next commit."""
    places: list[dict[str, Any]] = [
        {"env": {"GREETING": token}},
        {"env": {"OPTIONS": f"--verbose --key={token} --fast"}},
        {"args": ["--key", token]},
        {"command": ["sh", "-c", f"KEY='{token}' serve"]},
        {"secrets": {"API_KEY": token}},
        {"engine": {"type": "custom", "image": "acme/x:1", "registry": {"username": "bob", "password": token}}},
        {"revision": token},
        {"security": token},
        {"max_model_len": token},
        {"tags": [token]},
        {"verify": {"prompt": token, "expect": token}},
        {"secrets": {"API_KEY": {"from_env": token}}},
        {"secrets": {"API_KEY": {"from_config": token}}},
        {"env": {token: "x"}},
        {token: "x"},
    ]
    for place in places:
        with pytest.raises(SpecError) as error:
            parse_spec({**FIELDS, **place})
        assert token not in str(error.value), place
        assert LETTERS[:12] not in str(error.value), place


@pytest.mark.parametrize(
    "text",
    ["sk-learn", "hf_transfer", "/repository", "task-oriented-dialogue-system-for-people", "0123456789abcdef" * 2,
     "https://acme.org:8080/path@x", "ghp_", "risk-assessment-and-mitigation-plan", "bearer of good news"],
)  # fmt: skip
def test_ordinary_words_are_no_credentials(text: str) -> None:
    """A false alarm teaches people to work around the check."""
    assert parse_spec({**FIELDS, "env": {"WORDS": text}}).env == {"WORDS": text}


# Noise


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file, written again for each example."""
    return tmp_path_factory.mktemp("noise") / "noise.yaml"


PIECES = st.sampled_from(
    [
        "name", "engine", "env", "secrets", "verify", "autoscaling", "args", "type", ": ", ":", "\n", "\n  ", "- ",
        "[", "]", "{", "}", ",", "&a ", "*a", "<<: *a", "!!str ", "!x", "? ", "|\n  ", ">-\n", '"', "'", "#", "\t",
        "---\n", "...\n", "%YAML 1.2\n", "null", "~", "true", "0x1F", "1e9999", "-0", "\u2028", "\x85", "\ufeff",
        "\x00", "é", "😀", "from_env", "tgi", "public", "15m", "\r", "\\", "@", "`",
    ]
)  # fmt: skip
NOISE = st.one_of(
    st.binary(max_size=400),
    st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.lists(PIECES, max_size=60).map(lambda pieces: "".join(pieces).encode()),
    st.tuples(st.integers(0, len(TINY)), st.lists(PIECES, max_size=20)).map(
        lambda cut: (TINY[: cut[0]] + "".join(cut[1]) + TINY[cut[0] :]).encode()
    ),
)


@pytest.mark.fault(30)
@given(content=NOISE)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_noise_raises_nothing_but_our_own_error(file: Path, content: bytes) -> None:
    """A traceback would be ours to explain."""
    file.write_bytes(content)
    assert_sentences(problems_of(lambda: load_specs([file])))


def problems_of(read: Callable[[], object]) -> list[Problem]:
    """What is wrong, if anything; any other error than ours passes through."""
    try:
        read()
    except SpecError as error:
        return error.problems
    return []


def assert_sentences(problems: list[Problem]) -> None:
    """Every problem says something, and none of it is a library's."""
    for problem in problems:
        assert problem.message
        assert "nput should" not in problem.message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@given(field=st.sampled_from([*parse_spec(FIELDS).model_dump(), "adopt", "zzz"]), value=JSON, below=JSON)
@settings(max_examples=200, deadline=None)
def test_any_value_in_any_field_raises_nothing_but_our_own_error(field: str, value: object, below: object) -> None:
    """Programs compute their arguments, and not always well."""
    for given_value in (value, {"type": "tgi", "quantize": below}, {"measure": below, "parameters": below, "A": below}):
        assert_sentences(problems_of(lambda wrong=given_value: parse_spec({**FIELDS, field: wrong})))


# Good ones


def texts(pattern: str, longest: int = 40) -> st.SearchStrategy[str]:
    """Texts of a pattern, not too long."""
    return st.from_regex(pattern, fullmatch=True).filter(lambda text: len(text) <= longest)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A section with any of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


COUNT = st.integers(1, 10**6)
SHARE = st.floats(0.01, 0.99)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=30)
PROSE = WORDS.filter(lambda text: bool(text.strip()))
VARIABLE = texts("[A-Z_][A-Z0-9_]{0,12}").map(lambda name: f"APP_{name}_X")
SOURCE = st.one_of(
    VARIABLE.map(lambda name: {"from_env": name}), texts("[a-z]{1,8}K").map(lambda k: {"from_config": k})
)
DURATION = st.one_of(st.integers(15, 2880).map(lambda m: f"{m}m"), st.integers(1, 48).map(lambda h: f"{h}h"))
IMAGE = st.sampled_from(["acme/server:1.2", "registry.example:5000/a/b@sha256:" + HEX, "ghcr.io/a/b-c_d:v1-x"])
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
def test_a_spec_survives_its_own_yaml(file: Path, data: dict[str, Any]) -> None:
    """Files are written by tools too, and what crosses to the other process is the same mapping."""
    spec = parse_spec(data)
    file.write_text(yaml.safe_dump(declare(spec), allow_unicode=True, sort_keys=False), encoding="utf-8")
    (loaded,) = load_specs([file])

    assert loaded.spec == spec == parse_spec(json.loads(json.dumps(declare(spec))))
    assert not list(Draft202012Validator(json_schema()).iter_errors(declare(spec)))
