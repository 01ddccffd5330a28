"""fit, lock: what holds a model, from the Hub's headers, from a local file and from the lock file."""

import json
from pathlib import Path

import pytest
from command_line import run, succeed, surroundings, talking_to, tell

pytest_plugins = ["command_line"]

FALCON = ["fit", "tiiuae/falcon-40b-instruct", "--cloud", "aws", "--region", "us-east-1"]
LABEL = "GPU [xlarge] · 1x A100"
CONFIG = {
    "model_type": "mistral",
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 32000,
    "intermediate_size": 14336,
    "max_position_embeddings": 32768,
    "sliding_window": 4096,
}


@pytest.fixture
def hub(emulator):
    """The emulator's Hub beside its API."""
    return talking_to(emulator, HF_ENDPOINT=emulator.url)


def test_falcon_40b_fits_on_two_cards_and_not_on_one(hub) -> None:
    """The instance of the well-known tutorial does not hold it as it is stored; the way out is shown."""
    ended = run(*FALCON, "--instance", LABEL, env=hub)

    assert ended.returncode == 5
    assert "→  nvidia-a100 x1" in ended.stdout
    assert "− weights     77.93 GiB (as stored, over 1 GPU)" in ended.stdout
    assert "= free        -6.26 GiB" in ended.stdout
    ways = ended.stdout.partition("What fits, cheapest first:")[2]
    assert [line.split()[:2] for line in ways.strip().splitlines()[1:]] == [
        ["nvidia-a100", "x1"],
        ["nvidia-t4", "x4"],
        ["nvidia-a100", "x2"],
    ]
    assert "8-bit" in ways


def test_the_ranking_for_programs_names_every_instance_of_the_region(hub) -> None:
    """Cheapest that fits first; what does not fit says why; memory in bytes, money as text."""
    told = tell(*FALCON, env=hub)

    verdicts = [one["verdict"] for one in told["fits"]]
    assert verdicts == sorted(verdicts, key=["fit", "tight", "unknown", "no_fit"].index)
    assert told["weights_bytes"] == 83_671_941_120
    first = told["fits"][0]
    assert (first["hardware"]["instance"], first["hardware"]["price_per_hour"]) == ("nvidia-a100 x2", "5.0")
    on_four = next(one for one in told["fits"] if one["hardware"]["instance"] == "nvidia-t4 x4")
    assert (on_four["verdict"], on_four["reason"]) == ("no_fit", "weights_exceed_budget")


def test_falcon_40b_does_not_fit_on_four_t4(hub) -> None:
    """What the web interface of that time proposed; the ways out are the same, and two cards are among them."""
    ended = run(*FALCON, "--instance", "nvidia-t4 x4", env=hub)

    assert ended.returncode == 5
    assert "− weights     19.48 GiB (as stored, over 4 GPUs)" in ended.stdout
    ways = ended.stdout.partition("What fits, cheapest first:")[2]
    assert [line.split()[:2] for line in ways.strip().splitlines()[1:]] == [
        ["nvidia-a100", "x1"],
        ["nvidia-t4", "x4"],
        ["nvidia-a100", "x2"],
    ]


def test_price_status_and_quota_stand_beside_each_verdict(hub) -> None:
    """From the live catalogue, so that what is chosen can be ordered."""
    told = tell(*FALCON, "--instance", "nvidia-a100 x2", env=hub)

    first = told["fits"][0]["hardware"]
    assert (first["instance"], first["status"], first["quota"]) == (
        "nvidia-a100 x2",
        "available",
        {"used": 0, "maximum": 64},
    )
    assert told["asked"] == first["id"]
    assert all(one["sentence"] for one in told["fits"])


