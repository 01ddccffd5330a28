"""What is live and can be said in no spec, or cannot even be read: in every answer and sum, and held by every limit."""

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as Tree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_audit_live import CATALOG, LOCK, NOW, SMALL, foreign, live_of

from hfdeploy import render
from hfdeploy.audit import Audit, Evidence, cost_by_tag, examine
from hfdeploy.audit.activity import Activity
from hfdeploy.policy import parse_policy
from hfdeploy.render.answers import Answer, Level, answers
from hfdeploy.render.audit import use_table
from hfdeploy.spec import parse_spec
from hfdeploy.wire import Endpoint, parse_endpoint

FIT, COST, QUOTA, EXPOSURE = "Does it fit?", "What does it cost?", "Is there quota?", "Who can reach it?"


def unspoken(replicas: int = 1, **more: Any) -> Endpoint:
    """A model from before repositories had organisations: no spec may say it, so no plan is made of it."""
    live = live_of(parse_spec({**SMALL, "autoscaling": {"max": replicas}}), state="running")
    return live.model_copy(update={"model": live.model.model_copy(update={"repository": "gpt2"}), **more})


def audit(*live: Endpoint, policy: str = "", unreadable: Sequence[str] = ()) -> Audit:
    judged = parse_policy(policy.encode(), "policy.yaml") if policy else None
    return examine(
        "acme", live, catalog=CATALOG, lock=LOCK, now=NOW, idle_days=7, evidence=Evidence(),
        policy=judged, unreadable=unreadable,
    )  # fmt: skip


def answered(found: Audit) -> dict[str, Answer]:
    return {one.question: one for one in answers(found.review)}


def breached(found: Audit) -> set[str]:
    return {one.rule for one in found.review.findings if one.rule.startswith("policy-")}


class TestWithoutSpec:
    def test_who_can_reach_it_is_what_the_service_says(self) -> None:
        """A public endpoint is public, whatever it serves."""
        told = answered(audit(unspoken(type="public")))[EXPOSURE]

        assert (told.level, told.text) == (Level.CAUTION, "Anyone, without a token: demo.")

    def test_its_memory_is_judged_by_nobody_and_the_answer_says_so(self) -> None:
        """One of two fits is not all of them."""
        told = answered(audit(live_of(parse_spec({**SMALL, "name": "other"})), unspoken()))[FIT]

        assert told.level is Level.UNKNOWN
        assert "not judged: demo" in told.text
        assert "of 2 fit" in told.text

    def test_it_is_in_every_form(self) -> None:
        """With its price, its hardware and who can call it; a case of its memory is skipped."""
        found = audit(unspoken(type="public"))

        page = render.audit_page(found, ())
        [row] = csv.DictReader(io.StringIO(render.focus_csv(found.review, namespace="acme")))
        skipped = Tree.fromstring(render.junit(found.review)).findall(".//testcase/skipped/..")  # noqa: S314 - ours
        assert '<th scope="row">demo</th><td></td><td class="said">nvidia-l4 x1' in page
        assert '<span class="badge bad">public</span>' in page
        assert (row["ResourceId"], row["ListCost"], row["RegionId"]) == ("acme/demo", "584", "us-east-1")
        assert [one.get("classname") for one in skipped] == ["demo"]
        assert "| ⚠️ | **Who can reach it?** | Anyone, without a token: demo. |" in render.audit_markdown(found, ())

    @pytest.mark.parametrize(
        ("limit", "rule", "live"),
        [
            ("security: [private]", "policy-security", {"type": "public"}),
            ("security: [private]", "policy-security", {"type": "protected"}),
            ("security: [private, authenticated]", "policy-security", {"type": "whoever asks"}),
            ("clouds: [gcp]", "policy-cloud", {}),
            ("regions: [eu-*]", "policy-region", {}),
            ("instances: ['nvidia-t4 *']", "policy-instance", {}),
            ("max_price_per_hour_usd: 0.79", "policy-price", {}),
            ("max_replicas: 1", "policy-replicas", {"replicas": 2}),
            ("required_tags: ['team:*']", "policy-tags", {}),
            ("registries: [ghcr.io/acme]", "policy-registry", {}),
            ("images_by_digest: true", "policy-digest", {}),
        ],
    )
    def test_every_limit_holds_for_it(self, limit: str, rule: str, live: dict[str, Any]) -> None:
        """They need nothing but what is live, and say where that is."""
        found = audit(unspoken(**live), policy=f"limits: {{ {limit} }}")

        (finding,) = [one for one in found.review.blocking if one.rule == rule]
        assert (finding.endpoint, finding.file, finding.line) == ("demo", "acme/demo", 0)

    def test_the_old_level_is_within_the_one_that_it_was(self) -> None:
        """`protected` took the token of any account."""
        assert breached(audit(unspoken(type="protected"), policy="limits: { security: [authenticated] }")) == set()

    def test_an_image_that_no_spec_may_name_is_held_against_the_limits_as_it_is(self) -> None:
        """It is there to be read; only what the service hides is known to nobody."""
        live = unspoken()
        image = {"custom": {"url": "https://acme.example/a b"}}
        odd = live.model_copy(update={"model": live.model.model_copy(update={"image": image})})
        limits = "limits: { registries: [ghcr.io/acme], images_by_digest: true }"

        assert breached(audit(odd, policy=limits)) == {"policy-registry", "policy-digest"}


