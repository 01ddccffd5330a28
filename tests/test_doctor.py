"""doctor: real broken things, found with their cure by the real command, and mended where that loses nothing."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from command_line import ROOT, on_terminal, run, surroundings
from control_plane import Running, running
from project import IDENTITY, SPEED, Project
from speaker import Speaker, http
from traffic import names

from hfdeploy.doctor import machine

pytest_plugins = ["project", "command_line"]

CANARY = "hf_canaryCanaryCanaryCanaryCanary01"
NOBODY = 2**22 - 1
"""A process number that no process has."""


class Findings:
    """What one run of the command found."""

    def __init__(self, ended: subprocess.CompletedProcess[str]) -> None:
        self.code, self.said = ended.returncode, ended.stdout + ended.stderr
        assert ended.stdout, ended.stderr
        self.report: dict[str, Any] = json.loads(ended.stdout)

    def of(self, check: str) -> dict[str, Any]:
        """The weightiest finding of one check."""
        order = ["blocking", "warning", "unchecked", "ok"]
        found = [one for one in self.report["findings"] if one["check"] == check]
        return min(found, key=lambda one: order.index(one["level"]))

    def level(self, check: str) -> str:
        return str(self.of(check)["level"])


def doctor(folder: Path, *arguments: str, **environ: str) -> Findings:
    """The command in a folder, with the empty passphrase and nothing else in the environment."""
    env = surroundings(PULUMI_CONFIG_PASSPHRASE="") | environ
    return Findings(run("doctor", "--format", "json", *arguments, cwd=folder, env=env))


def on(project: Project, *arguments: str, **environ: str) -> Findings:
    """The command on the stack `test` of a project."""
    backend = project.environment["PULUMI_BACKEND_URL"]
    # As `hfdeploy env` has it: the Python of the stack program first.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    ours = {"PULUMI_BACKEND_URL": backend, "PATH": path}
    return doctor(project.folder, "--stack", "test", *arguments, **ours | environ)


def stored(project: Project, name: str = "test.json") -> Path:
    """A file of the backend beside the state."""
    return project.folder / "state" / ".pulumi" / "stacks" / "hfdeploy" / name


def leave_lock(project: Project, pid: int, host: str) -> Path:
    """A lock as the engine writes it."""
    folder = project.folder / "state" / ".pulumi" / "locks" / "organization" / "hfdeploy" / "test"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "0b1c.json"
    file.write_text(json.dumps({"pid": pid, "username": "ada", "hostname": host, "timestamp": "2026-11-01T00:00:00Z"}))
    return file


@pytest.fixture(scope="module")
def own_emulator() -> Iterator[Running]:
    """An emulator whose clock nobody winds."""
    with running(speed=SPEED) as emulator:
        yield emulator


@pytest.fixture
def clean(own_emulator: Running) -> Running:
    own_emulator._script("POST", "/reset")
    return own_emulator


@pytest.fixture
def live(clean: Running, tmp_path: Path) -> Project:
    """A stack with one endpoint."""
    project = Project(tmp_path / "checkout", clean.url)
    project.spec("tiny", verify={"when": "never"})
    project.up()
    return project


@pytest.fixture
def bare(clean: Running, tmp_path: Path) -> Project:
    """A stack that was made and never brought up, with a spec."""
    project = Project(tmp_path / "checkout", clean.url)
    project.spec("tiny")
    return project


@pytest.fixture
def speaker() -> Iterator[Speaker]:
    with Speaker() as service:
        service.on("/v2/provider", http(401, {"error": "Missing token"}))
        service.on("/v2/endpoint/acme?limit=1", http(200, {"items": []}))
        service.on("/api/whoami-v2", http(404, b""))
        yield service


def by_environment(service: Any, **environ: str) -> dict[str, str]:
    return {
        "HFDEPLOY_API_URL": service.url,
        "HF_ENDPOINT": service.url,
        "HF_TOKEN": CANARY,
        "HFDEPLOY_NAMESPACE": "acme",
        **environ,
    }


def whoami(role: str, *, pays: bool = True, **token: Any) -> dict[str, Any]:
    """As the Hub answers."""
    org = {"name": "acme", "canPay": pays}
    return {"name": "ada", "canPay": True, "orgs": [org], "auth": {"accessToken": {"role": role, **token}}}


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


@pytest.mark.fault(1)
def test_a_killed_engines_lock_and_pending_operation_are_found_and_the_lock_goes(bare: Project, clean: Running) -> None:
    """The commonest thing after a crash: every later command fails, and nobody knows whether it is safe to go on."""
    clean.fault("hang", path="/v2/endpoint/*", skip=1, times=1, commit=True)
    engine = subprocess.Popen(
        [str(bare._engine.pulumi), "up", "--yes", "--skip-preview", "--non-interactive", "--stack", "test"],
        cwd=bare.stacks,
        env=bare.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert soon(lambda: names(clean) == ["tiny"])
    finally:
        engine.kill()
        engine.wait()
    clean._script("DELETE", "/faults")
    assert bare.pulumi("up", "--yes", "--skip-preview", code=None).returncode != 0

    found = on(bare)
    assert found.code == 4
    assert found.level("lock") == "blocking"
    assert f"process {engine.pid}" in found.of("lock")["text"]
    assert "creating tiny" in found.of("pending")["text"]
    assert "acme/tiny" in found.of("orphans")["text"]

    mended = on(bare, "--fix", "--yes")

    assert any(f"process {engine.pid}" in one for one in mended.report["mended"])
    assert mended.code == 0, mended.said
    bare.up()
    assert names(clean) == ["tiny"]
    assert on(bare).level("orphans") == "ok"


@pytest.mark.parametrize(
    ("pid", "host"), [(os.getpid(), socket.gethostname()), (NOBODY, "somewhere-else")], ids=["living", "elsewhere"]
)
def test_a_lock_of_the_living_or_of_another_machine_is_left(bare: Project, pid: int, host: str) -> None:
    """Somebody may be working under it."""
    lock = leave_lock(bare, pid, host)

    found = on(bare, "--fix", "--yes")

    assert found.code == 4
    assert found.level("lock") == "blocking"
    assert not found.of("lock")["is_mendable"]
    assert "pulumi cancel --stack test" in found.of("lock")["cure"]
    assert lock.exists()


def test_a_lock_that_cannot_be_read_is_left(bare: Project) -> None:
    """It says of nobody that he is dead."""
    lock = leave_lock(bare, 1, "x")
    lock.write_text("")

    assert on(bare, "--fix", "--yes").level("lock") == "blocking"
    assert lock.exists()


def test_nothing_is_mended_without_a_yes(bare: Project) -> None:
    """Neither by looking, nor where nobody can be asked."""
    lock = leave_lock(bare, NOBODY, socket.gethostname())

    assert on(bare).of("lock")["is_mendable"]
    refused = on(bare, "--fix")

    assert refused.code == 2
    assert "--yes" in refused.said
    assert lock.exists()


def _empty(file: Path) -> None:
    file.write_bytes(b"")


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:200])


BROKEN = {
    "empty attributes": (_empty, "test.json.attrs"),
    "empty attributes of the backend": (_empty, "../../meta.yaml.attrs"),
    "empty description of the backend": (_empty, "../../meta.yaml"),
    "truncated checkpoint": (_cut, "test.json"),
    "empty checkpoint": (_empty, "test.json"),
    "lost checkpoint": (Path.unlink, "test.json"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_backend_that_a_kill_has_broken_is_mended_and_nothing_is_thrown_away(
    live: Project, clean: Running, name: str
) -> None:
    """Each of these makes every command of the engine fail; the endpoints live on, and the state knows them again."""
    damage, file = BROKEN[name]
    before = {one["urn"] for one in live.state()}
    damage(stored(live, file))
    assert live.pulumi("stack", "export", code=None).returncode != 0

    found = on(live)
    assert found.code == 4
    assert found.of("checkpoint")["is_mendable"], found.said

    mended = on(live, "--fix", "--yes")

    assert mended.code == 0, mended.said
    assert mended.level("checkpoint") == "ok"
    live.up()
    assert {one["urn"] for one in live.state()} == before
    assert names(clean) == ["tiny"]
    if "description" not in name and "lost" not in name:
        aside = stored(live, file)
        assert list(aside.parent.glob(f"{aside.name}.broken-*"))


def test_a_broken_checkpoint_without_a_backup_is_left_as_it_is(live: Project) -> None:
    """What is in it may be all that is left of the state."""
    _cut(stored(live))
    stored(live, "test.json.bak").write_bytes(b"{")
    kept = live.kept_bytes()

    found = on(live, "--fix", "--yes")

    assert found.code == 4
    assert found.level("checkpoint") == "blocking"
    assert "backups" in found.of("checkpoint")["cure"]
    assert live.kept_bytes() == kept


def test_no_checkpoint_is_mended_under_a_lock_of_the_living(live: Project) -> None:
    """An engine may be writing it at this moment."""
    leave_lock(live, os.getpid(), socket.gethostname())
    _cut(stored(live))
    _empty(stored(live, "test.json.attrs"))
    kept = live.kept_bytes()

    assert on(live, "--fix", "--yes").level("checkpoint") == "blocking"
    assert live.kept_bytes() == kept


def test_orphans_are_reported_and_block_nobody(live: Project, clean: Running) -> None:
    """The next `up` may be what takes them back, so a pipeline must get there."""
    owner = live.outputs_of("tiny", IDENTITY)["owner"]
    clean.seed("left", tags=[f"hfd-o-{owner}", "hfd-l-left"])

    found = on(live, "--fix", "--yes")

    assert found.code == 0
    assert found.level("orphans") == "warning"
    assert "acme/left" in found.of("orphans")["text"]
    assert "hfdeploy orphans --stack test --delete" in found.of("orphans")["cure"]
    assert names(clean) == ["left", "tiny"]


def test_a_refused_token_is_said_by_its_source_and_never_shown(clean: Running, tmp_path: Path) -> None:
    """Somebody pastes this output into a chat."""
    found = doctor(tmp_path, **by_environment(clean))

    assert found.code == 4
    assert found.level("token") == "blocking"
    assert "The token of HF_TOKEN is not accepted (Unauthorized: Invalid token)" in found.of("token")["text"]
    assert found.level("namespace") == "unchecked"


@pytest.mark.parametrize(
    ("namespace", "words"),
    [
        ("other-org", "Not allowed to access namespace"),
        ("broke", "Payment method required"),
        ("nowhere-at-all", "There is no namespace nowhere-at-all"),
    ],
)
def test_a_namespace_that_cannot_be_used_is_said_in_the_services_words(
    clean: Running, tmp_path: Path, namespace: str, words: str
) -> None:
    """Allowed, paid for and existing are three things, and each has another cure."""
    clean.set(unpaid_namespaces=["broke"], other_namespaces=["other-org"])
    clean.set(accounts={"hf_emulator_owner": {"user": "alice", "organisations": ["acme", "broke"]}})

    found = doctor(tmp_path, **by_environment(clean, HF_TOKEN="hf_emulator_owner", HFDEPLOY_NAMESPACE=namespace))

    assert found.code == 4
    assert found.level("token") == "ok"
    assert words in found.of("namespace")["text"]
    assert found.of("namespace")["cure"]


@pytest.mark.parametrize(
    ("answer", "level", "words"),
    [
        (whoami("write"), "ok", "kind write, of ada"),
        (whoami("read"), "blocking", "It may look and not deploy"),
        (whoami("fineGrained", fineGrained={"scoped": []}), "blocking", "lacks inference.endpoints.write"),
        (
            whoami(
                "fineGrained",
                fineGrained={"scoped": [{"entity": {"name": "acme"}, "permissions": ["inference.endpoints.write"]}]},
            ),
            "ok",
            "kind fineGrained",
        ),
        (["what"], "ok", "Its kind is not known"),
    ],
)
def test_the_kind_of_a_token_and_its_rights_are_told(
    speaker: Speaker, tmp_path: Path, answer: Any, level: str, words: str
) -> None:
    """A read token lists endpoints happily and fails in the middle of the first `up`."""
    speaker.on("/api/whoami-v2", http(200, answer))

    found = doctor(tmp_path, **by_environment(speaker))

    assert found.level("token") == level
    assert words in found.of("token")["text"]
    assert CANARY not in found.said


@pytest.mark.parametrize(("status", "level"), [(402, "blocking"), (500, "unchecked")])
def test_other_answers_about_a_namespace(speaker: Speaker, tmp_path: Path, status: int, level: str) -> None:
    """Payment refused is an obstacle; a service that stumbles says nothing about the namespace."""
    speaker.on("/v2/endpoint/acme?limit=1", http(status, {"error": f"pay up {CANARY}"}))

    found = doctor(tmp_path, **by_environment(speaker))

    assert found.level("namespace") == level
    assert CANARY not in found.said


def test_a_namespace_that_cannot_pay_is_foretold(speaker: Speaker, tmp_path: Path) -> None:
    """The list can be read without a payment method; the first POST cannot be made."""
    speaker.on("/api/whoami-v2", http(200, whoami("write", pays=False)))

    assert "no payment method" in doctor(tmp_path, **by_environment(speaker)).of("namespace")["text"]


@pytest.mark.parametrize(("ahead", "words"), [(-400, "ahead of the service's"), (4000, "behind the service's")])
def test_a_clock_that_is_off_is_said_with_the_seconds(speaker: Speaker, tmp_path: Path, ahead: int, words: str) -> None:
    """Certificates, ages and pauses are judged by it, and nobody suspects it."""
    speaker.on("/v2/provider", lambda line: http(401, {}, Date=_date(ahead))(line))

    found = doctor(tmp_path, **by_environment(speaker))

    assert found.level("clock") == "warning"
    told = re.search(r"is (\d+) s", found.of("clock")["text"])
    assert told is not None
    assert abs(int(told[1]) - abs(ahead)) <= 20
    assert words in found.of("clock")["text"]
    assert "timedatectl" in found.of("clock")["cure"]


def _date(ahead: int) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)


@pytest.mark.fault(9)
def test_a_service_that_never_answers_ends_the_question(speaker: Speaker, tmp_path: Path) -> None:
    """Whoever runs this because everything hangs must not wait as well."""
    speaker.on("/v2/provider", lambda line: line.wait() and None)

    found = doctor(tmp_path, **by_environment(speaker))

    assert found.code == 4
    assert found.level("api") == "blocking"
    assert "ReadTimeout" in found.of("api")["text"]
    assert speaker.hung_up.is_set()
    assert CANARY not in str(speaker.heard)  # a service that does not answer is not sent the token


def test_a_proxy_that_cannot_be_used_is_a_finding(tmp_path: Path) -> None:
    """And no error of the command itself."""
    found = doctor(tmp_path, HTTPS_PROXY="socks5://127.0.0.1:9", HF_TOKEN=CANARY)

    assert found.code == 4
    assert "only http proxies work" in found.of("api")["text"]
    assert CANARY not in found.said


@pytest.mark.parametrize("text", ["config: 7\n", "- a list\n", "config: {hfdeploy:specs: [1, 2]}\n", "{"])
def test_a_configuration_that_is_none_is_a_finding(bare: Project, text: str) -> None:
    """A merge conflict in the stack's file is one of the things that stop people."""
    (bare.stacks / "Pulumi.test.yaml").write_text(text)

    found = on(bare)

    assert found.code == 4
    assert {found.level("configuration"), found.level("specs")} & {"blocking"}


