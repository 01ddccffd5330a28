"""orphans: what a stack made and its state does not know, listed and removed by the real command."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from command_line import run, surroundings
from control_plane import OWNER, Running, running
from project import ENDPOINT, IDENTITY, SPEED, Project
from traffic import names

from hfdeploy.catalog import Catalog
from hfdeploy.client import connect
from hfdeploy.orphans import find_tagged
from hfdeploy.settings import load

pytest_plugins = ["project", "command_line"]

OLD = "2026-01-01T00:00:00.000Z"


@pytest.fixture(scope="module")
def own_emulator() -> Iterator[Running]:
    """An emulator whose clock nobody winds: ages are compared with this machine's."""
    with running(speed=SPEED) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def project_once(tmp_path_factory, own_emulator: Running) -> Project:
    """A stack with one endpoint, brought up once."""
    project = Project(tmp_path_factory.mktemp("checkout"), own_emulator.url)
    project.spec("tiny", verify={"when": "never"})
    project.up()
    return project


@pytest.fixture
def owner(project_once: Project) -> str:
    return str(project_once.outputs_of("tiny", IDENTITY)["owner"])


@pytest.fixture
def world(project_once: Project, own_emulator: Running):
    """The stack's endpoint and nothing else, before and after."""
    assert names(own_emulator) == ["tiny"], project_once
    yield own_emulator
    own_emulator._script("DELETE", "/faults")
    for name in names(own_emulator):
        if name != "tiny":
            own_emulator._script("DELETE", f"/endpoints/acme/{name}")


def orphans(project: Project, *arguments: str) -> tuple[int, Any, str]:
    env = surroundings(PULUMI_BACKEND_URL=project.environment["PULUMI_BACKEND_URL"], PULUMI_CONFIG_PASSPHRASE="")
    ended = run("orphans", "--stack", "test", "--format", "json", *arguments, cwd=project.folder, env=env)
    return ended.returncode, json.loads(ended.stdout)["orphans"] if ended.stdout else None, ended.stderr


def left(world: Running, owner: str, name: str, *tags: str, created: str = OLD) -> None:
    world.seed(name, tags=[f"hfd-o-{owner}", f"hfd-l-{name}", *tags], createdAt=created)


@pytest.mark.fault(2, 42)
def test_only_what_is_ours_and_in_no_state_is_listed(world: Running, project_once: Project, owner: str) -> None:
    """With age and cost, so that somebody can decide; nobody else's endpoint is in the list."""
    left(world, owner, "left")
    left(world, "0123456789ab", "theirs")
    world.seed("by-hand")

    code, found, _ = orphans(project_once)

    assert code == 4
    assert [(one["name"], one["created_at"], one["state"]) for one in found] == [("left", OLD, "running")]
    assert found[0]["age_seconds"] > 3600
    assert float(found[0]["usd_per_day"]) == pytest.approx(24 * float(found[0]["usd_per_hour"]))
    assert float(found[0]["usd_per_hour"]) > 0


@pytest.mark.usefixtures("world")
def test_nothing_left_is_said_and_ends_with_zero(project_once: Project) -> None:
    """For scripts."""
    assert orphans(project_once)[:2] == (0, [])


@pytest.mark.fault(2, 42)
def test_delete_removes_the_old_ones_and_neither_kept_nor_young(
    world: Running, project_once: Project, owner: str
) -> None:
    """A young one may be another run's that is about to write it down."""
    left(world, owner, "left")
    left(world, owner, "kept", "hfd-keep")
    left(world, "0123456789ab", "theirs")
    world.create("young", tags=[f"hfd-o-{owner}", "hfd-l-young"])

    code, found, said = orphans(project_once, "--delete")
    assert (code, found) == (2, None)
    assert "Nobody can be asked without a terminal" in said
    assert names(world) == ["kept", "left", "theirs", "tiny", "young"]

    code, found, said = orphans(project_once, "--delete", "--yes")

    assert "removed acme/left" in said
    assert names(world) == ["kept", "theirs", "tiny", "young"]
    assert {one["name"]: one["why_left"] for one in found} == {"kept": "kept on purpose", "young": "younger than 30m"}
    assert code == 4

    assert orphans(project_once, "--delete", "--yes", "acme/young")[0] == 0
    assert names(world) == ["kept", "theirs", "tiny"]
    assert orphans(project_once, "--delete", "--yes")[0] == 0


def test_naming_some_does_not_hide_that_others_are_left(world: Running, project_once: Project, owner: str) -> None:
    """They go on billing, and a script waits for 0."""
    left(world, owner, "left")
    left(world, owner, "other")

    code, found, _ = orphans(project_once, "--delete", "--yes", "acme/left")

    assert names(world) == ["other", "tiny"]
    assert (code, [(one["name"], one["why_left"]) for one in found]) == (4, [("other", "not named")])


