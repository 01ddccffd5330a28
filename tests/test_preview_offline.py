"""`pulumi preview --refresh=false` without a token and without a network: a review in CI needs neither.

Python says what it does to those who listen (`sys.addaudithook`): a `sitecustomize` on the path of the stack program
and of the plugin writes down every connection and every name that is looked up, and refuses what is not the engine.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from control_plane import Running
from project import ENDPOINT, Project
from traffic import count, writes

pytest_plugins = ["project"]

GUARD = """
import json, os, sys

def heard(event, arguments):
    if event == "socket.getaddrinfo" or event in ("socket.connect", "socket.sendto", "socket.gethostbyname"):
        address = list(arguments[1]) if event == "socket.connect" else [str(one) for one in arguments[:2]]
        # The plugin looks whether its engine is alive; the engine's address is its last argument.
        if f"{address[0]}:{address[1]}" == sys.argv[-1]:
            return
        with open(os.environ["HEARD"], "a") as file:
            file.write(json.dumps([event, address, sys.argv[:3]]) + "\\n")
        raise OSError("there is no network in this test")

with open(os.environ["HEARD"] + ".listeners", "a") as file:
    file.write(" ".join(sys.orig_argv) + "\\n")
sys.addaudithook(heard)
"""


def preview(
    project: Project, folder: Path, refresh: str = "--refresh=false", code: int | None = 0
) -> tuple[str, list[object]]:
    """What the preview shows, and what was tried on the network."""
    (folder / "guard").mkdir(exist_ok=True)
    (folder / "guard" / "sitecustomize.py").write_text(GUARD)
    heard = folder / "heard"
    guarded = {"PYTHONPATH": f"{folder / 'guard'}:{project.environment.get('PYTHONPATH', '')}", "HEARD": str(heard)}
    done = project.pulumi("preview", refresh, "--diff", code=code, HOME=str(folder / "home"), **guarded)
    listeners = (folder / "heard.listeners").read_text()
    assert "pulumi-language-python-exec" in listeners, "nobody listened in the program, so nothing was shown"
    assert "pulumi.dynamic" in listeners, "nobody listened in the plugin, so nothing was shown"
    lines = heard.read_text().splitlines() if heard.exists() else []
    return done.stdout + done.stderr, [json.loads(line) for line in lines]


@pytest.mark.fault(29)
def test_a_first_preview_opens_no_socket(world: Running, project: Project, tmp_path: Path) -> None:
    """Plans, prices and findings come from the spec and the dated snapshot."""
    project.spec("tiny")
    project.spec("chat", engine={"type": "vllm"}, instance="nvidia-l4 x1", secrets={"KEY": {"from_env": "NOT_SET"}})
    project.configure(token="")

    shown, heard = preview(project, tmp_path)

    assert heard == []
    assert "tiny" in shown
    assert "chat" in shown
    assert (
        "2 endpoints: $0.000–$1.30 an hour, $0.00–$949.00 a month of 730 hours, in USD by the dated snapshot (" in shown
    )
    assert world.requests() == []


@pytest.mark.fault(29)
def test_a_preview_of_a_change_opens_no_socket(
    world: Running, project: Project, tmp_path: Path, record_property: Any
) -> None:
    """What is going to change comes from the spec and the state."""
    project.spec("tiny")
    project.up()
    project.spec("tiny", autoscaling={"max": 2})
    project.spec("other")
    project.configure(token="")
    before = count(world)

    shown, heard = preview(project, tmp_path)

    assert heard == []
    assert "autoscaling" in shown
    assert len([one for one in project.state() if one["type"] == ENDPOINT]) == 1
    assert writes(world, before) == []
    assert world.requests(before) == []

    project.configure()
    told, tried = preview(project, tmp_path, "--refresh", code=None)
    assert tried, told + "the control: a refresh asks the service, and whoever listens has to hear it"
    record_property("controls", 1)


def test_a_preview_with_a_refresh_tells_todays_word_beside(world: Running, project: Project) -> None:
    """Price, status and quota of what is new or changes; the review goes on counting with the dated snapshot."""
    project.spec("tiny", verify={"when": "never"})
    project.spec("same", verify={"when": "never"})
    project.up()
    world.set(hardware_status={"aws-us-east-1-nvidia-l4-x1": "low_availability"})
    project.spec("tiny", instance="nvidia-l4 x1", verify={"when": "never"})
    since = count(world)

    shown = project.pulumi("preview").stdout

    told = "the service says today: nvidia-l4 x1 in aws us-east-1 at $0.80/h, low availability, 0 of 64 accelerators"
    assert told in shown
    # The rows repeat what the summary below them has once.
    assert shown.rpartition("Diagnostics:")[2].count("the service says today") == 1
    assert "by the dated snapshot" in shown
    assert [one["path"] for one in world.requests(since)].count("/v2/provider/acme") == 1

    quiet_from = count(world)
    assert "the service says today" not in project.pulumi("preview", "--refresh=false").stdout
    assert world.requests(quiet_from) == []
