"""Verification against the emulator: every engine, asleep, paused, and each way a stream can be wrong."""

import threading

import pytest
from data_plane import REVISION, until

from hfdeploy.redact import Secret
from hfdeploy.stream import Deadlines, Prompt, Target
from hfdeploy.verdict import Reason, Verdict
from hfdeploy.verify import Check, Depth, Patience, Verification, prove
from hfdeploy.wait import SystemClock

pytest_plugins = ["data_plane"]

LONG = Deadlines(first_token=30, stall=30, total=40, after_end=10)
SHORT = {
    Reason.FIRST_TOKEN_TIMEOUT: Deadlines(first_token=0.4, stall=30, total=40),
    Reason.STALL: Deadlines(first_token=30, stall=0.4, total=40),
    Reason.TOTAL_TIMEOUT: Deadlines(first_token=30, stall=30, total=1.0),
}


def proof_of(plane, url, clock, deadlines=LONG, patience=Patience(), depth=Depth(), **target) -> Verification:  # noqa: B008 - frozen
    """What verification says of an endpoint of the data plane."""
    serving = plane.serving(*url.split("/")[-2:])
    given = {"engine": serving.engine, "task": serving.task, "repository": serving.repository, "revision": REVISION}
    given |= {"health_route": "/health", "token": Secret("hf_member")} | target
    check = Check(Target(url=url, api_url=plane.base, **given), Prompt("Tell me about cats.", 12), depth=depth)
    return prove(check, clock=clock, deadlines=deadlines, patience=patience)


@pytest.mark.parametrize(
    ("engine", "task", "counted_by"),
    [
        ("tgi", "text-generation", "details"),
        ("vLLM", "text-generation", "usage"),
        ("sGLang", "text-generation", "usage"),
        ("llamacpp", "text-generation", "usage"),
        ("tei", "feature-extraction", ""),
        ("huggingface", "text-classification", ""),
    ],
)
def test_every_engine_that_is_well_passes(plane, clock, engine, task, counted_by) -> None:
    """A false failure would undo a working deployment."""
    url = plane.add(engine, task=task, access="private")

    proof = proof_of(plane, url, clock)

    assert (proof.verdict, proof.counted_by) == (Verdict.PASSED, counted_by), proof.sentence
    assert (proof.tokens > 0) is bool(counted_by)


@pytest.mark.parametrize(
    ("script", "verdict", "reason"),
    [
        ("error_event", Verdict.FAILED, Reason.ERROR_EVENT),
        ("empty", Verdict.FAILED, Reason.EMPTY),
        ("html", Verdict.FAILED, Reason.WRONG_CONTENT_TYPE),
        ("json_error_200", Verdict.FAILED, Reason.ERROR_EVENT),
        ("wrong_content_type", Verdict.FAILED, Reason.WRONG_CONTENT_TYPE),
        ("cut", Verdict.INCONCLUSIVE, Reason.TRUNCATED),
        ("reset", Verdict.INCONCLUSIVE, Reason.TRUNCATED),
        ("drip", Verdict.INCONCLUSIVE, Reason.TOTAL_TIMEOUT),
        ("garbage_utf8", Verdict.PASSED, Reason.PASSED),
    ],
)
@pytest.mark.parametrize("engine", ["tgi", "vLLM"])
def test_each_wrong_stream_gets_its_verdict(plane, clock, engine, script, verdict, reason) -> None:
    """Fault 25, by a server that we did not write for this."""
    url = plane.add(engine, behaviour={"stream": script})

    proof = proof_of(plane, url, clock, SHORT.get(reason, LONG))

    assert (proof.verdict, proof.reason) == (verdict, reason), proof.sentence


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("stall_before_first", Reason.FIRST_TOKEN_TIMEOUT),
        ("keepalive_forever", Reason.FIRST_TOKEN_TIMEOUT),
        ("stall_after_first", Reason.STALL),
    ],
)
def test_an_engine_that_started_well_and_hangs_fails(plane, clock, script, reason) -> None:
    """Fault 26: pings prove nothing."""
    url = plane.add("tgi", behaviour={"stream": script})

    proof = proof_of(plane, url, clock, SHORT[reason])

    assert (proof.verdict, proof.reason) == (Verdict.FAILED, reason), proof.sentence


@pytest.mark.parametrize("dress", [{"split": True}, {"crlf": True}, {"split": True, "crlf": True}])
def test_pieces_and_line_ends_make_no_difference(plane, clock, dress) -> None:
    """Proxies cut where they like."""
    url = plane.add("tgi", behaviour=dress | {"text": "Grüße aus 東京 🐈"})

    assert proof_of(plane, url, clock).passed


@pytest.mark.parametrize("script", ["nan_vectors", "zero_vectors", "wrong_dimensions"])
def test_wrong_vectors_fail(plane, clock, script) -> None:
    """They would fill an index with nonsense."""
    url = plane.add("tei", task="feature-extraction", behaviour={script: True})

    assert proof_of(plane, url, clock).reason is Reason.BAD_VECTORS


