"""audit: everything live in a namespace under the rules of a review, by the real command against the emulator."""

import json
import re
from decimal import Decimal
from typing import Any

import pytest
from audited import NAMES, SMALL, VLLM, as_json, by_name, compute, dateless, days_ago, model, page, rules, run_audit
from command_line import ROOT, run, surroundings, talking_to
from control_plane import STRANGER, Running

pytest_plugins = ["audited", "command_line"]


def test_an_audit_only_reads(fleet: Running) -> None:
    """Whoever runs it on somebody's production has to be able to trust that; and nobody's endpoint wakes."""
    before = {name: fleet.inner(name) for name in NAMES}
    since = len(fleet.requests())

    run_audit(fleet)

    sent = [one for one in fleet.requests(since) if not one["path"].startswith("/_emulator")]
    assert {one["method"] for one in sent} == {"GET"}
    assert not [one for one in sent if one["path"].startswith("/endpoints/")]
    changing = ("cost", "accounted")
    after = {name: fleet.inner(name) for name in NAMES}
    for name in NAMES:
        for key in before[name].keys() - {*changing, "object"}:
            assert after[name][key] == before[name][key], (name, key)


def test_it_needs_no_specs_no_stack_and_no_engine(fleet: Running, tmp_path) -> None:
    """It is the first thing somebody runs who has nothing but a token."""
    env = talking_to(fleet, HF_ENDPOINT=fleet.url, PATH="/usr/bin:/bin")
    ended = run("audit", "acme", "--format", "json", cwd=tmp_path, env=env | {"PYTHONPATH": str(ROOT)})

    assert [one["name"] for one in json.loads(ended.stdout)["endpoints"]] == NAMES
    assert list(tmp_path.iterdir()) == []


def test_floor_and_ceiling_are_those_of_what_is_live_now(told: dict[str, Any]) -> None:
    """Price by replicas by 730 hours; nothing for what is paused, and no zero for what has no price."""
    costs = {name: one["cost"] for name, one in by_name(told).items()}
    shown = {name: (one["monthly_floor"], one["monthly_ceiling"]) for name, one in costs.items()}

    assert shown == {
        "asleep": ("0", "584"),
        "broken": ("365", "365"),
        "busy": ("365", "730"),
        "forgotten": ("1825", "1825"),
        "open-door": ("0", "365"),
        "paused": ("0", "0"),
        "silent": ("48.91", "48.91"),
        "stranger": (None, None),
        "veteran": ("0", "3285"),
        "young": ("0", "365"),
    }
    totals = told["totals"]
    known = [pair for pair in shown.values() if pair[0] is not None]
    assert Decimal(totals["monthly_floor"]) == sum(Decimal(low) for low, _ in known)
    assert Decimal(totals["monthly_ceiling"]) == sum(Decimal(high) for _, high in known)
    assert totals["unpriced"] == ["stranger"]
    assert costs["paused"]["monthly_ceiling_if_resumed"] == "584"


def test_idle_endpoints_are_named_with_what_they_burn(told: dict[str, Any]) -> None:
    """The one that is up is money; the one asleep is quota; the paused one is neither, and the young one is new."""
    idle = {name: one["is_idle"] for name, one in by_name(told).items()}

    assert [name for name in NAMES if idle[name]] == ["asleep", "forgotten", "paused", "silent"]
    assert [name for name in NAMES if idle[name] is None] == ["broken"]
    found = {one["endpoint"]: one for one in told["findings"] if one["rule"] == "idle"}
    assert {name: one["severity"] for name, one in found.items()} == {
        "asleep": "note",
        "forgotten": "warning",
        "silent": "warning",
    }
    assert "1 replica up at $2.50/h each: $1,825.00/month" in found["forgotten"]["sentence"]
    assert (found["forgotten"]["fix"], found["asleep"]["fix"]) == (
        "Set autoscaling.min to 0.",
        "Pause or delete acme/asleep.",
    )
    assert told["totals"]["monthly_burnt_by_idle"] == "1873.91"


def test_how_long_idle_takes_can_be_said(fleet: Running) -> None:
    """Forty days without a request are long for one team and nothing for another."""
    patient = as_json(fleet, "--idle-days", "50", "--no-hub")

    assert [one["endpoint"] for one in patient["findings"] if one["rule"] == "idle"] == ["asleep", "silent"]


