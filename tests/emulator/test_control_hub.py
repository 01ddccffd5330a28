"""The Hub routes, driven by huggingface_hub with HF_ENDPOINT pointing here."""

import json

import httpx2
import pytest
from control_plane import STRANGER
from huggingface_hub import HfApi
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    NotASafetensorsRepoError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

BYTES = {"F32": 4, "I64": 8, "BF16": 2, "F16": 2, "U8": 1, "F8_E4M3": 1}
SIZES = {
    "sentence-transformers/all-MiniLM-L6-v2": 90856960,
    "HuggingFaceH4/zephyr-7b-beta": 14483464192,
    "meta-llama/Llama-2-7b-chat-hf": 13476831232,
    "tiiuae/falcon-40b-instruct": 83671941120,
    "tiiuae/falcon-7b-instruct": 14434379520,
    "meta-llama/Llama-3.1-8B-Instruct": 16060522496,
    "mistralai/Mixtral-8x7B-Instruct-v0.1": 93405585408,
    "openai/gpt-oss-20b": 13761264768,
    "deepseek-ai/DeepSeek-R1": 688574839360,
    "openai/whisper-large-v3": 3086981120,
    "Qwen/Qwen2.5-7B-Instruct": 15231233024,
    "BAAI/bge-small-en-v1.5": 133444096,
    "HuggingFaceTB/SmolLM2-360M-Instruct": 723642240,
}
SMOL = "HuggingFaceTB/SmolLM2-360M-Instruct"


@pytest.mark.usefixtures("emulator")
@pytest.mark.parametrize("repository", SIZES)
def test_model_info(api: HfApi, repository) -> None:
    """What a plan reads: commit, task, files, gate."""
    info = api.model_info(repository)

    assert (info.id, len(info.sha)) == (repository, 40)
    assert info.pipeline_tag
    assert {sibling.rfilename for sibling in info.siblings} >= {"config.json"}
    assert bool(info.gated) is repository.startswith("meta-llama/")
    assert info.safetensors.total > 0


@pytest.mark.parametrize("repository", SIZES)
def test_the_sum_of_data_offsets_equals_checkpoint_bytes(emulator, repository, tmp_path, monkeypatch) -> None:
    """Through huggingface_hub's own reader, over the redirect to the other port."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    metadata = emulator.api.get_safetensors_metadata(repository)
    ends = [max(t.data_offsets[1] for t in file.tensors.values()) for file in metadata.files_metadata.values()]

    assert sum(ends) == SIZES[repository]
    assert sum(count * BYTES[dtype] for dtype, count in metadata.parameter_count.items()) == SIZES[repository]


def test_hf_hub_download_of_config_json(emulator, tmp_path) -> None:
    """With the headers that the SDK requires."""
    path = emulator.api.hf_hub_download(SMOL, "config.json", cache_dir=tmp_path)
    with open(path, encoding="utf-8") as file:  # noqa: PTH123
        config = json.load(file)

    assert (config["num_hidden_layers"], config["num_key_value_heads"]) == (32, 5)
    assert "reconstructed" in config


def test_headers_show_the_embedding_in_its_real_shape(emulator, tmp_path, monkeypatch) -> None:
    """Vocabulary times hidden size."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    [file] = emulator.api.get_safetensors_metadata(SMOL).files_metadata.values()

    assert file.tensors["embed_tokens.weight"].shape == [49152, 960]


@pytest.mark.usefixtures("emulator")
@pytest.mark.parametrize(("repository", "has"), [(SMOL, True), ("BAAI/bge-small-en-v1.5", False)])
def test_chat_template_presence(api, repository, has) -> None:
    """It decides which route a verification takes."""
    config = api.model_info(repository).config

    assert ("chat_template" in config.get("tokenizer_config", {})) is has


def test_everything_reconstructed_says_so(emulator) -> None:
    """Nobody shall take it for the real file."""
    info = emulator.owner.get(f"/api/models/{SMOL}")
    tokenizer = emulator.owner.get(f"/{SMOL}/resolve/main/tokenizer_config.json")
    weights = emulator.owner.get(f"/{SMOL}/resolve/main/model.safetensors")

    for response in (info, tokenizer, weights):
        assert response.headers["x-emulated"] == "reconstructed"
    assert "reconstructed" in info.json()
    assert "reconstructed" in tokenizer.json()


def test_weight_files_redirect_to_another_port(emulator) -> None:
    """As the real Hub does to another host: a client must not carry its token there."""
    response = emulator.owner.get(f"/{SMOL}/resolve/main/model.safetensors", headers={"Range": "bytes=0-7"})
    target = httpx2.URL(response.headers["location"])
    followed = emulator.owner.get(
        f"/{SMOL}/resolve/main/model.safetensors", headers={"Range": "bytes=0-7"}, follow_redirects=True
    )
    log = emulator.requests()

    assert (response.status_code, target.host) == (302, "127.0.0.1")
    assert str(target.port) not in emulator.url
    assert (followed.status_code, len(followed.content)) == (206, 8)
    assert (log[-2]["authorization"], log[-1]["authorization"]) == ("bearer", None)