def test_a_sleeping_endpoint_is_woken_through_the_proxy(plane) -> None:
    """The proxy holds the second request until a replica is there."""
    url = plane.add("tgi", access="private", state="scaledToZero", is_ready=False)

    def start() -> None:
        until(lambda: plane.woken)
        plane.change(url, state="running", is_ready=True)

    starter = threading.Thread(target=start)
    starter.start()
    proof = proof_of(plane, url, SystemClock(), patience=Patience(every=0.05, wake=30))
    starter.join()

    assert (proof.verdict, proof.woke) == (Verdict.PASSED, True), proof.sentence
    assert proof.wake_seconds >= 0


def test_an_endpoint_of_somebody_else_is_neither_woken_nor_judged(plane, clock) -> None:
    """401 comes before sleep."""
    url = plane.add("tgi", access="private", state="scaledToZero", is_ready=False)

    proof = proof_of(plane, url, clock, token=Secret("hf_stranger"))

    assert (proof.verdict, proof.reason) == (Verdict.INCONCLUSIVE, Reason.AUTH)
    assert plane.woken == []


@pytest.mark.parametrize("text", ["current", "2024"])
def test_a_paused_endpoint_is_named_as_such(plane, clock, text) -> None:
    """In either wording of the proxy."""
    plane.options["paused_text"] = text
    url = plane.add("tgi", state="paused", is_ready=False)

    proof = proof_of(plane, url, clock)

    assert (proof.verdict, proof.reason) == (Verdict.INCONCLUSIVE, Reason.PAUSED)


def test_a_model_served_under_another_name_is_found(plane, clock) -> None:
    """vLLM refuses every name but its own."""
    url = plane.add("vLLM", behaviour={"served_model": "something-else"})

    assert proof_of(plane, url, clock).passed


def test_a_replica_of_the_old_commit_is_no_proof(plane, clock) -> None:
    """During a rolling update the old replica still answers."""
    plane.options["tgi_model_sha"] = "commit"
    url = plane.add("tgi", revision="b" * 40)

    proof = proof_of(plane, url, clock)

    assert (proof.verdict, proof.reason) == (Verdict.INCONCLUSIVE, Reason.WRONG_REVISION)


TEXT_ENGINES = {
    "tgi": {"image": {"maxTotalTokens": 2048}},
    "vLLM": {"args": ("--max-model-len", "2048")},
    "sGLang": {"args": ("--context-length", "2048")},
    "llamacpp": {"image": {"ctxSize": 2048, "nParallel": 1}},
}


@pytest.mark.parametrize("engine", TEXT_ENGINES)
def test_the_longest_prompt_of_every_engine_is_taken_by_it(plane, clock, engine) -> None:
    """Sized by its own count, within its own limit: a refusal for its length would be a false failure."""
    url = plane.add(engine, **TEXT_ENGINES[engine])

    proof = proof_of(plane, url, clock, depth=Depth(long_prompt=2048 - 12))

    assert proof.passed, proof.sentence
    counted = proof.deep[0].samples[-1].prompt_tokens
    assert 0.97 * 2036 < counted <= 2036


@pytest.mark.parametrize("engine", TEXT_ENGINES)
@pytest.mark.parametrize(
    ("behaviour", "depth", "name"),
    [
        ({"fails_above_tokens": 1638}, Depth(long_prompt=2036), "long_prompt"),
        ({"fails_at_concurrency": 4}, Depth(concurrency=4), "concurrency"),
    ],
)
def test_what_the_plain_prompt_misses_the_deeper_proof_finds(plane, clock, engine, behaviour, depth, name) -> None:
    """An engine that dies at 80 % of its context, or with the fourth request, answers one short prompt well."""
    plane.options |= {"first_token_ms": 400}
    url = plane.add(engine, behaviour=behaviour, **TEXT_ENGINES[engine])

    plain, deep = proof_of(plane, url, clock), proof_of(plane, url, clock, depth=depth)

    assert plain.passed
    assert (deep.verdict, deep.reason) == (Verdict.FAILED, Reason.ERROR_EVENT), deep.sentence
    assert f"the plain prompt passed, verify.deep.{name} failed: " in deep.sentence


@pytest.mark.parametrize(("engine", "task"), [("tei", "feature-extraction"), ("huggingface", "text-classification")])
def test_engines_that_stream_nothing_are_asked_at_once_and_again(plane, clock, engine, task) -> None:
    """Vectors and labels are judged alike, however many are asked for."""
    url = plane.add(engine, task=task)

    proof = proof_of(plane, url, clock, depth=Depth(concurrency=5, bake=60))

    assert [shown.judgement.verdict for shown in proof.deep] == [Verdict.PASSED, Verdict.PASSED], proof.sentence
