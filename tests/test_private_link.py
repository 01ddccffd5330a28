"""`private_service`, which an endpoint has from its creation or never: what is another one, and what only reads so."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from command_line import SPEC as DEMO
from command_line import talking_to, tell
from control_plane import Running
from hypothesis import given
from hypothesis import strategies as st
from plugin_stack import SPEC
from rollouts import Make, Stack

from hfdeploy.diff import REPLACES, changed_fields, replaced
from hfdeploy.errors import OwnershipError
from hfdeploy.provider.props import plain

pytest_plugins = ["project", "rollouts", "command_line"]

MADE = "2026-11-01T09:00:00.000Z"
LINK: dict[str, Any] = {"account_id": "123456789012", "region": "us-east-1"}
OTHERS: dict[str, dict[str, Any] | None] = {
    "none": None,
    "another account's": {**LINK, "account_id": "210987654321"},
    "a shared one": {**LINK, "shared": True},
}

LINKS = st.none() | st.fixed_dictionaries(
    {
        "account_id": st.sampled_from(["123456789012", 123456789012, "210987654321", 210987654321]),
        "region": st.sampled_from(["us-east-1", "eu-west-1"]),
    },
    optional={"shared": st.sampled_from([True, False, "true", "false", None])},
)
PLACES = st.fixed_dictionaries(
    {"name": st.sampled_from(["tiny", "123", 123]), "namespace": st.sampled_from(["acme", "42", 42, None])}
)


@given(before=PLACES, after=PLACES, links=st.tuples(LINKS, LINKS))
def test_only_what_means_something_else_replaces(
    before: dict[str, Any], after: dict[str, Any], links: tuple[Any, Any]
) -> None:
    """An endpoint was deleted and made again for a default written out, with nothing answering in between."""
    old, new = ({**SPEC, **place, "private_service": link} for place, link in zip((before, after), links, strict=True))
    existence = {field: plain(old[field]) for field in REPLACES if old[field] is not None}

    assert sorted(replaced(existence, new, REPLACES)) == [name for name in changed_fields(old, new) if name in REPLACES]


def writes(world: Running, since: int) -> list[str]:
    return [one["method"] for one in world.requests()[since:] if one["method"] != "GET"]


@pytest.mark.fault(22)
@pytest.mark.parametrize(("made", "wanted"), [(LINK, other) for other in OTHERS.values()] + [(None, LINK)])
def test_what_is_linked_otherwise_is_not_continued(make: Make, world: Running, made: Any, wanted: Any) -> None:
    """A run that was killed after its POST, and then another spec: the state would claim what the endpoint is not."""
    stack = make(is_live=False, private_service=made)
    stack.spec["private_service"] = wanted
    since = len(world.requests())

    with pytest.raises(OwnershipError, match=r"acme/tiny is there already with") as refused:
        stack.exist()

    assert ("without private_service" in str(refused.value)) is (made is None or wanted is None)
    assert writes(world, since) == []
    stack.spec["private_service"] = made
    stack.exist().bring()
    assert stack.outs is not None
    assert stack.outs["verdict"] == "passed"


@pytest.mark.parametrize("shown", ["account_and_region", "account_and_shared"])
def test_what_a_reply_leaves_out_is_no_other_link(make: Make, world: Running, shown: str) -> None:
    """Whether the service shows the region of a link, and what it makes of `shared`, is not known."""
    world.set(private_service_fields=shown)
    stack = make(is_live=False, private_service=LINK)
    generation = stack.own["generation"]

    stack.spec["private_service"] = {**LINK, "shared": False}
    stack.exist()

    assert stack.own["generation"] == generation


@pytest.mark.parametrize("case", [*OTHERS, "the same"])
@pytest.mark.parametrize("is_live", [True, False], ids=["live", "wanted"])
def test_only_what_is_linked_as_the_spec_says_is_adopted(world: Running, case: str, is_live: bool) -> None:
    """No tag of ours is put on what would have to be made anew."""
    other = OTHERS.get(case, LINK)
    live, wanted = (LINK, other) if is_live else (other, LINK)
    body = live and {"accountId": live["account_id"], "region": live["region"], "shared": live.get("shared", False)}
    world.seed("tiny", createdAt=MADE, **({"privateService": body} if body else {}))
    since = len(world.requests())

    with closing(Stack(world, adopt=MADE, private_service=wanted)) as stack:
        if case == "the same":
            stack.exist()
        else:
            with pytest.raises(OwnershipError, match=r"acme/tiny was not adopted: it is with"):
                stack.exist()

    assert writes(world, since) == (["PUT"] if case == "the same" else [])


@pytest.mark.parametrize("shown", ["account_and_region", "account_and_shared"])
def test_a_plan_sees_no_other_link_in_what_a_reply_leaves_out(emulator: Running, tmp_path: Path, shown: str) -> None:
    """The row would announce a DELETE that no `up` sends."""
    emulator.set(private_service_fields=shown)
    emulator.started("demo", privateService={"accountId": LINK["account_id"], "region": LINK["region"]})
    (tmp_path / "demo.yaml").write_text(
        DEMO + f"private_service: {{ account_id: '{LINK['account_id']}', region: us-east-1 }}\n"
    )

    (change,) = tell("plan", tmp_path, "--against", "live", env=talking_to(emulator))["changes"]

    assert change["action"] != "replace"
    assert "DELETE" not in change["requests"]
