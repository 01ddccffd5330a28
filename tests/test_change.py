"""What changes, as a review says it: the action, the words, the money and who can call."""

from decimal import Decimal
from typing import Any

import pytest
from changes import declared, loaded, review, today

from hfdeploy import render
from hfdeploy.diff import changed_fields
from hfdeploy.review import Action, Severity, own_change
from hfdeploy.review.wording import changed_words
from hfdeploy.spec import LoadedSpec


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
