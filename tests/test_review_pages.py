"""A review as a comment and as a page: what comes first, what fits, and nobody's name breaks out of it."""

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from reviews import WICKED, Seen, load_plan

from hfdeploy import render
from hfdeploy.review import Action, Delta, Exposure, Finding, Review, Severity

pytest_plugins = ["reviews"]


def drawn(text: str) -> Seen:
    """Markdown as GitHub renders it: CommonMark with tables and HTML."""
    return Seen(MarkdownIt("commonmark", {"html": True}).enable("table").render(text))


class TestComment:
    def test_five_answers_come_first_and_the_rest_is_folded(self, shipped: Review) -> None:
        """Whoever reads only the first screen knows whether to go on."""
        text = render.comment(shipped, render.Place("prod", "hfdeploy plan specs --stack=prod"))

        head, _, rest = text.partition("<details>")
        assert head.startswith("<!-- hfdeploy:review prod -->\n")
        questions = ["Does it fit?", "What does it cost?", "Is there quota?", "Who can reach it?", "What was found?"]
        assert re.findall(r"\*\*(.*?)\*\*", head) == questions
        assert len(head) < 2500
        assert "hfdeploy plan specs --stack=prod" in rest

    def test_who_has_to_agree_is_not_folded(self, shipped: Review) -> None:
        """A pipeline looks for these words, and a reviewer for the group."""
        text = render.comment(replace(shipped, approvals=("finops", "security")))

        assert "\n\n**approval required: finops, security**\n\n" in text.partition("<details>")[0]

    def test_names_stay_names(self, wicked: Review) -> None:
        """No link, picture, heading, script or mention of theirs, in a table, a list, a quote or a fold."""
        text = render.comment(wicked, render.Place(WICKED, "hfdeploy plan specs"), with_bodies=True)
        seen = drawn(text)

        links = [value for name, value in seen.attributes if name in {"href", "src"}]
        assert set(links) <= {"https://endpoints.huggingface.co/contact"}
        assert set(seen.tags) & {"img", "script", "h1", "input"} == set()
        assert not any(name.startswith("on") for name, _ in seen.attributes)
        assert (
            re.findall(r"(?:@(?=\w)|#(?=\d)|://|(?i:www\.)|GH-(?=\d))", seen.words.replace("https://endpoints", ""))
            == []
        )
        assert text.count("<details>") == text.count("</details>") == seen.tags.count("details")

    def test_a_table_keeps_its_columns(self, wicked: Review) -> None:
        """A bar in a name would push everything behind it one column on."""
        text = render.comment(wicked)
        for table in re.findall(r"(?:^\|.*\|$\n?)+", text, re.MULTILINE):
            widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
            assert len(widths) == 1

    def test_a_large_change_fits_a_comment(self, change: Review) -> None:
        """GitHub refuses more than 65,536 characters; what was left out is counted."""
        text = render.comment(change)
        lines = render.lines_of(change)

        assert len(text.encode()) <= render.LIMIT
        assert len(lines) > 280
        [rows] = re.findall(r"^The (\d+) that matter most of", text.partition("<details>")[0], re.MULTILINE)
        assert f"{len(lines) - int(rows)} are left out here" in text

    def test_the_worst_is_told_however_much_there_is(self, change: Review) -> None:
        """What blocks comes before any cut."""
        text = render.comment(change).partition("<details>")[0]

        for finding in change.blocking[:10]:
            assert finding.endpoint in text

    @given(st.text(max_size=3000), st.integers(0, 400))
    def test_every_comment_fits(self, text: str, number: int) -> None:
        """Whatever people write and however much of it."""
        finding = Finding("rule", Severity.ERROR, text, text, 1, text, text * 3, fix=text)
        gone = [
            Delta(f"{text}{n}", Action.DELETE, None, None, Exposure(None, None), (text,) * 9, cuts_traffic=True)
            for n in range(number)
        ]
        review = Review((load_plan(),), (finding,) * number, against=text or "x", deltas=tuple(gone))

        assert len(render.comment(review).encode()) <= render.LIMIT


class TestPage:
    def test_it_needs_nothing_else(self, review: Review) -> None:
        """No address but the one link, no handler, no style of an element: its policy would refuse them."""
        text = render.page(review, render.Place("prod", "hfdeploy plan specs"))
        seen = Seen(text)

        assert {
            value for name, value in seen.attributes if name in {"href", "src"} and not str(value).startswith("#")
        } <= {"https://endpoints.huggingface.co/contact"}
        assert not any(name == "style" or name.startswith("on") for name, _ in seen.attributes)
        assert seen.tags.count("script") == seen.tags.count("style") == 1
        [policy] = [value for _, value in seen.attributes if str(value).startswith("default-src")]
        assert str(policy).startswith("default-src 'none'; style-src 'sha256-")

    def test_every_finding_and_endpoint_is_in_it(self, change: Review) -> None:
        """It has no limit: what does not matter most is folded, not left out."""
        text = render.page(change)

        assert text.count('<li class="finding ') == len(change.findings)
        for line in render.lines_of(change):
            assert f'<th scope="row">{line.name}</th>' in text

    def test_bars_add_up(self, change: Review) -> None:
        """A segment that leaves its bar would be a lie about memory or money."""
        bars = re.findall(r'<svg class="bar.*?</svg>', render.page(change), re.DOTALL)

        assert len(bars) > 300
        for bar in bars:
            for start, width in re.findall(r'x="([\d.]+)%" width="([\d.]+)%"', bar):
                assert 0 <= float(start) <= float(start) + float(width) <= 100.01
