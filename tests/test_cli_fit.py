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
