"""What measurements prove: values in, verdicts out."""

from dataclasses import replace

import pytest

from hfdeploy.verdict import Deadline, Kind, Reason, Sample, Vectors, Verdict, Wanted, judge, quote

ANYTHING = Wanted()
GOOD = Sample(
    route="/generate_stream",
    status=200,
    content_type="text/event-stream",
    text="Once upon a time there was a cat.",
    tokens=21,
    counted_by="details",
    ttft=0.5,
    gaps=(0.1,) * 20,
    duration=2.5,
    finish_reason="length",
    has_ended=True,
    received=4000,
)
EMBEDDED = Sample(
    kind=Kind.VECTORS,
    status=200,
    content_type="application/json",
    has_ended=True,
    vectors=Vectors(asked=2, count=2, lengths=(384,), is_finite=True, zeros=0),
)
ANSWERED = Sample(
    kind=Kind.ANSWER, status=200, content_type="application/json", has_ended=True, has_content=True, received=40
)


@pytest.mark.parametrize("sample", [GOOD, EMBEDDED, ANSWERED], ids=["stream", "vectors", "answer"])
def test_a_good_answer_of_each_kind_passes(sample) -> None:
    """False failures would undo working deployments."""
    assert judge(sample, ANYTHING).passed


def test_the_sentence_of_a_pass_names_the_measurements() -> None:
    """It is what people see of a rollout."""
    sentence = judge(GOOD, ANYTHING).sentence

    assert sentence == "21 tokens (counted by details), the first after 0.50 s, 10.0 tokens/s, finish reason length"


@pytest.mark.parametrize(
    ("change", "reason", "words"),
    [
        ({"content_type": "text/html", "reply": "<html>Hello"}, Reason.WRONG_CONTENT_TYPE, "text/html instead of"),
        ({"content_type": ""}, Reason.WRONG_CONTENT_TYPE, "no content type"),
        ({"content_type": "application/json"}, Reason.WRONG_CONTENT_TYPE, "application/json instead of"),
        ({"error": "CUDA out of memory"}, Reason.ERROR_EVENT, '"CUDA out of memory"'),
        ({"text": "", "tokens": 0, "ttft": None, "gaps": ()}, Reason.EMPTY, "without a token"),
        ({"status": 404, "reply": "no"}, Reason.NOT_FOUND, "404"),
        ({"status": 400, "reply": '{"error": "bad"}'}, Reason.REFUSED, "400"),
        ({"status": 413}, Reason.REFUSED, "413"),
        ({"status": 422, "reply": "too long"}, Reason.REFUSED, '422): "too long"'),
        ({"status": 424, "reply": "generation"}, Reason.REFUSED, "424"),
    ],
)
def test_evidence_about_the_model_or_its_route_fails(change, reason, words) -> None:
    """A try that saw the model misbehave must not be called a flake."""
    judgement = judge(replace(GOOD, **change), ANYTHING)

    assert (judgement.verdict, judgement.reason) == (Verdict.FAILED, reason)
    assert words in judgement.sentence


