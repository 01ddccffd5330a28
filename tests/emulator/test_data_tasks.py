"""TEI and the toolkit: sections 12.3 and 12.6 of the API reference, clients.md section 6."""

import base64
import math

import numpy as np
import pytest
from data_plane import http

pytest_plugins = ["data_plane"]

CPU_1_8 = "ghcr.io/huggingface/text-embeddings-inference:cpu-1.8"
CPU_1_9 = "ghcr.io/huggingface/text-embeddings-inference:cpu-1.9.2"


def embedder(plane, **given):
    return plane.add("tei", task="sentence-embeddings", **given)


def post(url, path, body):
    return http.post(url + path, json=body)


def test_vectors_are_a_list_for_one_string_too(plane) -> None:
    """One per input, of one length, and of length one."""
    url = embedder(plane)
    [one] = post(url, "/embed", {"inputs": "Hello"}).json()
    many = post(url, "", {"inputs": ["Hello", "Grüße"]}).json()

    assert many[0] == one
    assert [len(vector) for vector in many] == [384, 384]
    assert [math.isclose(math.hypot(*vector), 1, abs_tol=1e-4) for vector in many] == [True, True]


def test_vectors_are_as_wide_as_the_model(plane) -> None:
    """A vector store is created for one width."""
    url = embedder(plane, repository="BAAI/bge-base-en-v1.5")

    assert len(post(url, "/embed", {"inputs": "Hello"}).json()[0]) == 768


def test_texts_that_share_words_are_close(plane) -> None:
    """A search test over the emulator finds what it should."""
    body = {"source_sentence": "deep learning models", "sentences": ["deep learning", "fresh cheese"]}

    near, far = post(embedder(plane), "/similarity", {"inputs": body}).json()

    assert near > 0.5 > far


def test_openai_embeddings_as_numbers_and_as_base64(plane) -> None:
    """OpenAI clients ask for base64 unless told otherwise; any `model` will do."""
    url = embedder(plane)
    numbers = post(url, "/v1/embeddings", {"model": "any", "input": ["Hello"]}).json()
    coded = post(url, "/v1/embeddings", {"input": "Hello", "encoding_format": "base64"}).json()

    vector = np.frombuffer(base64.b64decode(coded["data"][0]["embedding"]), dtype="<f4")
    assert np.allclose(vector, numbers["data"][0]["embedding"])
    assert (numbers["model"], numbers["usage"]) == ("/repository", {"prompt_tokens": 2, "total_tokens": 2})


@pytest.mark.parametrize(
    ("option", "image", "status"),
    [
        ("by_image", CPU_1_8, 413),
        ("by_image", "ghcr.io/huggingface/text-embeddings-inference:turing-1.8.3", 413),
        ("by_image", CPU_1_9, 422),
        ("by_image", "ghcr.io/huggingface/text-embeddings-inference:latest", 422),
        (413, CPU_1_9, 413),
        (422, CPU_1_8, 422),
    ],
)
def test_tei_batch_limit_32_with_413_or_422(plane, option, image, status) -> None:
    """The status depends on the version, the text does not."""
    plane.options["tei_validation_status"] = option
    url = embedder(plane, image={"url": image})
    text = "batch size 33 > maximum allowed batch size 32"

    native, openai = post(url, "/embed", {"inputs": ["a"] * 33}), post(url, "/v1/embeddings", {"input": ["a"] * 33})

    assert post(url, "/embed", {"inputs": ["a"] * 32}).status_code == 200
    assert (native.status_code, native.json()) == (status, {"error": text, "error_type": "Validation"})
    assert (openai.status_code, openai.json()) == (status, {"message": text, "code": status, "type": "Validation"})


def test_the_batch_limit_is_raised_by_the_environment(plane) -> None:
    """`MAX_CLIENT_BATCH_SIZE` in the spec's env."""
    url = embedder(plane, env={"MAX_CLIENT_BATCH_SIZE": "64"})

    assert post(url, "/embed", {"inputs": ["a"] * 64}).status_code == 200
    assert http.get(url + "/info").json()["max_client_batch_size"] == 64


def test_empty_input_is_400_and_a_wrong_shape_plain_text(plane) -> None:
    """Three faces of one mistake."""
    url = embedder(plane)

    assert post(url, "/embed", {"inputs": []}).json() == {"error": "`inputs` cannot be empty", "error_type": "Empty"}
    assert post(url, "/embed", {"text": "x"}).status_code == 422
    assert http.post(url + "/embed", content=b"{", headers={"content-type": "application/json"}).status_code == 400


def test_the_root_follows_the_model(plane) -> None:
    """The task of the endpoint decides what `/` takes."""
    ranker, classifier = plane.add("tei", task="text-ranking"), plane.add("tei", task="text-classification")
    ranks = post(
        ranker, "", {"query": "deep learning", "texts": ["cheese", "learning deep"], "return_text": True}
    ).json()

    assert [(rank["index"], rank["text"]) for rank in ranks] == [(1, "learning deep"), (0, "cheese")]
    assert ranks[0]["score"] > ranks[1]["score"]
    labels = post(classifier, "/predict", {"inputs": "fine"}).json()
    assert {label["label"] for label in labels} == {"POSITIVE", "NEGATIVE"}
    assert len(post(classifier, "", {"inputs": [["fine"], ["bad", "worse"]]}).json()) == 2


