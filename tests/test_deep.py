"""Deeper proof: a long prompt, many requests at once, minutes of watching; and what each of them proves."""

import json
import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proof import ASLEEP, EMPTY, GOOD, LONG, check_of, tries
from speaker import Line, Speaker, http, stream, tgi, tgi_end, tgi_token

from hfdeploy import errors
from hfdeploy.spec import EndpointSpec, parse_spec
from hfdeploy.stream import Deadlines
from hfdeploy.verdict import (
    Judgement,
    Look,
    Reason,
    Round,
    Verdict,
    Wanted,
    conclude_looks,
    conclude_rounds,
    failed,
    inconclusive,
    together,
)
from hfdeploy.verify import Depth, Verification, prove

CUT = stream(tgi_token("The"))
OUT_OF_MEMORY = stream(tgi_token("The"), b'data: {"error": "CUDA out of memory", "error_type": "generation"}\n\n')
PASSED = Judgement(Verdict.PASSED, Reason.PASSED, "fine")
BAD = failed(Reason.ERROR_EVENT, "it broke")
BUSY = inconclusive(Reason.OVERLOADED, "too much to do")
HUNG = inconclusive(Reason.STALL, "it stalled")
LOST = inconclusive(Reason.TRUNCATED, "cut off")
UNREACHED = inconclusive(Reason.TRANSPORT, "no connection")
GONE = failed(Reason.DIED, "the engine died")


class Counting:
    """TGI with room for `longest` tokens of prompt, a token for each word; longer ones are what `beyond` does."""

    def __init__(self, server: Speaker, longest: int, beyond=OUT_OF_MEMORY) -> None:
        self.server, self.longest, self.beyond = server, longest, beyond
        self.seen: list[int] = []
        server.on("/generate_stream", self)

    def __call__(self, line: Line) -> None:
        words = len(self.server.heard[-1].json["inputs"].split()) + 1
        self.seen.append(words)
        if words > self.longest:
            self.beyond(line)
        else:
            details = {"finish_reason": "length", "generated_tokens": 2, "input_length": words}
            stream(tgi_token("The"), tgi_token(" cat", generated_text="The cat", details=details))(line)


def at_once(server: Speaker, many: int, beyond, *, below=GOOD) -> None:
    """An engine that does `beyond` to everybody as soon as so many requests are under way."""
    lock, waiting, fallen = threading.Lock(), [0], threading.Event()

    def answer(line: Line) -> None:
        with lock:
            waiting[0] += 1
            if waiting[0] >= many:
                fallen.set()
        is_crowd = fallen.wait(0.5)
        (beyond if is_crowd else below)(line)
        with lock:
            waiting[0] -= 1
            if not waiting[0]:
                fallen.clear()

    server.on("/generate_stream", answer)


@pytest.fixture
def server():
    """An endpoint of TGI that does everything right, until a test says otherwise."""
    with Speaker() as speaker:
        speaker.on("/health", http(200))
        speaker.on("/info", http(200, {"model_id": "/repository", "max_total_tokens": 4096}))
        speaker.on("/generate_stream", GOOD)
        yield speaker


def dig(server: Speaker, clock, depth: Depth, **options) -> Verification:
    check = replace(check_of(server), depth=depth, **options.pop("check", {}))
    return prove(check, clock=clock, **{"deadlines": LONG} | options)


# What a spec asks for


def spec_of(**fields) -> EndpointSpec:
    given = {
        "name": "tiny",
        "repository": "acme/tiny",
        "cloud": "aws",
        "region": "us-east-1",
        "instance": "nvidia-t4 x1",
    }
    return parse_spec(given | fields)


@pytest.mark.parametrize(
    ("fields", "longest"),
    [
        ({"engine": {"type": "vllm"}, "max_model_len": 4096}, 4032),
        ({"engine": {"type": "vllm"}, "args": ["--max-model-len", "2048"]}, 1984),
        ({"engine": {"type": "tgi", "max_input_length": 1024}, "max_model_len": 4096}, 1024),
        ({"engine": {"type": "tgi", "max_input_length": 4090}, "max_model_len": 4096}, 4032),
        ({"engine": {"type": "tgi", "max_total_tokens": 2048}}, 1984),
        ({"engine": {"type": "tgi", "max_input_length": 1024}}, 960),
        ({"engine": {"type": "tgi"}, "env": {"MAX_TOTAL_TOKENS": "1000", "MAX_INPUT_TOKENS": "500"}}, 500),
        (
            {
                "engine": {
                    "type": "llamacpp",
                    "model_path": "a.gguf",
                    "ctx_size": 8192,
                    "n_parallel": 4,
                    "threads_http": 4,
                }
            },
            1984,
        ),
        ({"engine": {"type": "custom", "image": "acme/x:1"}, "max_model_len": 1000}, 936),
        ({"engine": {"type": "vllm"}}, None),
        ({"engine": {"type": "vllm"}, "args": ["--max-model-len", "auto"]}, None),
    ],
)
def test_the_longest_prompt_leaves_room_for_the_answer(fields, longest) -> None:
    """A prompt that the engine refuses for its length would fail a rollout for nothing."""
    assert spec_of(**fields).longest_prompt == longest


