"""The documents of a review: each is what its readers take, and nobody's name breaks out of any of them."""

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Tree

import fleet
import jsonschema
import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from hfdeploy import render
from hfdeploy.catalog import Catalog
from hfdeploy.lock import FILE, read_lock
from hfdeploy.review import Action, Delta, Exposure, Finding, Review, Severity, review_specs
from hfdeploy.spec import Security, load_specs

ROOT = Path(__file__).parents[1]
SCHEMAS = Path(__file__).parent / "schemas"
SARIF = jsonschema.Draft4Validator(json.loads((SCHEMAS / "sarif-2.1.0.json").read_text("utf-8")))
JUNIT = xmlschema.XMLSchema(str(SCHEMAS / "junit-10.xsd"))

WICKED = (
    "](https://evil.example) @acme/admins #1 | `x` <img src=x onerror=alert(1)> **bold**\n\n# heading\n"
    "::error::made up\r\n%0A</script><script>alert(1)</script> $a$ GH-12 www.evil.example {{ 7*7 }} ]]> \ufffe\x1b[31m"
)
"""Somebody's words that try to be more than words in every form at once."""


@pytest.fixture(scope="module")
def shipped() -> Review:
    """The four specs of the repository."""
    specs = ROOT / "specs"
    return review_specs(load_specs([specs]), Catalog.snapshot(), read_lock(specs / FILE))


@pytest.fixture(scope="module")
def change(tmp_path_factory) -> Review:
    """Three hundred endpoints changed, against a quota."""
    return fleet.reviewed(tmp_path_factory.mktemp("review") / "fleet")


@pytest.fixture(scope="module")
def wicked(shipped: Review) -> Review:
    """The shipped ones with somebody's words wherever words of others can be."""
    finding = Finding(WICKED, Severity.ERROR, WICKED, f"specs/{WICKED}.yaml", 3, WICKED, WICKED, fix=f"Do: {WICKED}")
    gone = Delta(WICKED, Action.DELETE, None, None, Exposure(Security.PUBLIC, None), (WICKED,), cuts_traffic=True)
    spec = shipped.plans[0].spec.model_copy(update={"repository": WICKED, "tags": ("=1+1", WICKED)})
    plan = replace(shipped.plans[0], spec=spec)
    fits = {name: replace(fit, sentence=WICKED) for name, fit in shipped.fits.items()}
    return replace(
        shipped,
        plans=(plan, *shipped.plans[1:]),
        findings=(finding, *shipped.findings),
        fits=fits,
        against=WICKED,
        deltas=(gone,),
        approvals=(WICKED,),
    )


@pytest.fixture(scope="module")
def printed() -> dict[str, str]:
    """Every review of docs/, printed anew."""
    return {file.name: text for file, text in fleet.documents()}


@pytest.fixture(params=["shipped", "change", "wicked"])
def review(request) -> Review:
    """Each of them."""
    return request.getfixturevalue(request.param)


