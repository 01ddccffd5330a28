"""One context length, said once: `max_model_len` against what the engine is told elsewhere.

Memory is judged by `max_model_len`. An engine that is told another length somewhere else would start with that one,
and the judgement would be about something that does not run.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from hfdeploy.spec.container import EngineSection
from hfdeploy.spec.engine import HuggingfaceNeuronEngine, LlamacppEngine
from hfdeploy.spec.section import Objection
from hfdeploy.spec.tgi import TokenLimits

OURS: Final = "max_model_len"

_FLAGS: Final[Mapping[str, tuple[str, ...]]] = {
    "vllm": ("--max-model-len", "--max_model_len"),
    "vllm_neuron": ("--max-model-len", "--max_model_len"),
    "sglang": ("--context-length",),
    "tgi": ("--max-total-tokens",),
    "tgi_neuron": ("--max-total-tokens",),
    "llamacpp": ("--ctx-size", "-c"),
}
_INPUT_FLAGS: Final[Mapping[str, tuple[str, ...]]] = dict.fromkeys(
    ("tgi", "tgi_neuron"), ("--max-input-tokens", "--max-input-length")
)
_INPUT_VARIABLES: Final[Mapping[str, tuple[str, ...]]] = dict.fromkeys(
    ("tgi", "tgi_neuron"), ("MAX_INPUT_TOKENS", "MAX_INPUT_LENGTH")
)
VARIABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "tgi": ("MAX_TOTAL_TOKENS",),
    "tgi_neuron": ("MAX_TOTAL_TOKENS",),
    "llamacpp": ("LLAMA_ARG_CTX_SIZE",),
}
"""The environment variables in which engines read their length."""

_SIZE: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)([kmgtKMGT])")
_UNITS: Final = {"k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_LONGEST: Final = 20
"""Characters of a number that is read."""

_LEFT_TO_IT: Final = frozenset({"auto", "-1"})
"""What vLLM reads as the longest length that fits."""


def read_count(text: str, engine: str) -> int | None:
    """Tokens as an engine reads them from an argument; None for what is no number.

    vLLM (human_readable_int in engine/arg_utils.py) reads `8k` as 8,000 and `8K` as 8,192; others refuse to start.
    """
    text = text.strip()
    if len(text) > _LONGEST or not text.isascii():
        return None
    if text.isdigit():
        return int(text)
    found = _SIZE.fullmatch(text) if engine == "vllm" else None
    if found is None or ("." in found[1] and found[2].isupper()):
        return None
    return int(float(found[1]) * _UNITS[found[2]])


def told(engine: EngineSection, args: Sequence[str], env: Mapping[str, str]) -> tuple[str, int] | None:
    """Where an engine is told a length beside `max_model_len`, and which; llama.cpp's is that of all slots together.

    Its own field counts before arguments, of which the last counts, and arguments before the environment.
    """
    match engine:
        case TokenLimits(max_total_tokens=int(total)):
            return "engine.max_total_tokens", total
        case LlamacppEngine(ctx_size=size) if size:
            return "engine.ctx_size", size
        case _:
            return next(iter(_said(args, env, _FLAGS, VARIABLES, engine)), None)


def is_left_to_engine(engine: EngineSection, args: Sequence[str]) -> bool:
    """Whether vLLM is told to take the longest length that fits."""
    values = [value for _, _, value in _given(args, _FLAGS["vllm"])] if engine.type == "vllm" else []
    return bool(values) and values[-1].strip().lower() in _LEFT_TO_IT


def longest_prompt(
    length: int | None, engine: EngineSection, args: Sequence[str], env: Mapping[str, str], *, answer: int
) -> int | None:
    """Tokens of the longest prompt that leaves room for an answer of `answer`; None where nothing says the length."""
    whole = _least(length, _total(engine), *_numbers(args, env, _FLAGS, VARIABLES, engine))
    given = engine.max_input_length if isinstance(engine, TokenLimits) else None
    asked = _least(given, *_numbers(args, env, _INPUT_FLAGS, _INPUT_VARIABLES, engine))
    if whole is None:
        # The engine's own total is not known, and is above its longest prompt.
        return None if asked is None else asked - answer
    return _least(whole - answer, asked)


def _least(*numbers: int | None) -> int | None:
    return min((number for number in numbers if number is not None), default=None)


def _total(engine: EngineSection) -> int | None:
    """What the engine's own fields say of one request's length, prompt and answer together."""
    match engine:
        case TokenLimits(max_total_tokens=int(total)):
            return total
        case LlamacppEngine(ctx_size=size, n_parallel=slots) if size:
            return size // slots
        case _:
            return None


def _numbers(
    args: Sequence[str],
    env: Mapping[str, str],
    flags: Mapping[str, tuple[str, ...]],
    variables: Mapping[str, tuple[str, ...]],
    engine: EngineSection,
) -> Iterator[int]:
    """The lengths that arguments and environment tell the engine; llama.cpp divides its own among its slots."""
    slots = engine.n_parallel if isinstance(engine, LlamacppEngine) else 1
    yield from (number // slots for _, number in _said(args, env, flags, variables, engine))


def _said(
    args: Sequence[str],
    env: Mapping[str, str],
    flags: Mapping[str, tuple[str, ...]],
    variables: Mapping[str, tuple[str, ...]],
    engine: EngineSection,
) -> list[tuple[str, int]]:
    """Field and length, of the last argument first; what is no number above 0 is the engine's own affair."""
    given = [(f"args.{position}", value) for position, _, value in _given(args, flags.get(engine.type, ()))]
    named = [(f"env.{name}", env[name]) for name in variables.get(engine.type, ()) if name in env]
    found = ((field, read_count(value, engine.type)) for field, value in (*reversed(given), *named))
    return [(field, number) for field, number in found if number]


