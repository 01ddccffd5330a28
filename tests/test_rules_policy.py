"""Rules under a policy: other weights, exceptions that end, limits, who has to agree, and what comes first then."""

import json
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rulings import SNAPSHOT, TODAY, delta, found, judge, loaded, only, without_price

from hfdeploy.lock import Lock
from hfdeploy.policy import LoadedPolicy
from hfdeploy.review import Action, Review, Severity, review_specs, ruled


class TestWeights:
    TGI = "engine-maintenance"

    @pytest.mark.parametrize("level", ["error", "warning", "note"])
    def test_a_policy_gives_a_rule_another_weight(self, level) -> None:
        """What blocks then blocks as any other finding."""
        review = judge(loaded(engine={"type": "tgi"}), policy=f"rules: {{ {self.TGI}: {level} }}")

        assert only(review).severity == level
        assert bool(review.blocking) == (level == "error")

    def test_a_rule_that_is_off_is_silent(self) -> None:
        """Also when it would block."""
        spec = loaded(engine={"type": "tgi", "image": "acme/tgi"})

        assert [finding.rule for finding in judge(spec, policy=f"rules: {{ {self.TGI}: off }}").findings] == [
            "unpinned-image"
        ]

    WAIVER = (
        "rules: {{ engine-maintenance: error }}\n"
        "waivers:\n"
        "  - {{ rule: {rule}, endpoint: '{endpoint}', until: {until}, reason: we move in May, by: Jo }}\n"
    )

    def waived(self, *, rule: str = TGI, endpoint: str = "chat", until: str = "2026-11-21") -> Review:
        text = self.WAIVER.format(rule=rule, endpoint=endpoint, until=until)
        return judge(loaded(engine={"type": "tgi"}), policy=text)

    @pytest.mark.parametrize("endpoint", ["chat", "ch*", "*"])
    @pytest.mark.parametrize("until", ["2026-11-21", "2027-01-01"])
    def test_an_exception_makes_a_note_with_its_reason(self, endpoint, until) -> None:
        """It stays in sight, with who allowed it and for how long; its last day counts."""
        finding = only(self.waived(endpoint=endpoint, until=until))

        assert finding.severity is Severity.NOTE
        assert finding.sentence.endswith(f"Allowed until {until} by Jo: we move in May.")

    @pytest.mark.parametrize(
        "other", [{"endpoint": "cha"}, {"endpoint": "CHAT"}, {"rule": "low-headroom"}, {"endpoint": "chat2"}]
    )
    def test_an_exception_is_for_what_it_names(self, other) -> None:
        """And for nothing else."""
        (finding,) = [one for one in self.waived(**other).findings if one.rule == self.TGI]

        assert finding.severity is Severity.ERROR

    def test_an_exception_for_nobody_is_found(self) -> None:
        """A letter mistyped, and what it was written for blocks all the same."""
        (unused,) = [one for one in self.waived(endpoint="caht").findings if one.rule != self.TGI]

        assert (unused.rule, unused.severity, unused.file, unused.line) == (
            "waiver-unused",
            Severity.NOTE,
            "policy.yaml",
            3,
        )
        assert unused.sentence == f"The exception from {self.TGI} is for caht, and no endpoint here is called so."

    def test_an_exception_ends_and_is_itself_found_then(self) -> None:
        """Otherwise nobody would take it out, or decide anew."""
        ended, finding = self.waived(until="2026-11-20").findings

        assert (finding.rule, finding.severity) == (self.TGI, Severity.ERROR)
        assert (ended.rule, ended.severity, ended.file, ended.line) == (
            "waiver-expired",
            Severity.WARNING,
            "policy.yaml",
            3,
        )
        assert "ended on 2026-11-20 (by Jo: we move in May)" in ended.sentence

    @given(st.dates(date(2026, 1, 1), date(2027, 12, 31)), st.dates(date(2026, 1, 1), date(2027, 12, 31)))
    def test_the_day_alone_decides(self, today: date, until: date) -> None:
        """A review of yesterday can be made again: nothing here looks at a clock."""
        text = self.WAIVER.format(rule=self.TGI, endpoint="chat", until=until)

        review = judge(loaded(engine={"type": "tgi"}), policy=text, today=today)

        assert bool(review.blocking) == (today > until)
        assert bool(found(review, "waiver-expired")) == (today > until)


