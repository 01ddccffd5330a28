"""An endpoint in a list that cannot be read: somebody else's must not blind us, and ours must not look like none."""

from collections.abc import Iterator
from typing import Any

import pytest
from clocks import Clock
from control_plane import OWNER
from replies import endpoint_reply
from rows import Told
from speaker import Speaker, http

from hfdeploy.errors import Unreachable
from hfdeploy.owner import own_tags
from hfdeploy.provider import guard
from hfdeploy.provider.session import Session

OURS, THEIRS = "0123456789ab", "fedcba987654"
GUARD = {"owner": OURS, "members": ["tiny@acme/aws/us-east-1"], "namespaces": ["acme"]}


def item(name: str, owner: str, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    reply = {**endpoint_reply(name), "tags": own_tags(owner, "tiny")}
    return {key: value for key, value in reply.items() if key not in without}


@pytest.fixture
def speaker() -> Iterator[Speaker]:
    with Speaker() as one:
        yield one


def end(speaker: Speaker, clock: Clock, *items: object) -> Told:
    """The last thing that a `destroy` does, against a list of these."""
    speaker.on("/v2/provider/acme", http(404))
    speaker.on("/v2/endpoint/acme?limit=100", http(200, {"items": list(items)}))
    url = speaker.url
    session = Session({"hfdeploy:apiUrl": url, "hfdeploy:hubUrl": url, "hfdeploy:token": OWNER}, clock=clock)
    row = Told()
    try:
        guard.require_nothing_left(GUARD, session, row)
    finally:
        session.api.__exit__(None, None, None)
    return row


@pytest.mark.parametrize(
    "items",
    [
        [item("tiny", OURS, without=("compute",))],
        [item("tiny", OURS, without=("status",)), item("theirs", THEIRS)],
        [item("tiny", OURS, without=("name",)), item("other", THEIRS, without=("name",))],
        [item("other", THEIRS, without=("name",)), item("tiny", OURS, without=("name",))],
    ],
    ids=["ours", "ours beside theirs", "both nameless, ours first", "both nameless, ours last"],
)
def test_what_is_ours_and_unreadable_is_not_nothing(speaker: Speaker, clock: Clock, items: list[Any]) -> None:
    """It is alive and bills: a `destroy` over it is not green, and says by which tag it knows."""
    with pytest.raises(Unreachable, match=rf"with the tag hfd-o-{OURS}, which cannot be read"):
        end(speaker, clock, *items)


def test_what_is_theirs_and_unreadable_stops_nobody(speaker: Speaker, clock: Clock) -> None:
    """A release of the service, or a person, may have made what this one cannot read."""
    row = end(speaker, clock, item("theirs", THEIRS, without=("compute",)), {"tags": "none"}, None, 7)

    assert (row.warnings, row.notes) == ([], [])
    assert [heard.method for heard in speaker.heard] == ["GET"] * len(speaker.heard)
