"""`hfdeploy plan --against` with a stack: its state, what is live of it, and what its next `up` would refuse."""

import json
from pathlib import Path
from typing import Any

import pytest
from broken_image import BAD
from command_line import run
from control_plane import Running
from project import Project
from test_preview_offline import GUARD
from test_up import count, writes

pytest_plugins = ["project"]


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
