"""Replies: the recorded shapes are read, what is missing or new breaks nothing, what is needed has to be there."""

import copy
from typing import Any

import pytest
from pydantic import ValidationError
from recorded_reply import CREATED, reply

from hfdeploy.diff.fields import put_at
from hfdeploy.wire import Endpoint, State, parse_endpoint

REQUIRED = [
    ("name",),
    ("type",),
    ("provider",),
    ("provider", "vendor"),
    ("provider", "region"),
    ("compute",),
    ("compute", "accelerator"),
    ("compute", "instanceType"),
    ("compute", "instanceSize"),
    ("model",),
    ("model", "repository"),
    ("status",),
]

OPTIONAL: dict[tuple[str, ...], Any] = {
    ("compute", "scaling"): None,
    ("compute", "scaling", "minReplica"): 1,
    ("compute", "scaling", "maxReplica"): 1,
    ("compute", "scaling", "scaleToZeroTimeout"): None,
    ("compute", "scaling", "measure"): None,
    ("model", "revision"): None,
    ("model", "framework"): None,
    ("model", "task"): None,
    ("model", "image"): {},
    ("model", "env"): {},
    ("model", "secrets"): frozenset(),
    ("model", "command"): None,
    ("model", "args"): None,
    ("tags",): [],
    ("healthRoute",): None,
    ("status", "state"): State.UNKNOWN,
    ("status", "message"): "",
    ("status", "readyReplica"): 0,
    ("status", "targetReplica"): 0,
    ("status", "createdAt"): "",
    ("status", "createdBy"): None,
    ("status", "createdBy", "id"): "",
    ("status", "createdBy", "name"): "",
    ("status", "updatedAt"): "",
    ("status", "updatedBy"): None,
}
"""What is read of a reply that lacks the field; None for a part also where the part's own defaults are read."""


def without(path: tuple[str, ...]) -> dict[str, Any]:
    """A recorded reply that lacks one key."""
    body = part = copy.deepcopy(CREATED)
    for key in path[:-1]:
        part = part[key]
    del part[path[-1]]
    return body


def told(endpoint: Endpoint) -> dict[str, Any]:
    """Everything that was read, under the API's names."""
    return endpoint.model_dump(by_alias=True)


