"""The forms of an audit: no secret and no file in them, many alike told once, and the words of others do nothing."""

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as Tree

import pytest
from audited import CANARY, SMALL, TGI, VLLM, compute, days_ago, model, run_audit
from command_line import on_terminal, talking_to
from control_plane import Running, running
from markdown_it import MarkdownIt
from reviews import Seen

pytest_plugins = ["audited", "command_line"]

HOSTILE = ["[x](http://evil.example) @acme/team <img src=x onerror=alert(1)>", "#12", "team:@here", "a|b"]
SAID = "[log](http://evil.example) @acme/team #12 <script>alert(1)</script> `x` | **b**"


@pytest.fixture(scope="module")
def hostile() -> Iterator[Running]:
    """Somebody's words wherever a namespace has room for them."""
    with running() as emulator:
        emulator.seed("big", compute=compute("nvidia-t4 x1", 1, 1), model=model("tiiuae/falcon-40b-instruct", TGI),
                      tags=HOSTILE, lastUsedAt=days_ago(0))  # fmt: skip
        emulator.seed("down", state="failed", compute=compute("nvidia-t4 x1", 1, 1), model=model(SMALL, VLLM))
        emulator.mutate("down", status={"errorMessage": SAID, "message": SAID})
        emulator.seed("young", model=model(SMALL, VLLM), createdAt=days_ago(0.1))
        yield emulator


def drawn(text: str) -> Seen:
    return Seen(MarkdownIt("commonmark", {"html": True}).enable("table").render(text))


