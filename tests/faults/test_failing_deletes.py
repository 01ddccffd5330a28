"""A service that cannot delete: `destroy` is not green, and the state keeps what is still alive."""

from typing import Any

import pytest
from control_plane import Running
from project import IDENTITY, Project
from traffic import count, names

pytest_plugins = ["project"]


@pytest.mark.fault(23)
@pytest.mark.parametrize("times", [1, 3])
def test_a_delete_that_fails_for_a_while_is_repeated(
    world: Running, project: Project, times: int, record_property: Any
) -> None:
    """A passing fault is none of the user's business."""
    project.spec("tiny", verify={"when": "never"})
    project.up()
    world.fault("server_error", method="DELETE", path="/v2/endpoint/acme/tiny", times=times)

    project.destroy()

    assert names(world) == []
    record_property("faults", times)


@pytest.mark.fault(23)
@pytest.mark.parametrize("kind", ["server_error", "reset"])
def test_a_delete_that_never_works_is_not_green(
    world: Running, project: Project, kind: str, record_property: Any
) -> None:
    """The endpoint goes on billing, so the state must not forget it; the next run finishes the work."""
    project.spec("tiny", verify={"when": "never"})
    project.up()
    world.fault(kind, method="DELETE", path="/v2/endpoint/acme/tiny", times=None)
    before = count(world)

    refused = project.destroy(code=1)

    tried = [one for one in world.requests(before) if one["method"] == "DELETE"]
    assert 2 <= len(tried) <= 10
    assert "DELETE /v2/endpoint/acme/tiny" in refused
    assert "Traceback" not in refused
    assert names(world) == ["tiny"]
    assert project.outputs_of("tiny", IDENTITY)["generation"] == world.get("tiny")["status"]["createdAt"]

    world._script("DELETE", "/faults")
    project.destroy()
    assert names(world) == []
    record_property("faults", len(tried))
