"""TGI's OpenAI routes: any `model`, a role in every delta, refusals inside the stream."""

import json
from collections.abc import Mapping

from hfdeploy.emulator import text
from hfdeploy.emulator.engines import tgi_rules, tgi_wire
from hfdeploy.emulator.engines.body import Body
from hfdeploy.emulator.engines.call import Call, Fault, dumps
from hfdeploy.emulator.engines.openai import Dialect
from hfdeploy.emulator.engines.question import SAMPLING, Manners, Question
from hfdeploy.emulator.engines.tgi_rules import Limits, Parameters
from hfdeploy.emulator.text import Ask

_JUDGED = frozenset({"temperature", "top_p", "frequency_penalty"})


def check(call: Call, asked: Question) -> None:
    """TGI turns both requests into native ones, so the same rules hold.

    Raises:
        Fault: kinds `overloaded` and `validation`.
    """
    tgi_wire.limit_callers(call)
    for ask in asked.asks:
        tgi_rules.judge(ask.prompt, _native(ask), Limits.of(call), streams=False)


def _native(ask: Ask) -> Parameters:
    numbers = {name: json.loads(value) for name, value in ask.shape if name in _JUDGED}
    if numbers.get("temperature") == 0:
        del numbers["temperature"]  # greedy, on these routes only
    return Parameters(
        content=Body(numbers),
        do_sample=ask.sampled,
        best_of=1,
        seed=ask.seed,
        stop=ask.stop,
        max_new_tokens=ask.limit,
        truncate=None,
        top_n_tokens=0,
        return_full_text=None,
        details=True,
        decoder_input_details=False,
    )


def _headers(call: Call, asked: Question, generated: int | None) -> Mapping[str, str]:
    prompt = "".join(ask.prompt for ask in asked.asks)
    if generated is None:
        return tgi_wire.stream_headers(prompt)
    return tgi_wire.timings(call, prompt, text.count(prompt), generated)


def _error_frame(call: Call, fault: Fault) -> str:  # noqa: ARG001  every dialect takes the call
    return dumps({"error": {"message": tgi_wire.message(fault), "http_status_code": fault.status}})


def dialect_of(call: Call) -> Dialect:
    """The dialect of this version; the fingerprint names it."""
    return Dialect(
        manners=Manners(SAMPLING, cuts_stop=False, takes_single_stop=False, takes_n=False, completion_limit=None),
        read=tgi_wire.read,
        context=lambda call: Limits.of(call).total,
        check=check,
        checks_in_stream=True,
        error_frame=_error_frame,
        framing=tgi_wire.framing,
        headers=_headers,
        model=lambda call, _: call.served_model,
        identify=lambda _: "",
        finish={"length": "length", "eos_token": "stop", "stop_sequence": "stop_sequence"},
        streamed_completion_finish={"length": "length", "eos_token": "eos_token", "stop_sequence": "stop_sequence"},
        unfinished="",
        opening=None,
        role_in_each=True,
        closing=None,
        shows_special=True,
        usage_on_last=True,
        extra={"system_fingerprint": f"{'.'.join(map(str, tgi_wire.version(call)))}-native"},
        stop_reason=False,
    )
