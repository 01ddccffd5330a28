"""Ownership: only what this stack made is adopted or deleted, and every refusal says whose it is and what to do."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy.errors import OwnershipError
from hfdeploy.owner import (
    is_ours,
    is_own_tag,
    is_owner_id,
    logical_name_of,
    new_owner_id,
    own_tags,
    owners_of,
    require_ours,
    user_tags,
    why_not_delete,
    with_own_tags,
)
from hfdeploy.wire import Endpoint, parse_endpoint

MINE = "0123456789ab"
THEIRS = "ba9876543210"
MADE = "2026-11-01T09:00:00.000Z"
LATER = "2026-11-02T10:30:00.000Z"


def endpoint(*tags: str, **status: Any) -> Endpoint:
    """A live endpoint `chat` with these tags, made by alice."""
    return parse_endpoint(
        {
            "name": "chat",
            "type": "private",
            "provider": {"vendor": "aws", "region": "us-east-1"},
            "compute": {"accelerator": "gpu", "instanceType": "nvidia-l4", "instanceSize": "x1"},
            "model": {"repository": "acme/chat", "image": {"huggingface": {}}},
            "tags": list(tags),
            "status": {"state": "running", "createdAt": MADE, "createdBy": {"id": "1", "name": "alice"}, **status},
        }
    )


OURS = (f"hfd-o-{MINE}", "hfd-l-chat")

NOT_OURS = {
    "no tag at all": (),
    "only people's tags": ("team-a", MINE),
    "another owner": (f"hfd-o-{THEIRS}", "hfd-l-chat"),
    "two owners": (f"hfd-o-{MINE}", f"hfd-o-{THEIRS}", "hfd-l-chat"),
    "two owners, ours last": (f"hfd-o-{THEIRS}", f"hfd-o-{MINE}", "hfd-l-chat"),
    "ours and an empty one": (f"hfd-o-{MINE}", "hfd-o-", "hfd-l-chat"),
    "ours cut short": (f"hfd-o-{MINE[:-1]}", "hfd-l-chat"),
    "ours with more behind it": (f"hfd-o-{MINE}0", "hfd-l-chat"),
    "ours in capitals": (f"hfd-o-{MINE.upper()}", "hfd-l-chat"),
    "ours as another tag": (f"hfd-l-{MINE}", f"hfd-bad-{MINE}", f"x-hfd-o-{MINE}"),
}

NO_OWNER_IDS = ["", "0", MINE[:-1], MINE + "0", MINE.upper(), "0123456789ag", f"hfd-o-{MINE}", f"{MINE}\n", " " + MINE]


class TestOwnerIds:
    @pytest.mark.fault(19)
    def test_two_stacks_are_two_owners(self) -> None:
        """A copy of a program must not take over the endpoints of the first."""
        minted = {new_owner_id() for _ in range(50)}

        assert len(minted) == 50
        assert all(re.fullmatch("[0-9a-f]{12}", owner) and is_owner_id(owner) for owner in minted)

    @pytest.mark.fault(2)
    @pytest.mark.parametrize("owner", [*NO_OWNER_IDS, None, 123456789012, MINE.encode(), [MINE]], ids=repr)
    def test_nothing_else_is_an_owner_id(self, owner: Any) -> None:
        """An empty one would match what nobody owns, a short one what others own."""
        assert not is_owner_id(owner)

    @pytest.mark.parametrize("owner", NO_OWNER_IDS, ids=repr)
    def test_what_is_no_owner_id_owns_nothing(self, owner: str) -> None:
        """Not even the endpoint that carries exactly this text."""
        live = endpoint(f"hfd-o-{owner}", "hfd-l-chat")

        assert not is_ours(live, owner)
        assert why_not_delete(live, owner=owner, generation=MADE) is not None
        with pytest.raises(OwnershipError):
            require_ours(live, namespace="acme", owner=owner, logical="chat")

    @pytest.mark.parametrize("owner", NO_OWNER_IDS, ids=repr)
    def test_no_tag_is_made_of_what_is_no_owner_id(self, owner: str) -> None:
        """An endpoint that carries it would be nobody's and bill for ever."""
        with pytest.raises(ValueError, match="is no owner id: twelve hex digits are expected"):
            own_tags(owner, "chat")


