"""Embedding clients at a TEI endpoint: three ways of asking, one answer."""

import pytest
from callers import TEI, Caller, only

REPOSITORY = "BAAI/bge-small-en-v1.5"
PRECISION = 1e-6
"""Base64 carries 32-bit floats."""


@pytest.fixture
def wanted(caller: Caller) -> list[list[float]]:
    """The vectors of the two texts, asked for by hand."""
    url = caller.endpoint(TEI, repository=REPOSITORY, behaviour={})
    route = url.removeprefix(caller.emulator.url)
    reply = caller.emulator.owner.post(f"{route}/embed", json={"inputs": ["Hello", "Grüße"]})
    assert reply.status_code == 200, reply.text
    caller.emulator._script("DELETE", "/requests")
    vectors: list[list[float]] = reply.json()
    assert vectors[0] != vectors[1]
    return vectors


@pytest.mark.parametrize(
    ("environment", "program", "route"),
    [
        ("hub2", "hub_vectors.py", "POST "),
        ("easyllm", "easyllm_vectors.py", "POST "),
        ("hub2", "openai_vectors.py", "POST /v1/embeddings"),
    ],
)
def test_embeddings_arrive_as_the_engine_made_them(caller: Caller, wanted, environment, program, route) -> None:
    """Lists, numpy and base64 of little-endian floats: a wrong byte order gives other numbers, not an error."""
    url = f"{caller.emulator.url}/endpoints/acme/demo"

    [vectors] = caller.told(environment, program, url)

    assert len(vectors) == 2
    for vector, right in zip(vectors, wanted, strict=True):
        assert vector == pytest.approx(right, abs=PRECISION)
    request = only(caller.sent())
    assert request["route"] == route
    assert request["body"].get("inputs", request["body"].get("input")) == ["Hello", "Grüße"]
