"""One review in all its forms: what one of them says, none of the others leaves out."""

import ast
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as Tree

import pytest
from command_line import SPEC, on_terminal, run
from markdown_it import MarkdownIt
from reviews import ROOT, Seen

from hfdeploy import render
from hfdeploy.lock import FILE
from hfdeploy.policy import RULES
from hfdeploy.review import Finding, Review, Severity
from hfdeploy.review.finding import finding_of
from hfdeploy.spec import load_specs

pytest_plugins = ["command_line", "reviews"]


@pytest.fixture
def falcon(tmp_path: Path) -> Path:
    """A folder with Falcon-40B in sixteen bits on one A100, which does not hold it."""
    folder = tmp_path / "specs"
    folder.mkdir()
    shutil.copy(ROOT / "specs" / FILE, folder)
    text = (ROOT / "specs" / "falcon-40b.yaml").read_text("utf-8")
    (folder / "falcon-40b.yaml").write_text(text.replace("  quantize: bitsandbytes", "  #"), encoding="utf-8")
    return folder


def printed(folder: Path, form: str, cwd: Path | None = None) -> str:
    """The review of specs in a form, by default from the folder above them."""
    return run("plan", folder, "--format", form, cwd=cwd or folder.parent).stdout


class TestTerminal:
    def test_a_finding_has_its_rule_and_its_fix(self, falcon: Path) -> None:
        """The id is what somebody types into a policy; a fix that the sentence says is not said again."""
        lines = printed(falcon, "text").splitlines()

        [engine] = [line for line in lines if line.startswith("warning specs/falcon-40b.yaml:14: engine.type: ")]
        assert engine.endswith(" are sent. Set engine.type to vllm, sglang or llamacpp. [engine-maintenance]")
        [memory] = [line for line in lines if line.startswith("error specs/falcon-40b.yaml:10: ")]
        assert memory.endswith(" GiB free per GPU. [weights-exceed-memory]")
        assert memory.count("What fits: ") == 1
        [label] = [line for line in lines if line.endswith("[label-retired]")]
        assert label.casefold().count("write ") == 1

    def test_the_rule_is_dim(self) -> None:
        """It is for who writes a policy: whoever reads the sentence reads past it."""
        assert "\x1b[2;39m [engine-maintenance]" in on_terminal("plan", "specs/smollm.yaml", columns=400)

    def test_what_does_not_fit_is_added_up(self, falcon: Path) -> None:
        """A verdict that nobody can follow is not believed; what fits needs none of it."""
        (falcon / "demo.yaml").write_text(SPEC)
        said = printed(falcon, "text")

        heading = "\nfalcon-40b on nvidia-a100 x1, per GPU\n"
        sums = said.partition(heading)[2].partition("\n\n")[0]
        assert [line.split("  ")[1].strip() for line in sums.splitlines()][:4] == [
            "budget",
            "− weights",
            "− overhead",
            "= free",
        ]
        assert "79.14 GiB visible × 0.92 = 72.81 GiB" in sums
        assert "demo on nvidia-l4 x1, per GPU" not in said
        assert "per GPU\n" not in run("plan", "specs").stdout


class TestFixes:
    def test_every_finding_has_one(self) -> None:
        """By its own words or by those of its rule."""
        [one] = load_specs([ROOT / "specs" / "smollm.yaml"])
        found = [finding_of(one, rule, Severity.NOTE, "instance", "It is so.") for rule in RULES]

        assert [finding.fix for finding in found] == [rule.fix for rule in RULES.values()]
        assert finding_of(one, "idle", Severity.NOTE, "instance", "It is so.", fix="Wait.").fix == "Wait."

    def test_none_is_made_without(self) -> None:
        """Where a finding is about no spec, its fix is given with it."""
        bare = [
            f"{file.name}:{node.lineno}"
            for part in ("audit", "baseline", "cli", "review")
            for file in sorted((ROOT / "hfdeploy" / part).glob("*.py"))
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding"
            if len(node.args) < 8 and not any(keyword.arg == "fix" for keyword in node.keywords)
        ]

        assert bare == []

    def test_a_file_that_is_no_spec_has_one(self, tmp_path: Path) -> None:
        """Not even the rule was known to any policy."""
        (tmp_path / "demo.yaml").write_text("name: demo\n")
        results = json.loads(printed(tmp_path, "sarif"))["runs"][0]["results"]

        assert {one["properties"]["fix"] for one in results} == {RULES["spec-invalid"].fix}

    def test_a_way_out_is_said_once(self, falcon: Path) -> None:
        """The sentence ends with it: shown beside the sentence, it would be there twice."""
        for form in ("github", "sarif", "junit"):
            said = printed(falcon, form)
            shown = json.loads(said)["runs"][0]["results"][0]["message"]["text"] if form == "sarif" else said
            assert shown.count("What fits: ") == 1


