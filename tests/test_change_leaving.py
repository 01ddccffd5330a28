"""What leaves a stack and stays alive is paid for all the same; what is gone already saves nothing any more."""

from datetime import date
from decimal import Decimal

import pytest
from changes import EMPTY, SNAPSHOT, before, declared, loaded

from hfdeploy import render
from hfdeploy.policy import parse_policy
from hfdeploy.review import Action, Change, Difference, Review, review_specs, under_policy, with_change

POLICY = parse_policy(b"approvals: [{ group: finops, above_monthly_delta_usd: 500 }]", "policy.yaml")
PRICE = Decimal("1825.0")
DELETED = Difference(requests=("DELETE",))
RETAINED = Difference(reasons=("it is retained: it leaves the state and stays alive",), requests=())
GONE = Difference(reasons=("it is gone from the service already",), requests=(), is_gone=True)


def judged(leaving: Difference) -> Review:
    """One endpoint leaves, and one of the same price is new."""
    old, new = loaded("old"), loaded("new")
    change = Change("state", {"old": before(old)}, {"new": Difference(declared(new)), "old": leaving}, counts_use=True)
    made = review_specs([new], SNAPSHOT)
    review = with_change(made, [new], change, catalog=SNAPSHOT, lock=EMPTY, namespace="acme")
    return under_policy(review, [new], today=date(2026, 1, 1), policy=POLICY)


@pytest.mark.parametrize(
    ("leaving", "money", "groups", "told"),
    [
        pytest.param(DELETED, (PRICE, None), (), "$1,825.00 (±$0.00)", id="deleted"),
        pytest.param(
            RETAINED, (PRICE, PRICE), ("finops",), "$1,825.00 -> $3,650.00 (+$1,825.00, +100 %)", id="retained"
        ),
        pytest.param(GONE, (None, None), ("finops",), "$0.00 -> $1,825.00 (+$1,825.00)", id="gone"),
    ],
)
def test_only_what_is_deleted_now_saves_anything(
    leaving: Difference, money: tuple[Decimal | None, ...], groups: tuple[str, ...], told: str
) -> None:
    """Else a new endpoint would look free, and nobody be asked about it."""
    found = judged(leaving)

    row = found.deltas[-1]
    assert (row.name, row.action, row.cuts_traffic) == ("old", Action.DELETE, leaving is DELETED)
    assert tuple(one and one.ceiling for one in (row.before, row.after)) == money
    assert found.approvals == groups
    assert f"a month costs at most {told}" in str(render.change_parts(found)[0])
    assert "old" in render.comment(found)
    assert "old" in render.page(found)
