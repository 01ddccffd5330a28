"""doctor on tokens, namespaces, clocks and connections: each trouble with the service has its own cure."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from control_plane import Running
from examination import bare_project, doctor, emptied, on, speaking_service, unwound_emulator
from project import Project
from speaker import Speaker, http

own_emulator = pytest.fixture(unwound_emulator, scope="module")
clean = pytest.fixture(emptied)
bare = pytest.fixture(bare_project)
speaker = pytest.fixture(speaking_service)

CANARY = "hf_canaryCanaryCanaryCanaryCanary01"


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


def test_a_refused_token_is_said_by_its_source_and_never_shown(clean: Running, tmp_path: Path) -> None:
    """Somebody pastes this output into a chat."""
    found = doctor(tmp_path, **by_environment(clean))

    assert found.code == 4
    assert found.level("token") == "blocking"
    assert "The token of HF_TOKEN is not accepted (Unauthorized: Invalid token)" in found.of("token")["text"]
    assert found.level("namespace") == "unchecked"


def test_a_token_with_an_invisible_character_is_said_and_not_sent(speaker: Speaker, tmp_path: Path) -> None:
    """Pasted from a chat or a file with a byte order mark; nobody sees it."""
    found = doctor(tmp_path, **by_environment(speaker, HF_TOKEN=f"\ufeff{CANARY}"))

    assert found.code == 4
    assert "The token holds characters that cannot be sent" in found.of("token")["text"]
    assert "HF_TOKEN" in found.of("token")["cure"]
    assert all("authorization" not in request.headers for request in speaker.heard)
    assert CANARY not in found.said


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