class TestApprovals:
    @pytest.fixture
    def asked(self, shipped: Review) -> Review:
        return replace(shipped, approvals=("finops", "security"))

    def test_annotations_ask(self, asked: Review) -> None:
        """Before the notes, of which GitHub drops those after the tenth."""
        lines = render.annotations(
            replace(asked, findings=(Finding("r", Severity.NOTE, "", "a.yaml", 1, "", "S."), *asked.findings))
        ).splitlines()

        place = lines.index("::notice title=approval required::finops, security")
        assert all(line.startswith("::warning ") for line in lines[:place])
        assert all(line.startswith("::notice ") for line in lines[place:])

    def test_sarif_has_the_groups(self, asked: Review, shipped: Review) -> None:
        """For the run: the request is about no line of a file."""
        assert json.loads(render.sarif(asked, version="1"))["runs"][0]["properties"] == {
            "approvals": ["finops", "security"]
        }
        assert "properties" not in json.loads(render.sarif(shipped, version="1"))["runs"][0]

    def test_junit_has_a_case_that_passes(self, asked: Review, shipped: Review) -> None:
        """As the command ends with 0: somebody is asked, and nothing is wrong."""
        cases = list(Tree.fromstring(render.junit(asked))[0])  # noqa: S314 - ours
        [case] = [one for one in cases if one.get("name") == "approval"]

        assert [(part.tag, part.text) for part in case] == [("system-out", "approval required: finops, security")]
        assert 'name="approval"' not in render.junit(shipped)


class TestMemory:
    def test_one_case_says_that_it_does_not_fit(self, falcon: Path) -> None:
        """A case that fails with a twin that passes is read as both."""
        suite = Tree.fromstring(printed(falcon, "junit"))[0]  # noqa: S314 - ours
        cases = {case.get("name"): [part.tag for part in case] for case in suite}

        assert cases["weights-exceed-memory"] == ["failure"]
        assert "memory" not in cases
        assert "no_fit" not in printed(falcon, "junit")

    @pytest.mark.parametrize("form", ["markdown", "html"])
    def test_what_would_hold_it_is_a_table_with_the_chosen_row_marked(self, falcon: Path, form: str) -> None:
        """A reviewer compares prices and what is free; it is folded, below the arithmetic."""
        said = printed(falcon, form)
        if form == "markdown":
            said = MarkdownIt("commonmark", {"html": True}).enable("table").render(said)
        before, _, rest = said.partition("→ chosen")
        table = Seen(rest.partition("</table>")[0].replace("code>", "i>").replace("<td", " <td")).words

        fold = before.rpartition("<details>")[2]
        assert "79.14 GiB visible" in fold
        assert "</details>" not in fold
        assert " ".join(table.split()) == (
            "nvidia-a100 x1 as stored $2.50/h -6.26 GiB – "
            "nvidia-a100 x1 8-bit $2.50/h 30.95 GiB 270464 tokens "
            "nvidia-t4 x4 8-bit $3.00/h 1.86 GiB 64896 tokens "
            "nvidia-a100 x2 as stored $5.00/h 32.39 GiB 566096 tokens"
        )


class TestPlaces:
    def test_paths_are_those_of_the_clone(self, falcon: Path) -> None:
        """A diff has no others, wherever the command was started: annotations on them are shown nowhere."""
        subprocess.run(["git", "init", "--quiet", str(falcon.parent)], check=True)

        above = run("plan", falcon, "--format", "github", cwd=falcon.parent.parent).stdout
        for told in (printed(falcon, "github", cwd=falcon), printed(falcon, "github"), above):
            files = {line.partition("file=")[2].partition(",")[0] for line in told.splitlines()}
            assert files == {"specs/falcon-40b.yaml"}
        results = json.loads(printed(falcon, "sarif", cwd=falcon))["runs"][0]["results"]
        assert {one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in results} == {
            "specs/falcon-40b.yaml"
        }
        assert "falcon-40b.yaml:10: " in printed(falcon, "text", cwd=falcon)

    def test_outside_of_a_clone_they_are_what_was_asked_for(self, falcon: Path) -> None:
        """From the folder of the command."""
        assert "::error file=falcon-40b.yaml,line=10," in printed(falcon, "github", cwd=falcon)


class TestWords:
    def test_brackets_in_a_sarif_message_are_no_link(self) -> None:
        """By 3.11.6 of the standard plain text has links, too."""
        finding = Finding("r", Severity.NOTE, "", "a.yaml", 1, "", r"GPU [xlarge](https://evil.example) C:\x", "Do.")
        told = json.loads(render.sarif(Review((), (finding,)), version="1"))

        assert told["runs"][0]["results"][0]["message"]["text"] == r"GPU \[xlarge\](https://evil.example) C:\\x Do."

    def test_a_backtick_does_not_end_the_code_of_a_problem(self, tmp_path: Path) -> None:
        """A key is whatever somebody wrote."""
        (tmp_path / "demo.yaml").write_text(f'{SPEC}"a` <b>@acme</b> `b": 1\n')
        marked = run("validate", tmp_path, "--format", "markdown").stdout

        seen = Seen(MarkdownIt("commonmark", {"html": True}).render(marked))
        assert "@acme" in marked
        assert "b" not in seen.tags
        assert seen.words.split() == []
