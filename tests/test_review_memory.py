"""Memory in a review: judged by the lock file beside the specs, and by nothing else."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from command_line import run, tell

from hfdeploy.errors import UsageError
from hfdeploy.lock import FILE, Lock, Locked, key_of, pinned, read_lock, write_lock
from hfdeploy.spec import parse_spec

SHIPPED = Path(__file__).parents[1] / "specs"


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    """The shipped Falcon spec with its lock file, in a folder of its own."""
    for name in ("falcon-40b.yaml", FILE):
        shutil.copy(SHIPPED / name, tmp_path / name)
    return tmp_path


def change(folder: Path, **fields: object) -> None:
    """Rewrite the spec; None takes a field out."""
    file = folder / "falcon-40b.yaml"
    spec = {**yaml.safe_load(file.read_text()), **fields}
    file.write_text(yaml.safe_dump({key: value for key, value in spec.items() if value is not None}))


def test_falcon_40b_in_sixteen_bits_blocks_and_offers_what_fits(specs: Path) -> None:
    """The tutorial's instance; eight bits there, or two cards, are what does."""
    change(specs, engine={"type": "tgi"})

    ended = run("plan", specs)

    assert ended.returncode == 5
    assert "no_fit" in ended.stdout
    assert "The weights take 77.93 GiB" in ended.stdout.replace("the weights", "The weights")
    assert "nvidia-a100 x1 with 8-bit weights at $2.50/h" in ended.stdout
    assert "nvidia-a100 x2 at $5.00/h" in ended.stdout


def test_four_t4_do_not_hold_it_either(specs: Path) -> None:
    """What the web interface of that time proposed."""
    change(specs, engine={"type": "tgi"}, instance="nvidia-t4 x4")

    ended = run("plan", specs)

    assert ended.returncode == 5
    assert "no_fit" in ended.stdout
    assert "The weights take 19.48 GiB" in ended.stdout.replace("the weights", "The weights")
    assert "nvidia-a100 x1 with 8-bit weights at $2.50/h" in ended.stdout
    assert "nvidia-a100 x2 at $5.00/h" in ended.stdout


def test_a_review_for_programs_has_the_arithmetic(specs: Path) -> None:
    """In bytes, so that nobody rounds twice."""
    [endpoint] = tell("plan", specs)["endpoints"]

    assert endpoint["fit"]["verdict"] == "fit"
    sums = endpoint["fit"]["per_gpu_bytes"]
    assert sums["weights"] == 43_716_736_123
    assert sums["activation"] == 2048 * 2 * (3 * 32_768 + 3 * 8_192)
    assert sums["overhead"] == sums["activation"] + sums["logits"] + sums["runtime"]


def test_a_repository_that_nobody_locked_is_unknown_and_a_note(specs: Path) -> None:
    """A first review must not cry wolf, and must not call it a fit either; a strict policy does not deploy it."""
    strict = specs / "policy.yml.txt"
    strict.write_text("rules: { fit-unknown: error }\n")
    (specs / FILE).unlink()

    ended = run("plan", specs)
    refused = run("plan", specs, "--policy", strict)

    assert ended.returncode == 0
    assert "unknown" in ended.stdout
    assert "`hfdeploy lock` asks the Hub" in " ".join(ended.stdout.split())
    assert ended.stdout.count("Memory: tiiuae/falcon-40b-instruct is not in") == 1
    assert "note " in ended.stdout
    assert "warning" not in ended.stdout.partition("Memory:")[0].rpartition("\n")[2]
    assert refused.returncode == 5
    assert "error " in refused.stdout
    assert "instance: Memory: tiiuae/falcon-40b-instruct is not in" in " ".join(refused.stdout.split())


def test_what_a_lock_file_does_not_have_is_a_warning(specs: Path) -> None:
    """Others are locked, so this one was forgotten; a custom container may load anything."""
    change(specs, repository="acme/other", engine={"type": "tgi"})
    other = tell("plan", specs)["findings"]
    change(specs, engine={"type": "custom", "image": "ghcr.io/acme/server:1.2", "port": 80})
    custom = tell("plan", specs)["findings"]

    assert [one["severity"] for one in other if one["rule"] == "fit-unknown"] == ["warning"]
    assert [one["severity"] for one in custom if one["rule"] == "fit-unknown"] == ["warning"]


