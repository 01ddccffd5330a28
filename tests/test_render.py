"""Rendering: values in, text and JSON values out."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType

import pytest

from hfdeploy import render, wire
from hfdeploy.catalog import Catalog
from hfdeploy.cost import estimate
from hfdeploy.render import Column, Deployed, Table
from hfdeploy.review import review_specs
from hfdeploy.spec import LoadedSpec, parse_spec
from hfdeploy.verdict import Judgement, Reason, Sample, Verdict

CHAT = Deployed(
    name="chat",
    namespace="acme",
    generation="2026-01-01T00:00:00Z",
    url="https://chat.example",
    instance="nvidia-t4 x1",
    price_per_hour=Decimal("0.5"),
    state="running",
    verdict="passed",
    verified_at="2026-01-01T00:10:00+00:00",
    ttft_ms=312.4,
    tokens=8,
    tokens_per_s=41.25,
    counted_by="details",
)


def loaded(**changes) -> LoadedSpec:
    """A spec as `load_specs` gives it."""
    fields = {
        "name": "chat",
        "repository": "acme/chat",
        "cloud": "aws",
        "region": "us-east-1",
        "instance": "nvidia-t4 x1",
        "engine": {"type": "vllm"},
    }
    return LoadedSpec(parse_spec({**fields, **changes}), "chat.yaml", MappingProxyType({}))


def test_nothing_in_a_cell_ends_it() -> None:
    """A model's name or a tag is somebody else's text."""
    table = Table((Column("a"), Column("b", is_number=True)), (("x|y", "<b>\n1"),), ("sum", ""))

    assert render.markdown(table) == "| a | b |\n| --- | ---: |\n| x\\|y | &lt;b&gt;<br>1 |\n| **sum** |  |\n"


def test_a_cell_is_words_and_commands_in_it_can_be_copied() -> None:
    """No link, no mention, no picture; an address within a mark of zero width would lead nowhere."""
    words = "[x](http://evil.example) @acme/team #12 <img src=x>"
    table = Table((Column("a"), Column("b")), ((words, "Run `a --url https://x.example|y` or see https://x.example"),))

    (row,) = render.markdown(table).splitlines()[2:]

    assert r"\[x\](`http://evil.example)` @" in row
    assert "@acme" not in row
    assert "#12" not in row
    assert "<img" not in row
    assert r"Run `a --url https://x.example\|y` or see `https://x.example` |" in row


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;https://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\x07b\x00c\x7f", "abc"),
        ("\x9b31mC1", "C1"),
        ("\x90q#0;2;0;0;0\x9cdevice \x9d0;title\x07string", "device string"),
        ("10\u00a0000\u3000km", "10\u00a0000\u3000km"),
        ("over\rwritten", "overwritten"),
        ("left\u202eright", "leftright"),
        ("lines\n\tstay\r\n", "lines\n\tstay\n"),
        ("Zürich → 東京 👩\u200d👧", "Zürich → 東京 👩\u200d👧"),
        ("half \ud800 a character", "half  a character"),
    ],
)
def test_what_a_model_says_cannot_command_a_terminal(text, harmless) -> None:
    """It could move the cursor and write `passed` over `failed`."""
    assert render.plain(text) == harmless


def test_an_endpoint_without_a_price_is_not_free() -> None:
    """Sums leave it out and say so."""
    catalog = Catalog.snapshot()
    row = catalog.find("aws", "us-east-1", "nvidia-t4", "x1")
    assert row is not None
    unpriced = replace(catalog, rows=(row.model_copy(update={"price_per_hour": None}),))
    review = review_specs([loaded(autoscaling={"min": 1, "max": 2})], unpriced)

    table = render.plan_table(review)
    told = render.plan_json(review, namespace=None, catalog=unpriced)

    assert table.rows[0][-3:] == ("unpriced", "unpriced", "unpriced")
    assert "Without a price, and not in the sums: chat." in render.paragraphs(review)[0]
    assert told["endpoints"][0]["cost"]["monthly_ceiling"] is None
    assert told["totals"]["unpriced"] == ["chat"]


def test_money_in_json_is_decimal_text_and_all_of_it_is_json() -> None:
    """A float would be 0.30000000000000004 in somebody's budget."""
    review = review_specs([loaded(autoscaling={"min": 1, "max": 200})], Catalog.snapshot())

    told = json.loads(json.dumps(render.plan_json(review, namespace="acme", catalog=Catalog.snapshot())))

    assert told["endpoints"][0]["cost"]["hourly_ceiling"] == "100"
    assert told["totals"]["monthly_floor"] == "365"


