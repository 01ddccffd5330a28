"""Specs that somebody made to hurt: bombs, noise, and values of any kind in any field."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spec_folder import FIELDS, TINY

from hfdeploy.errors import Problem, SpecError
from hfdeploy.spec import load_specs, parse_spec

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