# A long prompt


def test_a_long_prompt_is_as_long_as_the_engine_counts(server, clock) -> None:
    """No tokeniser is needed: two short prompts tell what a repetition costs."""
    engine = Counting(server, longest=2000)

    proof = dig(server, clock, Depth(long_prompt=2000))

    assert proof.passed
    (shown,) = proof.deep
    assert (shown.name, shown.judgement.verdict) == ("long_prompt", Verdict.PASSED)
    assert 0.95 * 2000 < max(engine.seen) <= 2000
    assert f"a prompt of {max(engine.seen)} tokens was answered" in shown.judgement.sentence
    longest = max(server.asked("/generate_stream"), key=lambda heard: len(heard.body)).json
    assert longest["inputs"].endswith("\n\nSay something.")
    assert longest["parameters"]["max_new_tokens"] == 8


def test_an_engine_that_dies_of_a_long_prompt_fails_although_the_plain_one_passed(server, clock) -> None:
    """Both verdicts are in the sentence, since one alone would send people the wrong way."""
    Counting(server, longest=1600)

    plain = dig(server, clock, Depth())
    proof = dig(server, clock, Depth(long_prompt=2000))

    assert plain.passed
    assert (proof.verdict, proof.reason) == (Verdict.FAILED, Reason.ERROR_EVENT)
    assert proof.plain is not None
    assert proof.plain.passed
    assert proof.sentence.startswith("the plain prompt passed, verify.deep.long_prompt failed: a prompt of about 1980 ")
    assert "CUDA out of memory" in proof.sentence
    assert proof.tokens == 2


def test_the_spec_s_pattern_is_not_looked_for_in_the_answer_to_a_long_prompt(server, clock) -> None:
    """It was written for another prompt."""
    Counting(server, longest=2000)

    assert dig(server, clock, Depth(long_prompt=2000), check={"wanted": Wanted(expect="cat$")}).passed


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (GOOD, "the engine counts 4 tokens for a short prompt and 4 for a longer one"),
        (stream(tgi_token("The"), *tgi_end(["The"], with_details=False)), "does not say how many tokens a prompt has"),
    ],
)
def test_what_cannot_be_shown_is_neither_passed_nor_tried_again(server, clock, answer, sentence) -> None:
    """A check that could not be made is never a pass, and never a reason to undo anything."""
    server.on("/generate_stream", answer)

    proof = dig(server, clock, Depth(long_prompt=2000))

    assert (proof.verdict, proof.reason) == (Verdict.INCONCLUSIVE, Reason.NOT_SHOWN)
    assert proof.is_final
    assert sentence in proof.sentence


def test_a_long_prompt_is_not_for_vectors(server, clock) -> None:
    """A spec that leaves the task to the repository cannot be refused earlier."""
    server.on("/info", http(200, {"model_type": {"embedding": {}}}))
    server.on("/embed", http(200, [[0.1, 0.2], [0.3, 0.4]]))

    check = replace(check_of(server, engine="tei"), depth=Depth(long_prompt=2000))
    proof = prove(check, clock=clock, deadlines=LONG)

    assert (proof.verdict, proof.reason) == (Verdict.INCONCLUSIVE, Reason.NOT_SHOWN)
    assert "take long_prompt out of the spec" in proof.sentence


# Many at once


def test_many_requests_at_once_pass_when_each_of_them_does(server, clock) -> None:
    """They are really under way together: none is answered before the last has come."""
    together_now = threading.Barrier(6)

    def answer(line: Line) -> None:
        together_now.wait(timeout=20)
        GOOD(line)

    server.on("/generate_stream", GOOD, answer)

    proof = dig(server, clock, Depth(concurrency=6))

    assert proof.passed
    assert [str(shown) for shown in proof.deep] == [
        "verify.deep.concurrency passed: 6 requests at once were all answered"
    ]
    assert tries(server) == 7


def test_the_spec_s_demands_hold_for_each_of_many(server, clock) -> None:
    """`min_tokens_per_second` and `expect` say what a caller must get, however many there are."""
    at_once(server, 4, stream(*tgi("Some", " dog")))

    proof = dig(server, clock, Depth(concurrency=4), check={"wanted": Wanted(expect="cat")})

    assert (proof.verdict, proof.reason) == (Verdict.FAILED, Reason.UNEXPECTED_TEXT)


