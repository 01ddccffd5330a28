"""Sizes of a repository, read as from the real Hub: small files, and pieces of weight files behind a redirect."""

import json
from importlib import resources

import pytest

from hfdeploy.fit import NoCache
from hfdeploy.hub import Hub, Unsized, read_model
from hfdeploy.redact import Secret
from hfdeploy.settings import Settings

pytest_plugins = ["project"]

DATA = json.loads((resources.files("hfdeploy.emulator") / "data" / "models.json").read_text())["models"]
SIZES = {model["id"]: model["checkpoint_bytes"] for model in DATA if "diffusion" not in model["families"]}


class Folder:
    """Files in memory, read in pieces."""

    def __init__(self, **files: object) -> None:
        self.files = {name.replace("__", "/"): content for name, content in files.items()}
        self.asked: list[str] = []

    def file(self, _repository: str, _commit: str, path: str, *, first: int = 0, count: int = 0) -> bytes:
        self.asked.append(path)
        content = self.files[path]
        whole = content if isinstance(content, bytes) else json.dumps(content).encode()
        return whole[first : first + count]


def header(**tensors: int) -> bytes:
    entries = {
        name: {"dtype": "F16", "shape": [size // 2], "data_offsets": [0, size]} for name, size in tensors.items()
    }
    text = json.dumps(entries).encode()
    return len(text).to_bytes(8, "little") + text


CONFIG = {"model_type": "bert", "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "vocab_size": 9}


@pytest.mark.parametrize("repository", SIZES)
def test_the_sizes_of_a_repository_are_read_from_its_headers(world, repository) -> None:
    """The sum of all offsets, over all shards, without the weights themselves."""
    settings = Settings(hub_url=world.url, hub_token=Secret("hf_emulator_owner"))
    with Hub(settings) as hub:
        facts = hub.model(repository)
        model = read_model(hub, repository, facts.sha, facts.files)

    assert model.weights.bytes == SIZES[repository]
    assert model.commit == facts.sha


def test_files_beside_those_that_are_loaded_are_not_counted() -> None:
    """Repositories hold the same weights in other formats and precisions."""
    files = Folder(
        **{"config.json": CONFIG, "model.safetensors": header(a=10), "consolidated.safetensors": header(a=99)}
    )

    assert read_model(files, "acme/own", "c", list(files.files)).weights.bytes == 10


def test_a_header_longer_than_the_first_read_is_read_whole() -> None:
    """Models of many layers have headers of megabytes."""
    many = header(**{f"layer{number}": 2 for number in range(3000)})
    files = Folder(**{"config.json": CONFIG, "model.safetensors": many})

    assert read_model(files, "acme/own", "c", list(files.files)).weights.bytes == 6000
    assert files.asked.count("model.safetensors") == 2


def test_a_pipeline_is_the_sum_of_its_folders() -> None:
    """There is no file at the root, and each folder may hold variants."""
    files = Folder(
        **{
            "model_index.json": {},
            "unet/config.json": {"block_out_channels": [320, 1280]},
            "unet/diffusion_pytorch_model.safetensors": header(a=10),
            "unet/diffusion_pytorch_model.fp16.safetensors": header(a=5),
            "vae/diffusion_pytorch_model.safetensors": header(a=3),
            "text_encoder/model.safetensors": header(a=4),
        }
    )

    model = read_model(files, "acme/own", "c", list(files.files))

    assert model.weights.bytes == 17
    assert model.shape is not None
    assert model.shape.attention == NoCache()


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"config.json": CONFIG, "pytorch_model.bin": b""}, "no safetensors file"),
        ({"model.safetensors": header(a=10)}, "no config.json"),
        ({"config.json": CONFIG, "model.safetensors": b"<html>"}, "does not begin as a safetensors file does"),
        ({"config.json": CONFIG, "model.safetensors": b"\xff" * 99}, "does not begin as a safetensors file does"),
        ({"config.json": CONFIG, "model.safetensors": (4).to_bytes(8, "little") + b"nope"}, "no JSON"),
        ({"config.json": [], "model.safetensors": header(a=10)}, "holds no object"),
        ({"config.json": CONFIG, "model.safetensors": header()}, "no tensor"),
        ({"config.json": CONFIG, "model.safetensors.index.json": {}}, "lists no file"),
        ({"model_index.json": {}, "vae/model.safetensors": header(a=1)}, "denoiser"),
    ],
)
def test_what_cannot_be_sized_says_why(files, reason) -> None:
    """Pickled weights can hold code, and a guess is worse than a question."""
    folder = Folder(**files)

    with pytest.raises(Unsized, match=reason):
        read_model(folder, "acme/own", "c", list(files))
