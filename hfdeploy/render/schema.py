"""The published form of a review as JSON."""

import json
from importlib import resources
from typing import Any


def review_schema() -> dict[str, Any]:
    """What `plan --format json` prints, as JSON Schema: names stay, new ones may come with a later release."""
    text = (resources.files("hfdeploy") / "data" / "review.schema.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document
