"""The `hf endpoints` commands of huggingface_hub: the service's own tool manages endpoints of the emulator.

The addresses of the service are constants of the package; `programs/hf_endpoints.py` replaces them and nothing else.
"""

import json
import subprocess
import sys
from typing import Any

import pytest
from callers import MODEL, PROGRAMS, TGI, Caller

DEPLOY = [
    *("deploy", "chat", "--repo", MODEL, "--task", "text-generation"),
    *("--framework", "custom", "--custom-image", "vllm/vllm-openai:v0.11.0", "--engine", "vllm"),
    *("--accelerator", "gpu", "--vendor", "aws", "--region", "us-east-1"),
    *("--instance-type", "nvidia-l4", "--instance-size", "x1"),
    *("--min-replica", "0", "--max-replica", "2", "--scale-to-zero-timeout", "30"),
]


class Hf:
    """`hf endpoints` in the namespace acme."""

    def __init__(self, caller: Caller) -> None:
        self.emulator = caller.emulator
        self._caller = caller

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command to its end."""
        url = self.emulator.url
        return self._caller.run(
            *(sys.executable, PROGRAMS / "hf_endpoints.py", "endpoints", *arguments, "--namespace", "acme"),
            SERVICE_URL=url,
            HF_ENDPOINT=url,
            NO_COLOR="1",
        )

    def tell(self, *arguments: str) -> Any:
        """The JSON that a command prints."""
        ended = self.run(*arguments, "--json")
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    def sent(self) -> list[tuple[str, str, int]]:
        """What the management API was sent, by the owner."""
        entries = [entry for entry in self.emulator.requests() if entry["path"].startswith("/v2/")]
        assert {entry["account"] for entry in entries} == {"founder"}
        return [(entry["method"], entry["path"], entry["status"]) for entry in entries]

    def body(self) -> Any:
        """The body of the last request."""
        return self.emulator.requests()[-1]["body"]


@pytest.fixture
def hf(caller: Caller) -> Hf:
    """The command; no endpoint exists."""
    return Hf(caller)


@pytest.fixture
def demo(caller: Caller, hf: Hf) -> Hf:
    """The command, and an endpoint `demo` that is running."""
    caller.endpoint(TGI)
    return hf


def test_deploy_makes_an_endpoint_that_comes_up(hf: Hf) -> None:
    """What a user of the tool types, and what a colleague then sees."""
    made = hf.tell(*DEPLOY)

    assert (made["name"], made["status"]["state"]) == ("chat", "pending")
    assert hf.sent() == [("POST", "/v2/endpoint/acme", 200)]
    assert hf.body() == {
        "name": "chat",
        "type": "authenticated",
        "provider": {"vendor": "aws", "region": "us-east-1"},
        "compute": {
            "accelerator": "gpu",
            "instanceType": "nvidia-l4",
            "instanceSize": "x1",
            "scaling": {"minReplica": 0, "maxReplica": 2, "scaleToZeroTimeout": 30},
        },
        "model": {
            "repository": MODEL,
            "framework": "custom",
            "task": "text-generation",
            "revision": None,
            "image": {"vLLM": {"url": "vllm/vllm-openai:v0.11.0"}},
        },
    }
    hf.emulator.advance(400)
    assert hf.emulator.state("chat") == "running"


def test_deploying_the_same_name_again_fails_and_changes_nothing(demo: Hf) -> None:
    """The tool shows the service's sentence."""
    ended = demo.run("deploy", "demo", *DEPLOY[2:])

    assert ended.returncode != 0
    assert "409" in ended.stderr
    assert demo.emulator.get()["model"]["image"] == {"tgi": demo.emulator.get()["model"]["image"]["tgi"]}


def test_ls_shows_endpoints_as_a_table_as_json_and_by_name(demo: Hf) -> None:
    """Each of the forms that people and scripts read."""
    table = demo.run("ls")

    assert table.returncode == 0
    assert "demo" in table.stdout
    assert "running" in table.stdout
    [listed] = demo.tell("ls")
    assert (listed["name"], listed["model"], listed["status"]) == ("demo", MODEL, "running")
    assert (listed["vendor"], listed["region"], listed["instance"]) == ("aws", "us-east-1", "nvidia-l4")
    assert demo.run("ls", "--quiet").stdout == "demo\n"
    assert demo.sent() == [("GET", "/v2/endpoint/acme", 200)] * 3


