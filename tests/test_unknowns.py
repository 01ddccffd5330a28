"""docs/unknowns.md: its table is the one that the covering array is tried with (tests/faults tries what is in it)."""

import unknowns


def test_the_document_says_what_is_tried() -> None:
    """`python tests/unknowns.py --write` writes it anew, once an option has come or a promise has fallen."""
    document = unknowns.DOCUMENT.read_text()

    assert unknowns.written(document) == document
    assert all(f"| `{one.option}` | `{one.value}` | {one.promise} |" in document for one in unknowns.CONCESSIONS)


def test_what_is_conceded_is_an_option_and_a_promise() -> None:
    """A renamed option would otherwise leave a row that nobody can look up."""
    known = unknowns.options()

    for one in unknowns.CONCESSIONS:
        assert one.value in known[one.option][1:]
        assert one.promise in unknowns.STEPS