def test_what_never_sleeps_has_no_price_of_waking() -> None:
    """And what sleeps has one, with the assumption in it."""
    awake = review_specs([loaded(autoscaling={"min": 1, "max": 1})], Catalog.snapshot())
    asleep = review_specs([loaded()], Catalog.snapshot())

    assert not any("wake" in text for text in render.paragraphs(awake))
    assert render.paragraphs(asleep)[1] == (
        "Each wake of a sleeping endpoint: chat $0.21, if a start takes 10 minutes."
    )


def test_what_is_known_of_a_cost_is_in_every_sum() -> None:
    """An endpoint that is paused costs nothing now, whatever its plan says; a page of an audit must not add it up."""
    review = review_specs([loaded(autoscaling={"min": 1, "max": 2})], Catalog.snapshot())
    (plan,) = review.plans
    paused = estimate(plan.hardware, min_replicas=0, max_replicas=0, idle_minutes=None)
    known = replace(review, costs={plan.name: paused})

    assert "Every month (730 hours): $0.00 floor, $0.00 ceiling." in render.paragraphs(known)[0]
    assert "$0.00–$0.00 a month" in render.summary(known, Catalog.snapshot())
    footer = render.plan_table(known).footer
    assert footer
    assert footer[-1] == "$0.00"
    assert render.plan_json(known, namespace=None, catalog=Catalog.snapshot())["totals"]["monthly_ceiling"] == "0"
    assert "$0.00" not in render.paragraphs(review)[0]


def test_todays_word_of_the_service_is_told_apart() -> None:
    """A review judges by the snapshot; who pays wants to know today's price, too."""
    catalog = Catalog.snapshot()
    review = review_specs([loaded()], catalog)
    row = review.plans[0].hardware
    dearer = replace(catalog, rows=(row.model_copy(update={"price_per_hour": Decimal("0.75")}),))
    gone = replace(catalog, rows=())

    assert "costs $0.75/h, not $0.50/h" in render.paragraphs(review, dearer)[-1]
    assert "nvidia-t4 x1 is not in its catalogue" in render.paragraphs(review, gone)[-1]
    assert render.paragraphs(review, catalog)[-1] == ("The service says today: the same prices, and all can be had.")


def state(*resources: dict) -> dict:
    """What `pulumi stack export` prints."""
    return {"version": 3, "deployment": {"resources": list(resources)}}


def resource(kind: str, **outputs) -> dict:
    """One resource in it."""
    return {"type": f"pulumi-python:dynamic/hfdeploy:{kind}", "outputs": outputs}


def test_an_endpoint_whose_first_rollout_failed_is_not_forgotten() -> None:
    """It exists and may be billed, although Pulumi has only its identity."""
    export = state(
        {"type": "pulumi:pulumi:Stack"},
        resource("EndpointIdentity", name="chat", namespace="acme", generation="g", owner="o"),
        resource("EndpointIdentity", name="apple", namespace="acme"),
        resource("InferenceEndpoint", name="apple", namespace="acme", verdict="passed", tokens=8.0, price_per_hour="2"),
    )

    apple, chat = render.parse_deployment(export)

    assert (apple.name, apple.verdict, apple.tokens, apple.price_per_hour) == ("apple", "passed", 8, Decimal(2))
    assert (chat.name, chat.verdict, chat.generation) == ("chat", "unverified", "g")


@pytest.mark.parametrize("export", [{}, state(), {"deployment": None}, {"deployment": {"resources": None}}])
def test_an_empty_stack_has_no_endpoints(export) -> None:
    """After `make down`, or before the first `up`."""
    assert render.parse_deployment(export) == []


def test_what_is_encrypted_in_the_state_is_not_shown() -> None:
    """The engine writes an object with the ciphertext in the value's place."""
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:..."}

    (chat,) = render.parse_deployment(state(resource("InferenceEndpoint", name="chat", url=secret, ttft_ms=secret)))

    assert (chat.url, chat.ttft_ms) == ("", None)


