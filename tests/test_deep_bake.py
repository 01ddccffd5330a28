"""Minutes of watching: what is asked now and then, what is counted, and when it ends."""

import json

import pytest
from deep_proof import OUT_OF_MEMORY, at_once, dig
from proof import ASLEEP, EMPTY, GOOD, tries, well
from speaker import http

from hfdeploy import errors
from hfdeploy.verdict import Reason, Verdict
from hfdeploy.verify import Depth

server = pytest.fixture(well)


def test_a_bake_asks_every_half_minute_and_counts_the_time_between_answers(server, clock) -> None:
    """Ten minutes are twenty prompts, and no time at all on a clock that is wound."""
    proof = dig(server, clock, Depth(bake=600))

    assert proof.passed
    assert proof.deep[0].judgement.sentence == "21 prompts were answered within 600 s"
    assert (tries(server), proof.deep[0].seconds) == (22, 600)


def test_an_engine_that_breaks_in_the_middle_of_a_bake_fails(server, clock) -> None:
    """Memory that leaks is not seen by a first answer."""
    server.on("/generate_stream", *[GOOD] * 6, OUT_OF_MEMORY)

    proof = dig(server, clock, Depth(bake=600))

    assert (proof.verdict, proof.reason) == (Verdict.FAILED, Reason.ERROR_EVENT)
    assert "verify.deep.bake failed: after 120 of 600 s: the engine reported an error" in proof.sentence


def test_an_outage_in_the_middle_of_a_bake_is_no_part_of_it(server, clock) -> None:
    """A network of ours that was away makes a bake longer, neither shorter nor red."""
    server.on("/generate_stream", *[GOOD] * 4, *[http(500)] * 3, GOOD)

    proof = dig(server, clock, Depth(bake=300))

    assert proof.passed
    assert proof.deep[0].seconds > 330


def test_an_engine_that_stops_answering_during_a_bake_has_died(server, clock) -> None:
    """Three tries and two more looks met a proxy without a replica."""
    server.on("/generate_stream", *[GOOD] * 3, ASLEEP)

    assert dig(server, clock, Depth(bake=300)).reason is Reason.DIED


def test_a_bake_ends_with_the_time_of_the_rollout(server, clock) -> None:
    """What was shown by then is said, and is not enough."""
    proof = dig(server, clock, Depth(bake=600), deadline=clock.now() + 100)

    assert (proof.verdict, proof.reason) == (Verdict.INCONCLUSIVE, Reason.OUT_OF_TIME)
    assert "90 of 600 s were shown when rollout.timeout was over; the last prompt was answered" in proof.sentence


def test_nothing_is_begun_after_the_time_of_the_rollout(server, clock) -> None:
    """And it is not said to have passed."""
    proof = dig(server, clock, Depth(concurrency=4), deadline=clock.now())

    assert (proof.reason, tries(server)) == (Reason.OUT_OF_TIME, 1)


def test_a_bake_ends_when_somebody_asks_to_stop(server, clock) -> None:
    """Nobody waits ten minutes for Ctrl-C."""
    with pytest.raises(errors.Cancelled):
        dig(server, clock, Depth(bake=600), stopped=lambda: tries(server) > 3)

    assert tries(server) < 6


def test_the_first_part_that_does_not_pass_ends_it(server, clock) -> None:
    """A broken engine is not baked for ten minutes."""
    at_once(server, 3, EMPTY)

    proof = dig(server, clock, Depth(concurrency=3, bake=600))

    assert [shown.name for shown in proof.deep] == ["concurrency"]
    assert proof.reason is Reason.EMPTY


def test_the_evidence_has_every_part_with_its_requests(server, clock) -> None:
    """What was measured under load, for whoever sizes the next one; the texts are many and alike."""
    proof = dig(server, clock, Depth(concurrency=3, bake=60))

    kept = json.loads(json.dumps(proof.as_dict()))
    assert kept["plain"]["verdict"] == "passed"
    assert [(part["name"], part["verdict"], len(part["requests"])) for part in kept["deep"]] == [
        ("concurrency", "passed", 3),
        ("bake", "passed", 5),
    ]
    assert {"status": 200, "tokens": 3, "finish_reason": "eos_token"}.items() <= kept["deep"][0]["requests"][0].items()
    assert "text" not in kept["deep"][0]["requests"][0]