def test_a_route_of_another_model_is_424(plane) -> None:
    """An embedder does not rank."""
    reply = post(embedder(plane), "/rerank", {"query": "a", "texts": ["b"]})

    assert (reply.status_code, reply.json()["error_type"]) == (424, "Backend")


def test_other_shapes_of_embeddings_and_tokens(plane) -> None:
    """One vector a token, weights of tokens, tokens and back."""
    url = embedder(plane)
    tokens = post(url, "/tokenize", {"inputs": "Hello there"}).json()[0]

    assert len(post(url, "/embed_all", {"inputs": "Hello there"}).json()[0]) == 2
    assert set(post(url, "/embed_sparse", {"inputs": "Hello"}).json()[0][0]) == {"index", "value"}
    assert post(url, "/decode", {"ids": [token["id"] for token in tokens]}).json() == ["Hello there"]


def test_info_names_the_model_and_its_revision(plane) -> None:
    """What a check of the served revision reads."""
    info = http.get(embedder(plane, image={"url": CPU_1_9}) + "/info").json()

    assert (info["model_id"], info["model_sha"], info["version"]) == ("acme/model", "a" * 40, "1.9.2")
    assert "embedding" in info["model_type"]


def test_another_revision_has_other_vectors(plane) -> None:
    """An index built with the old ones would be searched with the new ones."""
    url = embedder(plane)
    before = post(url, "/embed", {"inputs": "Hello"}).json()
    plane.change(url, revision="b" * 40)

    assert post(url, "/embed", {"inputs": "Hello"}).json() != before


@pytest.mark.parametrize(
    ("script", "holds"),
    [
        ({"nan_vectors": True}, lambda vectors: vectors[0][0] is None),
        ({"zero_vectors": True}, lambda vectors: not any(vectors[0])),
        ({"wrong_dimensions": True}, lambda vectors: (len(vectors[0]), len(vectors[1])) == (384, 383)),
    ],
    ids=["nan", "zero", "short"],
)
def test_scripted_bad_vectors(plane, script, holds) -> None:
    """An embedding that came with 200 and is useless."""
    reply = post(embedder(plane, behaviour=script), "/embed", {"inputs": ["a", "b"]})

    assert reply.status_code == 200
    assert holds(reply.json())


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"{", None),
        (b'{"text": "x"}', 'Body needs to provide a inputs key, recieved: {"text": "x"}'),
        (b"[1]", "Body needs to provide a inputs key, recieved: [1]"),
        (b'{"inputs": 5}', "inputs must be a string or a list of strings, received: 5"),
    ],
)
def test_toolkit_400_for_everything(plane, content, text) -> None:
    """A status says nothing there, only the text does."""
    reply = http.post(plane.add("huggingface"), content=content)

    assert reply.status_code == 400
    assert list(reply.json()) == ["error"]
    assert text is None or reply.json()["error"] == text


def test_toolkit_answers_by_task(plane) -> None:
    """Each pipeline has a shape of its own."""
    tasks = {
        "text-generation": {"inputs": "Hi"},
        "summarization": {"inputs": "Hi"},
        "text-classification": {"inputs": "Hi"},
        "feature-extraction": {"inputs": "Hi"},
        "sentence-embeddings": {"inputs": ["Hi"]},
        "sentence-similarity": {"inputs": {"source_sentence": "a b", "sentences": ["a", "c"]}},
        "fill-mask": {"inputs": "so much [MASK]"},
    }
    answers = {task: post(plane.add("huggingface", task=task), "/predict", body).json() for task, body in tasks.items()}

    assert answers["text-generation"][0]["generated_text"].startswith("Hi ")
    assert answers["summarization"][0]["summary_text"]
    assert answers["text-classification"][0]["score"] >= answers["text-classification"][1]["score"]
    assert len(answers["feature-extraction"][0]) == 384
    assert len(answers["sentence-embeddings"]["embeddings"][0]) == 384
    assert answers["sentence-similarity"]["similarities"][0] > 0.5
    assert answers["fill-mask"][0]["sequence"] == "so much light"


def test_toolkit_takes_parameters_from_the_query(plane) -> None:
    """When the body has none."""
    reply = http.post(plane.add("huggingface") + "/?return_full_text=x", json={"inputs": "Hi"})

    assert reply.status_code == 400
    assert "return_full_text" in reply.json()["error"]


def test_toolkit_names_parameters_it_does_not_know(plane) -> None:
    """huggingface_hub reads this sentence and asks again without them."""
    reply = post(plane.add("huggingface"), "", {"inputs": "Hi", "parameters": {"watermark": True, "max_new_tokens": 2}})

    assert reply.status_code == 400
    assert reply.json()["error"].startswith("The following `model_kwargs` are not used by the model: ['watermark']")