def test_more_at_once_than_fit_is_tight(hub) -> None:
    """The engine starts, and lets the others wait."""
    told = tell(*FALCON, "--concurrency", "500", "--max-model-len", "1024", env=hub)

    two = next(one for one in told["fits"] if one["hardware"]["instance"] == "nvidia-a100 x2")
    assert (two["full_sequences"], two["verdict"]) == (552, "fit")
    one = next(one for one in told["fits"] if one["hardware"]["instance"] == "nvidia-h200 x1")
    assert (one["full_sequences"], one["verdict"], one["reason"]) == (422, "tight", "concurrency_too_high")


GGUF = ["fit", "bartowski/Meta-Llama-3.1-8B-Instruct-GGUF", "--cloud", "aws", "--region", "us-east-1"]
FOUR_BITS = "Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf"


def test_a_gguf_file_is_judged_as_llama_cpp_runs_it(hub) -> None:
    """All of the memory, layers shared out whole, and the cache of the wanted length at the start."""
    shown = succeed(*GGUF, "--gguf", FOUR_BITS, "--max-model-len", "8192", "--instance", "nvidia-t4 x1", env=hub)

    assert "4.58 GiB in 8,030,261,312 elements (Q4_K, Q6_K, F32)" in shown
    assert "14.56 GiB visible × 1.00" in shown
    assert "1.00 GiB for 8192 tokens" in shown
    assert "is an estimate" in shown


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], f"(--gguf), and they differ; it has {FOUR_BITS}, Meta-Llama-3.1-8B-Instruct-Q8_0.gguf"),
        (["--gguf", "a.gguf"], "there is no file a.gguf; it has Meta"),
        (["--gguf", FOUR_BITS, "--dtype", "int8"], "is of the precision that it is stored in"),
        (["--gguf", FOUR_BITS, "--config", __file__, "--weights-bytes", "1"], "leave one of them out"),
    ],
)
def test_a_gguf_file_that_is_not_named_rightly_is_refused(hub, arguments: list[str], sentence: str) -> None:
    """Files of one repository differ by gigabytes, so that none is taken by itself."""
    ended = run(*GGUF, *arguments, env=hub)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert sentence in ended.stderr


def test_a_review_of_llama_cpp_is_judged_by_the_locked_file(hub, tmp_path: Path) -> None:
    """Two files of one repository are locked each by itself; without a network the review has the verdict of each."""
    for name, file, context in (("small", FOUR_BITS, 8192), ("long", FOUR_BITS.replace("Q4_K_M", "Q8_0"), 131072)):
        engine = {"type": "llamacpp", "model_path": file, "ctx_size": context, "n_parallel": 1, "threads_http": 4}
        spec = {
            "name": name,
            "repository": GGUF[1],
            "cloud": "aws",
            "region": "us-east-1",
            "instance": "nvidia-t4 x1",
            "engine": engine,
        }
        (tmp_path / f"{name}.yaml").write_text(json.dumps(spec))

    succeed("lock", tmp_path, env=hub)
    ended = run("plan", tmp_path, "--format", "json")

    told = {one["name"]: one["fit"] for one in json.loads(ended.stdout)["endpoints"]}
    assert (told["small"]["verdict"], told["small"]["per_gpu_bytes"]["weights"]) == ("fit", 4_912_898_304)
    assert (told["long"]["verdict"], told["long"]["reason"]) == ("no_fit", "kv_pool_too_small")
    assert ended.returncode == 5


@pytest.mark.parametrize(
    ("changes", "dtype", "expected"),
    [
        ({"torch_dtype": "float32"}, "half", 7_241_732_096),
        ({"torch_dtype": "bfloat16"}, "half", 14_483_464_192),
        ({"quantization_config": {"quant_method": "awq"}}, "half", None),
        ({"quantization_config": {"quant_method": "awq"}}, "auto", 14_483_464_192),
    ],
)
def test_bytes_of_a_local_model_are_read_by_the_type_of_its_configuration(
    tmp_path: Path, changes: dict[str, object], dtype: str, expected: int | None
) -> None:
    """Half of thirty-two bits is less; of packed weights nobody knows, which is no fit."""
    file = tmp_path / "config.json"
    file.write_text(json.dumps(CONFIG | changes))
    command = ["fit", "acme/own", "--config", file, "--weights-bytes", "14483464192", "--dtype", dtype]

    told = tell(*command, "--cloud", "aws", "--region", "us-east-1", env=surroundings(HF_ENDPOINT="http://127.0.0.1:1"))

    one = next(fit for fit in told["fits"] if fit["hardware"]["instance"] == "nvidia-a100 x1")
    assert (one["per_gpu_bytes"] or {}).get("weights") == expected
    assert one["verdict"] == ("fit" if expected else "unknown")


