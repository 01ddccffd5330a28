"""A review for other programs: each document is what its readers take, and no name breaks out of it."""

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Tree

import jsonschema
import xmlschema
from hypothesis import given
from hypothesis import strategies as st
from reviews import ROOT, load_plan

from hfdeploy import render
from hfdeploy.catalog import Catalog
from hfdeploy.review import Finding, Review, Severity, review_specs
from hfdeploy.spec import load_specs

pytest_plugins = ["reviews"]

SCHEMAS = Path(__file__).parent / "schemas"
SARIF = jsonschema.Draft4Validator(json.loads((SCHEMAS / "sarif-2.1.0.json").read_text("utf-8")))
JUNIT = xmlschema.XMLSchema(str(SCHEMAS / "junit-10.xsd"))


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
        """A line each, and one for who has to agree; a name that begins a command of its own would be one."""
        lines = render.annotations(review).splitlines()

        assert len(lines) == len(review.findings) + bool(review.approvals)
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