def test_an_engine_that_reports_an_error_to_each_of_four_fails(server, clock) -> None:
    """Three times, so that it is no flake; the plain prompt is answered in between."""
    at_once(server, 4, OUT_OF_MEMORY)

    proof = dig(server, clock, Depth(concurrency=4))

    assert (proof.verdict, proof.reason) == (Verdict.FAILED, Reason.ERROR_EVENT)
    assert "the plain prompt passed, verify.deep.concurrency failed: 4 of 4 requests at once failed" in proof.sentence
    assert "(3 shots: error_event, error_event, error_event)" in proof.sentence
    assert tries(server) == 1 + 3 * 5


def test_a_flake_under_load_is_a_flake(server, clock) -> None:
    """One bad answer among many, and none the second time."""
    server.on("/generate_stream", GOOD, OUT_OF_MEMORY, GOOD)

    assert dig(server, clock, Depth(concurrency=4)).passed


def test_an_engine_whose_replica_is_gone_after_the_load_has_died(server, clock) -> None:
    """Fault 24: the requests themselves met resets and 503, which alone would prove nothing."""
    server.on("/generate_stream", GOOD, CUT, CUT, CUT, CUT, ASLEEP)

    proof = dig(server, clock, Depth(concurrency=4))

    assert (proof.verdict, proof.reason) == (Verdict.FAILED, Reason.DIED)
    assert "4 of 4 requests at once proved nothing" in proof.sentence
    assert "the engine died: with the load gone, no replica answers yet" in proof.sentence
    assert tries(server) == 1 + 4 + 2, "one death is enough"


def test_an_engine_that_came_back_within_seconds_has_died_all_the_same(server, clock) -> None:
    """A small model restarts quickly; its callers were cut off."""
    server.on("/generate_stream", GOOD, CUT, CUT, ASLEEP, ASLEEP, GOOD)

    assert dig(server, clock, Depth(concurrency=2)).reason is Reason.DIED


def test_the_service_s_word_about_a_stopped_replica_is_evidence(server, clock) -> None:
    """With two replicas the other one answers, and only the service knows."""
    server.on("/generate_stream", GOOD, CUT, CUT, GOOD)
    words = iter(["", "is initializing, with 1 of 2 replicas ready"])

    proof = dig(server, clock, Depth(concurrency=2), fallen=lambda: next(words))

    assert (proof.verdict, proof.reason) == (Verdict.FAILED, Reason.DIED)
    assert "the endpoint is initializing, with 1 of 2 replicas ready" in proof.sentence


def test_what_the_service_said_before_the_load_says_nothing_about_it(server, clock) -> None:
    """A status that lags behind must not fail a rollout."""
    server.on("/generate_stream", GOOD, CUT, CUT, GOOD)

    assert dig(server, clock, Depth(concurrency=2), fallen=lambda: "is initializing").passed


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (http(429, {"error": "Model is overloaded", "error_type": "overloaded"}), Reason.OVERLOADED),
        (http(500), Reason.SERVER_ERROR),
        (lambda _line: None, Reason.TRANSPORT),
    ],
)
def test_an_endpoint_that_is_busy_and_goes_on_answering_proves_nothing(server, clock, answer, reason) -> None:
    """Too much to do is not broken: not green, and nothing is undone."""
    at_once(server, 4, answer)

    proof = dig(server, clock, Depth(concurrency=4))

    assert (proof.verdict, proof.reason) == (Verdict.INCONCLUSIVE, reason), proof.sentence
    assert not proof.is_final


def test_an_engine_that_cuts_everybody_off_each_time_fails(server, clock) -> None:
    """Three crowds cut off and three single callers served: it is the crowd."""
    at_once(server, 4, CUT)

    proof = dig(server, clock, Depth(concurrency=4))

    assert (proof.verdict, proof.reason) == (Verdict.FAILED, Reason.TRUNCATED)
    assert "and the plain prompt was answered after each of them" in proof.sentence


def test_an_engine_that_answers_nobody_after_the_load_fails(server, clock) -> None:
    """It hangs although the load is gone, and had its time to settle."""
    server.on("/generate_stream", GOOD, lambda line: line.wait(5))

    proof = dig(server, clock, Depth(concurrency=2), deadlines=Deadlines(first_token=0.3, stall=30, total=40))

    assert (proof.verdict, proof.reason) == (Verdict.FAILED, Reason.DIED)
    assert "the engine died: it had its time to settle, and no token came" in proof.sentence


def test_a_token_refused_meanwhile_ends_it_without_evidence(server, clock) -> None:
    """Nothing is learnt by asking again."""
    server.on("/generate_stream", GOOD, http(401))

    proof = dig(server, clock, Depth(concurrency=3))

    assert (proof.verdict, proof.reason, tries(server)) == (Verdict.INCONCLUSIVE, Reason.AUTH, 4)