def test_a_failure_does_not_stop_the_others_and_is_not_green(world: Running, project_once: Project, owner: str) -> None:
    """The one that stays is named with the reason."""
    left(world, owner, "one")
    left(world, owner, "two")
    world.fault("not_an_object", method="DELETE", path="/v2/endpoint/acme/one", status=403, times=100)

    code, found, _ = orphans(project_once, "--delete", "--yes")

    assert code == 4
    assert names(world) == ["one", "tiny"]
    assert [one["name"] for one in found] == ["one"]
    assert "403" in found[0]["why_left"]


def test_a_name_that_is_no_orphan_is_refused(world: Running, project_once: Project, owner: str) -> None:
    """What is in the state is destroyed by Pulumi, and what is foreign by nobody here."""
    left(world, owner, "left")

    code, _, said = orphans(project_once, "--delete", "--yes", "tiny")

    assert code == 2
    assert "tiny is no orphan of test" in said
    assert names(world) == ["left", "tiny"]


@pytest.mark.fault(20)
def test_a_lost_state_is_not_taken_for_orphans(world: Running, project_once: Project, owner: str, tmp_path) -> None:
    """An old backup of the state knows the guard and none of the endpoints: removing them would remove production."""
    left(world, owner, "left")
    kept = json.loads(project_once.pulumi("stack", "export").stdout)
    lost = json.loads(json.dumps(kept))
    lost["deployment"]["resources"] = [
        one for one in lost["deployment"]["resources"] if one["type"] not in {IDENTITY, ENDPOINT}
    ]
    (tmp_path / "lost.json").write_text(json.dumps(lost))
    (tmp_path / "kept.json").write_text(json.dumps(kept))
    project_once.pulumi("stack", "import", "--file", str(tmp_path / "lost.json"))
    try:
        code, _, said = orphans(project_once, "--delete", "--yes", "--older-than", "1s")
        assert code == 4
        assert "looks like a lost state rather than like orphans" in said
        assert "--delete acme/left acme/tiny" in said
        assert names(world) == ["left", "tiny"]
        code, found, _ = orphans(project_once, "--delete", "--yes", "left")
        assert (code, [one["name"] for one in found]) == (4, ["tiny"])
        assert names(world) == ["tiny"]
    finally:
        project_once.pulumi("stack", "import", "--file", str(tmp_path / "kept.json"))


@pytest.mark.fault(2)
@pytest.mark.parametrize("owner_id", ["", "hfd", "0", "0123456789a", "0123456789AB", "*"])
def test_no_owner_matches_nothing_and_is_refused_before_a_request(own_emulator: Running, owner_id: str) -> None:
    """An empty or shortened id would be the tag of other people's endpoints."""
    settings = load({"apiUrl": own_emulator.url, "hubUrl": own_emulator.url, "token": OWNER}, {})
    before = len(own_emulator.requests())

    with connect(settings) as api, pytest.raises(ValueError, match="is no owner id"):
        find_tagged(api, owner_id, ["acme"], catalog=lambda _: Catalog.snapshot())

    assert len(own_emulator.requests()) == before


@pytest.mark.fault(2)
def test_every_page_is_looked_at(world: Running, project_once: Project, owner: str) -> None:
    """The service answers 20 at a time, and huggingface_hub reads the first page only."""
    for number in range(45):
        left(world, "0123456789ab", f"aa-{number:02}")
    left(world, owner, "zz-left")

    code, found, _ = orphans(project_once)

    assert (code, [one["name"] for one in found]) == (4, ["zz-left"])


def test_a_state_without_a_guard_has_no_owner_to_look_for(world: Running, project_once: Project, tmp_path) -> None:
    """Nobody knows which endpoints are the stack's, so none is called an orphan."""
    kept = project_once.pulumi("stack", "export").stdout
    empty = json.loads(kept)
    empty["deployment"]["resources"] = []
    (tmp_path / "empty.json").write_text(json.dumps(empty))
    (tmp_path / "kept.json").write_text(kept)
    project_once.pulumi("stack", "import", "--file", str(tmp_path / "empty.json"))
    try:
        code, _, said = orphans(project_once, "--delete", "--yes")
    finally:
        project_once.pulumi("stack", "import", "--file", str(tmp_path / "kept.json"))

    assert code == 2
    assert "has no guard, so nobody knows the owner id" in said
    assert "`hfdeploy recover --stack test`" in said
    assert names(world) == ["tiny"]
