"""audit: everything live in a namespace under the rules of a review, by the real command against the emulator."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from audited import CANARY, COMMIT, VLLM, compute, dateless, days_ago, model, page, run_audit, seed_fleet
from command_line import ROOT, on_terminal, run, surroundings, talking_to
from control_plane import STRANGER, Running, running

pytest_plugins = ["command_line"]

SMALL = "HuggingFaceTB/SmolLM2-360M-Instruct"
NAMES = ["asleep", "broken", "busy", "forgotten", "open-door", "paused", "silent", "stranger", "veteran", "young"]


@pytest.fixture(scope="module")
def fleet() -> Iterator[Running]:
    """An emulator with ten endpoints, which no test here changes."""
    with running() as emulator:
        seed_fleet(emulator)
        yield emulator


@pytest.fixture(scope="module")
def told(fleet: Running) -> dict[str, Any]:
    """The audit of the fleet in JSON."""
    return as_json(fleet)


def as_json(emulator: Running, *arguments: str) -> dict[str, Any]:
    ended = run_audit(emulator, "--format", "json", *arguments)
    assert ended.returncode in {0, 5}, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def by_name(told: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: one for one in told["endpoints"]}


def rules(told: dict[str, Any], name: str) -> dict[str, str]:
    """Severity by rule of one endpoint's findings."""
    return {one["rule"]: one["severity"] for one in told["findings"] if one["endpoint"] == name}


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


def test_the_rules_of_a_review_speak_and_at_the_endpoint(told: dict[str, Any]) -> None:
    """One rule, one sentence, whether it is about a spec or about what runs."""
    assert rules(told, "busy") == {"always-on": "note"}
    assert rules(told, "open-door") == {"public-endpoint": "warning"}
    assert rules(told, "young") == {"unpinned-revision": "warning"}
    assert rules(told, "asleep") == {"engine-maintenance": "warning", "idle": "note", "oversized": "note"}
    assert rules(told, "forgotten") == {"idle": "warning", "oversized": "note", "always-on": "note"}
    assert rules(told, "broken").keys() == {"weights-exceed-memory", "engine-maintenance", "not-serving"}
    assert rules(told, "veteran").keys() == {"instance-deprecated", "security-retired", "unpinned-image"}
    assert rules(told, "paused") == {"oversized": "note"}
    assert {one["file"] for one in told["findings"]} <= {f"acme/{name}" for name in NAMES}


POLICY = """\
rules: { public-endpoint: error, oversized: off, always-on: note, engine-maintenance: off }
limits:
  required_tags: ["team:*"]
  registries: [docker.io/vllm]
  monthly_ceiling_usd: 7000
waivers:
  - { rule: idle, endpoint: "for*", until: 2999-12-31, reason: a demo on Monday, by: Jo }
  - { rule: idle, endpoint: silent, until: 2020-01-01, reason: long ago, by: Jo }
"""


def test_a_policy_has_the_last_word_over_what_runs(fleet: Running, tmp_path: Path) -> None:
    """Its weights, limits and exceptions hold for whatever is live, whoever made it, and its own rules too."""
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY)

    ended = run_audit(fleet, "--no-hub", "--policy", str(file), "--format", "json")

    told = json.loads(ended.stdout)
    assert ended.returncode == 5
    assert not [one for one in told["findings"] if one["rule"] in {"oversized", "engine-maintenance"}]
    assert rules(told, "open-door") == {"public-endpoint": "error", "policy-tags": "error"}
    assert rules(told, "forgotten") == {"idle": "note", "always-on": "note"}
    assert rules(told, "silent") == {"idle": "warning", "always-on": "note", "policy-tags": "error"}
    assert rules(told, "busy") == {"always-on": "note"}
    assert rules(told, "asleep") == {"idle": "note", "policy-registry": "error"}
    (allowed,) = [one for one in told["findings"] if (one["endpoint"], one["rule"]) == ("forgotten", "idle")]
    assert allowed["sentence"].endswith("Allowed until 2999-12-31 by Jo: a demo on Monday.")
    whole = {one["rule"]: one for one in told["findings"] if not one["endpoint"]}
    assert {name: (one["severity"], one["line"]) for name, one in whole.items()} == {
        "policy-monthly-ceiling": ("error", 5),
        "waiver-expired": ("warning", 8),
    }


