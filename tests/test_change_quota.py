"""What a quota has room for, with what changes: per namespace, per region, and with what others hold."""

from dataclasses import replace

import pytest
from changes import SNAPSHOT, before, declared, loaded, read_lock_of_shipped_specs, review, today

from hfdeploy import render
from hfdeploy.catalog import Quota
from hfdeploy.lock import Lock
from hfdeploy.quota import QuotaVerdict
from hfdeploy.render.answers import answers
from hfdeploy.render.table import markdown
from hfdeploy.review import Action, Change, Difference, Review, Severity, review_specs, with_change


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

    def test_a_way_out_is_judged_on_the_gpus_that_it_has_itself(self) -> None:
        """Half of the model on one card would not be all of it, however many share it out now."""
        three = {"instance": "nvidia-a100 x2", "engine": {"type": "vllm"}, "autoscaling": {"min": 3, "max": 3}}

        found = review([], [loaded("a", **three)], catalog=today(4, 0, others=64), lock=read_lock_of_shipped_specs())

        ways = found.blocking[0].fix
        assert "instance nvidia-h200 x1" in ways
        assert "nvidia-a100 x1" not in ways

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