class TestTags:
    def test_an_endpoint_carries_its_owner_and_its_logical_name(self) -> None:
        """These two make a re-run continue its own half-made endpoint."""
        tags = own_tags(MINE, "chat-eu")

        assert tags == ["hfd-o-0123456789ab", "hfd-l-chat-eu"]
        assert (owners_of(tags), logical_name_of(tags)) == ([MINE], "chat-eu")
        assert is_ours(endpoint("team-a", *tags), MINE)

    @pytest.mark.parametrize("tag", ["hfd-o-0123456789ab", "hfd-l-chat", "hfd-keep", "hfd-bad-0123456789ab", "hfd-x"])
    def test_our_tags_are_not_the_users(self, tag: str) -> None:
        """They are in no diff, no spec and no listing; those of later releases neither."""
        assert is_own_tag(tag)
        assert user_tags(["b", tag, "a"]) == ["b", "a"]

    @pytest.mark.parametrize("tag", ["hfd", "HFD-o-0123456789ab", "my-hfd-o-0123456789ab", "team-a", ""])
    def test_the_users_tags_are_not_ours(self, tag: str) -> None:
        """Somebody's tag that only looks like one of ours stays theirs."""
        assert not is_own_tag(tag)
        assert user_tags([tag]) == [tag]
        assert owners_of([tag]) == []

    def test_a_change_of_tags_keeps_ours(self) -> None:
        """Lists replace: sent without them, the endpoint would be an orphan."""
        live = ["old", *OURS, "hfd-keep", "older"]

        assert with_own_tags(["new", "team-a"], live) == [*OURS, "hfd-keep", "new", "team-a"]
        assert with_own_tags([], live) == [*OURS, "hfd-keep"]
        assert with_own_tags(["new"], ["old"]) == ["new"]

    def test_without_a_tag_there_is_no_logical_name(self) -> None:
        """A foreign endpoint has none, and an empty one is not none."""
        assert logical_name_of(["team-a", f"hfd-o-{MINE}"]) is None
        assert logical_name_of(["hfd-l-"]) == ""

    @given(
        st.lists(st.sampled_from(["a", "b", *OURS, f"hfd-o-{THEIRS}", "hfd-keep"])), st.lists(st.sampled_from("abc"))
    )
    def test_a_change_of_tags_changes_no_ownership(self, live: list[str], wanted: list[str]) -> None:
        """Whatever was there, and whatever people want."""
        sent = with_own_tags(wanted, live)

        assert user_tags(sent) == wanted
        assert owners_of(sent) == owners_of(live)
        assert is_ours(endpoint(*sent), MINE) == is_ours(endpoint(*live), MINE)