@given(foreign(), st.sampled_from(["private", "authenticated", "public", "protected", "novel"]))
def test_limits_are_held_against_what_is_live_whatever_a_spec_may_say_of_it(reply: dict[str, Any], level: str) -> None:
    """Neither a name nor a number that no spec may have takes an endpoint out of a policy."""
    live = parse_endpoint({**reply, "type": level})
    policy = (
        "limits: { clouds: [aws], regions: [us-*], security: [authenticated], max_replicas: 4, required_tags: [a] }"
    )

    found = audit(live, policy=policy)

    expected = {
        "policy-cloud": live.provider.vendor != "aws",
        "policy-region": not live.provider.region.startswith("us-"),
        "policy-security": level not in {"authenticated", "protected"},
        "policy-replicas": live.compute.scaling.max_replica > 4,
        "policy-tags": "a" not in live.tags,
    }
    assert breached(found) == {rule for rule, is_broken in expected.items() if is_broken}
    assert answered(found)[EXPOSURE].text.startswith("Only who has a token") == (level == "private")


class TestUnreadable:
    def test_no_answer_is_a_clean_bill_and_no_sum_the_whole(self) -> None:
        """Nobody knows who can call it, what it holds and what it costs."""
        found = audit(live_of(parse_spec(SMALL), state="running"), unreadable=["odd"])

        told = answered(found)
        assert {told[one].level for one in (FIT, COST, QUOTA, EXPOSURE)} == {Level.UNKNOWN}
        assert told[COST].text == "$0.00 to $584.00 + unknown a month. Not judged: odd."
        assert told[EXPOSURE].text.endswith("Not judged: odd.")
        assert render.audit_table(found).footer[-2:] == ("unknown", "$584.00 + unknown")  # type: ignore[index]
        assert "$0.00 to $584.00 + unknown a month; 1 endpoint could not be judged; " in render.audit_markdown(
            found, ()
        ).replace("\\", "")
        assert "$584.00 + unknown" in render.audit_page(found, ())

    def test_alone_it_is_no_empty_namespace(self) -> None:
        """Not even the number of endpoints is a clean bill."""
        found = audit(unreadable=["odd"])

        assert {one.level for one in answers(found.review)[:4]} == {Level.UNKNOWN}
        assert {one.text for one in answers(found.review)[:4]} == {"Not judged: odd."}

    def test_what_nobody_can_price_is_beyond_the_limit_of_all_together(self) -> None:
        """However high that is."""
        live, limit = live_of(parse_spec(SMALL), state="running"), "limits: { monthly_ceiling_usd: 600 }"

        assert breached(audit(live, policy=limit)) == set()
        assert breached(audit(live, policy=limit, unreadable=["odd"])) == {"policy-monthly-ceiling"}


def test_what_is_hidden_and_has_no_default_image_is_there_with_its_cost() -> None:
    """No plan can be made of it, and its price is no more unknown for that."""
    spec = parse_spec({**SMALL, "engine": {"type": "vllm_neuron", "image": "acme/neuron:1"}})
    live = live_of(spec, state="running")
    hidden = live.model_copy(update={"model": live.model.model_copy(update={"image": {"vLLMNeuron": {}}})})

    found = audit(hidden, policy="limits: { monthly_ceiling_usd: 600 }")

    assert not found.review.plans
    assert breached(found) == set()
    assert answered(found)[COST].text == "$0.00 to $584.00 a month."


