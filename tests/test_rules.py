"""Rules of a review: each speaks where it should, is silent where it should be, and says what settles it."""

import ast
import re
from pathlib import Path

import pytest
from rulebook import rules_document
from rulings import delta, found, judge, loaded, only, without_price

from hfdeploy.policy import RULES
from hfdeploy.review import Action, Severity
from hfdeploy.spec import Security

ROOT = Path(__file__).parents[1]


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
        """After a change on purpose: `python tests/rulebook.py`."""
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