def at(body: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        body = body[key]
    return body


def test_a_reply_is_read_whole() -> None:
    """Each of these is compared, shown or waited for somewhere."""
    read = parse_endpoint(CREATED)

    assert told(read) == {
        **{key: CREATED[key] for key in ("name", "type", "provider", "tags", "healthRoute")},
        "compute": {
            **{key: CREATED["compute"][key] for key in ("accelerator", "instanceType", "instanceSize")},
            "scaling": {"minReplica": 0, "maxReplica": 3, "scaleToZeroTimeout": 15, "measure": {"hardwareUsage": None}},
        },
        "model": CREATED["model"] | {"secrets": {"KEY"}},
        "route": None,
        "privateService": None,
        "status": {
            **{key: value for key, value in CREATED["status"].items() if key != "private"},
            "state": State.PENDING,
            "errorMessage": None,
            "url": None,
            "lastUsedAt": None,
        },
    }
    assert (read.generation, read.model.engine) == ("2026-11-01T09:00:00.000Z", "tgi")


def test_secret_values_are_left_behind() -> None:
    """A reply may hold them by mistake, and what was read is shown and kept."""
    assert "hunter2" not in repr(parse_endpoint(CREATED))


@pytest.mark.parametrize("path", REQUIRED, ids=".".join)
@pytest.mark.parametrize("how", ["absent", "null"])
def test_what_identifies_an_endpoint_has_to_be_there(path: tuple[str, ...], how: str) -> None:
    """Half an answer is an unclear answer: acting on it could delete or double the wrong thing."""
    with pytest.raises(ValidationError) as failure:
        parse_endpoint(without(path) if how == "absent" else reply(path))

    assert [error["loc"] for error in failure.value.errors()] == [path]


@pytest.mark.parametrize("path", OPTIONAL, ids=".".join)
def test_what_is_missing_or_null_has_a_default(path: tuple[str, ...]) -> None:
    """A key that the service leaves out, or fills in later, must not break a refresh."""
    absent, null = parse_endpoint(without(path)), parse_endpoint(reply(path))

    assert absent == null
    rest = told(parse_endpoint(CREATED))
    put_at(rest, path, at(told(absent), path))
    assert told(absent) == rest
    if OPTIONAL[path] is not None:
        assert at(told(absent), path) == OPTIONAL[path]


def test_a_reply_without_people_names_nobody() -> None:
    """Sentences then say `somebody`."""
    status = parse_endpoint(reply(("status", "createdBy"))).status

    assert (status.created_by.name, status.created_by.id) == ("", "")


@pytest.mark.parametrize(
    ("state", "is_moving", "is_failure"),
    [
        ("pending", True, False),
        ("initializing", True, False),
        ("updating", True, False),
        ("updateFailed", False, True),
        ("running", False, False),
        ("paused", False, False),
        ("failed", False, True),
        ("scaledToZero", False, False),
    ],
)
def test_every_state_is_known(state: str, is_moving: bool, is_failure: bool) -> None:
    """Waiting ends where the service stopped working, and only there."""
    read = parse_endpoint(reply(("status", "state"), state)).status.state

    assert (read.value, read.is_moving, read.is_failure) == (state, is_moving, is_failure)


@pytest.mark.parametrize("state", ["hibernating", "RUNNING", "", None, 7, {}, ["running"]], ids=repr)
def test_a_new_state_is_waited_through(state: Any) -> None:
    """A word that the service invents is no failure and no success."""
    read = parse_endpoint(reply(("status", "state"), state)).status.state

    assert (read, read.is_moving, read.is_failure) == (State.UNKNOWN, True, False)


@pytest.mark.parametrize(
    "time", ["2026-11-01T09:00:00Z", "2026-11-01T09:00:00.123456789Z", "2026-11-01T09:00:00.1+00:00", "yesterday"]
)
def test_times_are_kept_as_they_came(time: str) -> None:
    """The creation time is identity: rounded to microseconds it would match no endpoint of ours any more."""
    read = parse_endpoint(reply(("status", "createdAt"), time))

    assert read.generation == read.status.created_at == time


def test_old_endpoints_are_read() -> None:
    """Some still say protected, which no spec may, and have replies with fields of that time."""
    old = reply(("type",), "protected") | {"accountId": None, "cacheHttpResponses": False, "network": {"cidr": []}}

    assert parse_endpoint(old).type == "protected"


def test_blanked_credentials_are_read_as_they_are() -> None:
    """The comparison knows that they mean nothing."""
    image = {"custom": {"url": "acme/server:1", "port": None, "credentials": {"username": "", "password": None}}}

    assert parse_endpoint(reply(("model", "image"), image)).model.image == image


@pytest.mark.parametrize(
    ("image", "engine"), [({"huggingface": {}}, "huggingface"), ({"hfServe": {"url": "x"}}, "hfServe"), ({}, "")]
)
def test_an_image_of_any_engine_is_read(image: dict[str, Any], engine: str) -> None:
    """Somebody may have switched to one that this release cannot ask for."""
    assert parse_endpoint(reply(("model", "image"), image)).model.engine == engine


def test_an_address_and_a_private_link_are_read() -> None:
    """Nulls in them are parts that are not set."""
    private = {"accountId": "012345678901", "region": "us-east-1", "shared": False}
    read = parse_endpoint(reply(("route",), {"domain": None, "path": "/x"}) | {"privateService": private})

    assert (read.route, read.private_service) == ({"path": "/x"}, private)
    assert parse_endpoint(reply(("route",), {"domain": "a.example.org", "path": "/"})).route == {
        "domain": "a.example.org",
        "path": "/",
    }


def test_a_running_endpoint_is_read() -> None:
    """Its address, its last use, its error and its replicas."""
    now = {
        "state": "running",
        "url": "https://x.example.org",
        "lastUsedAt": "2026-11-03T09:00:00.000Z",
        "errorMessage": "none",
        "readyReplica": 2,
        "targetReplica": 3,
        "private": {"serviceName": "vpce-1"},
        "inferenceMetricsEnabled": True,
    }
    status = parse_endpoint(reply(("status",), CREATED["status"] | now)).status

    assert (status.state, status.url, status.last_used_at, status.error_message) == (
        State.RUNNING,
        "https://x.example.org",
        "2026-11-03T09:00:00.000Z",
        "none",
    )
    assert (status.ready_replica, status.target_replica) == (2, 3)


def test_numbers_may_come_as_floats() -> None:
    """JSON has one kind of number."""
    scaling = {"minReplica": 1.0, "maxReplica": 2.0, "measure": {"pendingRequests": 2}}
    read = parse_endpoint(reply(("compute", "scaling"), scaling)).compute.scaling

    assert (read.min_replica, read.max_replica, read.measure) == (1, 2, {"pendingRequests": 2})


@pytest.mark.parametrize("body", [[], "endpoint", None, 7, {}, {"items": []}], ids=repr)
def test_what_is_no_endpoint_is_refused(body: Any) -> None:
    """An error page or a list in its place is an unclear answer."""
    with pytest.raises(ValidationError):
        parse_endpoint(body)
