"""Five answers, findings, tables and requests of one review: no form of it says what another denies."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from command_line import SPEC, run
from hypothesis import given
from hypothesis import strategies as st
from rulings import SNAPSHOT, TODAY, loaded

from hfdeploy import render
from hfdeploy.catalog import Catalog, Quota
from hfdeploy.lock import FILE, Lock, Locked, pinned, write_lock
from hfdeploy.plan import make_plan
from hfdeploy.policy import parse_policy
from hfdeploy.render.answers import Answer, Level, answers
from hfdeploy.review import Change, Difference, Review, review_specs, ruled, with_change
from hfdeploy.spec import LoadedSpec

pytest_plugins = ["command_line"]

QUOTA, EXPOSURE = "Is there quota?", "Who can reach it?"
CPU = {"instance": "intel-spr x2", "engine": {"type": "tei"}, "repository": "acme/find"}
PUBLIC = {"security": "public", "acknowledge_public": "chat"}


def reviewed(*specs: LoadedSpec, quota: int = 100, policy: str = "") -> Review:
    """New endpoints under a quota that is the same for every type, as `plan --against live` has them."""
    limit = Quota(maxAccelerators=quota, usedAccelerators=0)
    rows = tuple(row.model_copy(update={"quota": limit}) for row in SNAPSHOT.rows)
    change = Change("live", {}, {one.spec.name: Difference() for one in specs}, counts_use=True)
    today, lock = Catalog(rows=rows, source="live"), Lock()
    review = with_change(review_specs(specs, SNAPSHOT, lock), specs, change, catalog=today, lock=lock, namespace="acme")
    judged = parse_policy(policy.encode(), "policy.yaml") if policy else None
    return ruled(review, specs, lock=lock, today=TODAY, policy=judged)


def answered(review: Review) -> dict[str, Answer]:
    return {one.question: one for one in answers(review)}


class TestInTheWay:
    def test_cpus_that_are_short_by_a_count_that_nobody_knows_are_not(self) -> None:
        """The finding is a warning for that, and the page says that nothing is in the way."""
        review = reviewed(loaded(**CPU, autoscaling={"min": 2, "max": 2}), quota=1)

        told = answered(review)[QUOTA]
        assert (told.level, "intel-spr short by" in told.text) == (Level.CAUTION, True)
        page = render.page(review)
        assert "Nothing is in the way" in page
        assert "</span> in the way</p>" not in page

    def test_gpus_that_are_short_are(self) -> None:
        """The service refuses the request."""
        assert answered(reviewed(loaded(), quota=0))[QUOTA].level is Level.BAD

    def test_a_new_public_endpoint_that_its_author_acknowledged_is_not(self) -> None:
        """It is kept in sight."""
        told = answered(reviewed(loaded(**PUBLIC)))[EXPOSURE]

        assert (told.level, told.text) == (Level.CAUTION, "Anyone, without a token: chat; wider than before: 1 of 1.")

    @pytest.mark.parametrize("policy", ["limits: { security: [private] }", "rules: { public-endpoint: error }"])
    def test_one_that_a_policy_forbids_is(self, policy: str) -> None:
        """Whichever rule says so."""
        assert answered(reviewed(loaded(**PUBLIC), policy=policy))[EXPOSURE].level is Level.BAD


@given(
    st.lists(
        st.tuples(
            st.sampled_from([{}, CPU, {"instance": "nvidia-t4 x4"}]),
            st.sampled_from(["private", "authenticated", "public"]),
            st.integers(0, 2),
            st.integers(1, 3),
        ),
        min_size=1,
        max_size=4,
    ),
    st.integers(0, 12),
    st.sampled_from(
        [
            "",
            "rules: { quota-minimum: warning }",
            "rules: { quota-maximum: error, public-endpoint: error }",
            "limits: { security: [private] }",
            "limits: { security: [authenticated] }",
            "rules: { exposure-widened: 'off', quota-minimum: 'off' }",
        ]
    ),
)
def test_an_answer_is_in_the_way_where_a_finding_of_its_own_is(
    wanted: list[tuple[dict[str, Any], str, int, int]], quota: int, policy: str
) -> None:
    """Else a page says `in the way` below `Nothing is in the way`, and a run that stops has five answers without it."""
    specs = []
    for number, (changes, security, least, more) in enumerate(wanted):
        name = f"e{number}"
        acknowledged = {"acknowledge_public": name} if security == "public" else {}
        scaling = {"min": least, "max": least + more}
        specs.append(loaded(**changes, **acknowledged, name=name, security=security, autoscaling=scaling))

    review = reviewed(*specs, quota=quota, policy=policy)

    told, stopping = answered(review), {one.rule for one in review.blocking}
    assert (told[QUOTA].level is Level.BAD) == bool(stopping & {"quota-minimum", "quota-maximum"})
    assert (told[EXPOSURE].level is Level.BAD) == bool(stopping & {"public-endpoint", "policy-security"})
    assert review.blocking or Level.BAD not in {one.level for one in told.values()}


class TestRequests:
    @given(st.text("0123456789abcdef", min_size=40, max_size=40), st.sampled_from([None, "main"]))
    def test_what_is_shown_is_what_up_sends(self, commit: str, revision: str | None) -> None:
        """At the commit that is locked, also where the spec names none or a branch."""
        one = loaded(revision=revision)
        key = "acme/chat" if revision is None else f"acme/chat@{revision}"
        lock = Lock({key: Locked(commit, None, "Nobody looked.")})

        review = review_specs([one], SNAPSHOT, lock)

        [shown] = render.plan_json(review, namespace="acme", catalog=SNAPSHOT)["endpoints"]
        sent = make_plan(pinned(one.spec, lock), SNAPSHOT).body
        assert shown["request"] == sent
        assert sent["model"]["revision"] == commit
        text = json.dumps([sent], sort_keys=True, ensure_ascii=False)
        digest = hashlib.sha256(text.encode()).hexdigest()
        assert digest in render.comment(review)
        assert digest in render.page(review)

    def test_another_lock_file_is_another_request(self, tmp_path: Path) -> None:
        """Two models under one digest would be approved as one."""
        (tmp_path / "demo.yaml").write_text(SPEC)
        told = {}
        for commit in ("1" * 40, "2" * 40):
            lock = Lock({"HuggingFaceTB/SmolLM2-360M-Instruct": Locked(commit, None, "Nobody looked.")})
            (tmp_path / FILE).write_text(write_lock(lock))
            told[commit] = run("plan", tmp_path, "--body").stdout

        for commit, said in told.items():
            assert f'"revision": "{commit}"' in said
