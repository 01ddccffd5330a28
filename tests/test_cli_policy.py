"""`hfdeploy plan` under a policy, and with --fix: what is printed, what is written, how it ends."""

import stat
from pathlib import Path

import pytest
from command_line import ROOT, SPEC, run, surroundings, talking_to, tell
from control_plane import STRANGER

pytest_plugins = ["command_line"]

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one spec in `specs`, at a commit."""
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "demo.yaml").write_text(f"{SPEC}revision: {COMMIT}\n")
    return tmp_path


def lock(folder: Path) -> None:
    """The lock file of somebody who asked the Hub."""
    text = (ROOT / "specs" / "hfdeploy.lock.json").read_text()
    (folder / "specs" / "hfdeploy.lock.json").write_text(text.replace('"commit": null', f'"commit": "{COMMIT}"'))


class TestPolicy:
    def test_what_a_policy_forbids_ends_with_5(self, folder) -> None:
        """In all formats, with the line of the spec."""
        (folder / "policy.yaml").write_text("limits: { clouds: [gcp] }\n")

        ended = run("plan", "specs", "--policy", "policy.yaml", cwd=folder)
        marked = run("plan", "specs", "--policy", "policy.yaml", "--format", "markdown", cwd=folder)

        assert (ended.returncode, marked.returncode) == (5, 5)
        sentence = "cloud: aws is no cloud that the policy allows: gcp."
        assert f"error specs/demo.yaml:4: {sentence} Choose one of: gcp. [policy-cloud]\n" in ended.stdout
        assert "aws is no cloud that the policy allows: gcp." in marked.stdout
        assert "1 to be settled first" in marked.stdout
        assert ended.stderr == "error: 1 finding to be settled first.\n"

    def test_a_policy_can_be_lenient(self, folder) -> None:
        """The engine's warning is gone, and nothing else is said."""
        (folder / "policy.yaml").write_text("rules: { engine-maintenance: off }\n")
        lock(folder)

        assert tell("plan", "specs", "--policy", "policy.yaml", cwd=folder)["findings"] == []
        assert [one["rule"] for one in tell("plan", "specs", cwd=folder)["findings"]] == ["engine-maintenance"]

    def test_a_wrong_policy_ends_with_2_and_shows_no_plan(self, folder) -> None:
        """A plan under half a policy would be believed."""
        (folder / "policy.yaml").write_text("limits:\n  cluods: [aws]\nversion: 3\n")

        ended = run("plan", "specs", "--policy", "policy.yaml", cwd=folder)
        missing = run("plan", "specs", "--policy", "gone.yaml", cwd=folder)

        assert (ended.returncode, ended.stdout) == (2, "")
        assert ended.stderr.splitlines() == [
            "policy.yaml:2: limits.cluods: is not a field here; did you mean clouds?",
            "policy.yaml:3: version: must be 1, the only version that this release reads; found '3'",
            "error: 2 problems in 1 file.",
        ]
        assert (missing.returncode, missing.stdout) == (2, "")
        assert missing.stderr == "error: The policy gone.yaml cannot be read: No such file or directory.\n"

    def test_the_policy_of_a_stack_is_relative_to_its_program(self, folder) -> None:
        """As `deploy()` finds it; one that is named beats it."""
        (folder / "stacks").mkdir()
        (folder / "stacks" / "Pulumi.yaml").write_text("name: demo\nruntime: python\n")
        (folder / "stacks" / "Pulumi.dev.yaml").write_text("config:\n  hfdeploy:policy: ../rules/strict.yaml\n")
        (folder / "rules").mkdir()
        (folder / "rules" / "strict.yaml").write_text("rules: { engine-maintenance: error }\n")
        (folder / "rules" / "mild.yaml").write_text("rules: { engine-maintenance: note }\n")

        strict = run("plan", "--stack", "dev", cwd=folder)
        mild = run("plan", "--stack", "dev", "--policy", "rules/mild.yaml", cwd=folder)

        assert (strict.returncode, mild.returncode) == (5, 0)
        assert "error specs/demo.yaml:7: engine.type: TGI" in strict.stdout
        assert "note specs/demo.yaml:7: engine.type: TGI" in mild.stdout

    def test_approvals_need_something_to_compare_with(self, folder) -> None:
        """Whoever forgets that is told, and machine output stays clean."""
        (folder / "policy.yaml").write_text("approvals: [{ group: finops, above_monthly_delta_usd: 1 }]\n")

        ended = run("plan", "specs", "--policy", "policy.yaml", "--format", "json", cwd=folder)

        assert (ended.returncode, '"approvals": []' in ended.stdout) == (0, True)
        assert ended.stderr == "Whether finops must approve is not judged: --against says what gets dearer.\n"