# Now and then


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


# The rules, without a server


@pytest.mark.parametrize(
    ("parts", "verdict", "reason"),
    [
        ([PASSED] * 4, Verdict.PASSED, Reason.PASSED),
        ([PASSED, PASSED, PASSED, BAD], Verdict.FAILED, Reason.ERROR_EVENT),
        ([HUNG, HUNG, HUNG, PASSED], Verdict.INCONCLUSIVE, Reason.STALL),
        ([LOST, PASSED, PASSED, PASSED], Verdict.INCONCLUSIVE, Reason.TRANSPORT),
        ([LOST, BUSY, PASSED, PASSED], Verdict.INCONCLUSIVE, Reason.OVERLOADED),
        ([BUSY, BUSY, BUSY, LOST], Verdict.INCONCLUSIVE, Reason.OVERLOADED),
    ],
)
def test_what_requests_at_once_prove_together(parts, verdict, reason) -> None:
    """One cut stream in a hundred is the network's; most of them are the engine's."""
    judgement = together(parts)

    assert (judgement.verdict, judgement.reason) == (verdict, reason)


@pytest.mark.parametrize(
    ("rounds", "verdict", "reason"),
    [
        ([Round(PASSED)], Verdict.PASSED, Reason.PASSED),
        ([Round(BAD, PASSED), Round(BUSY, PASSED), Round(PASSED)], Verdict.PASSED, Reason.PASSED),
        ([Round(BUSY, GONE)], Verdict.FAILED, Reason.DIED),
        ([Round(BUSY, PASSED), Round(BAD, PASSED), Round(BUSY, PASSED)], Verdict.FAILED, Reason.ERROR_EVENT),
        ([Round(HUNG, PASSED)] * 3, Verdict.FAILED, Reason.STALL),
        ([Round(LOST, PASSED)] * 3, Verdict.FAILED, Reason.TRUNCATED),
        ([Round(LOST, PASSED)] * 2, Verdict.INCONCLUSIVE, Reason.TRUNCATED),
        ([Round(LOST, PASSED), Round(LOST, UNREACHED), Round(LOST, PASSED)], Verdict.INCONCLUSIVE, Reason.TRUNCATED),
        ([Round(BUSY, PASSED)] * 3, Verdict.INCONCLUSIVE, Reason.OVERLOADED),
        ([Round(UNREACHED, PASSED)] * 3, Verdict.INCONCLUSIVE, Reason.TRANSPORT),
    ],
)
def test_what_shots_prove_together(rounds, verdict, reason) -> None:
    """Evidence undoes something, so only what cannot be the network or a queue is evidence."""
    judgement = conclude_rounds(rounds)

    assert (judgement.verdict, judgement.reason) == (verdict, reason)


@pytest.mark.parametrize(
    ("looks", "is_last", "verdict"),
    [
        ([Look(PASSED, 200)], False, Verdict.PASSED),
        ([Look(UNREACHED)], False, None),
        ([Look(UNREACHED), Look(UNREACHED)], True, Verdict.INCONCLUSIVE),
        ([Look(inconclusive(Reason.SERVER_ERROR, "503"), 503)] * 2, False, Verdict.FAILED),
        ([Look(inconclusive(Reason.SERVER_ERROR, "503"), 503), Look(PASSED, 200)], False, Verdict.PASSED),
        ([Look(BUSY, 429)] * 2, True, Verdict.INCONCLUSIVE),
        ([Look(BAD, 200)] * 2, True, Verdict.FAILED),
        ([Look(BAD, 200)], False, None),
    ],
)
def test_when_an_engine_counts_as_dead(looks, is_last, verdict) -> None:
    """One 503 is a queue that drains; a network of ours that is away says nothing."""
    concluded = conclude_looks(looks, is_last=is_last)

    assert (concluded.verdict if concluded else None) == verdict


open_judgements = st.sampled_from([BUSY, HUNG, LOST, UNREACHED, inconclusive(Reason.SERVER_ERROR, "500")])


@given(st.lists(st.builds(Round, open_judgements, st.sampled_from([PASSED, UNREACHED, BUSY])), min_size=1, max_size=3))
def test_without_evidence_only_three_crowds_that_hung_or_were_cut_off_fail(rounds) -> None:
    """The law of every verdict here: no evidence, no failure; and what did not pass never passes."""
    judgement = conclude_rounds(rounds)

    is_load = len(rounds) == 3 and all(one.judgement in (HUNG, LOST) and one.aftermath is PASSED for one in rounds)
    assert judgement.verdict is (Verdict.FAILED if is_load else Verdict.INCONCLUSIVE)
