"""Rules of a review: each speaks where it should, is silent where it should be, and says what settles it."""

import ast
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy.catalog import Catalog, Hardware
from hfdeploy.cost import Estimate, estimate
from hfdeploy.fit import Model, Weights
from hfdeploy.lock import Lock, Locked
from hfdeploy.policy import RULES, LoadedPolicy, parse_policy, rules_document
from hfdeploy.review import Action, Delta, Exposure, Finding, Review, Severity, review_specs, ruled
from hfdeploy.spec import FromEnv, LoadedSpec, SecretSource, Security, parse_spec

ROOT = Path(__file__).parents[1]
SNAPSHOT = Catalog.snapshot()
TODAY = date(2026, 11, 21)
COMMIT = "0123456789abcdef0123456789abcdef01234567"
MODEL = Model("acme/chat", Weights(1_000_000, 500_000), None)

LINES = {"name": 1, "repository": 2, "revision": 3, "cloud": 4, "region": 5, "instance": 6, "engine": 7, "tags": 8}

GOOD = {
    "name": "chat",
    "repository": "acme/chat",
    "revision": COMMIT,
    "cloud": "aws",
    "region": "us-east-1",
    "instance": "nvidia-l4 x1",
    "engine": {"type": "vllm"},
}


def loaded(**changes: Any) -> LoadedSpec:
    """A spec to which nothing is to be objected, but for the changes; None leaves a field out."""
    return LoadedSpec(parse_spec({**GOOD, **changes}), "chat.yaml", LINES)


def judge(
    *specs: LoadedSpec,
    lock: Lock = Lock(),  # noqa: B008 - frozen
    deltas: tuple[Delta, ...] = (),
    policy: str = "",
    is_set: Callable[[SecretSource], bool] | None = None,
    today: date = TODAY,
    catalog: Catalog = SNAPSHOT,
) -> Review:
    """The whole review of some specs."""
    review = replace(review_specs(specs, catalog, lock), deltas=deltas, against="state" if deltas else "")
    # Nothing is locked here but in the tests that say so: tests/test_review_memory.py has what that means.
    review = replace(review, findings=tuple(one for one in review.findings if one.rule != "fit-unknown"))
    judged = parse_policy(policy.encode(), "policy.yaml") if policy else None
    return ruled(review, specs, lock=lock, today=today, policy=judged, is_set=is_set)


def found(review: Review, rule: str) -> list[Finding]:
    return [finding for finding in review.findings if finding.rule == rule]


def only(review: Review) -> Finding:
    (finding,) = review.findings
    return finding


def cost(ceiling: str | None) -> Estimate:
    row = SNAPSHOT.find("aws", "us-east-1", "nvidia-l4", "x1")
    assert row is not None
    known = estimate(row, min_replicas=0, max_replicas=1, idle_minutes=15)
    return replace(known, ceiling=None if ceiling is None else Decimal(ceiling))


def delta(
    action: Action = Action.UPDATE,
    before: Security | None = Security.PRIVATE,
    after: Security | None = Security.PRIVATE,
    *,
    costs: tuple[str | None, str | None] = ("100", "100"),
    name: str = "chat",
    **more: Any,
) -> Delta:
    return Delta(name, action, cost(costs[0]), cost(costs[1]), Exposure(before, after), **more)


def without_price() -> Catalog:
    rows: tuple[Hardware, ...] = tuple(row.model_copy(update={"price_per_hour": None}) for row in SNAPSHOT.rows)
    return Catalog(rows=rows, source="live")


def test_nothing_is_said_about_a_spec_with_nothing_wrong() -> None:
    """A review that always objects is not read."""
    assert judge(loaded(), is_set=lambda _: True).findings == ()