@pytest.mark.parametrize(
    ("asked", "status", "length"), [("bytes=0-0", 206, 1), ("bytes=999999999999-", 416, 0), ("lines=1", 416, 0)]
)
def test_ranges_of_weight_files(emulator, asked, status, length) -> None:
    """Beyond the end is 416."""
    found = emulator.owner.get(
        f"/{SMOL}/resolve/main/model.safetensors", headers={"Range": asked}, follow_redirects=True
    )

    assert (found.status_code, len(found.content)) == (status, length)


def test_bytes_after_the_header_are_zeros(emulator) -> None:
    """As many as the real file has."""
    url = f"/{SMOL}/resolve/main/model.safetensors"
    size = int(emulator.owner.head(url).headers["x-linked-size"])
    tail = emulator.owner.get(url, headers={"Range": f"bytes={size - 5}-"}, follow_redirects=True)

    assert tail.content == bytes(5)


@pytest.mark.usefixtures("emulator")
def test_unknown_repository_revision_and_file(api) -> None:
    """With the codes by which the SDK tells them apart."""
    with pytest.raises(RepositoryNotFoundError):
        api.model_info("acme/none")
    with pytest.raises(RevisionNotFoundError):
        api.model_info(SMOL, revision="none")
    with pytest.raises(EntryNotFoundError):
        api.hf_hub_download(SMOL, "none.bin")


def test_an_unknown_repository_is_404_with_its_code(emulator) -> None:
    """Plain HTTP, without a token."""
    response = emulator.anonymous.get("/api/models/acme/none")

    assert (response.status_code, response.headers["x-error-code"]) == (404, "RepoNotFound")


def test_a_wrong_token_is_401_even_for_a_public_repository(emulator) -> None:
    """As on the Hub."""
    response = emulator.anonymous.get(f"/api/models/{SMOL}", headers={"Authorization": "Bearer hf_wrong"})

    assert response.status_code == 401


def test_gated_repositories_answer_401_and_403_without_access(emulator) -> None:
    """Info is public, files are not; the owner has accepted Meta's conditions."""
    repository = "meta-llama/Llama-3.1-8B-Instruct"
    path = f"/{repository}/resolve/main/config.json"
    answers = [client.get(path) for client in (emulator.anonymous, emulator.stranger, emulator.owner)]

    assert [answer.status_code for answer in answers] == [401, 403, 200]
    assert [answer.headers.get("x-error-code") for answer in answers] == ["GatedRepo", "GatedRepo", None]
    assert emulator.anonymous.get(f"/api/models/{repository}").json()["gated"] == "manual"
    with pytest.raises(GatedRepoError):
        emulator.api.hf_hub_download(repository, "config.json", token=STRANGER)


def test_a_repository_can_be_gated_and_opened(emulator) -> None:
    """Scripted: somebody closes a model that we deploy."""
    path = f"/{SMOL}/resolve/main/config.json"
    emulator.anonymous.post("/_emulator/hub", json={"repository": SMOL, "gated": "auto"})
    closed = emulator.owner.get(path).status_code
    emulator.anonymous.post("/_emulator/hub", json={"repository": SMOL, "gated": None})

    assert (closed, emulator.owner.get(path).status_code) == (403, 200)


def test_a_branch_can_be_moved(emulator, api) -> None:
    """The model changes under our feet."""
    before = api.model_info(SMOL).sha
    emulator.anonymous.post("/_emulator/hub", json={"repository": SMOL, "branch": "main", "commit": "d" * 40})

    assert api.model_info(SMOL).sha == "d" * 40
    assert api.model_info(SMOL, revision=before).sha == before


@pytest.mark.parametrize(
    "body",
    [
        {"repository": "acme/none", "commit": "d" * 40},
        {"repository": SMOL, "commit": "main"},
        {"repository": SMOL, "gated": 1},
    ],
    ids=["repository", "commit", "gate"],
)
def test_misspelt_hub_scripting_is_refused(emulator, body) -> None:
    """Nothing happens, and it says so."""
    assert emulator.anonymous.post("/_emulator/hub", json=body).status_code == 400


def test_a_repository_of_components_is_no_safetensors_repository(emulator, api) -> None:
    """Stable Diffusion: the parts are folders."""
    repository = "stable-diffusion-v1-5/stable-diffusion-v1-5"
    with pytest.raises(NotASafetensorsRepoError):
        api.get_safetensors_metadata(repository)
    unet = emulator.owner.head(f"/{repository}/resolve/main/unet/diffusion_pytorch_model.safetensors")

    assert int(unet.headers["x-linked-size"]) > 859520964 * 2


def test_an_endpoint_of_an_unknown_repository_is_still_accepted(emulator) -> None:
    """The service does not look before it starts; the same name gives the same commit."""
    first = emulator.create("one", model={"repository": "acme/none"})["model"]
    second = emulator.create("two", model={"repository": "acme/none"})["model"]

    assert first["revision"] == second["revision"]
    assert first["task"] is None


@pytest.mark.usefixtures("emulator")
def test_whoami_with_a_wrong_token(api) -> None:
    """The SDK's own message."""
    with pytest.raises(HfHubHTTPError, match="Invalid user token"):
        api.whoami(token="hf_wrong")
