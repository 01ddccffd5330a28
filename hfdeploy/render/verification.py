"""A verification as a person reads it."""

from collections.abc import Sequence

from hfdeploy.verdict import Judgement, Sample


def verification_facts(
    judged: Judgement, sample: Sample | None, *, woke_after_s: float, deep: Sequence[tuple[str, Judgement]] = ()
) -> list[tuple[str, str]]:
    """What is said below the verdict, label and text; `woke_after_s` is 0 for an endpoint that was awake.

    The sentence of a passed stream has the numbers that follow, so it is left out. `deep` are the parts of a deeper
    proof by name; the numbers are the plain prompt's.
    """
    lines = [] if judged.passed and sample and sample.tokens else [("why", judged.sentence)]
    if woke_after_s:
        lines.append(("woken", f"answered after {woke_after_s:.0f} s"))
    parts = [(name.replace("_", " "), f"{part.verdict}: {part.sentence}") for name, part in deep]
    if sample is None:
        return lines + parts
    if sample.ttft is not None:
        lines.append(("first token", f"{sample.ttft * 1000:,.0f} ms"))
    if sample.tokens:
        lines.append(("tokens", f"{sample.tokens} (counted by {sample.counted_by})"))
    if sample.tokens_per_s is not None:
        lines.append(("speed", f"{sample.tokens_per_s:.1f} tokens/s"))
    if sample.finish_reason:
        lines.append(("finish", sample.finish_reason))
    if sample.route:
        lines.append(("route", sample.route))
    return lines + parts