@pytest.mark.parametrize(
    ("change", "reason", "words"),
    [
        ({"has_ended": False}, Reason.TRUNCATED, "cut off after 21 tokens and 4000 bytes"),
        ({"has_ended": False, "transport": "reset"}, Reason.TRUNCATED, "(reset)"),
        ({"deadline": Deadline.FIRST_TOKEN, "deadline_after": 60.0}, Reason.FIRST_TOKEN_TIMEOUT, "within 60 s"),
        ({"deadline": Deadline.STALL, "deadline_after": 15.0}, Reason.STALL, "nothing for 15 s after 21 tokens"),
        ({"deadline": Deadline.TOTAL, "deadline_after": 180.0}, Reason.TOTAL_TIMEOUT, "within 180 s"),
        ({"is_capped": True, "received": 1048577}, Reason.BYTE_CAP, "1048577 bytes"),
        ({"status": None, "transport": "refused"}, Reason.TRANSPORT, "refused"),
        (
            {"status": None, "deadline": Deadline.FIRST_TOKEN, "deadline_after": 60.0},
            Reason.FIRST_TOKEN_TIMEOUT,
            "60 s",
        ),
        ({"status": 401}, Reason.AUTH, "HF_TOKEN"),
        ({"status": 403}, Reason.AUTH, "gated"),
        ({"status": 400, "reply": "Bad Request: The endpoint is paused, ask"}, Reason.PAUSED, "resume it"),
        ({"status": 400, "reply": "Bad Request: Invalid state"}, Reason.PAUSED, "resume it"),
        ({"status": 408}, Reason.SERVER_ERROR, "408"),
        ({"status": 425}, Reason.SERVER_ERROR, "425"),
        ({"status": 429, "reply": "Model is overloaded"}, Reason.OVERLOADED, "429"),
        ({"status": 500}, Reason.SERVER_ERROR, "500"),
        ({"status": 502}, Reason.SERVER_ERROR, "502"),
        ({"status": 503}, Reason.SERVER_ERROR, "503"),
        ({"status": 302}, Reason.REDIRECTED, "302"),
        ({"status": 204}, Reason.UNEXPECTED_STATUS, "204"),
        ({"error": "Model is overloaded", "is_overload": True}, Reason.OVERLOADED, "overloaded"),
    ],
)
def test_no_evidence_either_way_is_inconclusive(change, reason, words) -> None:
    """A failure here would undo a good deployment because of somebody's network."""
    judgement = judge(replace(GOOD, **change), ANYTHING)

    assert (judgement.verdict, judgement.reason) == (Verdict.INCONCLUSIVE, reason)
    assert words in judgement.sentence


@pytest.mark.parametrize(
    "beside",
    [
        {},
        {"has_ended": False},
        {"is_capped": True},
        {"deadline": Deadline.STALL},
        {"transport": "reset"},
        {"content_type": "application/json"},
    ],
)
def test_an_error_the_engine_reports_wins_over_everything_around_it(beside) -> None:
    """OpenAI engines say `[DONE]` after an error, as if all had gone well."""
    assert judge(replace(GOOD, error="boom", **beside), ANYTHING).reason is Reason.ERROR_EVENT


def test_a_refusal_that_carries_an_error_object_is_judged_by_its_status() -> None:
    """Every 503 of the proxy has one; it is no word of the engine's."""
    sample = replace(GOOD, status=503, error="503 Service Unavailable", reply='{"error": "503 Service Unavailable"}')

    assert judge(sample, ANYTHING).reason is Reason.SERVER_ERROR


def test_a_connection_that_breaks_after_the_proper_end_changes_nothing() -> None:
    """Some proxies reset instead of closing."""
    assert judge(replace(GOOD, transport="reset"), ANYTHING).passed


def test_the_expected_pattern_is_looked_for_in_the_text() -> None:
    """`expect` is how a spec says what nonsense is."""
    assert judge(GOOD, Wanted(expect=r"\bcat\b")).passed

    judgement = judge(GOOD, Wanted(expect=r"\bdog\b"))
    assert (judgement.verdict, judgement.reason) == (Verdict.FAILED, Reason.UNEXPECTED_TEXT)
    assert "33 characters" in judgement.sentence
    assert "cat" not in judgement.sentence, "generated text enters no sentence"


def test_an_endpoint_slower_than_the_spec_asks_fails_with_both_numbers() -> None:
    """The numbers are what somebody has to act on."""
    assert judge(GOOD, Wanted(min_tokens_per_second=10)).passed

    judgement = judge(GOOD, Wanted(min_tokens_per_second=10.5))
    assert (judgement.verdict, judgement.reason) == (Verdict.FAILED, Reason.TOO_SLOW)
    assert "10.0 tokens/s are fewer than the 10.5" in judgement.sentence


def test_an_answer_that_came_in_one_piece_is_timed_from_the_request() -> None:
    """A buffer being emptied is no speed; it would satisfy any minimum."""
    buffered = replace(GOOD, ttft=4.0, gaps=(0.00001,) * 20)

    assert buffered.tokens_per_s == pytest.approx(21 / 4, rel=0.01)
    assert judge(buffered, Wanted(min_tokens_per_second=10)).reason is Reason.TOO_SLOW


