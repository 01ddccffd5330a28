"""What changes, as a review says it: the action, the words, the money, who can call, and what a quota has room for."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hfdeploy import render
from hfdeploy.catalog import Catalog, Hardware, Quota
from hfdeploy.diff import REPLACES, changed_fields, replaced
from hfdeploy.lock import Lock, read_lock
from hfdeploy.plan import make_plan
from hfdeploy.quota import QuotaVerdict
from hfdeploy.render.answers import answers
from hfdeploy.render.table import markdown
from hfdeploy.review import (
    Action,
    Before,
    Change,
    Difference,
    Review,
    Severity,
    own_change,
    review_specs,
    with_change,
)
from hfdeploy.review.change import of_plan
from hfdeploy.review.wording import changed_words
from hfdeploy.spec import LoadedSpec, declare, parse_spec

SNAPSHOT = Catalog.snapshot()
EMPTY = Lock()

SPEC: dict[str, Any] = {
    "repository": "tiiuae/falcon-40b-instruct",
    "cloud": "aws",
    "region": "us-east-1",
    "instance": "nvidia-a100 x1",
    "engine": {"type": "tgi", "quantize": "bitsandbytes"},
    "max_model_len": 2048,
}


def loaded(name: str, **fields: Any) -> LoadedSpec:
    spec = parse_spec({"name": name, **SPEC, **fields})
    return LoadedSpec(spec, f"specs/{name}.yaml", {"name": 1, "instance": 5, "autoscaling": 6, "autoscaling.max": 7})


def declared(one: LoadedSpec) -> dict[str, Any]:
    return {**declare(one.spec), "namespace": "acme"}


def before(one: LoadedSpec, **changes: Any) -> Before:
    return replace(of_plan(make_plan(one.spec, SNAPSHOT), "acme", declared(one)), **changes)


def change(olds: list[LoadedSpec], news: list[LoadedSpec], **values: Any) -> Change:
    """From specs to specs, as a git revision is compared with."""
    rows = {one.spec.name: before(one) for one in olds}
    differences = {}
    for one in news:
        new = declared(one)
        old = rows[one.spec.name].declared if one.spec.name in rows else new
        differences[one.spec.name] = Difference(
            new, tuple(changed_fields(old, new)), tuple(replaced(old, new, REPLACES))
        )
    return Change("main", rows, differences, **values)


def review(
    olds: list[LoadedSpec],
    news: list[LoadedSpec],
    *,
    catalog: Catalog = SNAPSHOT,
    lock: Lock = EMPTY,
    **values: Any,
) -> Review:
    found = change(olds, news, **values)
    made = review_specs(news, SNAPSHOT, lock)
    return with_change(made, news, found, catalog=catalog, lock=lock, namespace="acme")


def today(maximum: int, used: int, *, others: int = 0) -> Catalog:
    """The service's catalogue, with so many accelerators of A100 and `others` of everything else."""

    def row(one: Hardware) -> Hardware:
        limit = (maximum, used) if one.instance_type == "nvidia-a100" else (others, 0)
        return one.model_copy(update={"quota": Quota(maxAccelerators=limit[0], usedAccelerators=limit[1])})

    return replace(SNAPSHOT, source="live", rows=tuple(map(row, SNAPSHOT.rows)))


