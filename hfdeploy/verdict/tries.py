"""What one try proves."""

import re

from hfdeploy.verdict.judgement import Judgement, Reason, Verdict, Wanted, failed, inconclusive
from hfdeploy.verdict.refusals import quote, refusal
from hfdeploy.verdict.sample import Deadline, Kind, Sample, Vectors


def judge(sample: Sample, wanted: Wanted) -> Judgement:
    """What one try proves.

    An error the engine reports wins over everything that came before or after it; a refusal wins over the body
    around it; a broken or late answer is judged before its content, since half an answer proves nothing.
    """
    judgement = (
        _error_frame(sample)
        or _unanswered(sample)
        or refusal(sample.status or 0, sample.reply)
        or _wrong_kind(sample)
        or _interruption(sample)
        or _content(sample, wanted)
        or Judgement(Verdict.PASSED, Reason.PASSED, _summary(sample))
    )
    return _of_a_guess(judgement) if sample.is_guess else judgement


def _error_frame(sample: Sample) -> Judgement | None:
    if not sample.error or sample.status != 200:
        return None
    if sample.is_overload:
        return inconclusive(Reason.OVERLOADED, f"the engine has too much to do{quote(sample.error)}")
    return failed(Reason.ERROR_EVENT, f"the engine reported an error after status 200{quote(sample.error)}")


def _unanswered(sample: Sample) -> Judgement | None:
    if sample.status is not None:
        return None
    return _late(sample) or inconclusive(Reason.TRANSPORT, f"no answer came: {sample.transport or 'no connection'}")


def _of_a_guess(judgement: Judgement) -> Judgement:
    """A container of somebody's own may serve another route, and answer what was guessed at in its own way."""
    if judgement.reason not in {Reason.REFUSED, Reason.NOT_FOUND, Reason.WRONG_CONTENT_TYPE}:
        return judgement
    sentence = f"{judgement.sentence}; the request was a guess, since the task of this endpoint is not known"
    return inconclusive(judgement.reason, sentence)


def _wrong_kind(sample: Sample) -> Judgement | None:
    kind = sample.content_type
    match sample.kind:
        case Kind.STREAM if kind != "text/event-stream":
            asked = "text/event-stream"
        case Kind.VECTORS if kind != "application/json":
            asked = "application/json"
        case Kind.ANSWER if kind != "application/json" and kind.partition("/")[0] not in {"image", "audio", "video"}:
            asked = "application/json"
        case _:
            return None
    what = kind or "no content type"
    return failed(Reason.WRONG_CONTENT_TYPE, f"the answer is {what} instead of {asked}{quote(sample.reply)}")


def _interruption(sample: Sample) -> Judgement | None:
    if sample.is_capped:
        sentence = f"reading stopped at {sample.received} bytes without an end in sight after {sample.tokens} tokens"
        return inconclusive(Reason.BYTE_CAP, sentence)
    if late := _late(sample):
        return late
    if sample.has_ended:
        return None
    where = f"after {sample.tokens} tokens and {sample.received} bytes"
    cause = f" ({sample.transport})" if sample.transport else ""
    return inconclusive(Reason.TRUNCATED, f"the answer was cut off {where}, before a proper end{cause}")


def _late(sample: Sample) -> Judgement | None:
    limit = f"{sample.deadline_after:g} s"
    match sample.deadline:
        case None:
            return None
        case Deadline.FIRST_TOKEN:
            return inconclusive(Reason.FIRST_TOKEN_TIMEOUT, f"no token came within {limit}")
        case Deadline.STALL:
            sentence = f"the stream stalled: nothing for {limit} after {sample.tokens} tokens"
            return inconclusive(Reason.STALL, sentence)
        case Deadline.TOTAL:
            sentence = f"the answer did not end within {limit} ({sample.tokens} tokens by then)"
            return inconclusive(Reason.TOTAL_TIMEOUT, sentence)