def test_specs_of_two_folders_are_judged_by_the_lock_file_of_their_own(specs: Path, tmp_path: Path) -> None:
    """Both may have locked one repository at different commits."""
    more = tmp_path / "more"
    more.mkdir()
    for name in ("falcon-40b.yaml", FILE):
        shutil.copy(specs / name, more / name)
    lock = json.loads((more / FILE).read_text())
    for entry in lock["models"].values():
        entry["commit"] = "b" * 40
    (more / FILE).write_text(json.dumps(lock))
    text = (more / "falcon-40b.yaml").read_text()
    (more / "falcon-40b.yaml").write_text(text.replace("name: falcon-40b", "name: falcon-too"))

    told = tell("plan", specs / "falcon-40b.yaml", more)

    assert [one["fit"]["verdict"] for one in told["endpoints"]] == ["fit", "fit"]
    assert "fit-unknown" not in {one["rule"] for one in told["findings"]}
    pinned_to = {one["endpoint"]: one["fix"] for one in told["findings"] if one["rule"] == "revision-locked"}
    assert pinned_to.get("falcon-too") == f"Write revision: {'b' * 40}."
    assert "b" * 40 not in pinned_to.get("falcon-40b", "")


def test_a_repository_that_cannot_be_judged_is_a_warning_with_the_reason(specs: Path) -> None:
    """Somebody looked, and nobody can say."""
    document = json.loads((specs / FILE).read_text())
    document["models"]["tiiuae/falcon-40b-instruct"] = {"commit": "c" * 40, "unknown": "It is pickled."}
    (specs / FILE).write_text(json.dumps(document))

    told = tell("plan", specs)

    assert [one["sentence"] for one in told["findings"] if one["rule"] == "fit-unknown"] == ["Memory: It is pickled."]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 1}', '{"version": 1, "models": {"a": {}}}'])
def test_a_lock_file_that_cannot_be_read_is_an_error(specs: Path, content: str) -> None:
    """Half a lock file would silently judge half of the specs."""
    (specs / FILE).write_text(content)

    ended = run("plan", specs)

    assert ended.returncode == 2
    assert "`hfdeploy lock` makes it anew" in ended.stderr


def test_a_lock_file_of_a_later_release_says_so(tmp_path: Path) -> None:
    """Its meaning is not guessed."""
    (tmp_path / FILE).write_text('{"version": 2, "models": {}}')

    with pytest.raises(UsageError, match="is of version 2, and this release reads version 1"):
        read_lock(tmp_path / FILE)


def test_a_locked_commit_is_what_is_deployed() -> None:
    """A branch moves; what was reviewed does not."""
    spec = parse_spec(yaml.safe_load((SHIPPED / "smollm.yaml").read_text()))
    lock = Lock({key_of(spec): Locked("c" * 40, None, "It is pickled.")})

    assert pinned(spec, lock).revision == "c" * 40
    assert pinned(spec, Lock()).revision is None
    assert pinned(spec, Lock({key_of(spec): Locked("", None)})) == spec


def test_what_holds_at_a_commit_is_its_own_entry_or_published_sizes_and_of_the_file_that_is_loaded() -> None:
    """What another commit or another file of the repository weighs says nothing; a commit knows more than sizes."""
    own, sizes, gguf = Locked("a" * 40, None), Locked("", None), Locked("a" * 40, None, "It is one of many.")
    lock = Lock({"acme/m": sizes, "acme/m@main": own, f"acme/m@{'a' * 40}#q4.gguf": gguf, "acme/m2": gguf})

    assert lock.at("acme/m", "a" * 40) is own
    assert lock.at("acme/m", "b" * 40) is sizes
    assert lock.at("acme/m", None) is sizes
    assert lock.at("acme/m", "a" * 40, "q4.gguf") is gguf
    assert lock.at("acme/m", "b" * 40, "q4.gguf") is None
    assert lock.at("acme/m", "a" * 40, "q8.gguf") is None


def test_a_lock_file_reads_back_as_it_was_written(tmp_path: Path) -> None:
    """And its text does not depend on the order of the specs."""
    lock = read_lock(SHIPPED / FILE)
    (tmp_path / FILE).write_text(write_lock(Lock(dict(reversed(list(lock.models.items()))))))

    assert read_lock(tmp_path / FILE) == lock
    assert (tmp_path / FILE).read_text() == (SHIPPED / FILE).read_text()
