"""What is live as the "before" of a review: whose it is, what becomes of it, and what it holds of a quota."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from hfdeploy.audit.activity import Activity
from hfdeploy.audit.holding import count_held
from hfdeploy.audit.resident import Resident
from hfdeploy.baseline.live import against_live, hardware_of, in_use
from hfdeploy.baseline.target import Target
from hfdeploy.catalog import Catalog, Quota
from hfdeploy.lock import Lock
from hfdeploy.owner import own_tags
from hfdeploy.plan import make_plan
from hfdeploy.render.change import dangers
from hfdeploy.review import Action, Change, Review, review_specs, with_change
from hfdeploy.spec import LoadedSpec, parse_spec
from hfdeploy.wire import Endpoint, parse_endpoint

SNAPSHOT = Catalog.snapshot()
OWNER = "0123456789ab"

SPEC: dict[str, Any] = {
    "repository": "acme/demo",
    "cloud": "aws",
    "region": "us-east-1",
    "instance": "nvidia-a10g x1",
    "engine": {"type": "vllm"},
}


def loaded(name: str, **fields: Any) -> LoadedSpec:
    return LoadedSpec(parse_spec({"name": name, **SPEC, **fields}), f"specs/{name}.yaml", {})


def endpoint(name: str, owner: str = OWNER, state: str = "running", **fields: Any) -> Endpoint:
    """What a stack made of a spec."""
    body = make_plan(loaded(name, **fields).spec, SNAPSHOT).body
    replicas = int(state == "running")
    status = {"state": state, "readyReplica": replicas, "targetReplica": replicas}
    return parse_endpoint({**body, "tags": own_tags(owner, name), "status": status})


def target(*specs: LoadedSpec, today: Catalog | None = None) -> Target:
    return Target.of(specs, review_specs(specs, SNAPSHOT).plans, Lock(), SNAPSHOT, "acme", today)


def reviewed(change: Change, *specs: LoadedSpec) -> Review:
    made = review_specs(specs, SNAPSHOT)
    return with_change(made, specs, change, catalog=SNAPSHOT, lock=Lock(), namespace="acme")


class TestLeftovers:
    """What carries the stack's tags and has no spec goes, whatever else has its name."""

    def moved(self, live: dict[str, Endpoint]) -> Review:
        specs = loaded("chat", namespace="globex"), loaded("stays")
        return reviewed(against_live(target(*specs), live, OWNER), *specs)

    def test_a_move_to_another_namespace_makes_one_and_deletes_the_other(self) -> None:
        """Two endpoints of one name: the new one does not take the place of the old one in the review."""
        found = self.moved({"acme/chat": endpoint("chat"), "acme/stays": endpoint("stays")})

        assert {one.name: (one.action, one.requests) for one in found.deltas} == {
            "chat": (Action.CREATE, ("POST",)),
            "stays": (Action.UNCHANGED, ()),
            "acme/chat": (Action.DELETE, ("DELETE",)),
        }
        assert list(dangers(found)) == ["acme/chat is deleted: whoever calls it gets no answer any more."]

    def test_a_namesake_of_others_where_it_moves_to_hides_nothing(self) -> None:
        """The move is refused, and the old one is still what goes."""
        taken = endpoint("chat", owner="ba9876543210")

        found = self.moved({"acme/chat": endpoint("chat"), "globex/chat": taken, "acme/stays": endpoint("stays")})

        assert [one.rule for one in found.blocking] == ["name-taken"]
        assert {one.name: one.requests for one in found.deltas if one.action is Action.DELETE} == {
            "acme/chat": ("DELETE",)
        }

    def test_a_move_of_which_no_plan_can_be_made_hides_nothing(self) -> None:
        """What becomes of the new one is unknown; the old one has no spec, and goes."""
        specs = loaded("chat", namespace="globex", instance="nvidia-a10g x3"), loaded("stays")
        live = {"acme/chat": endpoint("chat"), "acme/stays": endpoint("stays")}

        found = reviewed(against_live(target(*specs), live, OWNER), *specs)

        assert {one.name: (one.action, one.before is None) for one in found.deltas} == {
            "chat": (Action.UNPLANNED, True),
            "stays": (Action.UNCHANGED, False),
            "acme/chat": (Action.DELETE, False),
        }

    def test_one_that_has_left_every_spec_keeps_its_name(self) -> None:
        """Only a name that is taken needs its namespace."""
        specs = (loaded("stays"),)
        live = {"acme/gone": endpoint("gone"), "acme/stays": endpoint("stays")}

        found = reviewed(against_live(target(*specs), live, OWNER), *specs)

        assert [one.name for one in found.deltas if one.action is Action.DELETE] == ["gone"]