class TestSecrets:
    def test_secrets_of_a_stack_are_looked_for(self, folder) -> None:
        """By name alone, in the environment and in the stack's file; no value is read from there."""
        (folder / "stacks").mkdir()
        (folder / "stacks" / "Pulumi.yaml").write_text("name: demo\nruntime: python\nconfig:\n  shared: { value: x }\n")
        config = "config:\n  demo:there:\n    secure: v1:abc\n  acme:also: x\n"
        (folder / "stacks" / "Pulumi.dev.yaml").write_text(config)
        secrets = (
            "secrets:\n  A: { from_env: IS_SET }\n  B: { from_env: IS_NOT }\n  C: { from_config: there }\n"
            "  D: { from_config: acme:also }\n  E: { from_config: gone }\n"
            "  F: { from_config: shared }\n"
        )
        (folder / "specs" / "demo.yaml").write_text(f"{SPEC}revision: {COMMIT}\n{secrets}")

        told = tell("plan", "--stack", "dev", cwd=folder, env=surroundings(IS_SET=""))["findings"]
        without = tell("plan", "specs", cwd=folder)["findings"]

        missing = [(one["field"], one["severity"]) for one in told if one["rule"] == "secret-missing"]
        assert missing == [("secrets.B", "warning"), ("secrets.E", "warning")]
        assert [one for one in without if one["rule"] == "secret-missing"] == []


class TestFix:
    SPEC = SPEC.replace("instance: nvidia-l4 x1", 'instance: "GPU [small] · 1x T4"   # the old label')

    def test_the_files_are_mended_and_it_is_said_how(self, folder) -> None:
        """The plan that follows is that of the mended specs; comments, spaces and modes stay."""
        spec = folder / "specs" / "demo.yaml"
        spec.write_text(f"# Zürich\n{self.SPEC}")
        spec.chmod(0o640)
        lock(folder)
        text = (folder / "specs" / "hfdeploy.lock.json").read_text()

        ended = run("plan", "specs", "--fix", cwd=folder)

        assert ended.returncode == 0
        mended = self.SPEC.replace('"GPU [small] · 1x T4"', "nvidia-t4 x1").replace(
            "SmolLM2-360M-Instruct\n", f"SmolLM2-360M-Instruct\nrevision: {COMMIT}\n"
        )
        assert spec.read_text() == f"# Zürich\n{mended}"
        assert stat.S_IMODE(spec.stat().st_mode) == 0o640
        assert ended.stderr.splitlines() == [
            "specs/demo.yaml:7: instance: GPU [small] · 1x T4 → nvidia-t4 x1.",
            f"specs/demo.yaml:4: revision: {COMMIT} added.",
        ]
        assert "label-retired" not in ended.stdout
        assert "is a name from before" not in ended.stdout
        assert "Memory is not judged" not in ended.stdout
        assert (folder / "specs" / "hfdeploy.lock.json").read_text() == text
        assert sorted(path.name for path in (folder / "specs").iterdir()) == ["demo.yaml", "hfdeploy.lock.json"]

    def test_the_second_time_there_is_nothing_to_do(self, folder) -> None:
        """And the file is not touched."""
        spec = folder / "specs" / "demo.yaml"
        spec.write_text(self.SPEC)
        lock(folder)
        run("plan", "specs", "--fix", cwd=folder)
        before = spec.stat()

        ended = run("plan", "specs", "--fix", cwd=folder)

        assert (ended.returncode, ended.stderr) == (0, "Nothing to mend.\n")
        assert spec.stat().st_mtime_ns == before.st_mtime_ns
        assert spec.stat().st_ino == before.st_ino

    def test_what_is_allowed_to_stay_is_not_mended(self, folder) -> None:
        """A rule that is off objects to nothing."""
        spec = folder / "specs" / "demo.yaml"
        spec.write_text(self.SPEC)
        (folder / "policy.yaml").write_text("rules: { label-retired: off }\n")

        ended = run("plan", "specs", "--fix", "--policy", "policy.yaml", cwd=folder)

        assert (ended.returncode, ended.stderr) == (0, "Nothing to mend.\n")
        assert spec.read_text() == self.SPEC

    def test_a_file_that_cannot_be_changed_safely_is_left_and_named(self, folder) -> None:
        """The others are mended all the same."""
        odd = self.SPEC.replace(
            'instance: "GPU [small] · 1x T4"   # the old label', "instance: >-\n  GPU [small] · 1x T4"
        )
        (folder / "specs" / "demo.yaml").write_text(odd)
        (folder / "specs" / "other.yaml").write_text(self.SPEC.replace("demo", "other"))

        ended = run("plan", "specs", "--fix", cwd=folder)

        assert (ended.returncode, ended.stdout) == (2, "")
        assert "specs/demo.yaml: instance is written in a way that cannot be mended by itself: write " in ended.stderr
        assert (folder / "specs" / "demo.yaml").read_text() == odd
        assert "instance: nvidia-t4 x1   # the old label" in (folder / "specs" / "other.yaml").read_text()

    def test_a_link_stays_a_link(self, folder) -> None:
        """What it leads to is changed."""
        real = folder / "real.yaml"
        (folder / "specs" / "demo.yaml").unlink()
        real.write_text(self.SPEC)
        (folder / "specs" / "demo.yaml").symlink_to("../real.yaml")

        run("plan", "specs/demo.yaml", "--fix", cwd=folder)

        assert (folder / "specs" / "demo.yaml").is_symlink()
        assert "nvidia-t4 x1" in real.read_text()

    def test_broken_specs_are_not_mended(self, folder) -> None:
        """First they have to mean something."""
        (folder / "specs" / "demo.yaml").write_text(self.SPEC)
        (folder / "specs" / "other.yaml").write_text("name: other\n")

        ended = run("plan", "specs", "--fix", cwd=folder)

        assert ended.returncode == 2
        assert (folder / "specs" / "demo.yaml").read_text() == self.SPEC


