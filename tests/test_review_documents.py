"""The JSON of a review, its table on a terminal, and the reviews in docs/."""

import json
from collections.abc import Iterator
from typing import Any

import fleet
import jsonschema
import pytest

from hfdeploy import render
from hfdeploy.catalog import Catalog
from hfdeploy.review import Review

pytest_plugins = ["reviews"]


@pytest.fixture(scope="module")
def printed() -> dict[str, str]:
    """Every review of docs/, printed anew."""
    return {file.name: text for file, text in fleet.documents()}


def _closed(schema: Any) -> Any:
    """The same schema with no key allowed that it does not name."""
    match schema:
        case dict():
            closed = {name: _closed(one) for name, one in schema.items()}
            is_object = schema.get("type") == "object" and "properties" in schema
            return {**closed, "additionalProperties": False} if is_object else closed
        case list():
            return [_closed(one) for one in schema]
    return schema


def _properties(schema: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    match schema:
        case dict():
            for name, one in schema.get("properties", {}).items():
                yield f"{path}/{name}", one
            for name, one in schema.items():
                yield from _properties(one, f"{path}/{name}")
        case list():
            for number, one in enumerate(schema):
                yield from _properties(one, f"{path}/{number}")


def _described(one: Any) -> bool:
    return "description" in one or "$ref" in one or "anyOf" in one


class TestJson:
    def test_what_is_printed_is_what_is_published(self, review: Review) -> None:
        """And every key of it is described: a key that nobody describes is one that nobody may use."""
        told = json.loads(json.dumps(render.plan_json(review, namespace="acme", catalog=Catalog.snapshot())))
        closed = _closed(render.review_schema())

        jsonschema.Draft202012Validator.check_schema(closed)
        jsonschema.validate(told, closed, cls=jsonschema.Draft202012Validator)

    def test_every_key_says_what_it_is(self) -> None:
        """The schema is the documentation."""
        assert [path for path, one in _properties(render.review_schema()) if not _described(one)] == []


class TestTable:
    def test_the_terminal_shows_fifty_and_a_summary(self, change: Review) -> None:
        """Those that matter most; the sums are of all."""
        table = render.plan_table(change)
        told = " ".join(render.paragraphs(change))

        assert len(table.rows) == 50
        assert table.footer is not None
        assert table.footer[:2] == (
            f"{len(change.plans)} endpoints",
            f"{len(change.unplanned)} specs could not be judged",
        )
        assert f"the other {len(change.plans) + len(change.unplanned) - 50} cost" in told
        blocked = {finding.endpoint for finding in change.blocking}
        assert {row[0] for row in table.rows[: len(blocked)]} == blocked

    def test_few_stay_in_their_order(self, shipped: Review) -> None:
        """Somebody reads them beside the files."""
        assert [row[0] for row in render.plan_table(shipped).rows] == [plan.name for plan in shipped.plans]


@pytest.mark.parametrize("name", ["review.md", "review.html", "review-300.md", "review-300.txt"])
def test_the_reviews_in_docs_are_what_the_command_prints(name: str, printed: dict[str, str]) -> None:
    """People judge the tool by them. After a change on purpose: `python tests/fleet.py`."""
    assert (fleet.DOCS / name).read_text("utf-8") == printed[name]