class Seen(HTMLParser):
    """What a browser would make of a text: its elements, its links, and the words that are no code."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words = ""
        self._in_code = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self._in_code += tag in {"code", "script", "style"}

    def handle_endtag(self, tag: str) -> None:
        self._in_code -= tag in {"code", "script", "style"}

    def handle_data(self, data: str) -> None:
        if not self._in_code:
            self.words += data


def drawn(text: str) -> Seen:
    """Markdown as GitHub renders it: CommonMark with tables and HTML."""
    return Seen(MarkdownIt("commonmark", {"html": True}).enable("table").render(text))


class TestSarif:
    def test_it_is_sarif(self, review: Review) -> None:
        """By the schema that OASIS publishes: code scanning refuses the whole file for one wrong key."""
        told = json.loads(render.sarif(review, version="1.2.3"))

        SARIF.validate(told)
        results = told["runs"][0]["results"]
        assert [one["ruleId"] for one in results] == [one.rule for one in review.findings]
        rules = told["runs"][0]["tool"]["driver"]["rules"]
        assert all(rules[one["ruleIndex"]]["id"] == one["ruleId"] for one in results)

    def test_each_finding_sits_on_its_line(self, shipped: Review) -> None:
        """A path from the root of the repository, or GitHub shows it nowhere."""
        told = json.loads(render.sarif(shipped, version="1.2.3"))

        places = [one["locations"][0]["physicalLocation"] for one in told["runs"][0]["results"]]
        told = [(Path(one["artifactLocation"]["uri"]).name, one["region"]["startLine"]) for one in places]
        assert told == [(Path(one.file).name, one.line) for one in shipped.findings]

    def test_a_path_is_an_address(self) -> None:
        """Spaces and signs in it are escaped; it is relative unless the spec lies elsewhere."""
        finding = Finding("r", Severity.NOTE, "", "specs/a b#1.yaml", 0, "", "S.")
        told = json.loads(render.sarif(Review((), (finding,)), version="1"))

        place = told["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
        assert place == {
            "artifactLocation": {"uri": "specs/a%20b%231.yaml", "uriBaseId": "SRCROOT"},
            "region": {"startLine": 1},
        }

    def test_a_finding_that_moves_is_the_same_one(self, shipped: Review) -> None:
        """Else a dismissed alert comes back with every line that is added above it."""
        moved = replace(shipped, findings=tuple(replace(one, line=one.line + 7) for one in shipped.findings))

        def marks(review: Review) -> list[Any]:
            return [
                one["partialFingerprints"]
                for one in json.loads(render.sarif(review, version="1"))["runs"][0]["results"]
            ]

        assert marks(shipped) == marks(moved)
        assert len({json.dumps(one) for one in marks(shipped)}) == len(shipped.findings)

    def test_a_rule_says_what_it_is_where_somebody_knows(self, shipped: Review) -> None:
        """The page of an alert shows it."""
        told = json.loads(render.sarif(shipped, version="1", rules={"label-retired": "The name is an old one."}))

        told_of = {one["id"]: one["fullDescription"]["text"] for one in told["runs"][0]["tool"]["driver"]["rules"]}
        assert told_of == {"label-retired": "The name is an old one.", "engine-maintenance": "Engine maintenance."}


class TestJUnit:
    def test_it_is_junit(self, review: Review) -> None:
        """By the schema of Jenkins, which pytest holds its own reports to."""
        JUNIT.validate(render.junit(review))

    def test_what_blocks_fails_and_what_nobody_knows_is_no_success(self, shipped: Review) -> None:
        """A green case would be read as "it fits"."""
        nobody = review_specs(load_specs([ROOT / "specs"]), Catalog.snapshot())
        blocked = Finding("weights-exceed-memory", Severity.ERROR, "smollm", "specs/smollm.yaml", 10, "instance", "No.")
        suite = Tree.fromstring(render.junit(replace(nobody, findings=(blocked,))))[0]  # noqa: S314 - ours

        cases = {(case.get("classname"), case.get("name")): [part.tag for part in case] for case in suite}
        assert cases["smollm", "weights-exceed-memory"] == ["failure"]
        assert cases["smollm", "memory"] == ["skipped"]
        assert (suite.get("failures"), suite.get("skipped"), suite.get("tests")) == ("1", "4", str(len(suite)))
        fine = Tree.fromstring(render.junit(shipped))[0]  # noqa: S314 - ours
        assert [case.get("name") for case in fine if case.get("classname") == "bge-small"] == ["memory", "review"]


class TestAnnotations:
    def test_one_command_per_finding_the_worst_first(self, review: Review) -> None:
        """A line of its own each; a name that begins a command of its own would be one."""
        lines = render.annotations(review).splitlines()

        assert len(lines) == len(review.findings)
        assert all(re.fullmatch(r"::(error|warning|notice) [^\n]*?::.*", line) for line in lines)
        order = [line[2:].partition(" ")[0] for line in lines]
        assert order == sorted(order, key=["error", "warning", "notice"].index)

    def test_signs_of_commands_are_escaped(self) -> None:
        """As the runner reads them: properties end at commas and colons, messages at the line's end."""
        finding = Finding("r", Severity.ERROR, "a", "x,y:z%.yaml", 4, "f", "100 %\nand more", fix="Do it.")

        assert render.annotations(Review((), (finding,))) == (
            "::error file=x%2Cy%3Az%25.yaml,line=4,title=a%3A r::f: 100 %25%0Aand more%0ADo it.\n"
        )