class TestLimits:
    @pytest.mark.fault(38)
    @pytest.mark.parametrize(
        ("limit", "rule", "field", "broken", "kept"),
        [
            ("clouds: [gcp, azure]", "policy-cloud", "cloud", {}, None),
            ("clouds: [aws]", "policy-cloud", "cloud", None, {}),
            ("regions: [eu-*]", "policy-region", "region", {}, {"region": "eu-west-1", "instance": "nvidia-t4 x1"}),
            ("instances: ['nvidia-t4 *']", "policy-instance", "instance", {}, {"instance": "nvidia-t4 x4"}),
            ("instances: ['nvidia-t4 x1']", "policy-instance", "instance", {}, {"instance": "GPU [small] · 1x T4"}),
            ("security: [private]", "policy-security", "security", {"security": "authenticated"}, {}),
            ("max_price_per_hour_usd: 0.79", "policy-price", "instance", {}, {"instance": "nvidia-t4 x1"}),
            ("max_price_per_hour_usd: 0.80", "policy-price", "instance", {"instance": "nvidia-l4 x4"}, {}),
            ("max_replicas: 2", "policy-replicas", "autoscaling.max", {"autoscaling": {"max": 3}}, {}),
            ("required_tags: ['team:*']", "policy-tags", "tags", {"tags": ["teams"]}, {"tags": ["team:search"]}),
            ("registries: [ghcr.io/acme]", "policy-registry", "engine.image", {}, None),
            ("registries: [docker.io/vllm]", "policy-registry", "engine.image", None, {}),
            ("registries: [docker.io/vllm/vllm-openai]", "policy-registry", "engine.image", None, {}),
            ("registries: [docker.io/vllm/vllm]", "policy-registry", "engine.image", {}, None),
            (
                "images_by_digest: true",
                "policy-digest",
                "engine.image",
                {},
                {"engine": {"type": "vllm", "image": f"acme/vllm:v1@sha256:{'a' * 64}"}},
            ),
        ],
    )
    def test_a_limit_is_held(self, limit, rule, field, broken, kept) -> None:
        """What goes beyond blocks at its line, and what does not is left alone."""
        policy = f"limits: {{ {limit} }}"

        if broken is not None:
            (finding,) = found(judge(loaded(**broken), policy=policy), rule)
            assert (finding.severity, finding.field, finding.file) == (Severity.ERROR, field, "chat.yaml")
            assert finding.sentence.endswith(".")
            assert finding.fix.endswith(".")
        if kept is not None:
            assert found(judge(loaded(**kept), policy=policy), rule) == []

    def test_an_image_that_the_service_chooses_is_in_no_registry(self) -> None:
        """Nobody can name one there."""
        spec = loaded(engine={"type": "huggingface"})

        assert judge(spec, policy="limits: { images_by_digest: true, registries: [ghcr.io] }").blocking == ()

    def test_what_has_no_price_is_beyond_every_price(self) -> None:
        """It could cost anything."""
        policy = "limits: { max_price_per_hour_usd: 100, monthly_ceiling_usd: 100000 }"

        review = judge(loaded(), policy=policy, catalog=without_price())

        assert sorted(finding.rule for finding in review.blocking) == ["policy-monthly-ceiling", "policy-price"]
        assert "nobody can tell what chat would cost" in found(review, "policy-monthly-ceiling")[0].sentence

    @pytest.mark.parametrize(("ceiling", "blocks"), [("1751.99", True), ("1752", False), ("1752.00", False)])
    def test_all_endpoints_together_have_a_ceiling(self, ceiling, blocks) -> None:
        """Two for $0.80 an hour, one of them with two replicas: 730 hours are $1,752."""
        specs = [loaded(), loaded(name="other", autoscaling={"max": 2})]

        review = judge(*specs, policy=f"version: 1\nlimits:\n  monthly_ceiling_usd: {ceiling}\n")

        assert bool(review.blocking) == blocks
        for finding in review.blocking:
            assert (finding.rule, finding.file, finding.line) == ("policy-monthly-ceiling", "policy.yaml", 3)
            assert "$1,752.00/month, and the policy allows $1,751.99/month" in finding.sentence

    def test_a_limit_can_be_a_warning_for_a_while(self) -> None:
        """As every other rule."""
        review = judge(loaded(), policy="limits: { clouds: [gcp] }\nrules: { policy-cloud: warning }")

        assert only(review).severity is Severity.WARNING


