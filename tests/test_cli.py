"""What all commands have in common: start, help, exit codes, colours, how they end."""

import os
import signal
import subprocess
import sys

import pytest
from command_line import COMMAND, ROOT, on_terminal, run, succeed, surroundings, talking_to

pytest_plugins = ["command_line"]

COMMANDS = [
    ["validate"],
    ["plan"],
    ["schema"],
    ["resolve", "nvidia-t4 x1", "--cloud", "aws", "--region", "us-east-1"],
    ["catalog"],
    ["verify", "demo"],
    ["logs", "demo"],
    ["status"],
    ["emulate", "--help"],
    ["env"],
    ["engine", "path"],
    ["engine", "install"],
    ["nonsense"],
]
"""Every command once, in a form that ends by itself."""


def test_the_version_is_the_packages() -> None:
    """Somebody reports a defect."""
    assert succeed("--version") == "hfdeploy 0.1.0\n"


@pytest.mark.parametrize(
    "command", [[], *([command[0]] for command in COMMANDS[:-1])], ids=lambda words: "-".join(words)
)
def test_help_says_what_a_command_does_and_gives_an_example(command) -> None:
    """Most people read nothing else."""
    said = succeed(*command, "--help")

    assert said.startswith("Usage: hfdeploy")
    assert "Examples:\n    hfdeploy" in said or not command or command == ["env"]
    assert "…" not in said


def test_help_lists_every_command_in_whole_sentences() -> None:
    """A sentence that is cut off helps nobody."""
    said = succeed("--help")

    for name in {command[0] for command in COMMANDS[:-1]}:
        assert f"\n  {name} " in said
    assert "..." not in said.partition("Commands:")[2]


@pytest.mark.parametrize("command", ["paln", "catalogue", "verfy"])
def test_a_mistyped_command_is_answered_with_the_nearest(command) -> None:
    """One letter costs no look into a manual."""
    meant = {"paln": "plan", "catalogue": "catalog", "verfy": "verify"}[command]

    ended = run(command)

    assert ended.returncode == 2
    assert ended.stderr == f"error: No such command '{command}'. Did you mean '{meant}'?\n"


@pytest.mark.parametrize(
    "program",
    [
        "import hfdeploy",
        "import hfdeploy.cli",
        "from hfdeploy.cli import main; assert main(['--help']) == 0",
        "from hfdeploy.cli import main; assert main(['validate', 'specs']) == 0",
        "from hfdeploy.cli import main; assert main(['plan', 'specs']) == 0",
    ],
    ids=["package", "command line", "help", "validate", "plan"],
)
def test_what_is_not_needed_is_not_loaded(program) -> None:
    """Each of these takes longer to load than the command to run, and some are not installed everywhere."""
    check = "import sys; print(sorted({'pulumi', 'fastapi', 'huggingface_hub', 'httpx2', 'grpc'} & set(sys.modules)))"

    ended = subprocess.run(
        [sys.executable, "-c", f"{program}\n{check}"],
        cwd=ROOT,
        env=surroundings(),
        capture_output=True,
        text=True,
        check=True,
    )

    assert ended.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: "-".join(words))
def test_no_colour_ever_reaches_a_pipe(command, emulator) -> None:
    """Logs and other programs read it; not even FORCE_COLOR, which build servers set, changes that."""
    emulator.started()

    ended = run(*command, env=talking_to(emulator, FORCE_COLOR="1", GITHUB_ACTIONS="true", PY_COLORS="1"))

    assert "\x1b" not in ended.stdout + ended.stderr
    assert ended.stdout + ended.stderr


def test_a_terminal_gets_colours_and_a_person_can_refuse_them() -> None:
    """https://no-color.org"""
    assert "\x1b[1m" in on_terminal("plan", columns=140)
    assert "\x1b[" not in on_terminal("plan", columns=140, env=surroundings(NO_COLOR="1"))


def test_exit_1_an_unexpected_error_is_one_line_without_the_token() -> None:
    """A traceback shows values of variables to whoever reads the log of a build."""
    program = (
        "import sys\n"
        "from hfdeploy import cli\n"
        "@cli.app.command('break')\n"
        "def broken() -> None:\n"
        "    raise ValueError('no use for hf_" + "a" * 34 + "')\n"
        "sys.exit(cli.main(['break']))\n"
    )

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("error: Unexpected ValueError in ")
    assert ended.stderr.endswith(": no use for ***. This is a defect of hfdeploy.\n")
    assert len(ended.stderr.splitlines()) == 1