def test_a_gated_model_is_locked_as_one_and_found_in_the_plan(emulator, folder) -> None:
    """One gated repository must not keep the others from being locked."""
    repository = "meta-llama/Llama-3.1-8B-Instruct"
    (folder / "specs" / "closed.yaml").write_text(
        SPEC.replace("HuggingFaceTB/SmolLM2-360M-Instruct", repository).replace("demo", "closed")
    )
    (folder / "specs" / "demo.yaml").write_text(SPEC)
    env = talking_to(emulator, HF_ENDPOINT=emulator.url) | {"HF_TOKEN": STRANGER}

    locked = run("lock", "specs", cwd=folder, env=env)
    told = tell("plan", "specs", cwd=folder)["findings"]

    assert locked.returncode == 0, locked.stderr
    assert f"{repository} is gated, and this token may not read it." in locked.stderr
    gated = [(one["endpoint"], one["severity"]) for one in told if one["rule"] == "gated-repository"]
    assert gated == [("closed", "warning")]
    known = [one["endpoint"] for one in told if one["rule"] == "revision-locked"]
    assert known == ["closed", "demo"]


def test_what_cannot_be_locked_is_said_with_its_line_and_keeps_nothing_else_from_it(emulator, folder) -> None:
    """A made-up repository of a custom container is no mistake: nobody says that it loads it."""
    for name, engine in (("gone", "{ type: tgi }"), ("own", "{ type: custom, image: 'ghcr.io/acme/x:1', port: 80 }")):
        text = SPEC.replace("HuggingFaceTB/SmolLM2-360M-Instruct", f"acme/{name}").replace("demo", name)
        head = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("engine:"))
        (folder / "specs" / f"{name}.yaml").write_text(f"{head}engine: {engine}\n")
    (folder / "specs" / "demo.yaml").write_text(SPEC)
    (folder / "specs" / "late.yaml").write_text(SPEC.replace("demo", "late"))

    ended = run("lock", "specs", cwd=folder, env=talking_to(emulator, HF_ENDPOINT=emulator.url))
    found = tell("plan", "specs", cwd=folder)["findings"]

    assert ended.returncode == 2
    assert "specs/gone.yaml:2: repository: could not be locked: " in ended.stderr
    assert "specs/own.yaml" not in ended.stderr
    unknown = {one["endpoint"]: one["sentence"] for one in found if one["rule"] == "fit-unknown"}
    assert unknown == {
        "gone": "Memory: acme/gone is not on the Hub.",
        "own": "Memory: A custom container may load anything.",
    }
    assert {one["endpoint"] for one in found if one["rule"] == "revision-locked"} == {"demo", "late"}