class TestTable:
    def test_every_rule_that_speaks_is_in_the_table_with_its_weight(self) -> None:
        """An id that is in no table can be in no policy, and a document with another weight misleads."""
        spoken: dict[str, set[str]] = {}
        for file in sorted((ROOT / "hfdeploy" / "review").glob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "finding_of":
                    rule, weight = node.args[1], node.args[2]
                    if isinstance(rule, ast.Constant):
                        told = weight.attr.lower() if isinstance(weight, ast.Attribute) else ""
                        spoken.setdefault(str(rule.value), set()).add(told)

        assert len(spoken) > 15
        assert sorted(spoken.keys() - RULES.keys()) == []
        assert {rule: weights for rule, weights in spoken.items() if weights - {"", RULES[rule].severity.value}} == {}

    def test_every_rule_of_an_audit_is_in_the_table_and_marked_where_only_an_audit_has_it(self) -> None:
        """There a rule may weigh otherwise than in a review; its id is one that a policy can name."""
        spoken, shared = set(), set()
        for file in sorted((ROOT / "hfdeploy" / "audit").glob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Name)
                    and node.func.id in {"found", "Finding"}
                ):
                    rule = node.args[1 if node.func.id == "found" else 0]
                    if isinstance(rule, ast.Constant):
                        spoken.add(str(rule.value))
        for file in sorted((ROOT / "hfdeploy" / "review").glob("*.py")):
            shared |= {rule for rule in RULES if f'"{rule}"' in file.read_text(encoding="utf-8")}

        assert {rule.id for rule in RULES.values() if rule.is_live} == spoken - shared
        assert sorted(spoken - RULES.keys()) == []

    def test_the_document_of_the_rules_is_the_table(self) -> None:
        """After a change on purpose, write `rules_document()` there."""
        assert (ROOT / "docs" / "rules.md").read_text(encoding="utf-8") == rules_document()

    def test_ids_are_plain_and_every_rule_says_what_settles_it(self) -> None:
        """They are typed by hand into policies and shown in other people's programs."""
        for rule in RULES.values():
            assert re.fullmatch("[a-z]+(-[a-z]+)*", rule.id)
            assert rule.says.endswith(".")
            assert rule.fix.endswith(".")


class TestExposure:
    @pytest.mark.parametrize(
        ("before", "after", "rule", "weight"),
        [
            ("private", "public", "exposure-widened", Severity.WARNING),
            ("private", "authenticated", "exposure-widened", Severity.WARNING),
            ("authenticated", "public", "exposure-widened", Severity.WARNING),
            ("public", "authenticated", "exposure-narrowed", Severity.NOTE),
            ("public", "private", "exposure-narrowed", Severity.NOTE),
            ("authenticated", "private", "exposure-narrowed", Severity.NOTE),
        ],
    )
    def test_a_changed_level_is_told_in_words(self, before, after, rule, weight) -> None:
        """`authenticated` sounds like one's own people and is anybody with an account."""
        who = {
            "private": "only members of its owner's account or organisation, with their token",
            "authenticated": "anybody with a Hugging Face account, with a token of that account",
            "public": "anybody on the internet, without a token",
        }

        finding = only(judge(loaded(), deltas=(delta(before=Security(before), after=Security(after)),)))

        assert (finding.rule, finding.severity, finding.field) == (rule, weight, "security")
        assert finding.sentence == (f"chat goes from {before} to {after}. Before: {who[before]}. After: {who[after]}.")
        assert finding.fix

    @pytest.mark.parametrize("level", [*Security, None])
    def test_what_stays_or_is_new_is_no_change(self, level) -> None:
        """A new endpoint exposes nothing that was hidden before."""
        same = delta(before=level, after=level)
        new = delta(Action.CREATE, before=None, after=level)

        assert judge(loaded(), deltas=(same,)).findings == ()
        assert judge(loaded(), deltas=(new,)).findings == ()

    def test_a_public_endpoint_is_kept_in_sight(self) -> None:
        """Its owner pays for everybody's requests; the spec has said already that this is meant."""
        finding = only(judge(loaded(security="public", acknowledge_public="chat")))

        assert (finding.rule, finding.severity) == ("public-endpoint", Severity.NOTE)
        assert "anybody on the internet, without a token, can call it" in finding.sentence
        assert judge(loaded(security="authenticated")).findings == ()

    def test_a_replacement_that_cuts_traffic_is_a_warning(self) -> None:
        """Its callers get errors, and then need another address."""
        cut = delta(Action.REPLACE, changes=("region: us-east-1 → eu-west-1",), cuts_traffic=True)

        finding = only(judge(loaded(), deltas=(cut,)))

        assert (finding.rule, finding.severity, finding.line) == ("replace-cuts-traffic", Severity.WARNING, 1)
        assert (
            "(region: us-east-1 → eu-west-1): nothing answers meanwhile, and its address may change" in finding.sentence
        )
        assert "Write a second spec under another name" in finding.fix
        side_by_side = delta(Action.REPLACE, cuts_traffic=False)
        assert judge(loaded(), deltas=(side_by_side,)).findings == ()
        assert judge(loaded(), deltas=(delta(cuts_traffic=True),)).findings == ()

    def test_what_is_removed_has_no_spec_to_object_to(self) -> None:
        """The table of the change has its row."""
        gone = delta(Action.DELETE, after=None, name="gone", cuts_traffic=True)

        assert judge(loaded(), deltas=(gone,)).findings == ()