def test_exit_1_without_an_engine_says_how_to_get_one(tmp_path) -> None:
    """The first thing that a newcomer meets outside of `make up`."""
    ended = run("engine", "path", env=surroundings(HOME=str(tmp_path), PATH="/nonexistent"))

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "error: There is no Pulumi engine here yet: `hfdeploy engine install` gets one.\n"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["plan", "--format", "xml"], "'xml' is not one of"),
        (["resolve", "nvidia-t4 x1"], "Missing option '--cloud'"),
        (["status", "--since", "yesterday", "--namespace", "acme"], "--since takes a time such as"),
        (["status"], "No namespace is known: use --namespace, --stack, or set HFDEPLOY_NAMESPACE."),
        (["plan", "--stack", "nowhere"], "There is no stack 'nowhere'"),
        (["plan", "--program", "specs", "--stack", "local"], "There is no stack program in specs"),
        (["catalog", "--api-url", "ftp://somewhere"], "HFDEPLOY_API_URL must be an address"),
        (["logs", "demo", "--tail", "0"], "should be greater than or equal to 1"),
    ],
    ids=["format", "missing", "time", "namespace", "stack", "program", "address", "range"],
)
def test_exit_2_a_command_that_cannot_be_meant(command, said) -> None:
    """One line says what is wrong; nothing is on standard output for a program to misread."""
    ended = run(*command)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert said in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", [["verify", "demo"], ["logs", "demo"], ["status"], ["plan", "--live"]])
def test_exit_3_without_a_token_nothing_is_asked(command, emulator) -> None:
    """Whoever forgot to log in learns that, and not that their endpoint is missing."""
    env = surroundings(HFDEPLOY_API_URL=emulator.url, HFDEPLOY_NAMESPACE="acme")
    before = len(emulator.requests())

    ended = run(*command, env=env)

    assert (ended.returncode, ended.stdout) == (3, "")
    assert "HF_TOKEN" in ended.stderr
    assert len(emulator.requests()) == before


def test_exit_3_a_refused_token_is_not_printed(emulator) -> None:
    """It may be a real one, with a letter missing."""
    ended = run("status", env=talking_to(emulator) | {"HF_TOKEN": "hf_mistyped_token_1"})

    assert (ended.returncode, ended.stdout) == (3, "")
    assert "hf_mistyped_token_1" not in ended.stderr


def test_exit_4_what_the_service_refuses(emulator) -> None:
    """There is no such endpoint; what there is helps."""
    emulator.create("demo")

    ended = run("logs", "dmeo", env=talking_to(emulator))

    assert (ended.returncode, ended.stdout) == (4, "")
    assert ended.stderr.startswith("Did you mean demo?\nerror: ")


def test_exit_9_when_nothing_was_proved(emulator) -> None:
    """A paused endpoint is no evidence against a model."""
    emulator.started()
    emulator.act("pause")

    ended = run("verify", "demo", env=talking_to(emulator))

    assert ended.returncode == 9
    assert "inconclusive  acme/demo" in ended.stdout
    assert "paused" in ended.stdout


def test_exit_8_ctrl_c_is_one_line(emulator) -> None:
    """No traceback, and a code of its own for scripts."""
    emulator.started()
    process = subprocess.Popen(
        [*COMMAND, "logs", "demo", "--follow"],
        env=talking_to(emulator),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests in the background has SIGINT ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout is not None
    first = process.stdout.readline()  # it follows now

    process.send_signal(signal.SIGINT)
    output, complaints = process.communicate(timeout=60)

    assert first
    assert (process.returncode, complaints) == (8, "error: Interrupted.\n")
    assert "Traceback" not in output


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    """`hfdeploy schema | head -1` is no reason for a script to stop."""
    read, write = os.pipe()
    os.close(read)

    ended = subprocess.run([*COMMAND, "schema"], cwd=ROOT, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)

    assert (ended.returncode, ended.stderr) == (0, b"")


def test_text_that_the_terminal_cannot_show_is_no_error() -> None:
    """A machine without UTF-8."""
    ended = run("plan", env=surroundings(PYTHONIOENCODING="ascii"))

    assert ended.returncode == 0
    assert "0\\u20131" in ended.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_can_complete_commands(shell) -> None:
    """Nobody remembers all the names."""
    words = {"COMP_WORDS": "hfdeploy val", "COMP_CWORD": "1", "_TYPER_COMPLETE_ARGS": "hfdeploy val"}
    env = surroundings(_HFDEPLOY_COMPLETE=f"complete_{shell}", _TYPER_COMPLETE_FISH_ACTION="get-args", **words)

    assert "validate" in succeed(env=env)
