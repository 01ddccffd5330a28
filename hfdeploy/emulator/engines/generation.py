"""Tokens at the pace of a replica, and the ways a replica dies while it makes them."""

import secrets
from collections.abc import AsyncGenerator
from dataclasses import replace

import anyio

from hfdeploy.emulator import text
from hfdeploy.emulator.engines.call import Call, Fault
from hfdeploy.emulator.text import Ask, Token

OUT_OF_MEMORY = "CUDA out of memory. Tried to allocate 2.50 GiB."


async def speak(call: Call, ask: Ask) -> AsyncGenerator[Token, None]:
    """The tokens of one answer, paced.

    Raises:
        Fault: kind `generation`, when the script kills the replica, at once or in the middle.
    """
    check_alive(call, ask.prompt)
    ask = scripted(call, ask)
    dripping = call.script.stream == "drip"
    await anyio.sleep(call.option("first_token_ms") / 1000)
    pause = call.option("drip_interval_ms" if dripping else "token_interval_ms") / 1000
    for number, token in enumerate(text.write(call.voice, ask)):
        if number:
            await anyio.sleep(pause)
        check_alive(call, ask.prompt)
        call.replica.tokens += 1
        yield token


def scripted(call: Call, ask: Ask) -> Ask:
    """The question as the script bends it."""
    script = call.script
    if script.stream == "empty":
        return replace(ask, forced="")
    if script.stream == "drip":
        return replace(ask, ignores_end=True, limit=10**9, stop=())
    forced = ask.forced if script.text is None else script.text
    return replace(ask, forced=forced, gibberish=script.gibberish)


def seeded(call: Call, ask: Ask) -> Ask:
    """The question with a seed, when it samples and none was given: the same for the same question, or a random one."""
    if not ask.sampled or ask.seed is not None:
        return ask
    is_fixed = call.option("unseeded_sampling") == "fixed"
    return replace(ask, seed=text.chosen_seed(ask) if is_fixed else secrets.randbelow(2**63))


def check_alive(call: Call, prompt: str) -> None:
    """Ends a request that this replica did not survive, and all others with it.

    Raises:
        Fault: kind `generation`.
    """
    script, replica = call.script, call.replica
    too_long = script.fails_above_tokens is not None and text.count(prompt) > script.fails_above_tokens
    too_many = script.fails_at_concurrency is not None and replica.in_flight >= script.fails_at_concurrency
    if replica.deaths == call.deaths and (too_long or too_many):
        replica.deaths += 1
    if replica.deaths != call.deaths:
        raise Fault(424, OUT_OF_MEMORY, "generation")