def test_without_tokens_there_is_no_speed() -> None:
    """Zero would be a measurement."""
    assert replace(GOOD, tokens=0).tokens_per_s is None
    assert EMBEDDED.tokens_per_s is None


@pytest.mark.parametrize(
    ("vectors", "words"),
    [
        (Vectors(2, 1, (384,), is_finite=True, zeros=0), "1 vectors for 2 inputs"),
        (Vectors(2, 2, (383, 384), is_finite=True, zeros=0), "lengths 383, 384"),
        (Vectors(2, 2, (384,), is_finite=False, zeros=0), "not finite"),
        (Vectors(2, 2, (384,), is_finite=True, zeros=1), "1 of 2 vectors are all zeros"),
        (Vectors(2, 0, (), is_finite=True, zeros=0), "0 vectors for 2 inputs"),
    ],
)
def test_wrong_embeddings_fail_with_what_is_wrong(vectors, words) -> None:
    """They would poison an index without anybody noticing."""
    judgement = judge(replace(EMBEDDED, vectors=vectors), ANYTHING)

    assert (judgement.verdict, judgement.reason) == (Verdict.FAILED, Reason.BAD_VECTORS)
    assert words in judgement.sentence


def test_json_without_vectors_fails() -> None:
    """200 and JSON are not enough."""
    assert judge(replace(EMBEDDED, vectors=None), ANYTHING).reason is Reason.MALFORMED


def test_an_empty_answer_fails() -> None:
    """200 and JSON are not enough."""
    assert judge(replace(ANSWERED, has_content=False), ANYTHING).reason is Reason.EMPTY


@pytest.mark.parametrize(
    "change",
    [{"status": 400, "reply": "wrong inputs"}, {"status": 404, "reply": "Not Found"}, {"content_type": "text/plain"}],
)
def test_the_refusal_of_a_guessed_request_proves_nothing(change) -> None:
    """The input of an unknown handler is not known, so its refusal is no evidence against it."""
    answered = replace(ANSWERED, **change)

    assert judge(answered, ANYTHING).verdict is Verdict.FAILED
    guessed = judge(replace(answered, is_guess=True), ANYTHING)
    assert guessed.verdict is Verdict.INCONCLUSIVE
    assert "the request was a guess" in guessed.sentence


@pytest.mark.parametrize("sample", [replace(ANSWERED, text=""), EMBEDDED], ids=["labels", "vectors"])
@pytest.mark.parametrize(
    ("wanted", "field"),
    [(Wanted(expect="POSITIVE"), "verify.expect"), (Wanted(min_tokens_per_second=5), "verify.min_tokens_per_second")],
)
def test_what_is_asked_of_text_is_not_shown_where_none_is_answered(sample, wanted, field) -> None:
    """Neither a pass, since nobody looked, nor evidence against a classifier that answers as it should."""
    judgement = judge(sample, wanted)

    assert (judgement.verdict, judgement.reason) == (Verdict.INCONCLUSIVE, Reason.NOT_SHOWN)
    assert field in judgement.sentence
    assert judgement.ends_at_once


def test_an_answer_in_one_piece_has_no_speed_however_often_it_is_tried() -> None:
    """The toolkit does not stream."""
    judgement = judge(replace(ANSWERED, text="A cat."), Wanted(min_tokens_per_second=5))

    assert (judgement.verdict, judgement.reason) == (Verdict.INCONCLUSIVE, Reason.NOT_SHOWN)


@pytest.mark.parametrize("kind", ["image/png", "audio/flac", "application/json"])
def test_media_are_answers_too(kind) -> None:
    """A text-to-image endpoint answers with a picture."""
    assert judge(replace(ANSWERED, content_type=kind), ANYTHING).passed


def test_a_page_is_no_answer() -> None:
    """A login page has status 200 as well."""
    assert judge(replace(ANSWERED, content_type="text/html"), ANYTHING).reason is Reason.WRONG_CONTENT_TYPE


def test_server_words_are_quoted_on_one_line_and_cut() -> None:
    """They end up in terminals and logs."""
    assert quote("") == ""
    assert quote(" a\n\tb\x1b[31m ") == ': "a b [31m"'
    assert quote("x" * 500) == f': "{"x" * 160}…"'