class TestFocus:
    def test_columns_and_amounts(self, shipped: Review) -> None:
        """FinOps tools sum `ListCost`; what only an invoice knows is empty, not zero."""
        rows = list(csv.DictReader(io.StringIO(render.focus_csv(shipped, namespace="acme", stack="prod"))))

        assert list(rows[0]) == list(render.COLUMNS)
        bge = rows[0]
        assert (bge["ResourceId"], bge["SkuId"]) == ("acme/bge-small", "aws-us-east-1-intel-spr-x2")
        assert (bge["PricingQuantity"], bge["ListUnitPrice"], bge["ListCost"]) == ("1460", "0.067", "97.82")
        assert (bge["x_EstimateFloor"], bge["x_EstimateCeiling"]) == ("48.91", "97.82")
        assert [bge[name] for name in ("BilledCost", "EffectiveCost", "ContractedCost", "x_EstimateExpected")] == [
            ""
        ] * 4
        assert json.loads(bge["Tags"]) == {"stack": "prod", "search": True, "always-on": True}

    def test_no_price_is_no_amount(self, shipped: Review) -> None:
        """Zero would be free."""
        plan = replace(shipped.plans[0], hardware=shipped.plans[0].hardware.model_copy(update={"price_per_hour": None}))
        [row] = csv.DictReader(io.StringIO(render.focus_csv(Review((plan,), ()), namespace=None)))

        assert [row[name] for name in ("ListUnitPrice", "ListCost", "x_EstimateCeiling")] == ["", "", ""]

    @given(st.sampled_from(["=", "+", "-", "@", " =", "\t@", "\x1b[0m=", "\x00+", ""]), st.text())
    def test_no_cell_of_others_is_a_formula(self, start: str, rest: str) -> None:
        """A spreadsheet runs what begins with such a sign, whoever wrote it, also behind what nobody sees."""
        text = start + rest
        plan = load_plan()
        named = replace(plan, spec=plan.spec.model_copy(update={"name": text, "namespace": None}))
        [row] = csv.reader(io.StringIO(render.focus_csv(Review((named,), ()), namespace=None).partition("\n")[2]))

        assert len(row) == len(render.COLUMNS)
        assert [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []


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
        assert table.footer[0] == f"{len(change.plans)} endpoints"
        assert f"the other {len(change.plans) - 50} cost" in told
        blocked = {finding.endpoint for finding in change.blocking} & {plan.name for plan in change.plans}
        assert {row[0] for row in table.rows[: len(blocked)]} == blocked

    def test_few_stay_in_their_order(self, shipped: Review) -> None:
        """Somebody reads them beside the files."""
        assert [row[0] for row in render.plan_table(shipped).rows] == [plan.name for plan in shipped.plans]


def load_plan() -> Any:
    """The plan of one shipped spec."""
    [plan] = review_specs(load_specs([ROOT / "specs" / "smollm.yaml"]), Catalog.snapshot()).plans
    return plan


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


@pytest.mark.parametrize("name", ["review.md", "review.html", "review-300.md", "review-300.txt"])
def test_the_reviews_in_docs_are_what_the_command_prints(name: str, printed: dict[str, str]) -> None:
    """People judge the tool by them. After a change on purpose: `python tests/fleet.py`."""
    assert (fleet.DOCS / name).read_text("utf-8") == printed[name]