def test_a_redirect_is_not_followed(speaker: Speaker, tmp_path: Path) -> None:
    """The token goes to the address that was chosen."""
    with Speaker() as elsewhere:
        for path in ("/v2/provider", "/v2/endpoint/acme?limit=1", "/api/whoami-v2"):
            speaker.on(path, http(302, b"", location=f"{elsewhere.url}/x"))

        found = doctor(tmp_path, **by_environment(speaker))

        assert found.level("api") == "blocking"
        assert elsewhere.callers == 0


def test_two_addresses_are_a_contradiction_and_nobody_is_asked(bare: Project, clean: Running) -> None:
    """One of the two would get what was meant for the other."""
    since = len(clean.requests())

    found = on(bare, HFDEPLOY_API_URL="http://127.0.0.1:9")

    assert found.code == 4
    assert "Two addresses for one service" in found.of("configuration")["text"]
    assert found.level("api") == "unchecked"
    assert clean.requests(since) == []


def test_a_placeholder_and_a_missing_stack_are_said(bare: Project) -> None:
    """Both are what a fresh clone has."""
    bare.configure(namespace="YOUR-NAMESPACE")

    assert "placeholder" in on(bare).of("configuration")["text"]
    missing = doctor(bare.folder, "--stack", "prod")
    assert missing.code == 4
    assert "There is no stack 'prod'" in missing.of("configuration")["text"]
    assert "Known: test" in missing.of("specs")["text"]