def test_a_limit_of_all_together_counts_what_they_cost_as_they_are(emulator: Running, tmp_path: Path) -> None:
    """One that is paused costs nothing now."""
    emulator.seed("out", state="paused", compute=compute("nvidia-l4 x1", 1, 1), model=model(SMALL, VLLM))
    emulator.seed("up", compute=compute("nvidia-t4 x1", 1, 1), model=model(SMALL, VLLM), lastUsedAt=days_ago(0))
    (tmp_path / "enough.yaml").write_text("limits: { monthly_ceiling_usd: 365 }\n")
    (tmp_path / "short.yaml").write_text("limits: { monthly_ceiling_usd: 364 }\n")

    enough, short = (
        run_audit(emulator, "--no-hub", "--policy", str(tmp_path / f"{name}.yaml")) for name in ("enough", "short")
    )

    assert (enough.returncode, short.returncode) == (0, 5)
    assert (
        "With every replica up all endpoints together cost $365.00/month, and the policy allows $364.00" in short.stdout
    )


def test_a_wrong_policy_ends_an_audit_before_anybody_is_asked(emulator: Running, tmp_path: Path) -> None:
    """An audit under half a policy would be believed."""
    (tmp_path / "policy.yaml").write_text("rules: { idel: error }\n")

    wrong = run_audit(emulator, "--policy", str(tmp_path / "policy.yaml"))
    missing = run_audit(emulator, "--policy", str(tmp_path / "gone.yaml"))

    assert [(one.returncode, one.stdout) for one in (wrong, missing)] == [(2, ""), (2, "")]
    assert "is no rule; did you mean idle?" in wrong.stderr
    assert emulator.requests() == []


def test_what_is_too_large_is_told_with_what_holds_the_model_and_what_it_saves(told: dict[str, Any]) -> None:
    """By the memory that the headers on the Hub say, at the commit that is served."""
    (found,) = [one for one in told["findings"] if (one["endpoint"], one["rule"]) == ("forgotten", "oversized")]

    assert "nvidia-t4 x1 holds the model, too, at $0.50/h in place of $2.50/h" in found["sentence"]
    assert "$1,460.00/month less" in found["sentence"]
    assert by_name(told)["forgotten"]["fit"]["verdict"] == "fit"


def test_what_cannot_be_a_spec_is_there_with_its_cost_and_what_can_be_judged(told: dict[str, Any]) -> None:
    """An unknown engine, hidden parts, hardware of no catalogue: dropped in silence they would be the costly ones."""
    stranger, veteran = by_name(told)["stranger"], by_name(told)["veteran"]

    assert (stranger["engine"], stranger["instance"], stranger["cost"]["monthly_floor"]) == (
        "hfServe",
        "quantum-q9 x2",
        None,
    )
    assert stranger["fit"]["verdict"] == veteran["fit"]["verdict"] == "unknown"
    assert rules(told, "stranger") == {"instance-not-available": "warning", "not-judged": "note"}
    assert any("hfServe" in sentence for sentence in stranger["unjudged"])
    assert any("tags" in sentence for sentence in stranger["unjudged"])
    assert (veteran["security"], veteran["cost"]["monthly_ceiling"]) == ("protected", "3285")


@pytest.mark.parametrize("shape", ["text", "json", "markdown", "sarif", "junit", "github", "csv", "html"])
def test_in_every_form_each_endpoint_is_there_and_no_value_of_its_secrets(
    fleet: Running, tmp_path: Path, shape: str
) -> None:
    """An audit is mailed around: the values of secrets, variables and arguments are in none of its forms."""
    file = tmp_path / "audit"
    ended = run_audit(fleet, "--format", shape, "--output", str(file))

    text = file.read_text()
    assert "forgotten" in text
    assert ended.stdout == ""
    for value in (CANARY, "quiet-words", "--api-key"):
        assert value not in text + ended.stderr


