"""`POST /v1/responses` and `POST /v1/messages`: younger shapes of a chat, as SGLang and llama.cpp serve them.

The text is that of /v1/chat/completions for the same messages. Streams have named events; section 12.3 lists the
routes, their shapes are those of the OpenAI and Anthropic documentation.
"""

import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from hfdeploy.emulator import text
from hfdeploy.emulator.engines import generation, plain, question
from hfdeploy.emulator.engines.body import Body, BodyError
from hfdeploy.emulator.engines.call import JSON, Call, Fault, dumps
from hfdeploy.emulator.engines.openai import Dialect
from hfdeploy.emulator.engines.question import Question
from hfdeploy.emulator.frames import EventStream, Frame

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Shape:
    """What differs between the two routes."""

    whole: Callable[[str, str, str, Mapping[str, int]], Event]
    """The reply, from id, model, text and token counts."""
    before: Callable[[str, str], list[Event]]
    delta: Callable[[str, str], Event]
    after: Callable[[Event], list[Event]]


async def responses(call: Call, dialect: Dialect) -> Response:
    """POST /v1/responses: `input` is a text or a list of messages."""
    body = dialect.read(call)
    given = body.content.get("input")
    if not isinstance(given, str | list):
        raise BodyError("wrong_shape", "input: expected a string or a list of messages", field="input")
    messages = [{"role": "user", "content": given}] if isinstance(given, str) else given
    return await _answer(call, dialect, _chat(body, messages, "max_output_tokens", dialect, call), _RESPONSES)


async def messages(call: Call, dialect: Dialect) -> Response:
    """POST /v1/messages: Anthropic's form; `max_tokens` is required there."""
    body = dialect.read(call)
    if body.whole("max_tokens") is None:
        raise BodyError("wrong_shape", "missing field `max_tokens`", field="max_tokens")
    given = body.content.get("messages")
    turns = given if isinstance(given, list) else []
    return await _answer(call, dialect, _chat(body, turns, "max_tokens", dialect, call), _MESSAGES)


def _chat(body: Body, turns: list[Any], limit: str, dialect: Dialect, call: Call) -> Question:
    asked = Body({**body.content, "messages": turns, "max_tokens": body.whole(limit), "stream_options": None})
    return question.chat(asked, dialect.manners, dialect.context(call))


async def _answer(call: Call, dialect: Dialect, asked: Question, shape: _Shape) -> Response:
    dialect.check(call, asked)
    if asked.streams:
        return EventStream(
            _frames(call, dialect, asked, shape),
            script=call.script,
            framing=dialect.framing(call),
            broken=lambda: [_error(call, dialect, Fault(424, generation.OUT_OF_MEMORY, "generation"))],
        )
    said, counts = "", 0
    async for token in generation.speak(call, generation.seeded(call, asked.asks[0])):
        said += "" if token.special else token.text
        counts += 1
    return JSON(shape.whole(plain.new_id("resp"), dialect.model(call, asked), said, _usage(asked, counts)))


async def _frames(call: Call, dialect: Dialect, asked: Question, shape: _Shape) -> AsyncGenerator[Frame, None]:
    name, model, said, count = plain.new_id("resp"), dialect.model(call, asked), "", 0
    for event in shape.before(name, model):
        yield _frame(event)
    try:
        ask = generation.seeded(call, asked.asks[0])
        async with aclosing(generation.speak(call, ask)) as tokens:
            async for token in tokens:
                count += 1
                if token.text and not token.special:
                    said += token.text
                    yield _frame(shape.delta(name, token.text), is_token=True)
        for event in shape.after(shape.whole(name, model, said, _usage(asked, count))):
            yield _frame(event)
    except Fault as fault:
        yield _error(call, dialect, fault)


def _frame(event: Event, *, is_token: bool = False) -> Frame:
    return Frame(dumps(event), is_token=is_token, event=str(event["type"]))


def _error(call: Call, dialect: Dialect, fault: Fault) -> Frame:
    return Frame(dialect.error_frame(call, fault), event="error")


def _usage(asked: Question, count: int) -> dict[str, int]:
    given = text.count(asked.asks[0].prompt)
    return {"input_tokens": given, "output_tokens": count, "total_tokens": given + count}


def _response(name: str, model: str, said: str, usage: Mapping[str, int]) -> Event:
    content = [{"type": "output_text", "text": said, "annotations": []}]
    message = {"type": "message", "id": f"msg_{name}", "role": "assistant", "status": "completed", "content": content}
    return _envelope(name, model, "completed") | {"output": [message], "usage": dict(usage)}


def _envelope(name: str, model: str, status: str) -> Event:
    stamp = {"id": name, "object": "response", "created_at": int(time.time()), "status": status, "model": model}
    return stamp | {"output": [], "parallel_tool_calls": True, "tool_choice": "auto", "tools": []}


def _message(name: str, model: str, said: str, usage: Mapping[str, int]) -> Event:
    counts = {key: usage[key] for key in ("input_tokens", "output_tokens")}
    content = [{"type": "text", "text": said}]
    start = {"id": name, "type": "message", "role": "assistant", "model": model, "content": content}
    return start | {"stop_reason": "end_turn", "stop_sequence": None, "usage": counts}


_RESPONSES = _Shape(
    whole=_response,
    before=lambda name, model: [{"type": "response.created", "response": _envelope(name, model, "in_progress")}],
    delta=lambda name, said: {
        "type": "response.output_text.delta",
        "item_id": f"msg_{name}",
        "output_index": 0,
        "content_index": 0,
        "delta": said,
    },
    after=lambda whole: [{"type": "response.completed", "response": whole}],
)
_MESSAGES = _Shape(
    whole=_message,
    before=lambda name, model: [
        {
            "type": "message_start",
            "message": _message(name, model, "", {"input_tokens": 0, "output_tokens": 0}) | {"content": []},
        },
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    ],
    delta=lambda _, said: {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": said}},
    after=lambda whole: [
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": whole["stop_reason"]}, "usage": whole["usage"]},
        {"type": "message_stop"},
    ],
)
