"""Patterns of outcomes, containers and faults."""

import pytest

from hfdeploy.emulator.patterns import matches


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        ("x/app:1", "x/app:1", True),
        ("x/app:1", "x/app", False),
        ("x/app:1", "x/*", True),
        ("y/app:1", "x/*", False),
        ("x/app:1", "*:1", True),
        ("x/app:2", "*:1", False),
        ("x/app:1", "x*app*1", True),
        ("x/app:1", "x*nap*1", False),
        ("abcabc", "*bc*a*c", True),
        ("abc", "*c*b*", False),
        ("aba", "ab*ba", False),
        ("", "*", True),
        ("GPU [x]", "GPU [x]", True),
    ],
)
def test_a_star_stands_for_any_text_and_nothing_else_is_special(text, pattern, expected) -> None:
    """A rule that matches too much hides a failure."""
    assert matches(text, pattern) is expected