class TestAdoption:
    @pytest.mark.fault(4)
    @pytest.mark.parametrize("tags", [OURS, ("team-a", *reversed(OURS), "hfd-keep")], ids=["alone", "among others"])
    def test_our_own_endpoint_is_continued(self, tags: tuple[str, ...]) -> None:
        """A run that was killed after the POST left it behind."""
        require_ours(endpoint(*tags), namespace="acme", owner=MINE, logical="chat")

    @pytest.mark.fault(5)
    @pytest.mark.parametrize("tags", NOT_OURS.values(), ids=NOT_OURS)
    def test_a_namesake_is_left_alone(self, tags: tuple[str, ...]) -> None:
        """Adopting whatever has the name damaged 14 of 14 foreign endpoints when it was tried."""
        with pytest.raises(OwnershipError) as refusal:
            require_ours(endpoint(*tags), namespace="acme", owner=MINE, logical="chat")

        assert str(refusal.value) == (
            f"An endpoint acme/chat exists already and is not this stack's: alice created it at {MADE}. Nothing was "
            f"changed. Give the spec another name, delete that endpoint if it is not needed, or take it over with "
            f"`adopt: {MADE}`."
        ) + (
            " It carries a stack's owner id: if this stack's state was lost, `hfdeploy recover` rebuilds it."
            if owners_of(tags)
            else ""
        )
        assert refusal.value.exit_code == 4

    @pytest.mark.fault(5)
    def test_a_namesake_of_unknown_origin_is_left_alone(self) -> None:
        """The sentence holds even when the reply says little."""
        with pytest.raises(OwnershipError) as refusal:
            require_ours(endpoint(createdAt=None, createdBy=None), namespace="acme", owner=MINE, logical="chat")

        assert "somebody unknown created it at an unknown time" in str(refusal.value)

    def test_ours_under_another_logical_name_is_not_taken_twice(self) -> None:
        """Two resources of one endpoint would undo each other's changes."""
        with pytest.raises(OwnershipError) as refusal:
            require_ours(endpoint(f"hfd-o-{MINE}", "hfd-l-old"), namespace="acme", owner=MINE, logical="chat")

        assert str(refusal.value) == (
            "The endpoint acme/chat is this stack's, but under the logical name 'old' and not 'chat'. Nothing was "
            "changed. Keep the old logical name, or give the resource aliases=[pulumi.Alias(name='old')]."
        )

    @pytest.mark.fault(6)
    def test_ours_without_a_logical_name_is_not_taken(self) -> None:
        """Somebody took the tag off; which resource it belongs to is not known."""
        with pytest.raises(OwnershipError, match="under the logical name None and not 'chat'"):
            require_ours(endpoint(f"hfd-o-{MINE}"), namespace="acme", owner=MINE, logical="chat")


class TestDeletion:
    def test_what_we_made_may_be_deleted(self) -> None:
        """Otherwise `pulumi destroy` could not stop the bill; the logical name may have changed since."""
        assert why_not_delete(endpoint(*OURS, "hfd-keep"), owner=MINE, generation=MADE) is None
        assert why_not_delete(endpoint(f"hfd-o-{MINE}", "hfd-l-old"), owner=MINE, generation=MADE) is None

    def test_a_later_endpoint_of_the_name_is_left(self) -> None:
        """Somebody took the name over after ours was gone, perhaps with a copy of our tags."""
        assert why_not_delete(endpoint(*OURS, createdAt=LATER), owner=MINE, generation=MADE) == (
            f"the endpoint of that name was created at {LATER} by alice, and the one in the state at {MADE}"
        )

    @pytest.mark.parametrize("generation", ["", MADE[:-1], "2026-11-01T09:00:00Z", "2026-11-01T09:00:00.000+00:00"])
    def test_another_text_of_a_time_is_another_time(self, generation: str) -> None:
        """The text is kept as it was received; whatever else it is now, it is not what we made."""
        assert why_not_delete(endpoint(*OURS), owner=MINE, generation=generation) is not None

    def test_an_unknown_creation_time_matches_none(self) -> None:
        """Neither side knows when, so nothing says that it is the same endpoint."""
        assert why_not_delete(endpoint(*OURS, createdAt=None, createdBy=None), owner=MINE, generation="") == (
            "the endpoint of that name was created at an unknown time by somebody unknown, "
            "and the one in the state at an unknown time"
        )

    @pytest.mark.fault(6)
    @pytest.mark.parametrize("tags", NOT_OURS.values(), ids=NOT_OURS)
    def test_what_does_not_carry_our_tag_alone_is_left(self, tags: tuple[str, ...]) -> None:
        """A person who takes the tag off, or puts another on, has decided."""
        others = ", ".join(owners_of(tags)) or "none"

        assert why_not_delete(endpoint(*tags), owner=MINE, generation=MADE) == (
            f"it does not carry this stack's owner tag hfd-o-{MINE} (owner tags found: {others})"
        )