def test_an_error_about_something_that_runs_is_a_warning(emulator: Running) -> None:
    """It disproves the estimate that calls it impossible; only what does not run ends an audit with 5."""
    large = model("tiiuae/falcon-40b-instruct", VLLM)
    emulator.seed(
        "runs", compute=compute("nvidia-t4 x1", 1, 1), model=large, lastUsedAt=days_ago(0), tags=["always-on"]
    )

    ended = run_audit(emulator, "--format", "json")

    (found,) = json.loads(ended.stdout)["findings"]
    assert (ended.returncode, found["rule"], found["severity"]) == (0, "weights-exceed-memory", "warning")
    assert "It runs all the same" in found["sentence"]


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


def test_markdown_has_the_tables_and_the_findings(fleet: Running) -> None:
    """For an issue or a wiki."""
    said = run_audit(fleet, "--format", "markdown", "--by-tag", "team").stdout

    assert f"| `forgotten` | running | `{SMALL}` | `nvidia-a100 x1`, aws us-east-1 | 1 | fit | private |" in said
    assert "| aws nvidia-t4 | 4 | 5 | 64 | ok |" in said
    assert "| no team tag | 7 |" in said
    assert "- ⚠️ `open-door` `security` open-door is public: " in said


def test_a_narrow_terminal_shows_everything(emulator: Running) -> None:
    """Row by row where the table is too wide."""
    emulator.seed("one", compute=compute("nvidia-t4 x1", 1, 1), model=model(SMALL, VLLM), lastUsedAt=days_ago(0))

    said = on_terminal("audit", "acme", "--no-hub", columns=60, env=talking_to(emulator) | {"NO_COLOR": "1"})

    lines = [line for line in said.replace("\r", "\n").splitlines() if "\x1b" not in line]
    assert max(map(len, lines)) <= 60
    assert "$365.00" in said


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


def test_without_the_hub_memory_is_unknown_and_the_rest_is_judged(emulator: Running) -> None:
    """An audit must not wait for something that it can do without."""
    emulator.seed("one", type="public", model=model(SMALL, VLLM), lastUsedAt=days_ago(0))

    ended = run("audit", "acme", "--format", "json", env=talking_to(emulator, HF_ENDPOINT="http://127.0.0.1:9"))

    told = json.loads(ended.stdout)
    assert (ended.returncode, told["endpoints"][0]["fit"]["verdict"]) == (0, "unknown")
    assert "public-endpoint" in rules(told, "one")


def test_a_lock_file_is_taken_at_its_own_commit_only(emulator: Running, tmp_path) -> None:
    """What another commit weighs says nothing of the one that is served."""
    lock = json.loads((ROOT / "specs" / "hfdeploy.lock.json").read_text())
    locked = lock["models"][SMALL]
    for name, commit in (("same", COMMIT), ("other", "2" * 40)):
        emulator.seed(name, model=model(SMALL, VLLM, revision=commit), lastUsedAt=days_ago(0))
    file = tmp_path / "lock.json"
    file.write_text(json.dumps({"version": 1, "models": {SMALL: {**locked, "commit": COMMIT}}}))

    told = by_name(as_json(emulator, "--no-hub", "--lock", str(file)))

    assert {name: one["fit"]["verdict"] for name, one in told.items()} == {"same": "fit", "other": "unknown"}


def test_a_gguf_file_in_the_lock_file_says_nothing_of_the_repository_s_other_weights(
    emulator: Running, tmp_path: Path
) -> None:
    """Both may be at one commit: the Hub is asked about the weights that the engine loads."""
    locked = json.loads((ROOT / "specs" / "hfdeploy.lock.json").read_text())["models"][SMALL]
    emulator.seed("one", model=model(SMALL, VLLM, revision=COMMIT), lastUsedAt=days_ago(0))
    file = tmp_path / "lock.json"
    one_file = {f"{SMALL}@{COMMIT}#small-q4.gguf": {**locked, "commit": COMMIT}}
    file.write_text(json.dumps({"version": 1, "models": one_file}))

    told = by_name(as_json(emulator, "--lock", str(file)))

    assert told["one"]["fit"]["verdict"] == "fit"
    assert [one for one in emulator.requests() if one["path"].startswith(f"/api/models/{SMALL}")]


def test_the_page_shows_what_the_command_prints(emulator: Running) -> None:
    """After a change on purpose: `python tests/audited.py` prints the block anew."""
    text = (ROOT / "docs" / "audit.md").read_text("utf-8")

    assert dateless(text.partition("```console\n")[2].partition("```")[0]) == page(emulator)
