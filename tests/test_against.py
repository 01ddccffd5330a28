"""`hfdeploy plan --against`: a git revision and what is live, each read and neither of them touched."""

import json
from pathlib import Path

import pytest
from clone import Repository
from command_line import SPEC, run, succeed, surroundings, talking_to, tell
from control_plane import Running

pytest_plugins = ["clone", "command_line"]


class TestRevision:
    def test_a_pull_request_shows_its_own_change(self, repository: Repository) -> None:
        """A changed, a removed and a new endpoint; the objections to what it does not touch are not its own."""
        repository.write("qwen-chat.yaml", "max: 2", "max: 4")
        (repository.specs / "smollm.yaml").unlink()
        (repository.specs / "demo.yaml").write_text(SPEC)

        told = tell("plan", "specs", "--against", "main", cwd=repository.folder)
        said = succeed("plan", "specs", "--against", "main", cwd=repository.folder)

        actions = {one["endpoint"]: one["action"] for one in told["changes"]}
        assert actions == {
            "bge-small": "unchanged",
            "falcon-40b": "unchanged",
            "qwen-chat": "update",
            "demo": "create",
            "smollm": "delete",
        }
        assert told["changes"][3]["changes"] == ["autoscaling.max: 2 -> 4"]
        assert (told["against"], {one["name"] for one in told["endpoints"]}) == ("main", {"qwen-chat", "demo"})
        assert {one["endpoint"] for one in told["findings"] if one["severity"] != "note"} == {"demo"}
        assert {one["endpoint"] for one in told["findings"]} == {"demo", "qwen-chat"}
        assert told["delta"]["monthly_ceiling"] == {"before": "3747.82", "after": "5426.82", "delta": "1679"}
        assert "Against main: 1 create, 1 update, 1 delete, 2 unchanged" in said
        assert "falcon-40b" not in said

    def test_what_is_not_committed_counts_and_the_clone_stays_as_it_is(self, repository: Repository) -> None:
        """Specs are compared as they lie there; no index, branch or file of the clone is touched."""
        repository.write("qwen-chat.yaml", "max: 2", "max: 4")
        before = (repository.git("status", "--porcelain", "-b"), repository.git("rev-parse", "HEAD"))
        files = sorted(path.name for path in (repository.folder / ".git").iterdir())

        assert repository.changes()["qwen-chat"]["action"] == "update"

        assert (repository.git("status", "--porcelain", "-b"), repository.git("rev-parse", "HEAD")) == before
        assert sorted(path.name for path in (repository.folder / ".git").iterdir()) == files

    def test_each_side_has_its_own_lock_file(self, repository: Repository) -> None:
        """A commit that moves in the lock is a change of the endpoint, since that commit is deployed."""
        lock = json.loads((repository.specs / "hfdeploy.lock.json").read_text())
        lock["models"]["Qwen/Qwen2.5-7B-Instruct"]["commit"] = "a" * 40
        (repository.specs / "hfdeploy.lock.json").write_text(json.dumps(lock))

        changes = repository.changes()

        assert changes["qwen-chat"]["changes"] == [f"revision: not set -> {'a' * 40}"]
        assert {one["action"] for name, one in changes.items() if name != "qwen-chat"} == {"unchanged"}

    def test_a_stacks_own_glob_finds_what_was_removed(self, repository: Repository) -> None:
        """The glob is what `deploy()` goes by; a file that it finds no more is an endpoint that goes."""
        program = repository.folder / "stacks"
        program.mkdir()
        (program / "Pulumi.yaml").write_text("name: hfdeploy\nruntime: python\n")
        (program / "Pulumi.dev.yaml").write_text("config: { 'hfdeploy:specs': '../specs/*.yaml' }\n")
        (repository.specs / "smollm.yaml").unlink()

        told = tell("plan", "--stack", "dev", "--against", "main", cwd=repository.folder)

        assert [one["endpoint"] for one in told["changes"] if one["action"] == "delete"] == ["smollm"]

    def test_a_spec_that_was_broken_then_stops_nobody_from_mending_it(self, repository: Repository) -> None:
        """It is said, since its endpoint then counts as new."""
        whole = (repository.specs / "smollm.yaml").read_text()
        repository.write("smollm.yaml", "cloud: aws", "cluod: aws")
        repository.commit()
        (repository.specs / "smollm.yaml").write_text(whole)

        told = tell("plan", "specs", "--against", "main", cwd=repository.folder)

        assert {one["endpoint"]: one["action"] for one in told["changes"]}["smollm"] == "create"
        found = [one for one in told["findings"] if one["rule"] == "unreadable-before"]
        assert {one["file"] for one in found} == {"main:specs/smollm.yaml"}

    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            (["--against", "nowhere"], "has no such revision"),
            (["--against", "--upload-pack=x"], "has no such revision"),
            (["--against", "state"], "name it with --stack"),
            (["--against", "live", "--offline"], "--offline says not to ask anybody"),
            (["--live", "--offline"], "--offline says not to ask anybody"),
            (["--usage", "metrics", "--offline"], "--usage metrics asks the service, and --offline says not to ask"),
        ],
    )
    def test_what_cannot_be_meant_is_said(self, repository: Repository, options: list[str], sentence: str) -> None:
        """With the way out, and nothing printed that looks like a plan."""
        ended = run("plan", "specs", *options, cwd=repository.folder)

        assert (ended.returncode, ended.stdout) == (2, "")
        assert sentence in ended.stderr

    def test_outside_of_a_clone_the_other_ways_are_named(self, tmp_path: Path) -> None:
        """A folder without git still has the service and the state."""
        (tmp_path / "specs").mkdir()
        (tmp_path / "specs" / "demo.yaml").write_text(SPEC)

        ended = run("plan", "specs", "--against", "main", cwd=tmp_path, env=surroundings(GIT_CEILING_DIRECTORIES="/"))

        assert ended.returncode == 2
        assert "--against live and --against state" in ended.stderr

    def test_what_the_specs_own_endpoints_hold_is_not_held_by_others(
        self, repository: Repository, emulator: Running
    ) -> None:
        """The limit is reached by four endpoints of the specs; a change that needs no more of it is no shortage."""
        names = _fleet_of_four(repository, emulator)
        repository.write(f"{names[0]}.yaml", "type: tgi", "type: tgi, disable_custom_kernels: true")

        told = tell(*AGAINST_MAIN, "--live", cwd=repository.folder, env=talking_to(emulator))

        (entry,) = told["quota"]["entries"]
        assert (entry["limit"], entry["used"], entry["ours"], entry["verdict"]) == (4, 4, 4, "ok")
        assert [one["endpoint"] for one in told["changes"] if one["action"] != "unchanged"] == [names[0]]

    def test_what_the_change_removes_makes_room(self, repository: Repository, emulator: Running) -> None:
        """What runs of a spec that is gone is no other's: a new endpoint takes its place."""
        gone, *_ = _fleet_of_four(repository, emulator)
        (repository.specs / f"{gone}.yaml").unlink()
        (repository.specs / "new.yaml").write_text(SPEC.replace("demo", "new"))

        told = tell(*AGAINST_MAIN, "--live", cwd=repository.folder, env=talking_to(emulator))

        (entry,) = told["quota"]["entries"]
        assert (entry["ours"], entry["need_min"], entry["verdict"]) == (4, 4, "ok")

    def test_one_too_many_is_still_one_too_many(self, repository: Repository, emulator: Running) -> None:
        """What is removed and what runs on make no room for a fifth."""
        _fleet_of_four(repository, emulator)
        (repository.specs / "fifth.yaml").write_text(SPEC.replace("demo", "fifth"))

        ended = run(*AGAINST_MAIN, "--live", cwd=repository.folder, env=talking_to(emulator))

        assert ended.returncode == 5
        assert "this change takes 5 at its fewest replicas: 1 too many, from" in " ".join(ended.stdout.split())

    def test_without_a_word_about_what_runs_the_quota_is_unknown(
        self, repository: Repository, emulator: Running
    ) -> None:
        """Nobody can tell then whose part of what is used is the specs' own."""
        _fleet_of_four(repository, emulator)
        emulator.fault("unavailable", method="GET", path="/v2/endpoint/acme", times=None)

        ended = run(*AGAINST_MAIN, "--live", "--format", "json", cwd=repository.folder, env=talking_to(emulator))

        assert ended.returncode == 0, ended.stderr
        assert [one["verdict"] for one in json.loads(ended.stdout)["quota"]["entries"]] == ["unknown"]
        assert "What runs now could not be read, so that the quota is unknown" in ended.stderr


