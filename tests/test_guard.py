"""The stack's guard on the real engine: no mass accident, and no green `destroy` over an endpoint that is alive."""

from typing import Any

import pytest
from control_plane import Running
from project import IDENTITY, Project
from test_program import TINY
from traffic import count, names, writes

pytest_plugins = ["project"]

GUARD = "pulumi-python:dynamic/hfdeploy:StackGuard"
FAST: dict[str, Any] = {"verify": {"when": "never"}}


def guard_of(project: Project) -> dict[str, Any]:
    return project.outputs_of("stack-guard", GUARD)


def leave_behind(world: Running, project: Project, name: str = "left") -> str:
    """What a run leaves that is killed between the POST and the state: ours, and in no state."""
    owner = str(guard_of(project)["owner"])
    world.seed(name, tags=[f"hfd-o-{owner}", f"hfd-l-{name}"])
    return owner


def test_the_guard_knows_every_member_and_where_it_runs(project: Project) -> None:
    """Only that tells a renamed folder from a small change; the guard is made before any endpoint is."""
    project.spec("tiny", **FAST)
    project.spec("other", region="eu-west-1", instance="nvidia-a10g x1", **FAST)

    project.up()

    assert guard_of(project)["members"] == ["other@acme/aws/eu-west-1", "tiny@acme/aws/us-east-1"]
    assert guard_of(project)["namespaces"] == ["acme"]
    project.up("--expect-no-changes")


@pytest.mark.parametrize("options", [[], ["--continue-on-error"]], ids=["plain", "going on after errors"])
def test_many_endpoints_at_once_are_not_removed(world: Running, project: Project, options: list[str]) -> None:
    """A wrong glob or a half-read repository must not delete production; what is meant is said for one run."""
    for name in ("a", "b", "c", "d"):
        project.spec(name, **FAST)
    project.up()
    before = count(world)
    project.drop("a")
    project.drop("b")
    project.spec("c", region="eu-west-1", instance="nvidia-a10g x1", **FAST)

    seen = project.pulumi("preview", code=None)
    refused = project.up(*options, code=1)

    sentence = (
        "This run would remove 2 endpoints (a, b) and replace 1 endpoint (c), out of 4 of this stack, and "
        "hfdeploy:maxRemovals lets it lose 2. Nothing was touched."
    )
    assert sentence in refused
    assert seen.returncode != 0
    assert sentence in seen.stdout + seen.stderr
    assert "Traceback" not in refused
    assert writes(world, before) == []
    assert names(world) == ["a", "b", "c", "d"]

    assert "lets it lose 2" in project.up(*options, code=1, HFDEPLOY_ALLOW_REMOVALS="2")
    project.up(*options, HFDEPLOY_ALLOW_REMOVALS="3")
    assert names(world) == ["c", "d"]
    assert world.get("c")["provider"]["region"] == "eu-west-1"


def test_a_program_of_ones_own_that_makes_no_endpoint_any_more_deletes_none(world: Running, project: Project) -> None:
    """A list that came back empty is no wish; a `destroy` is one, and so is what is said for one run."""
    loop = """
hfdeploy.guard()
for name in NAMES:
    hfdeploy.InferenceEndpoint(name, SPEC, verify={"when": "never"})
"""
    project.program(TINY + 'NAMES = ["a", "b", "c"]' + loop)
    project.up()
    members = guard_of(project)["members"]
    before = count(world)
    project.program(TINY + "NAMES = []" + loop)

    refused = project.up(code=1)

    assert "This run would remove 3 endpoints (a, b, c), out of 3 of this stack" in refused
    assert writes(world, before) == []
    assert (names(world), guard_of(project)["members"]) == (["a", "b", "c"], members)
    project.destroy()
    assert (names(world), project.state()) == ([], [])


def test_a_stack_may_say_how_many_a_run_may_lose(world: Running, project: Project) -> None:
    """For production none; for a stack of experiments more."""
    project.spec("a", **FAST)
    project.spec("b", **FAST)
    project.up()
    project.drop("a")

    project.configure(maxRemovals="0")
    assert "hfdeploy:maxRemovals lets it lose 0" in project.up(code=1)
    project.configure(maxRemovals="some")
    assert "hfdeploy:maxRemovals is 'some': it must be a number" in project.up(code=1)
    project.configure(maxRemovals="1")
    project.up()

    assert names(world) == ["b"]