def test_ls_without_a_namespace_asks_who_one_is(caller: Caller) -> None:
    """The namespace is then the user's own."""
    caller.emulator.seed("mine", namespace="founder")
    url = caller.emulator.url

    launcher = PROGRAMS / "hf_endpoints.py"
    ended = caller.run(sys.executable, launcher, "endpoints", "ls", "--quiet", SERVICE_URL=url, HF_ENDPOINT=url)

    assert (ended.returncode, ended.stdout) == (0, "mine\n")
    asked = [entry["path"] for entry in caller.emulator.requests()]
    assert asked[-2:] == ["/api/whoami-v2", "/v2/endpoint/founder"]


def test_hardware_shows_prices_and_quota(hf: Hf) -> None:
    """The tool reads accelerators, quota and status to tell what can be had now."""
    listed = hf.tell("hardware", "--vendor", "aws", "--region", "us-east-1", "--instance-type", "nvidia-a100")

    assert hf.sent() == [("GET", "/v2/provider/acme", 200)]
    by_size = {one["instance_size"]: one for one in listed}
    assert by_size["x1"]["price_per_hour"] == 2.5
    assert by_size["x1"]["gpu_memory_gb"] == 80
    assert (by_size["x1"]["quota"], by_size["x1"]["status"]) == ("0/64", "available")


def test_hardware_counts_what_is_in_use(demo: Hf) -> None:
    """An endpoint that runs takes from the quota."""
    [one] = [
        one
        for one in demo.tell("hardware", "--vendor", "aws", "--instance-type", "nvidia-l4")
        if one["instance_size"] == "x1"
    ]

    assert one["quota"] == "1/64"


def test_describe_prints_the_whole_object(demo: Hf) -> None:
    """What it prints is what the API answers."""
    assert demo.tell("describe", "demo") == demo.emulator.get()


def test_describe_of_nothing_fails_with_the_service_s_sentence(hf: Hf) -> None:
    """Scripts look at the exit code."""
    ended = hf.run("describe", "nobody")

    assert ended.returncode != 0
    assert "nobody" in ended.stderr
    assert hf.sent() == [("GET", "/v2/endpoint/acme/nobody", 404)]


def test_update_changes_the_named_field_and_no_other(demo: Hf) -> None:
    """A PUT of one field is merged into the rest."""
    before = demo.emulator.get()

    demo.tell("update", "demo", "--max-replica", "3")

    assert demo.sent()[-1] == ("PUT", "/v2/endpoint/acme/demo", 200)
    after = demo.emulator.get()
    assert after["compute"]["scaling"] == {**before["compute"]["scaling"], "maxReplica": 3}
    assert (after["model"], after["type"]) == (before["model"], before["type"])
    assert after["status"]["state"] == "updating"


def test_pause_and_resume(demo: Hf) -> None:
    """The bill stops and starts."""
    assert demo.tell("pause", "demo")["status"]["state"] == "paused"
    assert demo.emulator.state() == "paused"

    assert demo.tell("resume", "demo")["status"]["state"] == "pending"
    demo.emulator.advance(400)
    assert demo.emulator.state() == "running"
    assert [request for request in demo.sent() if request[0] == "POST"] == [
        ("POST", "/v2/endpoint/acme/demo/pause", 200),
        ("POST", "/v2/endpoint/acme/demo/resume", 200),
    ]


def test_resume_of_a_running_endpoint_is_accepted_unless_told_otherwise(demo: Hf) -> None:
    """The service says 400; the tool forgives it by default."""
    assert demo.run("resume", "demo").returncode == 0
    assert demo.run("resume", "demo", "--fail-if-already-running").returncode != 0
    assert demo.emulator.state() == "running"


def test_scale_to_zero(demo: Hf) -> None:
    """Asleep at once."""
    assert demo.tell("scale-to-zero", "demo")["status"]["state"] == "scaledToZero"
    assert demo.emulator.state() == "scaledToZero"
    assert demo.sent()[0] == ("POST", "/v2/endpoint/acme/demo/scale-to-zero", 200)


def test_delete_removes_it(demo: Hf) -> None:
    """Nothing stays listed."""
    assert demo.tell("delete", "demo", "--yes") == {"name": "demo"}
    assert demo.sent() == [("DELETE", "/v2/endpoint/acme/demo", 200)]
    assert demo.tell("ls") == []


def test_delete_without_a_yes_deletes_nothing(demo: Hf) -> None:
    """Nobody is there to be asked."""
    assert demo.run("delete", "demo").returncode != 0
    assert demo.emulator.state() == "running"