def test_without_a_stack_the_stacks_that_there_are_are_named(bare: Project) -> None:
    """So that the next try is the right one."""
    assert "--stack takes one of: test" in doctor(bare.folder).of("lock")["text"]


def test_a_missing_passphrase_is_said_before_the_engine_says_it(bare: Project) -> None:
    """With the words of the engine nobody knows which of three places it means."""
    file = bare.stacks / "Pulumi.test.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), "encryptionsalt": "v1:x:y"}))
    backend = bare.environment["PULUMI_BACKEND_URL"]
    arguments = ["doctor", "--format", "json", "--stack", "test"]

    none = Findings(run(*arguments, cwd=bare.folder, env=surroundings(PULUMI_BACKEND_URL=backend)))
    lost = on(bare, PULUMI_CONFIG_PASSPHRASE="", PULUMI_CONFIG_PASSPHRASE_FILE="/nonexistent")

    assert none.level("passphrase") == "blocking"
    assert "PULUMI_CONFIG_PASSPHRASE" in none.of("passphrase")["cure"]
    assert lost.level("passphrase") == "ok"


def test_a_pattern_that_matches_no_spec_is_an_obstacle(bare: Project) -> None:
    """The run after it would remove every endpoint."""
    bare.configure(specs="../spcs/*.yaml")
    assert "No spec matches '../spcs/*.yaml'" in on(bare).of("specs")["text"]

    bare.configure()
    bare.spec("tiny", instance=None)
    found = on(bare)
    assert found.level("specs") == "blocking"
    assert "specs/tiny.yaml" in found.of("specs")["text"]
    assert "hfdeploy validate" in found.of("specs")["cure"]


