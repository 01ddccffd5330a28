"""What TGI 3.3 takes in a native request and how it words a refusal: section 12.5 of the project's API reference.

The texts are those of TGI's router/src/validation.rs.
"""

from dataclasses import dataclass

from hfdeploy.emulator import text
from hfdeploy.emulator.engines import structured
from hfdeploy.emulator.engines.body import Body, BodyError
from hfdeploy.emulator.engines.call import Call, Fault
from hfdeploy.emulator.text import Ask

MAX_BEST_OF = 2
MAX_STOPS = 4
MAX_TOP_N = 5
_SHAPE = frozenset(
    {
        "temperature",
        "top_k",
        "top_p",
        "typical_p",
        "repetition_penalty",
        "frequency_penalty",
        "watermark",
        "grammar",
        "adapter_id",
    }
)


@dataclass(frozen=True, slots=True)
class Limits:
    """Token limits of one replica."""

    input: int
    total: int

    @classmethod
    def of(cls, call: Call) -> "Limits":
        """From the image's fields, the environment or the arguments; the defaults of a model with 4096 positions."""
        total = call.setting("maxTotalTokens", ("MAX_TOTAL_TOKENS",), ("--max-total-tokens",), 4096)
        names = ("MAX_INPUT_TOKENS", "MAX_INPUT_LENGTH")
        given = call.setting("maxInputLength", names, ("--max-input-tokens", "--max-input-length"), total - 1)
        return cls(given, total)


@dataclass(frozen=True, slots=True)
class Parameters:
    """The `parameters` of a native request, of the right kinds but not yet judged."""

    content: Body
    do_sample: bool
    best_of: int
    seed: int | None
    stop: tuple[str, ...]
    max_new_tokens: int | None
    truncate: int | None
    top_n_tokens: int
    return_full_text: bool | None
    details: bool
    decoder_input_details: bool

    @property
    def samples(self) -> bool:
        """Whether words are drawn: asked for, or implied by a parameter that only drawing has."""
        numbers = [self.content.number(name) for name in ("temperature", "top_k", "top_p", "typical_p")]
        return self.do_sample or any(number not in {None, 1.0, 0.0} for number in numbers)


def read_parameters(body: Body) -> Parameters:
    """The parameters of a native request.

    Leaving `parameters` out samples; sending it, even empty, does not unless it says so.

    Raises:
        BodyError: a value of the wrong kind; null is one for stop, do_sample, watermark and details.
    """
    given = body.part("parameters")
    content = given if given is not None else Body({"do_sample": True})
    for name in ("temperature", "top_p", "typical_p", "repetition_penalty", "frequency_penalty"):
        content.number(name)
    content.integer("top_k")
    content.flag("watermark")
    _check_grammar(content.content.get("grammar"))
    best_of = content.whole("best_of")
    full = content.content.get("return_full_text")
    return Parameters(
        content=content,
        do_sample=content.flag("do_sample"),
        best_of=1 if best_of is None else best_of,
        seed=content.whole("seed"),
        stop=content.texts("stop"),
        max_new_tokens=content.whole("max_new_tokens"),
        truncate=content.whole("truncate"),
        top_n_tokens=content.whole("top_n_tokens") or 0,
        return_full_text=None if full is None else content.flag("return_full_text"),
        details=content.flag("details"),
        decoder_input_details=content.flag("decoder_input_details"),
    )


def judge(prompt: str, given: Parameters, limits: Limits, *, streams: bool) -> Ask:
    """What to write, if TGI would.

    Raises:
        Fault: kind `validation`, with TGI's text.
    """
    problem = _first_problem(prompt, given, limits, streams=streams)
    if problem is not None:
        raise invalid(problem)
    kept = prompt if given.truncate is None else text.keep_last(prompt, given.truncate)
    tokens = text.count(kept) if given.truncate is None else min(text.count(kept), given.truncate)
    new = limits.total - tokens if given.max_new_tokens is None else given.max_new_tokens
    check_length(tokens, new, limits)
    return Ask(
        prompt=kept,
        limit=max(new, 1),
        shape=given.content.shape(_SHAPE),
        sampled=given.samples,
        seed=given.seed,
        stop=given.stop,
        forced=structured.forced_text(given.content.content.get("grammar")),
    )


