"""One namespace's quota says nothing of another's: of a change in several, the service is asked about one."""

import pytest
from changes import SNAPSHOT, loaded, review, today

from hfdeploy import render
from hfdeploy.quota import QuotaVerdict
from hfdeploy.render.answers import answers
from hfdeploy.render.quota import quota_sentence
from hfdeploy.review import Review

OURS, THEIRS = loaded("a"), loaded("b", namespace="other", autoscaling={"min": 0, "max": 3})


def answer(found: Review) -> tuple[str, str]:
    (told,) = [one for one in answers(found) if one.question == "Is there quota?"]
    return told.level, told.text


@pytest.mark.parametrize("used", [0, 8])
def test_figures_count_for_the_namespace_that_was_asked_about_alone(used: int) -> None:
    """Neither is there room elsewhere by them, nor is there none."""
    found = review([], [OURS, THEIRS], catalog=today(8, used))

    assert found.ledger is not None
    for ours, theirs in (found.ledger.entries, found.ledger.per_region):
        assert (ours.maximum, ours.used, ours.need_max) == (8, used, 1)
        assert ours.verdict is (QuotaVerdict.SHORT if used else QuotaVerdict.OK)
        assert (theirs.account.namespace, theirs.maximum, theirs.used, theirs.need_max) == ("other", None, None, 3)
        assert (theirs.verdict, theirs.first_over, theirs.short_by) == (QuotaVerdict.UNKNOWN, "", 0)
    assert [one.endpoint for one in found.blocking] == (["a"] if used else [])


def test_a_full_quota_blocks_nobody_elsewhere() -> None:
    """It is not known, and said."""
    found = review([], [THEIRS], catalog=today(0, 0))

    assert found.blocking == ()
    assert render.quota_parts(found) == []
    assert answer(found) == ("unknown", "Nobody asked the service for the limits. It takes at most 3 nvidia-a100.")
    assert found.ledger is not None
    assert quota_sentence(found.ledger) == (
        "Quota: the service was asked for the limits of acme alone, and those of other are unknown here (--live "
        "--namespace asks for them). Accelerators this takes: aws nvidia-a100 1–3."
    )


def test_what_nobody_asked_about_stands_beside_what_is_known() -> None:
    """In the table and in the answer, which is no yes."""
    found = review([], [OURS, THEIRS], catalog=today(8, 0))

    table, _ = render.quota_parts(found)
    assert isinstance(table, render.Table)
    assert [(cells[0], cells[1], cells[-1]) for cells in table.rows] == [
        ("acme: aws nvidia-a100", "8", "ok"),
        ("other: aws nvidia-a100", "unknown", "unknown"),
    ]
    assert answer(found) == ("unknown", "nvidia-a100 of other unknown.")


def test_without_any_figures_it_is_said_who_has_them() -> None:
    """The snapshot knows none of any namespace."""
    found = review([], [OURS, THEIRS], catalog=SNAPSHOT)

    assert found.ledger is not None
    assert quota_sentence(found.ledger).startswith("Quota: limits and use are unknown here (--live asks the service).")
