"""Ctrl-C during `orphans --delete` and `recover`: what was done is done, nothing is locked, the next run goes on."""

import json
import subprocess
import time

import pytest
from command_line import COMMAND, surroundings
from control_plane import Running
from project import IDENTITY, Project
from test_ctrl_c import interrupted, started, writes
from test_guard import FAST
from test_recover import changed, found, lose_state, recover
from test_up import count

pytest_plugins = ["project"]

LISTED = "/v2/endpoint/acme"


@pytest.mark.fault(43)
def test_deleting_orphans_ends_at_the_one_under_way(world: Running, project: Project) -> None:
    """What was deleted is gone, what was not is still listed, and the next run goes on."""
    project.spec("kept", **FAST)
    project.up()
    owner = str(project.outputs_of("kept", IDENTITY)["owner"])
    for number in range(3):
        world.seed(f"lost-{number}", tags=[f"hfd-o-{owner}", f"hfd-l-lost-{number}"])
    time.sleep(1.1)  # orphans younger than a second are left
    world.fault("hang", method="DELETE", skip=1, commit=True)
    backend = {"PULUMI_BACKEND_URL": project.environment["PULUMI_BACKEND_URL"], "PULUMI_CONFIG_PASSPHRASE": ""}
    env = surroundings(**backend) | {"PATH": project.environment["PATH"]}
    delete = ["orphans", "--stack", "test", "--delete", "--yes", "--older-than", "1s"]

    process = started(delete, project.folder, env)
    interrupted(process, lambda: any("hang" in one["faults"] for one in world.requests()))

    left = {one["name"] for one in world._script("GET", "/endpoints")["items"]}
    assert "kept" in left
    assert len(left) == 2
    again = subprocess.run([*COMMAND, *delete], cwd=project.folder, env=env, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert {one["name"] for one in world._script("GET", "/endpoints")["items"]} == {"kept"}


@pytest.mark.fault(20, 43)
def test_a_recovery_can_be_interrupted_and_done_again(world: Running, project: Project) -> None:
    """While the service is asked, while the engine writes the guard, while it writes the rest: no lock stays behind."""
    project.spec("tiny", **FAST)
    project.up()
    lose_state(project)
    since = count(world)
    state = project.folder / "state" / ".pulumi"
    env = surroundings(PULUMI_BACKEND_URL=project.environment["PULUMI_BACKEND_URL"], PULUMI_CONFIG_PASSPHRASE="")

    def asked() -> bool:
        return any("hang" in one["faults"] for one in world.requests(since))

    def locked() -> bool:
        return bool(list(state.glob("locks/**/*.json")))

    def has_guard() -> bool:
        try:
            latest = json.loads((state / "stacks/hfdeploy/test.json").read_text())["checkpoint"]["latest"] or {}
        except ValueError:  # it is being written
            return False
        return any(one["type"].endswith("StackGuard") for one in latest.get("resources", []))

    for moment in (asked, locked, has_guard):
        if moment is asked:
            world.fault("hang", path=LISTED)
        process = started(["recover", "--stack", "test", "--yes"], project.folder, env)
        interrupted(process, moment)
        assert not locked(), moment.__name__
        assert writes(world, since) == []

    review, _ = recover(project, "--yes")

    assert found(review) == {"tiny": "matches"}
    assert changed(project) == {}