class TestApprovals:
    POLICY = (
        "approvals:\n"
        "  - { group: finops, above_monthly_delta_usd: 500 }\n"
        "  - { group: board, above_monthly_delta_usd: 5000 }\n"
    )

    @pytest.mark.parametrize(
        ("costs", "groups"),
        [
            ([("100", "600")], ()),
            ([("100", "600.01")], ("finops",)),
            ([("0", "300"), ("0", "300")], ("finops",)),
            ([("0", "900"), ("800", "0")], ()),
            ([("0", "6000")], ("finops", "board")),
            ([("6000", "0")], ()),
            ([("100", None)], ("finops", "board")),
            ([(None, "100")], ("finops", "board")),
        ],
        ids=str,
    )
    def test_who_has_to_agree_follows_from_the_ceiling_of_the_whole_change(self, costs, groups) -> None:
        """What nobody can price needs everybody."""
        deltas = tuple(delta(costs=cost, name=f"e{number}") for number, cost in enumerate(costs))

        assert judge(loaded(), deltas=deltas, policy=self.POLICY).approvals == groups

    def test_a_new_endpoint_costs_all_of_it_and_a_removed_one_nothing(self) -> None:
        """There is no estimate on the other side."""
        new = replace(delta(Action.CREATE, costs=("0", "501")), before=None)
        gone = replace(delta(Action.DELETE, costs=("501", "0"), name="gone"), after=None)

        assert judge(loaded(), deltas=(new,), policy=self.POLICY).approvals == ("finops",)
        assert judge(loaded(), deltas=(new, gone), policy=self.POLICY).approvals == ()

    def test_nobody_is_asked_where_nothing_was_compared(self) -> None:
        """The whole bill is no change of it."""
        assert judge(loaded(autoscaling={"max": 200}), policy=self.POLICY).approvals == ()


def test_findings_come_in_the_order_of_files_and_weights() -> None:
    """What blocks is read first."""
    first, second = loaded(name="a", engine={"type": "tgi"}, autoscaling={"min": 1}), loaded(name="b")

    review = judge(first, second, policy="limits: { clouds: [gcp], monthly_ceiling_usd: 1 }")

    assert [(finding.endpoint, finding.severity.value) for finding in review.findings] == [
        ("", "error"),
        ("a", "error"),
        ("a", "warning"),
        ("a", "note"),
        ("b", "error"),
    ]


def test_a_review_without_a_policy_is_one_with_an_empty_policy() -> None:
    """No default is said twice."""
    spec = loaded(engine={"type": "tgi"}, autoscaling={"min": 1}, revision="main")
    plain = review_specs([spec], SNAPSHOT)

    assert ruled(plain, [spec], lock=Lock(), today=TODAY) == ruled(
        plain, [spec], lock=Lock(), today=TODAY, policy=LoadedPolicy()
    )
    assert json.dumps([str(one) for one in ruled(plain, [spec], lock=Lock(), today=TODAY).findings])