class TestActions:
    def test_every_endpoint_has_its_action_and_its_money(self) -> None:
        """What is the same costs what it cost; what is new, changed or gone says by how much."""
        same, more, moved, gone = loaded("same"), loaded("more"), loaded("moved"), loaded("gone")
        news = [
            same,
            loaded("more", autoscaling={"max": 3}),
            loaded("moved", region="eu-west-1", instance="nvidia-a10g x1"),
            loaded("new"),
        ]

        found = review([same, more, moved, gone], news)

        rows = {one.name: one for one in found.deltas}
        assert {name: one.action for name, one in rows.items()} == {
            "same": Action.UNCHANGED,
            "more": Action.UPDATE,
            "moved": Action.REPLACE,
            "new": Action.CREATE,
            "gone": Action.DELETE,
        }
        money = {name: tuple(one and one.ceiling for one in (row.before, row.after)) for name, row in rows.items()}
        assert money["more"] == (Decimal("1825.0"), Decimal("5475.0"))
        assert (money["new"], money["gone"]) == ((None, Decimal("1825.0")), (Decimal("1825.0"), None))
        assert [name for name, one in rows.items() if one.cuts_traffic] == ["moved", "gone"]
        assert rows["more"].changes == ("autoscaling.max: 1 -> 3",)
        assert render.change_parts(found)[0] == (
            "Against main: 1 create, 1 update, 1 replace, 1 delete, 1 unchanged; a month costs at most "
            "$7,300.00 -> $9,855.00 (+$2,555.00, +35 %), at least $0.00."
        )

    def test_the_same_in_other_words_is_unchanged(self) -> None:
        """An old label, a default written out and another way to write a duration mean what they meant."""
        old = loaded("one", autoscaling={"min": 0, "max": 1, "scale_to_zero_after": "15m"})
        new = loaded("one", instance="GPU [xlarge] · 1x A100", autoscaling={"scale_to_zero_after": "900s"})

        assert [one.action for one in review([old], [new]).deltas] == [Action.UNCHANGED]

    def test_a_pull_request_shows_its_own_change_only(self) -> None:
        """What was objected to before is not this change's fault; what is over a limit together is."""
        same, other = loaded("same"), loaded("other")
        found = review([same, other], [same, loaded("other", autoscaling={"max": 9})], catalog=today(8, 0))

        own = own_change(found)

        assert [plan.name for plan in own.plans] == ["other"]
        assert {one.endpoint for one in found.findings} == {"same", "other"}
        assert {(one.endpoint, one.rule) for one in own.findings} == {
            ("other", "engine-maintenance"),
            ("other", "fit-unknown"),
            ("other", "quota-maximum"),
        }
        assert own.ledger == found.ledger

    def test_what_nobody_can_plan_stays_in_the_change(self) -> None:
        """Fail closed: nobody can tell whether it is the same."""
        broken = loaded("broken", instance="nvidia-a100 x3")

        found = own_change(review([], [broken]))

        assert [one.rule for one in found.blocking] == ["unknown-hardware"]
        [delta] = own_change(review([loaded("broken")], [broken])).deltas
        assert delta.action is Action.UNPLANNED, "a spec with a mistake is called removed, or is forgotten"
        assert delta.before is not None
        assert delta.after is not None
        assert delta.after.ceiling is None


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            {"security": "private"},
            {"security": "public", "acknowledge_public": "one"},
            [
                "acknowledge_public: not set -> one",
                "security: private (who has a token of its namespace) -> public (anyone, without a token)",
            ],
        ),
        (
            {"secrets": {"A": {"from_env": "ONE"}, "B": {"from_env": "TWO"}}},
            {"secrets": {"A": {"from_env": "OTHER"}, "C": {"from_env": "TWO"}}},
            ["secrets.A: changed", "secrets.B: removed", "secrets.C: added"],
        ),
        ({"env": {"LEVEL": "a-private-value"}}, {"env": {"LEVEL": "another"}}, ["env.LEVEL: changed"]),
        ({"args": ["--a"]}, {}, ['args: ["--a"] -> []']),
        ({"env": {"A": "1"}, "tags": ["x"]}, {"env": {"A": "1"}, "tags": ["x", "y"]}, ['tags: ["x"] -> ["x", "y"]']),
    ],
)
def test_changes_are_told_property_by_property(old: dict[str, Any], new: dict[str, Any], words: list[str]) -> None:
    """Both values, with the defaults that were left out; secrets and private values by name alone."""
    one, other = declared(loaded("one", **old)), declared(loaded("one", **new))

    assert list(changed_words(one, other, changed_fields(one, other))) == words


def test_retired_hardware_is_an_error_for_what_arrives_there_and_a_warning_for_what_stays() -> None:
    """The service refuses the one, and leaves the other as it is; a policy has the last word later."""
    old = {"instance": "nvidia-h100 x2"}
    olds = [loaded("stays", **old), loaded("grows", **old), loaded("moves")]
    news = [loaded("stays", **old), loaded("grows", autoscaling={"max": 2}, **old), loaded("moves", **old)]
    news += [loaded("new", **old)]

    found = review(olds, news)

    weights = {one.endpoint: one.severity.value for one in found.findings if one.rule == "instance-deprecated"}
    assert weights == {"stays": "warning", "grows": "warning", "moves": "error", "new": "error"}


@pytest.mark.parametrize("name", ["CPU [medium]", "c6i medium", "aws-c6i-small"])
@pytest.mark.parametrize("olds", [[], [loaded("new")]], ids=["new", "moved"])
def test_an_old_name_of_retired_hardware_stands_for_its_successor(name: str, olds: list[LoadedSpec]) -> None:
    """What takes its place can be had, so the old name is worth a warning and stops nobody."""
    spec = {"instance": name, "engine": {"type": "tei"}, "max_model_len": None}

    found = review(olds, [loaded("new", **spec)])

    assert [plan.hardware.instance_type for plan in found.plans] == ["intel-spr"]
    assert {one.rule: one.severity for one in found.findings if one.rule.startswith(("instance", "label"))} == {
        "label-retired": Severity.WARNING,
        "instance-deprecated": Severity.WARNING,
    }
    assert found.blocking == ()


