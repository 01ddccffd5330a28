"""The client in its process: one address and one token at a time, many threads, and nothing changed for others."""

import subprocess
import sys
import threading

import pytest
from client_calls import ALL, TINY, TOKEN, connected, service, settings_for
from huggingface_hub import constants, get_session
from replies import endpoint_reply
from speaker import Speaker, http

from hfdeploy import client, errors
from hfdeploy.redact import Secret
from hfdeploy.settings import Settings

speaker = pytest.fixture(service)
settings = pytest.fixture(settings_for)
api = pytest.fixture(connected)


@pytest.mark.parametrize("part", ["", "..", "a/b", "a?b", "a#b", "a%2fb", "a b", "\n", "ä", "a" * 200])
def test_a_name_that_would_change_the_address_is_not_sent(api, speaker, part) -> None:
    """`acme/../other` is another namespace."""
    for call in (
        lambda: api.get(part, "tiny"),
        lambda: api.list(part),
        lambda: api.hardware(part),
        lambda: api.create("acme", {"name": part}),
        lambda: api.update("acme", part or "..", {}, is_applied=lambda _live: True),
        lambda: api.delete("acme", part or "..", is_same=lambda _seen: True),
    ):
        with pytest.raises(errors.UsageError, match="cannot be"):
            call()
    assert speaker.heard == []


def test_without_a_token_nothing_is_opened(speaker) -> None:
    """The sentence says where one can be put."""
    with pytest.raises(errors.AuthError, match=r"HF_TOKEN.*hfdeploy:token"):
        client.connect(Settings(api_url=speaker.url))


def test_one_process_talks_to_one_address_at_a_time(settings, api, speaker) -> None:
    """huggingface_hub has one address per process: with two, a real token could reach an emulator."""
    with pytest.raises(errors.UsageError, match="already talks to"):
        client.connect(Settings(api_url="http://127.0.0.1:1", token=Secret(TOKEN)))
    speaker.on(TINY, http(200, endpoint_reply()))

    with client.connect(settings) as second:
        assert second.get("acme", "tiny") == api.get("acme", "tiny")


def test_the_address_is_free_again_when_all_have_left(speaker) -> None:
    """A long-lived process may serve one stack after the other."""
    with Speaker() as other:
        for each in (speaker, other):
            each.on(TINY, http(200, endpoint_reply()))
            with client.connect(Settings(api_url=each.url, token=Secret(TOKEN))) as api:
                api.get("acme", "tiny")
        assert (len(speaker.heard), len(other.heard)) == (1, 1)


def test_many_threads_share_one_client(settings, speaker) -> None:
    """The plugin works on up to 256 resources at a time."""
    names = [f"endpoint-{number}" for number in range(64)]
    for name in names:
        speaker.on(f"{ALL}/{name}", http(200, endpoint_reply(name)))
    found: list[str] = []
    with client.connect(settings) as api:
        threads = [
            threading.Thread(target=lambda name=name: found.append(api.get("acme", name).name)) for name in names
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sorted(found) == sorted(names)


def test_what_was_taken_is_given_back(speaker, settings, clock) -> None:
    """Others in the process use huggingface_hub too, and their downloads are redirected."""
    before = constants.INFERENCE_ENDPOINTS_ENDPOINT
    speaker.on("/elsewhere", http(302, location="/"))
    speaker.on("/", http(200, b"followed", "text/plain"))

    with client.connect(settings, clock=clock):
        assert get_session().get(f"{speaker.url}/elsewhere").status_code == 302
        assert f"{speaker.url}/v2" == constants.INFERENCE_ENDPOINTS_ENDPOINT

    assert get_session().get(f"{speaker.url}/elsewhere").text == "followed"
    assert before == constants.INFERENCE_ENDPOINTS_ENDPOINT


def test_importing_changes_nothing_for_others() -> None:
    """People import hfdeploy in programs that use huggingface_hub for their own purposes."""
    code = (
        "import huggingface_hub.utils._http as http, huggingface_hub.constants as constants\n"
        "before = (http._GLOBAL_CLIENT_FACTORY, constants.INFERENCE_ENDPOINTS_ENDPOINT)\n"
        "import hfdeploy.client, hfdeploy.hub, hfdeploy.settings\n"
        "assert before == (http._GLOBAL_CLIENT_FACTORY, constants.INFERENCE_ENDPOINTS_ENDPOINT)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