def test_the_note_of_a_dead_emulator_is_cleared_up(bare: Project) -> None:
    """Only what answers counts: a number in a file may be anybody's by now."""
    note = bare.folder / ".state" / "emulator.port"
    note.parent.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        note.write_text(f"{free.getsockname()[1]}\n")

    found = on(bare)
    assert found.level("emulator") == "warning"
    assert "does not run any more" in found.of("emulator")["text"]
    assert on(bare, "--fix", "--yes").code == 0
    assert not note.exists()


def test_a_living_emulator_is_left_even_when_its_folder_is_gone(bare: Project, speaker: Speaker) -> None:
    """An old one is named with the command that ends it; doctor itself ends nothing that answers."""
    data = bare.folder / ".state" / "emulator"
    data.mkdir(parents=True)
    note = data.with_suffix(".port")
    note.write_text(f"{speaker.port}\n")
    says = {"name": "hfdeploy-emulator", "pid": NOBODY, "data": str(data), "speed": 1}
    speaker.on("/_emulator", http(200, says))

    assert on(bare).level("emulator") == "ok"

    data.rmdir()
    found = on(bare, "--fix", "--yes")
    assert "An old emulator runs" in found.of("emulator")["text"]
    assert f"kill {NOBODY}" in found.of("emulator")["cure"]
    assert note.exists()