def test_a_comment_shows_what_others_wrote_and_does_nothing_of_it(hostile: Running) -> None:
    """A tag, and what a container said before it died, are anybody's words."""
    text = run_audit(hostile, "--format", "markdown").stdout
    seen = drawn(text)

    assert "evil.example" in text, "it is shown"
    assert [value for name, value in seen.attributes if name in {"href", "src"}] == []
    assert set(seen.tags) & {"a", "img", "script", "h1"} == set()
    assert re.findall(r"@(?=\w)|#(?=\d)|://", seen.words) == []
    for table in re.findall(r"(?:^\|.*\|$\n?)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_a_comment_begins_with_the_verdict_and_folds_what_can_wait(hostile: Running) -> None:
    """As that of a plan: who reads one line knows whether to read on."""
    text = run_audit(hostile, "--no-hub", "--format", "markdown").stdout
    head, _, rest = text.partition("<details>")

    lines = head.splitlines()
    assert lines[0] == "<!-- hfdeploy:audit acme -->"
    assert lines[2] == "### Audit of acme: 3 endpoints, \\$730.00 to \\$1,314.00 a month; nothing to be settled first"
    assert "**Does it fit?**" in head
    assert "| `big` | running |" in head
    assert "*Set engine.type to vllm, sglang or llamacpp.* (`engine-maintenance`)" in rest
    folded = re.findall(r"<summary>(.*?)</summary>", text)
    assert folded == [
        "Warnings and notes (3)",
        "Quota, in accelerators",
        "Cost by tag",
        "What this rests on",
        "The same again",
    ]


def test_what_has_to_be_settled_stands_open(emulator: Running) -> None:
    """And is counted in the first line."""
    emulator.seed("dead", state="failed", compute=compute("nvidia-t4 x1", 1, 1),
                  model=model("tiiuae/falcon-40b-instruct", VLLM))  # fmt: skip

    ended = run_audit(emulator, "--format", "markdown")

    head = ended.stdout.partition("<details>")[0]
    assert ended.returncode == 5
    assert "a month; 1 to be settled first" in head
    assert "**To be settled first**\n\n- ❌ `dead` `instance` tiiuae/falcon-40b-instruct does not fit" in head
    assert "(`weights-exceed-memory`)" in head


def test_no_form_points_at_a_file_that_there_is_not(hostile: Running) -> None:
    """Something live stands in none: code scanning would look for `acme/big` in the repository."""
    lines = run_audit(hostile, "--format", "github").stdout.splitlines()
    told = json.loads(run_audit(hostile, "--format", "sarif").stdout)["runs"][0]["results"]

    assert lines
    assert not [line for line in lines if "file=" in line]
    assert any(line.startswith("::warning title=big%3A engine-maintenance::") for line in lines)
    assert {tuple(place) for one in told for place in one["locations"]} == {("logicalLocations",)}
    names = {one["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] for one in told}
    assert names == {"acme/big", "acme/down", "acme/young"}


def test_rows_have_the_day_of_their_price_and_suites_the_name_of_the_command(hostile: Running) -> None:
    """A price without a day is nobody's."""
    rows = list(csv.DictReader(io.StringIO(run_audit(hostile, "--no-hub", "--format", "csv").stdout)))
    suites = Tree.fromstring(run_audit(hostile, "--no-hub", "--format", "junit").stdout)  # noqa: S314 - ours

    assert [re.fullmatch(r"\d{4}-\d\d-\d\d", row["x_PriceAsOf"]) is not None for row in rows] == [True] * 3
    assert {suites.get("name"), suites[0].get("name")} == {"hfdeploy audit"}


def test_an_endpoint_that_nobody_had_time_to_call_is_new(hostile: Running) -> None:
    """Neither idle nor in use."""
    said = run_audit(hostile, "--no-hub").stdout

    (row,) = [line for line in said.splitlines() if line.startswith("young ")]
    assert " new " in row


def test_the_page_has_what_only_an_audit_knows(hostile: Running) -> None:
    """And what runs all the same is not in the way of anything."""
    text = run_audit(hostile, "--format", "html").stdout

    assert "<title>Audit of acme</title>" in text
    assert '<h2 id="beside-1-title">Use</h2>' in text
    assert '<th scope="col">Last used</th>' in text
    assert '<th scope="col" class="number">Burnt idle</th>' in text
    assert '<h2 id="beside-2-title">Cost by tag</h2>' in text
    assert "&lt;img src=x" in text
    answers = text.partition('<ul class="answers">')[2].partition("</ul>")[0]
    assert "too large: big" in answers
    assert "in the way" not in answers


def test_many_alike_are_told_in_one_line(emulator: Running) -> None:
    """Sixty lines of the same are read by nobody; the names are in it."""
    names = [f"e{number:02}" for number in range(24)]
    for name in names:
        emulator.seed(name, type="public", compute=compute("nvidia-t4 x1"), model=model(SMALL, TGI),
                      lastUsedAt=days_ago(0))  # fmt: skip

    said = run_audit(emulator, "--no-hub").stdout
    comment = run_audit(emulator, "--no-hub", "--format", "markdown").stdout

    told = [line for line in said.splitlines() if line.startswith("warning ")]
    assert len(told) == 2
    assert told[0].startswith("warning engine.type: TGI is in maintenance mode")
    assert f" 24 endpoints: {', '.join(names[:20])} and 4 more. " in told[0]
    assert told[1].startswith("warning security: Each is public: anybody on the internet")
    assert comment.count("(`engine-maintenance`) 24 endpoints: ") == 1


def test_a_gguf_file_is_judged_by_what_the_hub_says_of_it(emulator: Running) -> None:
    """The one that the engine loads: its repository may hold many."""
    llama = {"llamacpp": {"url": "x/y:1", "ctxSize": 8192, "nParallel": 1, "threadsHttp": 2,
                          "modelPath": "Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf"}}  # fmt: skip
    emulator.seed("quants", compute=compute("nvidia-l4 x1"), lastUsedAt=days_ago(0),
                  model=model("bartowski/Meta-Llama-3.1-8B-Instruct-GGUF", llama))  # fmt: skip

    (told,) = json.loads(run_audit(emulator, "--format", "json").stdout)["endpoints"]

    assert told["fit"]["verdict"] == "fit"


@pytest.mark.parametrize("shape", ["text", "json", "markdown", "sarif", "junit", "github", "csv", "html"])
def test_in_every_form_each_endpoint_is_there_and_no_value_of_its_secrets(
    fleet: Running, tmp_path: Path, shape: str
) -> None:
    """An audit is mailed around: the values of secrets, variables and arguments are in none of its forms."""
    file = tmp_path / "audit"
    ended = run_audit(fleet, "--format", shape, "--output", str(file))

    text = file.read_text()
    assert "forgotten" in text
    assert ended.stdout == ""
    for value in (CANARY, "quiet-words", "--api-key"):
        assert value not in text + ended.stderr


def test_markdown_has_the_tables_and_the_findings(fleet: Running) -> None:
    """For an issue or a wiki."""
    said = run_audit(fleet, "--format", "markdown", "--by-tag", "team").stdout

    assert f"| `forgotten` | running | `{SMALL}` | `nvidia-a100 x1`, aws us-east-1 | 1 | fit | private |" in said
    assert "| aws nvidia-t4 | 4 | 5 | 64 | ok |" in said
    assert "| no team tag | 7 |" in said
    assert "- ⚠️ `open-door` `security` open-door is public: " in said


def test_a_narrow_terminal_shows_everything(emulator: Running) -> None:
    """Row by row where the table is too wide."""
    emulator.seed("one", compute=compute("nvidia-t4 x1", 1, 1), model=model(SMALL, VLLM), lastUsedAt=days_ago(0))

    said = on_terminal("audit", "acme", "--no-hub", columns=60, env=talking_to(emulator) | {"NO_COLOR": "1"})

    lines = [line for line in said.replace("\r", "\n").splitlines() if "\x1b" not in line]
    assert max(map(len, lines)) <= 60
    assert "$365.00" in said
