"""validate, plan, schema: what the shipped specs and others look like before anything is sent."""

import json
import os
import subprocess

import jsonschema
import pytest
from command_line import COMMAND, ROOT, SPEC, demo_in, on_terminal, run, succeed, surroundings, talking_to, tell

pytest_plugins = ["command_line"]

GOLDEN = ROOT / "tests" / "golden"


@pytest.fixture
def specs(tmp_path):
    """A folder with one spec."""
    return demo_in(tmp_path)


def test_good_specs_are_named() -> None:
    """Silence would look the same for an empty folder."""
    assert succeed("validate", "specs") == "4 specs valid: bge-small, falcon-40b, qwen-chat, smollm\n"
    assert succeed("validate") == succeed("validate", "specs")
    assert tell("validate", "specs/smollm.yaml") == {"schemaVersion": 1, "valid": ["smollm"], "problems": []}


def test_everything_wrong_in_all_files_is_said_at_once(specs) -> None:
    """One problem per run would take as many runs as there are problems."""
    (specs / "demo.yaml").write_text(SPEC.replace("cloud: aws\n", "cluod: aws\n"))
    (specs / "other.yaml").write_text(SPEC.replace("demo", "other") + "security: protected\n")

    ended = run("validate", specs, cwd=specs.parent)
    told = run("validate", specs, "--format", "json", cwd=specs.parent)
    marked = run("validate", specs, "--format", "markdown", cwd=specs.parent)

    assert (ended.returncode, ended.stdout) == (2, "")
    lines = ended.stderr.splitlines()
    assert lines[-1] == "error: 3 problems in 2 files."
    assert [line.split(": ")[:2] for line in lines[:-1]] == [
        ["specs/demo.yaml:1", "cloud"],
        ["specs/demo.yaml:4", "cluod"],
        ["specs/other.yaml:8", "security"],
    ]
    problems = json.loads(told.stdout)["problems"]
    assert [(problem["file"], problem["line"], problem["field"]) for problem in problems] == [
        ("specs/demo.yaml", 1, "cloud"),
        ("specs/demo.yaml", 4, "cluod"),
        ("specs/other.yaml", 8, "security"),
    ]
    assert marked.stdout.count("\n- `specs/") == 2
    assert {ended.returncode, told.returncode, marked.returncode} == {2}


@pytest.mark.fault(27)
def test_the_plan_of_the_shipped_specs_in_text() -> None:
    """What a person reads before agreeing to a bill. After a change on purpose: `hfdeploy plan > tests/golden/...`."""
    assert succeed("plan", "specs") == (GOLDEN / "plan.txt").read_text("utf-8")


def test_the_plan_of_the_shipped_specs_in_json() -> None:
    """What policy engines and pipelines read; numbers in it are text where they are money."""
    assert tell("plan", "specs", "--namespace", "acme") == json.loads((GOLDEN / "plan.json").read_text("utf-8"))


def test_the_plan_of_the_shipped_specs_in_markdown() -> None:
    """What a comment on a pull request shows."""
    assert succeed("plan", "specs", "--format", "markdown") == (GOLDEN / "plan.md").read_text("utf-8")


def test_a_plan_shows_the_exact_request_on_demand(specs) -> None:
    """`--body` and JSON agree, and name where secret values come from instead of the values."""
    (specs / "demo.yaml").write_text(SPEC + "secrets: { HUB_TOKEN: { from_env: MODEL_TOKEN } }\n")

    said = succeed("plan", specs, "--body", env=surroundings(MODEL_TOKEN="a-secret-value"))
    told = tell("plan", specs)["endpoints"][0]

    heading = "POST of demo with HUB_TOKEN from environment MODEL_TOKEN:\n"
    assert json.loads(said.partition(heading)[2]) == told["request"]
    assert told["secrets"] == {"HUB_TOKEN": "environment MODEL_TOKEN"}
    assert told["request"]["model"]["repository"] == "HuggingFaceTB/SmolLM2-360M-Instruct"
    assert "a-secret-value" not in said


def test_exit_5_a_blocking_finding_stops_and_is_shown(specs) -> None:
    """Hardware that does not exist there would be refused by the service, after others were started."""
    (specs / "other.yaml").write_text(SPEC.replace("demo", "other").replace("nvidia-l4 x1", "nvidia-l4 x3"))

    ended = run("plan", specs, cwd=specs.parent)
    told = run("plan", specs, "--format", "json", cwd=specs.parent)

    assert (ended.returncode, told.returncode) == (5, 5)
    assert ended.stderr == "error: 1 finding to be settled first.\n"
    assert "error specs/other.yaml:6: instance: " in ended.stdout
    assert "\ndemo " in ended.stdout
    blocking = [one for one in json.loads(told.stdout)["findings"] if one["severity"] == "error"]
    assert [(one["endpoint"], one["rule"], one["line"]) for one in blocking] == [("other", "unknown-hardware", 6)]