class TestQuota:
    def test_a_minimum_over_quota_is_an_error_and_names_the_ways_out(self) -> None:
        """The service refuses the request; the endpoint with which it happens is named, and what costs least."""
        lock = read_lock_of_shipped_specs()
        found = review(
            [], [loaded("a"), loaded("b", instance="nvidia-a100 x2")], catalog=today(2, 0, others=64), lock=lock
        )

        (finding,) = found.blocking
        assert (finding.rule, finding.endpoint, finding.severity) == ("quota-minimum", "b", Severity.ERROR)
        assert (finding.file, finding.line, finding.field) == ("specs/b.yaml", 5, "instance")
        assert finding.sentence.startswith(
            "acme may have 2 accelerators of aws nvidia-a100; this change takes 3 at its fewest replicas: 1 too many, "
            "from b on. The service refuses such a request with 409. Ways out: "
        )
        assert finding.fix.count("/month") == 3

    def test_what_is_held_beside_a_model_leaves_only_the_same_instance_elsewhere(self) -> None:
        """How much adapters take is not known, so nobody can tell what else has room for them."""
        lock, asked = read_lock_of_shipped_specs(), {"autoscaling": {"min": 3, "max": 3}}
        plain, found = (
            review([], [loaded("a", **asked, env=env)], catalog=today(2, 0, others=64), lock=lock)
            for env in ({}, {"LORA_ADAPTERS": "acme/adapter"})
        )

        assert "instance nvidia" in plain.blocking[0].fix
        assert "instance nvidia" not in found.blocking[0].fix

    def test_a_maximum_over_quota_is_a_warning_that_says_what_may_happen(self) -> None:
        """The endpoint starts; that the service may refuse the request all the same is said."""
        found = review([], [loaded("a", autoscaling={"max": 6})], catalog=today(4, 0))

        (finding,) = [one for one in found.findings if one.rule.startswith("quota")]
        assert (finding.rule, finding.severity, finding.line) == ("quota-maximum", Severity.WARNING, 7)
        assert "the service may refuse the request with 409" in finding.sentence
        assert finding.fix == "Ways out: autoscaling.max 4 in place of 6 (at most $7,300.00/month)."

    def test_what_holds_under_one_reading_only_is_a_warning(self) -> None:
        """Whether a quota spans regions is not known: per region there is room for each."""
        news = [
            loaded("a", instance="nvidia-a10g x1", max_model_len=None, engine={"type": "vllm"}),
            loaded("b", instance="nvidia-a10g x1", region="eu-west-1", max_model_len=None, engine={"type": "vllm"}),
        ]

        found = review([], news, catalog=today(8, 0, others=1))

        assert [(one.rule, one.severity) for one in found.findings if one.rule.startswith("quota")] == [
            ("quota-minimum", Severity.WARNING)
        ]

    def test_a_full_region_is_an_error_however_much_there_is_elsewhere(self) -> None:
        """Where the service's figures differ by region, the answer, the finding and its ways out go by the region."""
        rows = [
            one.model_copy(update={"quota": Quota(maxAccelerators=limit, usedAccelerators=used)})
            for one in SNAPSHOT.rows
            for limit, used in [(2, 2) if one.region == "us-east-1" else (64, 0)]
        ]
        spec = loaded("a", instance="nvidia-a10g x1", max_model_len=None, engine={"type": "vllm"})

        found = review([], [spec], catalog=replace(SNAPSHOT, source="live", rows=tuple(rows)))

        (finding,) = [one for one in found.blocking if one.rule == "quota-minimum"]
        assert finding.sentence.startswith(
            "acme may have 2 accelerators of aws nvidia-a10g in us-east-1; others hold 2, and this change takes 1 at "
            "its fewest replicas: 1 too many, from a on. The service refuses such a request with 409."
        )
        assert finding.fix == "Ways out: nvidia-a10g x1 in aws eu-west-1 (at most $730.00/month)."
        (answer,) = [one for one in answers(found) if one.question == "Is there quota?"]
        assert (answer.level, answer.text) == ("bad", "nvidia-a10g in us-east-1 short by 1, from a on.")

    def test_no_quota_at_all_says_what_it_may_mean(self) -> None:
        """A namespace without a payment method has 0 of everything."""
        found = review([], [loaded("a")], catalog=today(0, 0))

        assert "has no quota for aws nvidia-a100, or no payment method" in found.blocking[0].sentence

    def test_what_the_change_holds_already_is_not_counted_twice(self) -> None:
        """An update of what runs stays within the limit that it fills."""
        one = loaded("a", autoscaling={"min": 2, "max": 2})
        held = Change("live", {"a": before(one, replicas=2)}, {"a": Difference(declared(one))}, counts_use=True)
        made = review_specs([one], SNAPSHOT)

        found = with_change(made, [one], held, catalog=today(2, 2), lock=Lock(), namespace="acme")

        assert found.ledger is not None
        assert [entry.verdict for entry in found.ledger.entries] == [QuotaVerdict.OK]
        assert (found.blocking, found.deltas[0].action) == ((), Action.UNCHANGED)

    @pytest.mark.parametrize(
        ("difference", "verdict"),
        [
            (Difference(), QuotaVerdict.OK),
            (Difference(fields=("tags",), requests=("PUT",)), QuotaVerdict.OK),
            (Difference(fields=("tags",), requests=("PUT", "resume")), QuotaVerdict.SHORT),
            (Difference(fields=("region",), replaces=("region",), requests=("DELETE", "POST")), QuotaVerdict.SHORT),
            (Difference(replaces=("namespace",), requests=None), QuotaVerdict.SHORT),
        ],
    )
    def test_a_pause_ends_with_a_resume_and_with_a_replacement(
        self, difference: Difference, verdict: QuotaVerdict
    ) -> None:
        """An update leaves it paused, and without quota; whatever starts it needs some."""
        one = loaded("a")
        paused = Change("state", {"a": before(one, is_paused=True)}, {"a": difference}, counts_use=True)
        made = review_specs([one], SNAPSHOT)

        found = with_change(made, [one], paused, catalog=today(0, 0), lock=Lock(), namespace="acme")

        assert found.ledger is not None
        assert [entry.verdict for entry in found.ledger.entries] == [verdict]

    def test_what_stays_alive_without_a_spec_gives_nothing_back(self) -> None:
        """A retained endpoint leaves the stack and holds its quota; one that is deleted makes room."""
        kept, new = loaded("kept"), loaded("new")

        def verdict(difference: Difference) -> QuotaVerdict:
            there = {"kept": before(kept, replicas=1)}
            found = Change("state", there, {"new": Difference(), "kept": difference}, counts_use=True)
            made = review_specs([new], SNAPSHOT)
            ledger = with_change(made, [new], found, catalog=today(1, 1), lock=Lock(), namespace="acme").ledger
            assert ledger is not None
            return ledger.entries[0].verdict

        assert verdict(Difference(requests=("DELETE",))) is QuotaVerdict.OK
        assert verdict(Difference(reasons=("it is retained",), requests=())) is QuotaVerdict.SHORT

    def test_the_table_has_a_bar_to_scale(self) -> None:
        """Others, the fewest, the most, what is free, what is too much: in accelerators, read at a glance."""
        fits = quota_of(review([], [loaded("a", autoscaling={"max": 4})], catalog=today(20, 10)))
        over = quota_of(review([], [loaded("a", autoscaling={"max": 20})], catalog=today(20, 0)))

        assert "| acme: aws nvidia-a100 | 20 | 10 | 0 | 1 | 4 | ██████████▓░░░······ | ok |" in fits
        assert "▓░░░" in over
        assert "█ others, ▓ this stack at its fewest replicas" in fits

    def test_without_a_word_of_the_service_nothing_is_claimed(self) -> None:
        """The snapshot knows no quota: need is shown, limits are unknown, and nothing is called enough."""
        found = review([], [loaded("a", autoscaling={"max": 4})])

        assert "Quota: limits and use are unknown here" in render.comment(found)
        assert "aws nvidia-a100 1–4" in render.comment(found)
        told = render.plan_json(found, namespace="acme", catalog=SNAPSHOT)["quota"]["entries"][0]
        assert (told["limit"], told["verdict"], told["need_max"]) == (None, "unknown", 4)


def quota_of(found: Review) -> str:
    """The part of a review that is about quota, as text."""
    return "\n".join(part if isinstance(part, str) else markdown(part) for part in render.quota_parts(found))


def read_lock_of_shipped_specs() -> Lock:
    return read_lock(Path(__file__).parents[1] / "specs" / "hfdeploy.lock.json")