class TestIdleness:
    @pytest.mark.parametrize(("replicas", "said"), [(1, "one replica up day and night: $584.00/month")])
    def test_what_never_sleeps_says_what_that_costs(self, replicas, said) -> None:
        """Often nobody meant it."""
        finding = only(judge(loaded(autoscaling={"min": replicas, "max": 2})))

        assert (finding.rule, finding.severity, finding.field) == ("always-on", Severity.NOTE, "autoscaling.min")
        assert said in finding.sentence

    @pytest.mark.parametrize("tag", ["always-on", "always-on:search-box"])
    def test_a_tag_gives_the_reason(self, tag) -> None:
        """It stands in the spec, beside what it explains."""
        assert judge(loaded(autoscaling={"min": 1}, tags=[tag])).findings == ()
        assert found(judge(loaded(autoscaling={"min": 1}, tags=["on"])), "always-on")

    def test_a_long_idle_time_says_what_each_wake_wastes(self) -> None:
        """Ninety minutes of an instance for $0.80 an hour."""
        finding = only(judge(loaded(autoscaling={"scale_to_zero_after": "90m"})))

        assert (finding.rule, finding.severity) == ("long-idle", Severity.NOTE)
        assert finding.sentence == "chat stays up for 1.5 hours after its last request: each time $1.20 for nothing."
        assert judge(loaded(autoscaling={"scale_to_zero_after": "1h"})).findings == ()

    def test_what_has_no_price_is_not_free(self) -> None:
        """Neither rule falls over it."""
        review = judge(loaded(autoscaling={"scale_to_zero_after": "2h"}), catalog=without_price())

        assert "each time unpriced for nothing" in found(review, "long-idle")[0].sentence


