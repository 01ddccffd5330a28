"""What a verification was asked to prove, and what came out of it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Final

from hfdeploy.stream import Prompt, Route, Target
from hfdeploy.verdict import Judgement, Reason, Sample, Verdict, Wanted


@dataclass(frozen=True, slots=True)
class Depth:
    """What has to be shown beyond the plain prompt; None for what is not asked for."""

    long_prompt: int | None = None
    """Tokens of the longest prompt that leaves room for the answer."""
    concurrency: int | None = None
    """Requests at once."""
    bake: float | None = None
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One part of the deeper proof and its own verdict."""

    name: str
    """As the spec calls it."""
    judgement: Judgement
    samples: tuple[Sample, ...] = field(default=(), repr=False)
    """Of every request that was sent for it."""
    started_at: str = ""
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"verify.deep.{self.name} {self.judgement.verdict}: {self.judgement.sentence}"

    def as_dict(self) -> dict[str, object]:
        """For the evidence file; of the requests only what was measured, as their texts are many and alike."""
        return {
            "name": self.name,
            "verdict": str(self.judgement.verdict),
            "reason": str(self.judgement.reason),
            "sentence": self.judgement.sentence,
            "started_at": self.started_at,
            "seconds": self.seconds,
            "requests": [{name: getattr(sample, name) for name in _MEASURED} for sample in self.samples],
        }


_MEASURED: Final = (
    "route",
    "status",
    "prompt_tokens",
    "tokens",
    "ttft",
    "duration",
    "finish_reason",
    "error",
    "transport",
    "deadline",
)


@dataclass(frozen=True, slots=True)
class Check:
    """One endpoint to be proved."""

    target: Target
    prompt: Prompt = field(default_factory=Prompt)
    route: Route = Route.AUTO
    wanted: Wanted = field(default_factory=Wanted)
    depth: Depth = field(default_factory=Depth)
    mismatches: Sequence[str] = ()
    """How the live configuration differs from the declared one (revision, image, compute, scaling, access), as
    sentences. With any of them nothing is sent, since an answer would prove something else."""


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome, with the measurements of the try it rests on. Text is for the evidence file only."""

    verdict: Verdict
    reason: Reason
    sentence: str
    """One line that names the reason with its numbers; holds no generated text."""
    judgements: tuple[Judgement, ...] = ()
    """One per try."""
    sample: Sample | None = field(default=None, repr=False)
    """Of the try that passed, else of the last; None when there was no try."""
    prompt_sha256: str = ""
    woke: bool = False
    """Whether the endpoint was asleep or starting when first asked."""
    wake_seconds: float = 0.0
    started_at: str = ""
    """ISO 8601, UTC."""
    ended_at: str = ""
    first_token_at: str = ""
    """When the text that the sample holds began to come."""
    plain: Judgement | None = None
    """What the plain prompt proved alone; with nothing deeper asked for, the verdict itself."""
    deep: tuple[Shown, ...] = ()
    """The parts of the deeper proof that were tried, up to the first that did not pass."""

    @property
    def is_final(self) -> bool:
        """Whether asking again could tell nothing new."""
        parts = [*self.judgements, *(shown.judgement for shown in self.deep)]
        return not self.judgements or any(judgement.ends_at_once for judgement in parts)

    @property
    def passed(self) -> bool:
        return self.verdict is Verdict.PASSED

    @property
    def ttft_ms(self) -> float | None:
        """From sending the request to the first token with text."""
        return None if self.sample is None or self.sample.ttft is None else round(self.sample.ttft * 1000, 1)

    @property
    def tokens(self) -> int:
        return self.sample.tokens if self.sample else 0

    @property
    def tokens_per_s(self) -> float | None:
        """After the first token."""
        rate = self.sample.tokens_per_s if self.sample else None
        return None if rate is None else round(rate, 2)

    @property
    def counted_by(self) -> str:
        return self.sample.counted_by if self.sample else ""

    @property
    def finish_reason(self) -> str | None:
        return self.sample.finish_reason if self.sample else None

    @property
    def text_length(self) -> int:
        """Characters."""
        return len(self.sample.text) if self.sample else 0

    def as_dict(self) -> dict[str, object]:
        """Everything, for the evidence file of a run: the generated text included, a token never."""
        return {
            "verdict": str(self.verdict),
            "reason": str(self.reason),
            "sentence": self.sentence,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "woke": self.woke,
            "wake_seconds": self.wake_seconds,
            "prompt_sha256": self.prompt_sha256,
            "ttft_ms": self.ttft_ms,
            "tokens": self.tokens,
            "tokens_per_s": self.tokens_per_s,
            "counted_by": self.counted_by,
            "finish_reason": self.finish_reason,
            "text_length": self.text_length,
            "first_token_at": self.first_token_at,
            "plain": None if self.plain is None else _told(self.plain),
            "deep": [shown.as_dict() for shown in self.deep],
            "tries": [_told(judgement) for judgement in self.judgements],
            "sample": asdict(self.sample) if self.sample else None,
        }


def _told(judgement: Judgement) -> dict[str, str]:
    return {key: str(value) for key, value in asdict(judgement).items()}


def written(moment: datetime) -> str:
    """A moment as people and machines read it, to the second."""
    return moment.isoformat(timespec="seconds")
