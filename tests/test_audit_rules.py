"""The rules in an audit: of a review, of its own and of a policy, and what it knows of memory to judge by."""

import json
from pathlib import Path
from typing import Any

from audited import COMMIT, NAMES, SMALL, VLLM, as_json, by_name, compute, days_ago, model, rules, run_audit
from command_line import ROOT, run, talking_to
from control_plane import Running

pytest_plugins = ["audited", "command_line"]


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