def _content(sample: Sample, wanted: Wanted) -> Judgement | None:
    match sample.kind:
        case Kind.STREAM:
            return _stream_content(sample, wanted)
        case Kind.VECTORS:
            return _vector_content(sample.vectors) or _without_text(wanted)
        case Kind.ANSWER:
            if not sample.has_content:
                return failed(Reason.EMPTY, f"the answer holds nothing{quote(sample.reply)}")
            return _answer_content(sample, wanted)


def _answer_content(sample: Sample, wanted: Wanted) -> Judgement | None:
    if not sample.text:
        return _without_text(wanted)
    return _text_content(sample, wanted) or _speed(sample, wanted)


def _without_text(wanted: Wanted) -> Judgement | None:
    """Labels, boxes, pictures and vectors are answers, and no text that anything could be found in or timed by."""
    asked = {"verify.expect": wanted.expect, "verify.min_tokens_per_second": wanted.min_tokens_per_second}
    names = [name for name, value in asked.items() if value is not None]
    if not names:
        return None
    sentence = f"an answer came, and it holds no generated text, which {' and '.join(names)} is about: take it out"
    return inconclusive(Reason.NOT_SHOWN, sentence)


def _stream_content(sample: Sample, wanted: Wanted) -> Judgement | None:
    if not sample.tokens:
        return failed(Reason.EMPTY, f"the stream ended properly after {sample.duration:.2f} s without a token of text")
    return _text_content(sample, wanted) or _speed(sample, wanted)


def _text_content(sample: Sample, wanted: Wanted) -> Judgement | None:
    if wanted.expect is None or re.search(wanted.expect, sample.text):
        return None
    sentence = f"the text ({len(sample.text)} characters) does not match the expected pattern {wanted.expect!r}"
    return failed(Reason.UNEXPECTED_TEXT, sentence)


def _speed(sample: Sample, wanted: Wanted) -> Judgement | None:
    rate = sample.tokens_per_s
    if wanted.min_tokens_per_second is None:
        return None
    if rate is None:
        asked = f"at least {wanted.min_tokens_per_second:g} tokens/s"
        # Whether a stream has enough pieces to be timed differs from try to try; what does not stream never has.
        reason = Reason.NOT_SHOWN if sample.kind is Kind.ANSWER else Reason.TOO_SLOW
        return inconclusive(reason, f"{asked} are asked for, and this answer has no speed to measure")
    if rate >= wanted.min_tokens_per_second:
        return None
    sentence = f"{rate:.1f} tokens/s are fewer than the {wanted.min_tokens_per_second:g} the spec asks for"
    return failed(Reason.TOO_SLOW, sentence)


def _vector_content(vectors: Vectors | None) -> Judgement | None:
    if vectors is None:
        return failed(Reason.MALFORMED, "the answer is JSON but holds no vectors")
    problems = []
    if vectors.count != vectors.asked:
        problems.append(f"{vectors.count} vectors for {vectors.asked} inputs")
    if len(vectors.lengths) != 1:
        problems.append(f"lengths {', '.join(map(str, vectors.lengths)) or 'of nothing'} instead of one length")
    if not vectors.is_finite:
        problems.append("values that are not finite numbers")
    if vectors.zeros:
        problems.append(f"{vectors.zeros} of {vectors.count} vectors are all zeros")
    return failed(Reason.BAD_VECTORS, f"the embeddings are wrong: {'; '.join(problems)}") if problems else None


def _summary(sample: Sample) -> str:
    match sample.kind:
        case Kind.VECTORS if sample.vectors:
            return f"{sample.vectors.count} vectors of {sample.vectors.lengths[0]} numbers in {sample.duration:.2f} s"
        case Kind.STREAM if sample.ttft is not None:
            rate = f", {sample.tokens_per_s:.1f} tokens/s" if sample.tokens_per_s else ""
            finish = f", finish reason {sample.finish_reason}" if sample.finish_reason else ""
            counted = f"{sample.tokens} tokens (counted by {sample.counted_by})"
            return f"{counted}, the first after {sample.ttft:.2f} s{rate}{finish}"
    return f"an answer of {sample.received} bytes in {sample.duration:.2f} s"