def idle(name: str, *, has_price: bool = True, is_paused: bool = False) -> Endpoint:
    """One replica up that nobody calls, or none of a paused one."""
    spec = parse_spec({**SMALL, "name": name, "tags": ["team:search"]})
    one = live_of(spec, state="paused" if is_paused else "running")
    up = one.status.model_copy(update={"ready_replica": int(not is_paused), "target_replica": int(not is_paused)})
    unlisted = one.compute.model_copy(update={} if has_price else {"instance_type": "quantum-q9"})
    return one.model_copy(update={"status": up, "compute": unlisted})


def forgotten(*live: Endpoint) -> Audit:
    found = audit(*live)
    nobody = Activity(is_idle=True, last_used=None, why="")
    return replace(found, residents=tuple(replace(one, activity=nobody) for one in found.residents))


@pytest.mark.parametrize("has_price", [True, False])
def test_hours_that_nobody_pays_are_in_no_bill(has_price: bool) -> None:
    """Quantity times unit price is the cost: a paused endpoint has no hours, whatever its bounds."""
    live = [idle("up", has_price=has_price), idle("off", has_price=has_price, is_paused=True)]

    rows = csv.DictReader(io.StringIO(render.focus_csv(audit(*live).review, namespace="acme")))

    price, cost = ("0.8", "584") if has_price else ("", "")
    assert [(row["ResourceName"], row["PricingQuantity"], row["ListUnitPrice"], row["ListCost"]) for row in rows] == [
        ("off", "0", price, "0" if has_price else ""),
        ("up", "730", price, cost),
    ]


@pytest.mark.parametrize(
    ("live", "told", "number"),
    [
        pytest.param([idle("a")], "$584.00/month", "584", id="priced"),
        pytest.param([idle("a", has_price=False)], "unpriced", None, id="unpriced"),
        pytest.param([idle("a"), idle("b", has_price=False)], "$584.00/month + unpriced", None, id="both"),
        pytest.param([idle("a"), idle("b", has_price=False, is_paused=True)], "$584.00/month", "584", id="paused"),
    ],
)
def test_what_idle_burns_is_no_sum_without_every_price(live: list[Endpoint], told: str, number: str | None) -> None:
    """$0.00 would be read as free, and a part as the whole."""
    found = forgotten(*live)

    assert f"Together they burn {told}." in " ".join(render.audit_paragraphs(found))
    assert render.audit_json(found, ())["totals"]["monthly_burnt_by_idle"] == number
    assert use_table(found).footer[-1] == told.replace("/month", "")


def test_a_tag_with_a_free_endpoint_and_one_without_a_price_is_not_free() -> None:
    """A paused one costs nothing, and says nothing of the other."""
    found = audit(idle("a", is_paused=True), idle("b", has_price=False))

    tags = cost_by_tag(found.residents)
    assert render.tag_table(tags).rows == (("team:search", "2", "unpriced", "unpriced"),)
    assert "| `team:search` | 2 | unpriced |" in render.audit_markdown(found, tags)


@given(st.lists(st.booleans(), min_size=1, max_size=4))
def test_a_tag_is_free_of_charge_only_where_its_endpoints_are(priced: list[bool]) -> None:
    """`$0.00` beside a tag one of whose endpoints has no price would be believed; a sum is of those that have one."""
    live = []
    for number, has_price in enumerate(priced):
        one = live_of(parse_spec({**SMALL, "name": f"e{number}", "tags": ["team:search"]}))
        unlisted = one.compute.model_copy(update={"instance_type": "quantum-q9"})
        live.append(one if has_price else one.model_copy(update={"compute": unlisted}))
    found = audit(*live)

    tags = cost_by_tag(found.residents)
    most = f"${584 * sum(priced):,}.00"
    if all(priced):
        cells, month = ("$0.00", most), f"$0.00–{most}"
    else:
        cells, month = ("unpriced", f"{most} + unpriced"), f"$0.00–{most} + unpriced"
    if not any(priced):
        cells, month = ("unpriced", "unpriced"), "unpriced"
    assert render.tag_table(tags).rows == (("team:search", str(len(priced)), *cells),)
    assert f"| `team:search` | {len(priced)} | {month} |" in render.audit_markdown(found, tags)
    [row] = render.audit_json(found, tags)["by_tag"]["rows"]
    assert row["monthly_ceiling"] == (str(584 * sum(priced)) if any(priced) else None)
