"""The shapes that an answer of TGI can have, good and bad, each with what is to be concluded from it."""

from speaker import ALIVE, DONE, chunked, event, http, opening, stream, tgi, tgi_end, tgi_token

from hfdeploy.verdict import Reason, Verdict

SHAPES = {
    "good": (chunked(*tgi("a", "b")), Verdict.PASSED, Reason.PASSED),
    "good without a length": (stream(*tgi("a", "b")), Verdict.PASSED, Reason.PASSED),
    "good with parameters in its type": (
        stream(*tgi("a"), content_type="Text/Event-Stream; charset=utf-8"),
        Verdict.PASSED,
        Reason.PASSED,
    ),
    "good with pings": (stream(ALIVE, *tgi("a"), ALIVE), Verdict.PASSED, Reason.PASSED),
    "cut without an end": (stream(tgi_token("a"), tgi_token("b")), Verdict.INCONCLUSIVE, Reason.TRUNCATED),
    "cut inside a chunked body": (chunked(tgi_token("a"), is_cut=True), Verdict.INCONCLUSIVE, Reason.TRUNCATED),
    "cut inside the last frame": (
        stream(tgi_token("a"), b"".join(tgi_end(["a"]))[:-2]),
        Verdict.INCONCLUSIVE,
        Reason.TRUNCATED,
    ),
    "an empty stream": (stream(), Verdict.INCONCLUSIVE, Reason.TRUNCATED),
    "a page": (http(200, "<html>Welcome</html>", "text/html"), Verdict.FAILED, Reason.WRONG_CONTENT_TYPE),
    "right frames of the wrong type": (
        stream(*tgi("a"), content_type="text/plain"),
        Verdict.FAILED,
        Reason.WRONG_CONTENT_TYPE,
    ),
    "a json answer": (http(200, [{"generated_text": "a"}]), Verdict.FAILED, Reason.WRONG_CONTENT_TYPE),
    "a json error": (http(200, {"error": "boom", "error_type": "generation"}), Verdict.FAILED, Reason.ERROR_EVENT),
    "an error frame": (stream(tgi_token("a"), event({"error": "boom"})), Verdict.FAILED, Reason.ERROR_EVENT),
    "an error frame, then silence": (
        lambda line: (line.say(opening(), event({"error": "boom"})), line.wait()),
        Verdict.FAILED,
        Reason.ERROR_EVENT,
    ),
    "an error after the end": (stream(*tgi("a"), event({"error": "late"})), Verdict.FAILED, Reason.ERROR_EVENT),
    "an overloaded engine": (
        stream(event({"error": "Model is overloaded", "error_type": "overloaded"})),
        Verdict.INCONCLUSIVE,
        Reason.OVERLOADED,
    ),
    "empty text": (stream(tgi_token(""), *tgi_end([])), Verdict.FAILED, Reason.EMPTY),
    "special tokens only": (
        stream(tgi_token("<s>", special=True), *tgi_end([])),
        Verdict.FAILED,
        Reason.EMPTY,
    ),
    "done only": (stream(DONE), Verdict.FAILED, Reason.EMPTY),
    "silence before the first token": (
        lambda line: (line.say(opening()), line.wait()),
        Verdict.INCONCLUSIVE,
        Reason.FIRST_TOKEN_TIMEOUT,
    ),
    "silence after the first token": (
        lambda line: (line.say(opening(), tgi_token("a")), line.wait()),
        Verdict.INCONCLUSIVE,
        Reason.STALL,
    ),
    "pings for ever": (
        lambda line: (line.say(opening()), line.repeat(ALIVE, 0.05)),
        Verdict.INCONCLUSIVE,
        Reason.FIRST_TOKEN_TIMEOUT,
    ),
    "a token, then pings for ever": (
        lambda line: (line.say(opening(), tgi_token("a")), line.repeat(ALIVE, 0.05)),
        Verdict.INCONCLUSIVE,
        Reason.STALL,
    ),
    "special tokens for ever": (
        lambda line: (line.say(opening()), line.repeat(tgi_token("<s>", special=True), 0.05)),
        Verdict.INCONCLUSIVE,
        Reason.FIRST_TOKEN_TIMEOUT,
    ),
    "a drip of tokens for ever": (
        lambda line: (line.say(opening()), line.repeat(tgi_token("a"), 0.1)),
        Verdict.INCONCLUSIVE,
        Reason.TOTAL_TIMEOUT,
    ),
    "a drip of headers for ever": (
        lambda line: (line.say(b"HTTP/1.1 200 OK\r\n"), line.repeat(b"x-drip: 1\r\n", 0.05)),
        Verdict.INCONCLUSIVE,
        Reason.FIRST_TOKEN_TIMEOUT,
    ),
    "a black hole": (lambda line: line.wait(), Verdict.INCONCLUSIVE, Reason.FIRST_TOKEN_TIMEOUT),
    "an open line after the end": (
        lambda line: (line.say(opening(), *tgi("a")), line.wait()),
        Verdict.PASSED,
        Reason.PASSED,
    ),
    "pings for ever after the end": (
        lambda line: (line.say(opening(), *tgi("a")), line.repeat(ALIVE, 0.05)),
        Verdict.PASSED,
        Reason.PASSED,
    ),
    "a flood of tokens": (stream(*[tgi_token("a")] * 100), Verdict.INCONCLUSIVE, Reason.BYTE_CAP),
    "a flood of comments": (stream(ALIVE * 1000), Verdict.INCONCLUSIVE, Reason.BYTE_CAP),
    "a line without end": (stream(b"data: " + b"x" * 9000), Verdict.INCONCLUSIVE, Reason.BYTE_CAP),
    "a line that is closed": (lambda _line: None, Verdict.INCONCLUSIVE, Reason.TRANSPORT),
    "a line that breaks": (lambda line: line.reset(), Verdict.INCONCLUSIVE, Reason.TRANSPORT),
    "a line that breaks after a token": (
        lambda line: (line.say(opening(), tgi_token("a")), line.wait(0.1), line.reset()),
        Verdict.INCONCLUSIVE,
        Reason.TRUNCATED,
    ),
    "no http": (lambda line: line.say(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"), Verdict.INCONCLUSIVE, Reason.TRANSPORT),
}

OPEN = {
    "an error frame, then silence",
    "an open line after the end",
    "pings for ever after the end",
}