def test_a_plan_of_broken_specs_is_no_plan(specs) -> None:
    """Half a table would be read as the whole."""
    (specs / "other.yaml").write_text("name: other\n")

    ended = run("plan", specs)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert "other.yaml" in ended.stderr


@pytest.mark.fault(29)
def test_a_plan_asks_nobody_unless_it_is_told_to(specs, emulator) -> None:
    """The same commit always reviews the same, and CI needs no token for it."""
    env = talking_to(emulator)
    emulator.set(hardware_status={"aws-us-east-1-nvidia-l4-x1": "low_availability"})
    before = len(emulator.requests())

    offline = tell("plan", specs, env=env)
    assert len(emulator.requests()) == before

    live = tell("plan", specs, "--live", env=env)
    said = succeed("plan", specs, "--live", env=env)
    asked = [(request["method"], request["path"]) for request in emulator.requests()[before:]]
    assert asked == [("GET", "/v2/provider/acme"), ("GET", "/v2/endpoint/acme")] * 2
    assert offline["endpoints"][0]["live_hardware"] is None
    assert live["endpoints"][0]["live_hardware"]["status"] == "low_availability"
    assert live["endpoints"][0]["hardware"] == offline["endpoints"][0]["hardware"]
    assert live["totals"] == offline["totals"]
    assert "The service says today: demo nvidia-l4 x1 is low availability" in said


def test_a_stack_says_where_its_specs_are_and_whose_they_are(specs) -> None:
    """`hfdeploy plan --stack prod` shows what `pulumi up --stack prod` is about to do."""
    program = specs.parent / "stacks"
    program.mkdir()
    (program / "Pulumi.yaml").write_text("name: hfdeploy\nruntime: python\n")
    (program / "Pulumi.one.yaml").write_text("config: { 'hfdeploy:namespace': others }\n")
    (program / "Pulumi.two.yaml").write_text("config: { 'hfdeploy:specs': ../more/**/*.yaml }\n")
    (specs.parent / "more" / "deep").mkdir(parents=True)
    (specs.parent / "more" / "deep" / "second.yaml").write_text(SPEC.replace("demo", "second"))

    one = tell("plan", "--stack", "one", cwd=specs.parent)
    two = tell("plan", "--stack", "two", "--namespace", "mine", cwd=specs.parent)

    assert [(each["namespace"], each["name"]) for each in one["endpoints"]] == [("others", "demo")]
    assert [(each["namespace"], each["name"]) for each in two["endpoints"]] == [("mine", "second")]
    assert two["findings"][0]["file"] == "more/deep/second.yaml"


@pytest.mark.parametrize("columns", [160, 100, 60])
def test_a_plan_is_readable_at_any_width(columns) -> None:
    """A table that is cut off hides the price."""
    said = on_terminal("plan", columns=columns, env=surroundings(NO_COLOR="1"))

    table = said.partition("Every hour")[0].splitlines()
    assert max(map(len, table)) <= columns
    for word in ("HuggingFaceTB/SmolLM2-360M-Instruct", "nvidia-a100 x1", "$1,825.00", "$2.50/h", "aws us-east-1"):
        assert any(word in line for line in table)
    assert "…" not in "".join(table)


@pytest.mark.parametrize("form", ["sarif", "junit", "github", "csv", "html", "markdown", "text", "json"])
def test_a_review_is_written_into_a_file_as_it_is_printed(specs, form) -> None:
    """CI uploads files; standard output then stays empty."""
    printed = succeed("plan", "specs", "--format", form, cwd=specs.parent)
    file = specs.parent / "review"

    assert succeed("plan", "specs", "--format", form, "--output", file, cwd=specs.parent) == ""
    assert file.read_text("utf-8") == printed
    assert sorted(path.name for path in specs.parent.iterdir()) == ["review", "specs"]