AGAINST_MAIN = ("plan", "specs", "--against", "main")


def _fleet_of_four(repository: Repository, emulator: Running) -> list[str]:
    """Four specs on `main`, and the endpoints that they are, which hold the whole quota."""
    names = ["aa", "bb", "cc", "dd"]
    for file in repository.specs.iterdir():
        file.unlink()
    emulator.set(quota={"aws/nvidia-l4": 4})
    for name in names:
        (repository.specs / f"{name}.yaml").write_text(SPEC.replace("demo", name))
        emulator.started(name)
    repository.commit()
    return names


class TestLive:
    @pytest.fixture
    def specs(self, tmp_path: Path) -> Path:
        (tmp_path / "demo.yaml").write_text(SPEC)
        return tmp_path

    def test_what_runs_is_read_and_compared(self, emulator: Running, specs: Path) -> None:
        """Without a stack, an endpoint of the name is taken for the spec's; nothing is sent but GETs."""
        emulator.started("demo", tags=["by-hand"], compute={"scaling": {"maxReplica": 3}})
        before = len(emulator.requests())

        told = tell("plan", specs, "--against", "live", env=talking_to(emulator))

        (change,) = told["changes"]
        assert (change["action"], change["requests"]) == ("update", ["PUT"])
        assert change["changes"][0] == "autoscaling.max: 3 -> 1"
        assert 'tags: ["by-hand"] -> []' in change["changes"]
        assert change["monthly_ceiling"] == {"before": "1752", "after": "584", "delta": "-1168"}
        (entry,) = told["quota"]["entries"]
        assert (entry["instance_type"], entry["ours"], entry["verdict"]) == ("nvidia-l4", 3, "ok")
        assert {one["method"] for one in emulator.requests()[before:]} == {"GET"}

    def test_a_quota_that_is_too_small_stops_the_review(self, emulator: Running, specs: Path) -> None:
        """Before the service refuses it with 409, in the middle of a run; --live alone says so, too."""
        emulator.set(quota={"aws/nvidia-l4": 1})
        (specs / "other.yaml").write_text(SPEC.replace("demo", "other").replace("x1", "x4"))

        ended = run("plan", specs, "--live", env=talking_to(emulator))

        assert ended.returncode == 5
        assert (
            "acme: aws nvidia-l4      1     0     0         5        5  ▓▓▓▓!!!!!!!!!!!!!!!!  short by 4, from other on"
            in ended.stdout
        )
        assert "Ways out: " in ended.stdout

    def test_deleted_paused_and_asleep_are_told_apart(self, emulator: Running, specs: Path) -> None:
        """A paused endpoint holds no quota and costs a resume where the spec says `running`."""
        (specs / "demo.yaml").write_text(SPEC + "state: running\n")
        emulator.started("demo")
        emulator.act("pause")

        (change,) = tell("plan", specs, "--against", "live", env=talking_to(emulator))["changes"]

        assert change["action"] == "update"
        assert "state: paused -> running" in change["changes"]
        assert change["requests"][-1] == "resume"