@pytest.mark.parametrize("measure", ["current_replicas", "max_replica"])
def test_quota_is_counted_over_all_that_is_live(emulator: Running, measure: str) -> None:
    """Sleeping endpoints count and paused ones do not, nothing twice, and who breaks the limit is named.

    Which replicas the service counts is not known; both ways lead to the same end.
    """
    emulator.set(quota_measure=measure)
    for name, state in (("one", "running"), ("two", "scaledToZero"), ("out", "paused")):
        small = model(SMALL, VLLM)
        emulator.seed(name, state=state, compute=compute("nvidia-t4 x4", 0, 2), model=small, lastUsedAt=days_ago(0))
    emulator.set(quota={"nvidia-t4": 12})

    told = as_json(emulator, "--no-hub")

    (row,) = told["quota"]
    assert row["held"] == {"current_replicas": 8, "max_replica": 16}[measure]
    assert (row["at_minimum"], row["at_maximum"], row["maximum"]) == (8, 16, 12)
    assert (row["verdict"], row["first_over"]) == ("short_at_maximum", "two")
    assert rules(told, "two") == {"quota-maximum": "warning"}


def test_cost_by_one_tag_has_a_row_for_those_without(fleet: Running) -> None:
    """Whoever pays the bill wants to know whose it is, and whose nobody says."""
    rows = {one["tag"]: one for one in as_json(fleet, "--by-tag", "team", "--no-hub")["by_tag"]["rows"]}

    assert {tag: one["endpoints"] for tag, one in rows.items()} == {
        "team:chat": ["asleep"],
        "team:search": ["busy", "forgotten"],
        None: ["broken", "open-door", "paused", "silent", "stranger", "veteran", "young"],
    }
    assert (rows["team:search"]["monthly_floor"], rows["team:search"]["monthly_ceiling"]) == ("2190", "2555")
    assert rows[None]["unpriced"] == ["stranger"]


def test_cost_by_all_tags_leaves_out_our_own(emulator: Running) -> None:
    """Tags of ownership are nobody's budget."""
    emulator.seed("one", tags=["hfd-o-0123456789ab", "hfd-l-one", "prod", "team:a"], lastUsedAt=days_ago(0))

    rows = as_json(emulator, "--no-hub")["by_tag"]["rows"]

    assert [(row["tag"], row["endpoints"]) for row in rows] == [("prod", ["one"]), ("team:a", ["one"])]


def test_sixty_endpoints_come_over_all_pages(emulator: Running) -> None:
    """The service's pages have 20; one that nobody sees is one that nobody stops."""
    names = [f"e{number:02}" for number in range(60)]
    for name in names:
        emulator.seed(name, compute=compute("nvidia-t4 x1"), model=model(SMALL, VLLM), lastUsedAt=days_ago(1))

    told = as_json(emulator)

    assert [one["name"] for one in told["endpoints"]] == names
    assert told["totals"]["monthly_ceiling"] == str(60 * 365)
    asked = [one["path"] for one in emulator.requests() if one["path"].startswith("/api/models/")]
    assert len(asked) == 1, "one model is asked about once, however many serve it"


def test_an_endpoint_that_cannot_be_read_is_named(emulator: Running) -> None:
    """Not even its cost is known, so the sums say that it is missing."""
    emulator.seed("fine", lastUsedAt=days_ago(0))
    emulator.seed("odd")
    emulator.mutate("odd", model={"repository": None})

    told, ended = as_json(emulator, "--no-hub"), run_audit(emulator, "--no-hub")

    assert ([one["name"] for one in told["endpoints"]], told["unreadable"]) == (["fine"], ["odd"])
    assert rules(told, "odd") == {"unreadable": "warning"}
    assert "Unreadable, and not in the sums: odd." in ended.stdout
    assert re.search(r"1 endpoint +unknown +\$584\.00 \+ unknown\n", ended.stdout)


def test_an_empty_namespace_is_an_audit_too(emulator: Running) -> None:
    """With 0, since nothing is wrong."""
    ended = run_audit(emulator)

    assert (ended.returncode, ended.stdout) == (0, "acme has no endpoints.\n")


def test_exit_codes(emulator: Running) -> None:
    """2 for what cannot be meant, 3 without a token or with a wrong one, 9 when nobody answers."""
    nobody = run("audit", env=surroundings(HF_TOKEN="hf_x"))
    no_token = run("audit", "acme", env=surroundings(HFDEPLOY_API_URL=emulator.url))
    wrong = run("audit", "acme", env=talking_to(emulator) | {"HF_TOKEN": STRANGER})
    no_lock = run("audit", "acme", "--lock", "nowhere.json", env=talking_to(emulator))

    assert [one.returncode for one in (nobody, no_token, wrong, no_lock)] == [2, 3, 3, 2]
    assert {one.stdout for one in (nobody, no_token, wrong, no_lock)} == {""}


def test_the_page_shows_what_the_command_prints(emulator: Running) -> None:
    """After a change on purpose: `python tests/audited.py` prints the block anew."""
    text = (ROOT / "docs" / "audit.md").read_text("utf-8")

    assert dateless(text.partition("```console\n")[2].partition("```")[0]) == page(emulator)