class TestPauses:
    """A paused endpoint holds no quota; what the change makes of it may need some."""

    def needs(self, **fields: Any) -> int:
        """The accelerators that a paused endpoint takes after the change, at its fewest replicas."""
        spec = loaded("chat", **fields)
        found = reviewed(against_live(target(spec), {"acme/chat": endpoint("chat", state="paused")}, OWNER), spec)
        assert found.ledger is not None
        return sum(entry.need_min for entry in found.ledger.entries)

    def test_an_update_leaves_it_paused(self) -> None:
        """A PUT ends no pause, unless the spec says that it runs."""
        assert self.needs(autoscaling={"max": 3}) == 0
        assert self.needs(state="running") == 1

    def test_what_is_made_anew_runs(self) -> None:
        """The old one is deleted, and a POST starts the new one: the quota has to have room for it."""
        assert self.needs(region="eu-west-1") == 1


class TestUse:
    """Beside a comparison with specs of then, what runs now is the ledger's: no endpoint of either is another's."""

    LIVE: Final = {"acme/chat": endpoint("chat"), "acme/stays": endpoint("stays")}

    def held(self, live: dict[str, Endpoint], *specs: LoadedSpec) -> list[tuple[str, int, int]]:
        """Who needs and holds how many accelerators, after a change that began with `chat` and `stays` in acme."""
        then = tuple(against_live(target(loaded("chat"), loaded("stays")), self.LIVE, None).before.values())
        found = reviewed(Change("main", now=in_use(target(*specs), live, then)), *specs)
        assert found.ledger is not None
        return [(one.account.namespace, one.held, one.need_min) for one in found.ledger.entries]

    def test_what_stays_is_held_already(self) -> None:
        assert self.held(self.LIVE, loaded("chat"), loaded("stays")) == [("acme", 2, 2)]

    def test_what_is_removed_and_what_moves_away_make_room(self) -> None:
        """By the place of each, since the new one may have the name of the old."""
        assert self.held(self.LIVE, loaded("stays")) == [("acme", 2, 1)]
        moved = loaded("chat", namespace="globex"), loaded("stays")
        assert self.held(self.LIVE, *moved) == [("acme", 2, 1), ("globex", 0, 1)]

    def test_what_was_kept_or_is_gone_makes_none(self) -> None:
        """A kept endpoint outlives its spec; one that is gone already holds nothing."""
        kept = endpoint("chat").model_copy(update={"tags": ["hfd-keep"]})
        assert self.held({**self.LIVE, "acme/chat": kept}, loaded("stays")) == [("acme", 1, 1)]
        assert self.held({"acme/stays": endpoint("stays")}, loaded("stays")) == [("acme", 1, 1)]


class TestWhatIsCounted:
    """Whether the service counts the replicas of now or the most is read from its own figures, region by region."""

    TODAY: Final = replace(
        SNAPSHOT,
        source="live",
        rows=tuple(
            one.model_copy(
                update={"quota": Quota(maxAccelerators=8, usedAccelerators=3 if one.region == "us-east-1" else 2)}
            )
            for one in SNAPSHOT.rows
        ),
    )
    """Three in use in one region, as many as the endpoint there may have, and two in the other."""

    FIELDS: Final[Sequence[dict[str, Any]]] = (
        {"name": "here", "autoscaling": {"max": 3}},
        {"name": "there", "region": "eu-west-1"},
        {"name": "yonder", "region": "eu-west-1"},
    )
    LIVE: Final = {f"acme/{one['name']}": endpoint(**one) for one in FIELDS}

    def test_a_review_holds_what_adds_up_in_each_region(self) -> None:
        specs = [loaded(**one) for one in self.FIELDS]

        change = against_live(target(*specs, today=self.TODAY), self.LIVE, None)

        assert {name: one.replicas for name, one in change.before.items()} == {"here": 3, "there": 1, "yonder": 1}

    def test_an_audit_holds_what_is_used_in_each_region(self) -> None:
        residents = [
            Resident("acme", one, hardware_of(one, SNAPSHOT), Activity(is_idle=False, last_used=None, why=""), None)
            for one in self.LIVE.values()
        ]

        entries = count_held("acme", residents, self.TODAY).entries

        assert [(one.account.region, one.held, one.base) for one in entries] == [
            ("eu-west-1", 2, 0),
            ("us-east-1", 3, 0),
        ]
