"""Ranks, labels and scores, as the engines beside TEI serve them; all of them follow from the emulated vectors."""

from typing import Any

from hfdeploy.emulator import vectors
from hfdeploy.emulator.engines.call import Call

LABELS = ("POSITIVE", "NEGATIVE")


def rank(call: Call, query: str, documents: tuple[str, ...]) -> list[tuple[int, float]]:
    """Place and score of each document, best first."""
    wanted, *others = vectors.embed(call.serving.repository, call.serving.revision, (query, *documents))
    scored = [(place, vectors.cosine(wanted, other)) for place, other in enumerate(others)]
    return sorted(scored, key=lambda row: -row[1])


def classify(call: Call, given: str) -> list[dict[str, Any]]:
    """Two labels with probabilities that sum to one, likelier first."""
    [vector] = vectors.embed(call.serving.repository, call.serving.revision, (given,))
    score = abs(vector[0]) * 5 % 1
    rows: list[dict[str, Any]] = [{"label": LABELS[0], "score": score}, {"label": LABELS[1], "score": 1 - score}]
    return sorted(rows, key=lambda row: -float(row["score"]))