def test_a_review_that_blocks_is_written_all_the_same(specs) -> None:
    """It is then that somebody wants to see it on the lines of the change."""
    (specs / "demo.yaml").write_text(SPEC.replace("nvidia-l4 x1", "nvidia-l4 x3"))

    ended = run("plan", "specs", "--format", "github", "--output", specs.parent / "found", cwd=specs.parent)

    assert ended.returncode == 5
    assert (
        "::error file=specs/demo.yaml,line=6,title=demo%3A unknown-hardware::" in (specs.parent / "found").read_text()
    )


def test_what_is_no_spec_is_a_finding_in_documents(specs) -> None:
    """A typing mistake belongs on its line of the pull request as much as a lack of memory."""
    (specs / "demo.yaml").write_text(SPEC + "color: red\n")

    ended = run("plan", "specs", "--format", "sarif", cwd=specs.parent)

    assert ended.returncode == 2
    [result] = json.loads(ended.stdout)["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert (result["ruleId"], result["level"], place["region"]["startLine"]) == ("spec-invalid", "error", 8)


def test_what_is_no_spec_is_a_finding_for_programs_too(specs) -> None:
    """An empty answer says nothing to whoever reads it; the specs that can be judged are in it."""
    (specs / "other.yaml").write_text("name: other\ncolor: red\n")

    ended = run("plan", "specs", "--format", "json", cwd=specs.parent)

    document = json.loads(ended.stdout)
    assert ended.returncode == 2
    jsonschema.validate(document, json.loads(succeed("schema", "--of", "review")))
    broken = [one for one in document["findings"] if one["rule"] == "spec-invalid"]
    assert {(one["file"], one["severity"]) for one in broken} == {("specs/other.yaml", "error")}
    assert [one["name"] for one in document["endpoints"]] == ["demo"]


def test_a_file_that_cannot_be_written_is_said(specs) -> None:
    """And none is left half written."""
    ended = run("plan", specs, "--output", specs.parent / "nowhere" / "review.html", cwd=specs.parent)

    assert ended.returncode == 2
    assert "cannot be written: No such file or directory." in ended.stderr


def test_the_schema_of_a_review_is_the_one_in_the_package() -> None:
    """Programs that read `plan --format json` are checked by it."""
    printed = succeed("schema", "--of", "review")
    assert printed == (ROOT / "hfdeploy" / "data" / "review.schema.json").read_text("utf-8")


def test_the_schema_is_the_one_in_the_package() -> None:
    """Editors and this command must not disagree."""
    assert succeed("schema") == (ROOT / "hfdeploy" / "data" / "spec.schema.json").read_text("utf-8")


def test_a_service_that_does_not_answer_leaves_the_quota_unknown(specs) -> None:
    """The rest of the review needs nobody; it is said, and no later question fails for it."""
    ended = run("plan", specs, "--live", "--format", "json", env=surroundings(
        HFDEPLOY_API_URL="http://127.0.0.1:9", HF_TOKEN="hf_x", HFDEPLOY_NAMESPACE="acme"))  # fmt: skip

    assert ended.returncode == 0, ended.stderr
    assert {one["verdict"] for one in json.loads(ended.stdout)["quota"]["entries"]} == {"unknown"}
    assert "The live catalogue could not be read" in ended.stderr
    assert "What runs now could not be read, so that the quota is unknown: " in ended.stderr


def test_a_reader_that_goes_away_changes_nothing_about_the_verdict(specs) -> None:
    """`hfdeploy plan | head -1` in a pipeline with pipefail still says that something blocks."""
    (specs / "demo.yaml").write_text(SPEC.replace("nvidia-l4 x1", "nvidia-l4 x3"))
    assert run("plan", cwd=specs.parent).returncode == 5
    read, write = os.pipe()
    os.close(read)

    def code(stderr: int) -> int:
        command = [*COMMAND, "plan"]
        return subprocess.run(
            command, cwd=specs.parent, stdout=write, stderr=stderr, env=surroundings(), check=False
        ).returncode

    assert code(subprocess.DEVNULL) == 5
    assert code(write) == 5, "2>&1"
    os.close(write)


def test_a_configuration_of_a_stack_that_is_no_text_is_one_sentence(specs) -> None:
    """Saved by an editor in another encoding."""
    program = specs.parent / "stacks"
    program.mkdir()
    (program / "Pulumi.yaml").write_text("name: hfdeploy\nruntime: python\n")
    (program / "Pulumi.odd.yaml").write_bytes("config: { 'hfdeploy:namespace': é }\n".encode("latin-1"))

    ended = run("plan", "--stack", "odd", cwd=specs.parent)

    assert ended.returncode == 2
    assert "Pulumi.odd.yaml cannot be read" in ended.stderr
