"""`hfdeploy plan --against`: a git revision, what is live, and a state, each read and none of them touched."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from broken_image import BAD
from command_line import ROOT, SPEC, run, succeed, surroundings, talking_to, tell
from control_plane import Running
from project import Project
from test_preview_offline import GUARD
from test_up import count, writes

pytest_plugins = ["command_line", "project"]

WHO = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "a"}


class Repository:
    """A clone with the shipped specs on `main`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.specs = folder, folder / "specs"
        self.specs.mkdir(parents=True)
        for file in (ROOT / "specs").iterdir():
            (self.specs / file.name).write_bytes(file.read_bytes())
        self.git("init", "-q", "-b", "main")
        self.commit()

    def git(self, *arguments: str) -> str:
        env = {**os.environ, **WHO, "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_CONFIG_GLOBAL": "/dev/null"}
        command = ["git", "-C", str(self.folder), *arguments]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "specs")

    def write(self, name: str, old: str, new: str) -> None:
        file = self.specs / name
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    def changes(self, *options: str) -> dict[str, Any]:
        told = tell("plan", "specs", "--against", "main", *options, cwd=self.folder)
        return {one["endpoint"]: one for one in told["changes"]}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "clone")


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


class TestStack:
    @pytest.fixture
    def stack(self, project: Project) -> Project:
        for name in ("aa", "bb", "cc"):
            project.spec(name, verify={"when": "never"})
        project.up()
        return project

    def plan(self, project: Project, *options: str, code: int = 0, **extra: str) -> dict[str, Any]:
        command = ["plan", "--stack", "test", "--program", str(project.stacks), "--format", "json", *options]
        ended = run(*command, env={**project.environment, **extra})
        assert ended.returncode == code, f"{ended.stdout}\n{ended.stderr}"
        told: dict[str, Any] = json.loads(ended.stdout)
        return told

    def test_offline_a_state_is_compared_without_a_socket(self, world: Running, stack: Project, tmp_path: Path) -> None:
        """Not even a name is looked up: what the file says is all that is known, and limits are unknown."""
        (tmp_path / "guard").mkdir()
        (tmp_path / "guard" / "sitecustomize.py").write_text(GUARD)
        stack.spec("aa", autoscaling={"max": 3}, verify={"when": "never"})
        before, heard = count(world), tmp_path / "heard"
        path = f"{tmp_path / 'guard'}:{stack.environment.get('PYTHONPATH', '')}"

        told = self.plan(stack, "--against", "state", "--offline", HEARD=str(heard), PYTHONPATH=path)

        assert (tmp_path / "heard.listeners").exists()
        assert not heard.exists(), heard.read_text()
        assert world.requests(before) == []
        assert {one["endpoint"]: one["action"] for one in told["changes"]} == {
            "aa": "update",
            "bb": "unchanged",
            "cc": "unchanged",
        }
        assert {one["requests"] for one in told["changes"]} == {None}
        assert {entry["limit"] for entry in told["quota"]["entries"]} == {None}

    def test_what_an_up_refuses_is_found_before_it(self, world: Running, stack: Project) -> None:
        """Many removals, a protected endpoint that would be replaced, tags that are lost, a namesake of others."""
        stack.configure(protect="true", maxRemovals="0")
        stack.up()
        stack.spec("aa", region="eu-west-1", verify={"when": "never"})
        stack.spec("bb", autoscaling={"max": 2}, verify={"when": "never"})
        world.mutate("bb", by="alice", tags=["mine-now"])
        world.seed("dd", tags=["others"])
        stack.spec("dd", verify={"when": "never"})
        before = count(world)

        told = self.plan(stack, "--against", "state", code=5)

        rules = {(one["rule"], one["endpoint"]) for one in told["findings"] if one["severity"] == "error"}
        assert rules == {("too-many-removals", ""), ("protected", "aa"), ("tags-lost", "bb"), ("name-taken", "dd")}
        assert writes(world, before) == []

    def test_drift_that_the_stack_blocks_is_found_before_it(self, world: Running, stack: Project) -> None:
        """As the `up` says it, with who and what; report keeps it and says so."""
        world.mutate("aa", by="alice", compute={"scaling": {"maxReplica": 4}})
        stack.configure(drift="block")
        blocked = self.plan(stack, "--against", "state", code=5)
        stack.configure(drift="report")
        kept = self.plan(stack, "--against", "state")

        (finding,) = [one for one in blocked["findings"] if one["severity"] == "error"]
        assert (finding["rule"], finding["endpoint"]) == ("drift-blocked", "aa")
        assert "alice" in finding["sentence"]
        assert {one["action"] for one in kept["changes"]} == {"unchanged"}
        assert [one["endpoint"] for one in kept["findings"] if one["rule"] == "drift-kept"] == ["aa"]

    def test_values_that_a_failed_run_left_behind_are_sent_over(self, world: Running, stack: Project) -> None:
        """The mark of secrets on the endpoint is not that of the state's values: the next `up` sends the right ones."""
        secret = {"secrets": {"KEY": {"from_env": "SOME_KEY"}}, "verify": {"when": "never"}}
        stack.spec("aa", **secret)
        stack.environment["SOME_KEY"] = "the-value-of-a-key"
        stack.up()
        left = [tag for tag in world.get("aa")["tags"] if not tag.startswith("hfd-s-")]
        world.mutate("aa", by="somebody", tags=[*left, "hfd-s-0123456789ab"])

        told = self.plan(stack, "--against", "state")

        (change,) = [one for one in told["changes"] if one["action"] != "unchanged"]
        assert (change["endpoint"], change["action"], change["requests"]) == ("aa", "update", ["PUT"])
        assert "a run which did not succeed" in str(change)

    def test_what_would_end_red_is_found_before_it(self, world: Running, stack: Project) -> None:
        """What failed and was put back; what a pause kept from being tried, and then failed."""
        world.set(outcomes=[{"match": {"model.image.tgi.url": BAD}, "outcome": "update_failed"}])
        stack.spec("aa", engine={"type": "tgi", "image": BAD}, verify={"when": "never"})
        world.mutate("bb", state="paused")
        stack.spec("bb", instance="nvidia-l4 x1", verify={"when": "never"})
        ended = stack.pulumi("up", "--yes", "--skip-preview", code=None)
        assert ended.returncode != 0
        world.mutate("bb", state="updateFailed")
        before = count(world)

        told = self.plan(stack, "--against", "state", code=5)

        found = {one["rule"]: one for one in told["findings"] if one["severity"] == "error"}
        assert {rule: one["endpoint"] for rule, one in found.items()} == {"known-bad": "aa", "given-up": "bb"}
        assert "rollout.attempt (now 1)" in found["known-bad"]["sentence"]
        assert "updateFailed" in found["given-up"]["sentence"]
        assert {one["endpoint"]: one["requests"] for one in told["changes"]}["bb"] == []
        assert writes(world, before) == []

    def test_live_goes_by_the_stacks_tags(self, world: Running, stack: Project) -> None:
        """What carries them and has no spec would go; a namesake without them is refused; others are nobody's."""
        stack.drop("cc")
        world.seed("dd")
        world.seed("somebodys")
        stack.spec("dd", verify={"when": "never"})

        told = self.plan(stack, "--against", "live", code=5)

        assert {one["endpoint"]: one["action"] for one in told["changes"]} == {
            "aa": "unchanged",
            "bb": "unchanged",
            "dd": "create",
            "cc": "delete",
        }
        assert [one["rule"] for one in told["findings"] if one["severity"] == "error"] == ["name-taken"]

    def test_a_stack_that_was_never_brought_up_makes_everything(self, project: Project) -> None:
        """Its state is empty, so nothing that is there is its own."""
        project.spec("aa")

        told = self.plan(project, "--against", "state")

        assert [(one["action"], one["requests"]) for one in told["changes"]] == [("create", ["POST"])]
