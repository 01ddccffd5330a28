"""Hardware that the package's snapshot does not have yet: its endpoints are looked after like any other."""

from typing import Any

import pytest
from control_plane import Running
from rollouts import Make, Stack

from hfdeploy.catalog import Catalog
from hfdeploy.provider.props import spec_fields
from hfdeploy.provider.unfinished import Note

pytest_plugins = ["project", "rollouts"]

KEY: dict[str, Any] = {"secrets": {"API_KEY": {"from_env": "THE_KEY"}}}
REGIONS = {"known": "us-east-1", "new": "us-east-2"}


@pytest.fixture(params=REGIONS)
def region(world: Running, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """One that the snapshot has hardware of, and one that only the live catalogue has."""
    world.set(extra_aws_regions="as_us_east_1")
    monkeypatch.setenv("THE_KEY", "first-value")
    chosen = REGIONS[request.param]
    rows = [row for row in Catalog.snapshot().rows if (row.vendor, row.region) == ("aws", chosen)]
    assert bool(rows) is (request.param == "known")
    return chosen


def sent(stack: Stack) -> Any:
    return stack.config["model"]["secrets"]


def test_a_rotated_secret_is_sent(make: Make, region: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Called unchanged: the old value went on being the container's, and nobody was told."""
    stack = make(region=region, **KEY)
    assert stack.reasons() == []
    monkeypatch.setenv("THE_KEY", "second-value")

    assert stack.reasons() == ["secrets"]
    assert "changed secrets: API_KEY" in stack.row.notes
    stack.bring()

    assert sent(stack) == {"API_KEY": "second-value"}
    assert stack.reasons() == []


def test_what_is_always_to_be_proved_is(make: Make, region: str) -> None:
    """`verify.when: always` is said where somebody does not trust what was proved yesterday."""
    stack = make(region=region, verify={"when": "always", "max_new_tokens": 4})

    assert stack.reasons() == ["verify"]


def test_an_update_that_nobody_saw_through_is_proved(make: Make, region: str) -> None:
    """A killed run sent it, and then the spec was taken back: what runs now was never proved."""
    stack = make(region=region)
    killed = stack.inputs(env={"LOG_LEVEL": "debug"})
    Note(stack.row.stack, "tiny", stack.run.program).open(stack.own["generation"], spec_fields(killed), ["env"], [])

    assert stack.reasons() == ["verify"]