def contradictions(
    length: int, engine: EngineSection, args: Sequence[str], env: Mapping[str, str]
) -> Iterator[Objection]:
    """Every place that tells the engine another length than `max_model_len`."""
    yield from _of_fields(length, engine)
    said, number = ("engine.ctx_size", engine.ctx_size) if isinstance(engine, LlamacppEngine) else (OURS, length)
    for position, flag, value in _given(args, _FLAGS.get(engine.type, ())):
        if read_count(value, engine.type) != number:
            yield f"args.{position}", f"gives {flag} another value than {said}, which is {number}; keep one of them"
    for name in VARIABLES.get(engine.type, ()):
        if name in env and read_count(env[name], engine.type) != number:
            yield f"env.{name}", f"is another length than {said}, which is {number}; keep one of them"


def _of_fields(length: int, engine: EngineSection) -> Iterator[Objection]:
    match engine:
        case TokenLimits(max_total_tokens=int(total)) if total != length:
            yield "engine.max_total_tokens", f"is {total}, but max_model_len is {length}; keep one of them"
        case TokenLimits(max_input_length=int(longest)) if longest >= length:
            yield "engine.max_input_length", f"is {longest}, which leaves no answer within max_model_len, {length}"
        case LlamacppEngine(ctx_size=0):
            yield "engine.ctx_size", f"is 0, the model's own length, but max_model_len is {length}; keep one of them"
        case LlamacppEngine(ctx_size=size, n_parallel=slots) if size // slots < length:
            enough = f"max_model_len {length} takes {length * slots}"
            yield "engine.ctx_size", f"is {size}, {size // slots} for each of {slots} slots, and {enough}"
        case HuggingfaceNeuronEngine(sequence_length=int(compiled)) if compiled != length:
            yield "engine.sequence_length", f"is {compiled}, but max_model_len is {length}; keep one of them"
        case _:
            pass


def _given(args: Sequence[str], flags: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """Position, flag and value of each of the flags among the arguments, as `--flag value` or `--flag=value`."""
    for position, text in enumerate(args):
        flag, equals, value = text.partition("=")
        if flag not in flags:
            continue
        if equals:
            yield position, flag, value
        else:
            yield position, flag, args[position + 1] if position + 1 < len(args) else ""