def test_eight_bits_change_the_verdict(hub) -> None:
    """What the blog post of the model's authors does, and the other one forgot."""
    assert succeed(*FALCON, "--instance", LABEL, "--dtype", "int8", env=hub).count("132") >= 1


def test_a_local_configuration_needs_no_network(tmp_path: Path) -> None:
    """For models that are not on the Hub, and before anything is uploaded."""
    file = tmp_path / "config.json"
    file.write_text(json.dumps(CONFIG))
    command = ["fit", "acme/own", "--config", file, "--weights-bytes", "14483464192", "--max-model-len", "8192"]

    told = tell(*command, "--cloud", "aws", "--region", "us-east-1", env=surroundings(HF_ENDPOINT="http://127.0.0.1:1"))

    best = told["fits"][0]
    assert (best["hardware"]["instance"], best["full_sequences"]) == ("nvidia-l4 x1", 11)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "is no JSON"),
        ('{"model_type": "mamba"}', "architecture 'mamba' is not known here"),
        (json.dumps({**CONFIG, "hidden_size": None}), "has no hidden_size"),
    ],
)
def test_a_configuration_that_is_not_understood_is_refused(tmp_path: Path, content: str, sentence: str) -> None:
    """Fail closed, with the reason."""
    file = tmp_path / "config.json"
    file.write_text(content)

    ended = run("fit", "a/b", "--config", file, "--weights-bytes", "1", "--cloud", "aws", "--region", "us-east-1")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert sentence in ended.stderr


def test_the_lock_file_holds_what_a_review_needs(hub, tmp_path: Path) -> None:
    """Commit, bytes and shape of every repository of the specs, in an order that does not change."""
    specs = Path(__file__).parents[1] / "specs"
    for file in specs.glob("*.yaml"):
        (tmp_path / file.name).write_text(file.read_text())

    succeed("lock", tmp_path, env=hub)
    first = (tmp_path / "hfdeploy.lock.json").read_text()
    succeed("lock", tmp_path, env=hub)

    assert (tmp_path / "hfdeploy.lock.json").read_text() == first
    falcon = json.loads(first)["models"]["tiiuae/falcon-40b-instruct"]
    assert falcon["weights"]["bytes"] == 83_671_941_120
    assert falcon["shape"]["attention"] == {"kind": "full", "layers": 60, "kv_heads": 8, "head_dim": 64}
    assert len(falcon["commit"]) == 40


def test_a_gated_repository_says_that_the_token_may_not_see_it(emulator) -> None:
    """Before an endpoint is asked for that could never start."""
    env = talking_to(emulator, HF_ENDPOINT=emulator.url) | {"HF_TOKEN": "hf_emulator_outsider"}

    ended = run("fit", "meta-llama/Llama-2-7b-chat-hf", "--cloud", "aws", "--region", "us-east-1", env=env)

    assert ended.returncode == 3
    assert "gated" in ended.stderr


def test_a_name_without_an_owner_is_refused_in_a_sentence(hub) -> None:
    """Not in the JSON of whoever answered."""
    ended = run("fit", "badname", "--cloud", "aws", "--region", "us-east-1", env=hub)

    assert ended.returncode == 4
    assert "there is no such repository or revision: " in ended.stderr
    assert "{" not in ended.stderr
