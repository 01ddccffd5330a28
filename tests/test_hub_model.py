"""Sizes of a repository, read as from the real Hub: small files, and pieces of weight files behind a redirect."""

import json
import struct
from importlib import resources

import pytest

from hfdeploy.emulator.ggufs import Gguf, Tensor
from hfdeploy.errors import ApiError
from hfdeploy.fit import FullAttention, Model, NoCache
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


LLAMA = "bartowski/Meta-Llama-3.1-8B-Instruct-GGUF"
LARGE = "bartowski/Meta-Llama-3.1-70B-Instruct-GGUF"
SPLIT = "Meta-Llama-3.1-70B-Instruct-Q8_0/Meta-Llama-3.1-70B-Instruct-Q8_0-0000{}-of-00002.gguf"


def gguf_of(world, repository: str, file: str) -> Model:
    with Hub(Settings(hub_url=world.url, hub_token=Secret("hf_emulator_owner"))) as hub:
        facts = hub.model(repository)
        return read_model(hub, repository, facts.sha, facts.files, gguf=file)


def test_a_gguf_file_is_read_by_its_header(world) -> None:
    """4.58 GiB, as llama.cpp says of this file; the shape is in the same header."""
    model = gguf_of(world, LLAMA, "Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf")

    assert model.weights.bytes == 4_912_898_304
    assert model.weights.dtypes == ("Q4_K", "Q6_K", "F32")
    assert model.shape is not None
    assert model.shape.attention == FullAttention(32, 8, 128)
    assert model.file == "Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf"


def test_a_split_gguf_file_is_the_sum_of_its_parts(world) -> None:
    """8.5 bits for each of 70.6 billion parameters."""
    model = gguf_of(world, LARGE, SPLIT.format(1))

    assert model.weights.parameters == 70_553_706_560
    assert f"{model.weights.bytes / 2**30:.1f}" == "69.8"


@pytest.mark.parametrize(
    ("repository", "file", "reason"),
    [
        (
            LLAMA,
            "",
            r"which of its GGUF files is not said \(--gguf\).*Q4_K_M\.gguf, Meta-Llama.*Q8_0\.gguf",
        ),
        (LLAMA, "a.gguf", r"there is no file a\.gguf; it has Meta-Llama-3\.1"),
        (LARGE, SPLIT.format(2), "is not the first of its files"),
        ("tiiuae/falcon-7b-instruct", "", "it has no GGUF file"),
    ],
)
def test_which_gguf_file_is_never_guessed(world, repository: str, file: str, reason: str) -> None:
    """Files of one repository differ by gigabytes."""
    with pytest.raises(Unsized, match=reason):
        gguf_of(world, repository, file)


def gguf(*, parts: int = 1, extents: int = 64) -> bytes:
    facts = (("split.count", parts),) if parts > 1 else ()
    return Gguf(facts, (Tensor("a", "F32", (extents,)),), 0).header


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"a-00001-of-00003.gguf": gguf(parts=3)}, r"there is no file a-00002-of-00003\.gguf"),
        ({"a-00001-of-99999.gguf": gguf()}, "one of 99999 files"),
        ({"a-00001-of-00000.gguf": gguf()}, "one of 0 files"),
        ({"a.gguf": gguf(parts=3)}, "is one of 3 files, and its name says 1"),
        ({"a.gguf": gguf()}, "architecture '' is not known"),
        ({"mmproj-a.gguf": gguf()}, "it has no GGUF file"),
        ({"a.gguf": b"GGUF"}, "ends within its header"),
    ],
)
def test_a_gguf_file_that_cannot_be_sized_says_why(files, reason) -> None:
    """Names and headers are made by anybody."""
    with pytest.raises(Unsized, match=reason):
        read_model(Folder(**files), "acme/own", "c", list(files), gguf="")


def test_a_header_that_goes_on_after_the_end_of_its_file_is_refused() -> None:
    """The Hub answers 416 to a piece that is not there."""

    class Short(Folder):
        def file(self, repository: str, commit: str, path: str, *, first: int = 0, count: int = 0) -> bytes:
            if first:
                raise ApiError("GET a.gguf", 416, "out of range")
            return super().file(repository, commit, path, first=first, count=count)

    jumps = b"GGUF" + struct.pack("<IQQ", 3, 0, 2) + struct.pack("<Q", 1) + b"k" + struct.pack("<IIQ", 9, 0, 2**22)
    with pytest.raises(Unsized, match="ends within its header"):
        read_model(Short(**{"a.gguf": jumps}), "acme/own", "c", ["a.gguf"], gguf="")
