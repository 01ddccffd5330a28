"""Endpoints that outlive their resource on purpose, and those that are made inside an `apply`."""

from pathlib import Path

import pytest
from control_plane import Running
from plugin_process import running_plugin
from plugin_stack import Stack, config, puts
from project import IDENTITY, Project
from test_guard import guard_of
from test_program import TINY
from traffic import count, names, writes

pytest_plugins = ["project"]

RETAINED = "pulumi.ResourceOptions(retain_on_delete=True)"
NEVER = 'verify={"when": "never"}'


def one(name: str, *, is_retained: bool, **fields: object) -> str:
    """A line of a program that makes one endpoint."""
    said = "".join(f", {key}={value!r}" for key, value in fields.items())
    return f'hfdeploy.InferenceEndpoint("{name}", SPEC{f", {RETAINED}" if is_retained else ""}, {NEVER}{said})\n'


def test_what_is_retained_says_so_on_the_service(world: Running, project: Project) -> None:
    """The tag rides on the POST and on PUTs that go out anyway, and goes the same way; no PUT is sent for it."""
    project.program(TINY + one("a", is_retained=True) + one("b", is_retained=False))
    project.up()
    assert "hfd-keep" in world.get("a")["tags"]
    assert "hfd-keep" not in world.get("b")["tags"]

    since = count(world)
    project.program(TINY + one("a", is_retained=False) + one("b", is_retained=True))
    project.up()
    assert writes(world, since) == []
    assert "hfd-keep" in world.get("a")["tags"]

    changed = {"autoscaling": {"max": 3}}
    project.program(TINY + one("a", is_retained=False, **changed) + one("b", is_retained=True, **changed))
    project.up()
    owner = guard_of(project)["owner"]
    bodies = {
        request["path"].rpartition("/")[2]: request["body"]
        for request in world.requests(since)
        if request["method"] == "PUT"
    }
    assert bodies == {
        "a": {"compute": {"scaling": {"maxReplica": 3}}, "tags": [f"hfd-o-{owner}", "hfd-l-a"]},
        "b": {"compute": {"scaling": {"maxReplica": 3}}, "tags": [f"hfd-o-{owner}", "hfd-l-b", "hfd-keep"]},
    }
    project.up("--expect-no-changes")
    project.refresh("--preview-only", "--expect-no-changes")

    project.destroy()
    assert names(world) == ["b"]


def test_a_tag_that_a_person_put_on_stays(world: Running, tmp_path: Path) -> None:
    """Only what was tagged because it was retained loses the tag."""
    with running_plugin(config(world), folder=tmp_path) as plugin:
        stack = Stack(plugin)
        world.mutate("tiny", tags=[*world.get("tiny")["tags"], "hfd-keep"])
        plugin.check("identity", stack.inputs())

        stack.update(env={"LOG_LEVEL": "debug"})

    assert [put["model"] for put in puts(world)] == [{"env": {"LOG_LEVEL": "debug"}}]
    assert "hfd-keep" in world.get("tiny")["tags"]


LATE = """
first = hfdeploy.InferenceEndpoint("first", SPEC, verify={"when": "never"})


def more(_):
    for name in NAMES:
        hfdeploy.InferenceEndpoint(name, SPEC, verify={"when": "never"})


first.url.apply(more)
"""


def late(*made: str) -> str:
    return f"{TINY}NAMES = {list(made)!r}\n{LATE}"


def test_endpoints_made_inside_an_apply_are_not_lost_many_at_once(world: Running, project: Project) -> None:
    """The guard's list is taken before they are made; they count when they are deleted, and the run ends red."""
    project.program(late("a", "b", "c", "d"))
    project.up()
    assert guard_of(project)["members"] == ["first@acme/aws/us-east-1"]
    assert names(world) == ["a", "b", "c", "d", "first"]
    project.program(late())

    refused = project.up("--continue-on-error", code=1)

    assert "was not deleted: it is not on the guard's list" in refused
    assert "hfdeploy:maxRemovals lets it lose 2" in refused
    assert len(names(world)) == 3
    assert len([one for one in project.state() if one["type"] == IDENTITY]) == 3
    project.up(HFDEPLOY_ALLOW_REMOVALS="2")
    assert names(world) == ["first"]


def test_destroy_takes_them_all_and_finds_what_was_left_of_them(world: Running, project: Project) -> None:
    """The tag and the stack's namespace are enough to find them."""
    project.program(late("a", "b", "c", "d"))
    project.up()
    owner = guard_of(project)["owner"]
    world.seed("left", tags=[f"hfd-o-{owner}", "hfd-l-left"])

    refused = project.destroy(code=1)

    assert "1 endpoint of this stack is alive and in no state: acme/left (" in refused
    assert names(world) == ["left"]


@pytest.mark.parametrize("namespace", ["elsewhere"])
def test_one_that_nobody_would_look_for_is_refused(world: Running, project: Project, namespace: str) -> None:
    """In a namespace of its own it could not be found at the end."""
    program = late("a").replace("(name, SPEC, ", f"(name, SPEC, namespace={namespace!r}, ")
    project.program(program)

    refused = project.up(code=1)

    assert (
        "The endpoint 'a' is made inside an apply, and in a namespace that nothing else of the stack is in" in refused
    )
    assert "in one of acme" in refused
    assert names(world) == ["first"]