@contextlib.contextmanager
def plugin(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The stock plugin process, told that its engine listens on that port."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "pulumi.dynamic", f"127.0.0.1:{port}"], cwd=folder, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()  # it serves
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()  # type: ignore[union-attr]


@pytest.mark.fault(1)
def test_a_plugin_that_has_outlived_its_engine_is_ended_and_no_other_one(bare: Project, tmp_path: Path) -> None:
    """It could still be sending what nobody waits for; one with a living engine, or of another program, is working."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        closed = gone.getsockname()[1]
    with (
        socket.create_server(("127.0.0.1", 0)) as engine,
        plugin(bare.stacks, closed) as orphaned,
        plugin(bare.stacks, engine.getsockname()[1]) as working,
        plugin(tmp_path, closed) as foreign,
    ):
        found = on(bare)
        assert f"Plugin process {orphaned.pid}" in found.of("plugins")["text"]
        assert str(working.pid) not in found.said
        assert str(foreign.pid) not in found.said

        on(bare, "--fix", "--yes")

        assert orphaned.wait(timeout=60) == -signal.SIGTERM
        assert working.poll() is None
        assert foreign.poll() is None


def test_another_backends_password_is_not_shown(bare: Project) -> None:
    """The engine's own words may hold the address."""
    found = on(bare, PULUMI_BACKEND_URL="postgres://ada:s3cretpassw0rd@127.0.0.1:9/state")

    assert found.level("lock") == "unchecked"
    assert "The backend is postgres" in found.of("lock")["text"]
    assert found.level("checkpoint") == "blocking"
    assert "s3cretpassw0rd" not in found.said


def test_a_terminal_shows_the_findings(live: Project) -> None:
    """With nothing in the way it ends with zero and a count."""
    env = surroundings(PULUMI_CONFIG_PASSPHRASE="", PULUMI_BACKEND_URL=live.environment["PULUMI_BACKEND_URL"])

    shown = on_terminal("doctor", "--stack", "test", cwd=live.folder, env=env)

    assert "Nobody holds test." in shown
    assert "hf_emulator_owner" not in shown


def test_the_sdk_that_is_called_tested_is_the_pinned_one() -> None:
    """Else a warning would be raised at the very version that the tests run with."""
    assert f"\npulumi=={machine.TESTED_SDK} " in (ROOT / "requirements" / "dev.txt").read_text("utf-8")


def soon(check: Any) -> bool:
    """Whether it becomes true within a minute."""
    deadline = time.monotonic() + 60
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