def endpoint(state: str = "running", created: str = CHAT.generation) -> wire.Endpoint:
    """The same endpoint, as the service has it."""
    return wire.parse_endpoint(
        {
            "name": "chat",
            "type": "private",
            "provider": {"vendor": "aws", "region": "us-east-1"},
            "compute": {"accelerator": "gpu", "instanceType": "nvidia-t4", "instanceSize": "x1"},
            "model": {"repository": "acme/chat", "image": {"vLLM": {}}},
            "status": {"state": state, "createdAt": created, "url": "https://new.example/"},
        }
    )


def test_the_services_word_beats_the_states() -> None:
    """The state is as old as the last run."""
    seen = CHAT.observed(endpoint("paused"))

    assert (seen.state, seen.is_live, seen.url, seen.verdict) == ("paused", True, "https://new.example", "passed")
    assert CHAT.observed(None).state == "gone"
    assert CHAT.observed(endpoint(created="2027-01-01T00:00:00Z")).state == "replaced behind this stack's back"


def test_an_endpoint_that_no_state_knows_has_no_verdict() -> None:
    """Nobody asked it."""
    seen = render.describe_live(endpoint(), "acme", Decimal("0.5"))

    assert (seen.engine, seen.openai_base_url, seen.verdict) == ("vllm", "https://new.example/v1", "")
    assert render.describe(seen) == "running · nvidia-t4 x1 · $0.50/h"
    assert render.status_json([seen], stack=None)["endpoints"][0]["verdict"] is None


def test_only_evidence_of_this_very_verification_is_shown() -> None:
    """The file may be of an earlier rollout, or made by somebody's own `hfdeploy verify`."""
    mine = {"ended_at": CHAT.verified_at, "sample": {"text": " a\x1b[31mb "}, "sentence": "8 tokens"}

    assert CHAT.shown_with(mine).text == "ab"
    assert CHAT.shown_with({**mine, "ended_at": "2025-12-31T00:00:00+00:00"}).text == ""
    assert CHAT.shown_with({**mine, "sample": {"text": ""}}).text == "8 tokens"
    assert CHAT.shown_with({**mine, "sample": None}).text == "8 tokens"
    assert CHAT.shown_with({}).text == ""


def test_a_verification_in_the_same_second_belongs_to_the_run() -> None:
    """Times of verifications have no fractions; the start of a run may have."""
    moment = datetime(2026, 1, 1, 0, 10, 0, 900_000, tzinfo=UTC)

    assert CHAT.was_verified_since(moment)
    assert not CHAT.was_verified_since(moment.replace(second=1))
    assert CHAT.was_verified_since(None)
    assert not replace(CHAT, verified_at=None).was_verified_since(None)


def test_the_facts_of_an_endpoint() -> None:
    """Address, proof, time, answer, in the order in which people ask."""
    shown = replace(CHAT, text="Paris.")

    assert render.facts(shown) == [
        ("url", "https://chat.example"),
        ("proof", "first token after 312 ms · 8 tokens (counted by details) · 41.2 tokens/s"),
        ("when", "2026-01-01 00:10:00 UTC"),
        ("answer", "Paris."),
    ]
    assert render.count_verdicts([CHAT, replace(CHAT, verdict="failed")]) == "2 endpoints: 1 failed, 1 passed"


def test_a_failed_verification_says_why_and_a_passed_one_its_numbers() -> None:
    """The sentence of a pass repeats the numbers below it."""
    sample = Sample(text="a b", tokens=2, counted_by="usage", ttft=0.25, gaps=(0.1,), finish_reason="stop", route="/r")
    passed = Judgement(Verdict.PASSED, Reason.PASSED, "all well")
    failed = Judgement(Verdict.FAILED, Reason.EMPTY, "nothing came")

    assert render.verification_facts(passed, sample, woke_after_s=0) == [
        ("first token", "250 ms"),
        ("tokens", "2 (counted by usage)"),
        ("speed", "10.0 tokens/s"),
        ("finish", "stop"),
        ("route", "/r"),
    ]
    assert render.verification_facts(failed, None, woke_after_s=61.2) == [
        ("why", "nothing came"),
        ("woken", "answered after 61 s"),
    ]