@pytest.mark.fault(2)
def test_destroy_is_not_green_while_an_endpoint_of_the_stack_is_alive(world: Running, project: Project) -> None:
    """Nobody would know of it, and it bills by the hour."""
    project.spec("tiny", **FAST)
    project.up()
    leave_behind(world, project)
    world.seed("foreign")

    refused = project.destroy(code=1)

    since = world.get("left")["status"]["createdAt"]
    assert f"1 endpoint of this stack is alive and in no state: acme/left (running, since {since}, $" in refused
    assert "`hfdeploy orphans --stack test --delete acme/left` removes it" in refused
    assert names(world) == ["foreign", "left"]
    assert guard_of(project)["owner"]

    world._script("DELETE", "/endpoints/acme/left")
    project.destroy()
    assert names(world) == ["foreign"]


@pytest.mark.fault(2)
def test_a_stack_may_let_destroy_take_everything_of_it(world: Running, project: Project) -> None:
    """A review stack that nobody looks at again; what is kept on purpose and what is foreign stays."""
    project.configure(orphans="delete")
    project.spec("tiny", **FAST)
    project.up()
    owner = leave_behind(world, project)
    world.seed("kept", tags=[f"hfd-o-{owner}", "hfd-l-kept", "hfd-keep"])
    world.seed("foreign", tags=["hfd-o-0123456789ab", "hfd-l-foreign"])

    said = project.destroy()

    assert "removed acme/left (running, since " in said
    assert names(world) == ["foreign", "kept"]


def test_a_retained_endpoint_is_remembered_and_not_counted(world: Running, project: Project) -> None:
    """Handed over on purpose: neither an accident nor an orphan, even when its resource is long gone."""
    retained = "pulumi.ResourceOptions(retain_on_delete=True)"
    both = "".join(
        f'hfdeploy.InferenceEndpoint("{name}", SPEC, {retained}, verify={{"when": "never"}})\n' for name in "ab"
    )
    project.configure(maxRemovals="0")
    project.program(TINY + both + 'hfdeploy.InferenceEndpoint("c", SPEC, verify={"when": "never"})\n')
    project.up()
    assert guard_of(project)["retained"] == ["a@acme/aws/us-east-1", "b@acme/aws/us-east-1"]
    project.up("--expect-no-changes")

    project.program(TINY + 'hfdeploy.InferenceEndpoint("c", SPEC, verify={"when": "never"})\n')
    project.up()
    assert [one["urn"].rpartition("::")[2] for one in project.state() if one["type"] == IDENTITY] == ["c"]
    assert guard_of(project)["kept"] == ["a@acme/aws/us-east-1", "b@acme/aws/us-east-1"]

    project.destroy()
    assert names(world) == ["a", "b"]


@pytest.mark.fault(22)
def test_a_deleted_endpoint_that_is_still_listed_is_waited_for(world: Running, project: Project) -> None:
    """Whether DELETE is done when it answers is not documented."""
    project.spec("tiny", **FAST)
    project.up()
    world.set(delete_visible_seconds=3.0)

    project.destroy()

    assert names(world) == []


@pytest.mark.fault(15)
def test_many_endpoints_gone_at_once_stop_the_run(world: Running, project: Project) -> None:
    """Another account's token sees none of them; dropped from the state they would all be made again."""
    for name in ("a", "b", "c"):
        project.spec(name, **FAST)
    project.up()
    for name in ("a", "b", "c"):
        world._script("DELETE", f"/endpoints/acme/{name}")
    before = count(world)

    refused = project.up(code=1)

    assert "endpoints of this stack are gone at once" in refused
    assert "a wrong account, token or namespace looks like this" in refused
    assert writes(world, before) == []
    assert len([one for one in project.state() if one["type"] == IDENTITY]) == 3

    project.up(HFDEPLOY_ALLOW_REMOVALS="3")
    assert names(world) == ["a", "b", "c"]