class TestSupply:
    @pytest.mark.parametrize(("revision", "told"), [(None, "the newest commit"), ("main", "main")])
    def test_a_branch_that_the_lock_file_knows_is_resolved(self, revision, told) -> None:
        """What is deployed is that commit, and the note says which."""
        key = "acme/chat" if revision is None else f"acme/chat@{revision}"
        lock = Lock({key: Locked(COMMIT, MODEL)})
        spec = loaded(revision=revision) if revision else LoadedSpec(parse_spec(_without("revision")), "f", LINES)

        (finding,) = found(judge(spec, lock=lock), "revision-locked")

        assert finding.severity is Severity.NOTE
        assert finding.sentence == (
            f"acme/chat: {told} is {COMMIT} by hfdeploy.lock.json, and that is what is deployed."
        )
        assert (finding.field, finding.fix) == (
            "revision" if revision else "repository",
            f"Write revision: {COMMIT}.",
        )

    @pytest.mark.parametrize("revision", ["main", "v1.0", COMMIT[:12], COMMIT.upper()])
    def test_what_nothing_pins_is_a_note(self, revision) -> None:
        """A tag or half a commit can be moved as well."""
        finding = only(judge(loaded(revision=revision)))

        assert (finding.rule, finding.severity) == ("unpinned-revision", Severity.NOTE)
        assert f"{revision} is deployed, whichever that is then" in finding.sentence
        assert "hfdeploy lock" in finding.fix

    def test_a_lock_without_a_commit_pins_nothing(self) -> None:
        """Sizes may be known where the Hub was never asked."""
        review = judge(loaded(revision="main"), lock=Lock({"acme/chat@main": Locked("", MODEL)}))

        assert [finding.rule for finding in review.findings if finding.severity is Severity.NOTE] == [
            "unpinned-revision"
        ]

    @pytest.mark.fault(38)
    @pytest.mark.parametrize("image", ["acme/vllm", "acme/vllm:latest", "host:5000/acme/vllm"])
    def test_an_image_that_may_change_is_a_warning(self, image) -> None:
        """Two replicas of one endpoint may run different programs."""
        finding = only(judge(loaded(engine={"type": "vllm", "image": image})))

        assert (finding.rule, finding.severity, finding.field) == ("unpinned-image", Severity.WARNING, "engine.image")

    @pytest.mark.parametrize("image", ["acme/vllm:v1", "host:5000/acme/vllm:v1", f"acme/vllm@sha256:{'0' * 64}"])
    def test_an_image_with_a_version_passes(self, image) -> None:
        """By tag; a policy may want the digest."""
        assert judge(loaded(engine={"type": "vllm", "image": image})).findings == ()

    @pytest.mark.fault(38)
    @pytest.mark.parametrize(
        ("field", "written"),
        [
            ("args.1", {"args": ["--x", "--trust-remote-code"]}),
            ("args.0", {"args": ["--trust_remote_code=true"]}),
            ("env.TRUST_REMOTE_CODE", {"env": {"TRUST_REMOTE_CODE": "true"}}),
            ("env.VLLM_TRUST_REMOTE_CODE", {"env": {"VLLM_TRUST_REMOTE_CODE": "1"}}),
        ],
    )
    def test_code_of_the_repository_is_a_warning(self, field, written) -> None:
        """It runs beside every secret of the container."""
        finding = only(judge(loaded(**written)))
        unpinned = found(judge(loaded(revision="main", **written)), "remote-code")[0]

        assert (finding.rule, finding.severity, finding.field) == ("remote-code", Severity.WARNING, field)
        assert "Python code of acme/chat" in finding.sentence
        assert unpinned.sentence.endswith("and its revision is not pinned.")

    @pytest.mark.parametrize(
        "written",
        [{"args": ["--trust-remote-code=false"]}, {"args": ["--trust"]}, {"env": {"TRUST_REMOTE_CODE": "0"}}],
    )
    def test_code_that_is_not_run_is_not_objected_to(self, written) -> None:
        """Saying no is no reason for a warning."""
        assert judge(loaded(**written)).findings == ()

    def test_a_gated_model_that_the_token_may_not_read_is_a_warning(self) -> None:
        """The endpoint would start, bill and fail."""
        lock = Lock({f"acme/chat@{COMMIT}": Locked(COMMIT, None, "acme/chat is gated.", is_refused=True)})
        own = {"secrets": {"HF_TOKEN": {"from_env": "MODEL_TOKEN"}}}

        (finding,) = found(judge(loaded(), lock=lock), "gated-repository")

        assert (finding.severity, finding.field) == (Severity.WARNING, "repository")
        assert "is gated, and the token that made hfdeploy.lock.json may not read it" in finding.sentence
        assert found(judge(loaded(**own), lock=lock), "gated-repository") == []
        readable = Lock({f"acme/chat@{COMMIT}": Locked(COMMIT, None, "No config.json.")})
        assert found(judge(loaded(), lock=readable), "gated-repository") == []

    def test_a_secret_whose_source_is_not_set_is_a_warning(self) -> None:
        """An `up` would stop at it."""
        spec = loaded(secrets={"KEY": {"from_env": "HERE"}, "OTHER": {"from_env": "GONE"}})

        finding = only(judge(spec, is_set=lambda source: source == FromEnv(from_env="HERE")))

        assert (finding.rule, finding.severity, finding.field) == ("secret-missing", Severity.WARNING, "secrets.OTHER")
        assert finding.sentence.startswith("the environment variable GONE is not set here")
        assert judge(spec).findings == ()

    def test_the_replacement_of_an_engine_in_maintenance_is_named(self) -> None:
        """What to do is a field of its own."""
        cuda = only(judge(loaded(engine={"type": "tgi"})))
        neuron = only(judge(loaded(instance="inf2 x1", engine={"type": "tgi_neuron"})))

        assert (cuda.rule, cuda.fix) == ("engine-maintenance", "Set engine.type to vllm, sglang or llamacpp.")
        assert (neuron.rule, neuron.fix) == ("engine-maintenance", "Set engine.type to vllm_neuron.")


def _without(*fields: str) -> dict[str, Any]:
    return {key: value for key, value in GOOD.items() if key not in fields}


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
