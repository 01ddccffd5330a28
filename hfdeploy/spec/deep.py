"""Deeper proof: what a plain prompt misses, asked for in `verify.deep`."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Final

from pydantic import ConfigDict, Field

from hfdeploy.spec.container import EngineSection
from hfdeploy.spec.engine import TeiEngine
from hfdeploy.spec.scalar import WHOLE, Duration, Flag, between, duration_text
from hfdeploy.spec.section import Objection, Section, relation

SHORTEST: Final = 128
"""Tokens below which a prompt is none that a plain one would not stand for."""

_GENERATING: Final = frozenset(
    {None, "text-generation", "text2text-generation", "image-text-to-text", "conversational"}
)
"""Tasks whose answer is text that streams; None is the repository's own, which may be one."""


class DeepSpec(Section):
    """What has to be shown beyond one answer; each part has a verdict of its own, and the first that fails ends it."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    long_prompt: Flag = False
    """A prompt close to the longest that the engine takes with an answer; any text of the model's passes it."""

    concurrency: Annotated[int, Field(ge=2, le=128), WHOLE] | None = None
    """So many requests at once, over all replicas; each answer must be what is asked of the plain prompt's."""

    bake: Annotated[Duration, between(timedelta(seconds=10), timedelta(hours=12), step=timedelta(seconds=1))] | None = (
        None
    )
    """For so long, 10s to 12h within rollout.timeout, the prompt is sent now and then and must be answered."""

    @relation("long_prompt", "concurrency", "bake")
    def _asks_for_something(self) -> Iterator[Objection]:
        if not self.long_prompt and self.concurrency is None and self.bake is None:
            yield "", "asks for nothing; give long_prompt: true, concurrency or bake, or take it out"


def objections(
    deep: DeepSpec, engine: EngineSection, task: str | None, *, room: int | None, timeout: timedelta
) -> Iterator[Objection]:
    """What contradicts it: `room` is the longest prompt in tokens where it is known, `timeout` the rollout's.

    Embeddings and other tasks may be asked often and at once, since each answer is judged alike; a long prompt is
    about generated text, whose engine says how many tokens it read.
    """
    if deep.long_prompt:
        yield from _long_prompt(engine, task, room)
    if deep.bake is not None and deep.bake >= timeout:
        whole = duration_text(timeout)
        yield "verify.deep.bake", f"leaves no time for the start within rollout.timeout, which is {whole}: raise that"
    held = engine.max_concurrent_requests if isinstance(engine, TeiEngine) else None
    if held is not None and deep.concurrency is not None and deep.concurrency > held:
        yield (
            "verify.deep.concurrency",
            f"is {deep.concurrency}, and engine.max_concurrent_requests refuses above {held}",
        )


def _long_prompt(engine: EngineSection, task: str | None, room: int | None) -> Iterator[Objection]:
    field = "verify.deep.long_prompt"
    if not engine.served_routes:
        yield field, f"is about generated text, and engine {engine.type} streams none here: take it out"
    elif task not in _GENERATING:
        yield field, f"is about generated text, and task is {task}: take it out"
    elif room is None:
        yield field, "needs the engine's maximum length, which nothing here says: set max_model_len"
    elif room < SHORTEST:
        yield field, f"has {room} tokens left for the prompt, and {SHORTEST} is the least: raise max_model_len"