def check_length(tokens: int, new: int, limits: Limits) -> None:
    """Raises the Fault of a prompt that is too long, alone or with its answer."""
    if tokens + new > limits.total:
        raise invalid(
            f"`inputs` tokens + `max_new_tokens` must be <= {limits.total}. "
            f"Given: {tokens} `inputs` tokens and {new} `max_new_tokens`"
        )
    if tokens > limits.input:
        raise invalid(f"`inputs` must have less than {limits.input} tokens. Given: {tokens}")


def invalid(problem: str) -> Fault:
    """TGI's refusal of a value."""
    return Fault(422, f"Input validation error: {problem}", "validation")


def _first_problem(prompt: str, given: Parameters, limits: Limits, *, streams: bool) -> str | None:
    """The first of TGI's checks that fails, in TGI's order."""
    checks = _best_of(given, streams=streams) + _numbers(given.content) + _counts(prompt, given, limits)
    return next((problem for is_wrong, problem in checks if is_wrong), None)


def _best_of(given: Parameters, *, streams: bool) -> list[tuple[bool, str]]:
    best_of = given.best_of
    return [
        (streams and best_of != 1, "`best_of` != 1 is not supported when streaming tokens"),
        (
            streams and given.decoder_input_details,
            "`decoder_input_details` == true is not supported when streaming tokens",
        ),
        (not 1 <= best_of <= MAX_BEST_OF, f"`best_of` must be > 0 and <= {MAX_BEST_OF}. Given: {best_of}"),
        (best_of > 1 and not given.samples, "you must use sampling when `best_of` is > 1"),
        (best_of > 1 and given.seed is not None, "`seed` must not be set when `best_of` > 1"),
    ]


def _numbers(content: Body) -> list[tuple[bool, str]]:
    def is_not(name: str, low: float, high: float) -> bool:
        number = content.number(name)
        return number is not None and not low < number < high

    frequency = content.number("frequency_penalty") or 0.0
    endless = float("inf")
    return [
        (is_not("temperature", 0, endless), "`temperature` must be strictly positive"),
        (is_not("repetition_penalty", 0, endless), "`repetition_penalty` must be strictly positive"),
        (not -2 <= frequency <= 2, "`frequency_penalty` must be >= -2.0 and <= 2.0"),
        (is_not("top_p", 0, 1), "`top_p` must be > 0.0 and < 1.0"),
        (is_not("typical_p", 0, 1), "`typical_p` must be > 0.0 and < 1.0"),
        (is_not("top_k", 0, endless), "`top_k` must be strictly positive"),
    ]


def _counts(prompt: str, given: Parameters, limits: Limits) -> list[tuple[bool, str]]:
    stops, top_n, truncate = len(given.stop), given.top_n_tokens, given.truncate
    return [
        (given.max_new_tokens == 0, "`max_new_tokens` must be strictly positive"),
        (stops > MAX_STOPS, f"`stop` supports up to {MAX_STOPS} stop sequences. Given: {stops}"),
        (top_n > MAX_TOP_N, f"`top_n_tokens` must be >= 0 and <= {MAX_TOP_N}. Given: {top_n}"),
        (not prompt, "`inputs` cannot be empty"),
        (
            truncate is not None and not 1 <= truncate <= limits.input,
            f"`truncate` must be strictly positive and less than {limits.input}. Given: {truncate}",
        ),
    ]


def _check_grammar(grammar: object) -> None:
    match grammar:
        case None | {"type": "json", "value": dict() | str()} | {"type": "regex", "value": str()}:
            return
        case _:
            raise BodyError("wrong_shape", "parameters.grammar: expected type and value", field="grammar")
