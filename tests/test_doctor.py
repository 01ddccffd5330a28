"""doctor: a sound stack and an empty folder, what is shown of both, and a cure for every obstacle."""

from pathlib import Path

import pytest
from command_line import ROOT, on_terminal, run, surroundings
from control_plane import Running
from examination import doctor, emptied, live_project, on, unwound_emulator
from project import Project

from hfdeploy.doctor import machine

own_emulator = pytest.fixture(unwound_emulator, scope="module")
clean = pytest.fixture(emptied)
live = pytest.fixture(live_project)


def test_a_sound_stack_is_said_to_be_sound_and_nothing_is_changed(live: Project, clean: Running) -> None:
    """Exit 0 is what scripts wait for, and looking must not cost anything."""
    state = live.kept_bytes()
    since = len(clean.requests())

    found = on(live, "--fix", "--yes")

    assert found.code == 0, found.said
    assert [one for one in found.report["findings"] if one["level"] not in {"ok", "unchecked"}] == []
    assert [one["check"] for one in found.report["findings"] if one["level"] == "unchecked"] == ["emulator"]
    assert "The token of the stack's hfdeploy:token: kind write" in found.of("token")["text"]
    assert {request["method"] for request in clean.requests(since)} == {"GET"}
    assert live.kept_bytes() == state


def test_an_empty_folder_without_network_token_and_engine_is_no_crash(tmp_path: Path) -> None:
    """That is where newcomers type it."""
    env = {"PATH": "/nowhere", "HOME": str(tmp_path), "HFDEPLOY_API_URL": "http://127.0.0.1:9"}

    found = doctor(tmp_path, **env)

    assert found.code == 4
    blocked = [one["check"] for one in found.report["findings"] if one["level"] == "blocking"]
    assert blocked == ["engine", "api", "token"]
    for check in ("interpreter", "passphrase", "specs", "lock", "checkpoint", "pending", "plugins", "orphans"):
        assert found.level(check) == "unchecked"
        assert "There is no stack program" in found.of(check)["text"]
    assert "hfdeploy engine install" in found.of("engine")["cure"]


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_every_obstacle_has_a_cure_in_every_format(tmp_path: Path, form: str) -> None:
    """A finding without the next step is a riddle."""
    env = surroundings(HFDEPLOY_API_URL="http://127.0.0.1:9", PATH="/nowhere", HOME=str(tmp_path))

    shown = run("doctor", "--format", form, cwd=tmp_path, env=env)

    assert shown.returncode == 4
    assert shown.stderr == ""
    for cure in ("`hfdeploy engine install` gets one.", "`hfdeploy emulate`", "`export HF_TOKEN=...`"):
        assert cure in shown.stdout.replace("\\|", "|")


def test_a_terminal_shows_the_findings(live: Project) -> None:
    """With nothing in the way it ends with zero and a count."""
    env = surroundings(PULUMI_CONFIG_PASSPHRASE="", PULUMI_BACKEND_URL=live.environment["PULUMI_BACKEND_URL"])

    shown = on_terminal("doctor", "--stack", "test", cwd=live.folder, env=env)

    assert "Nobody holds test." in shown
    assert "hf_emulator_owner" not in shown


def test_the_sdk_that_is_called_tested_is_the_pinned_one() -> None:
    """Else a warning would be raised at the very version that the tests run with."""
    assert f"\npulumi=={machine.TESTED_SDK} " in (ROOT / "requirements" / "dev.txt").read_text("utf-8")
