"""A real browser on the `/docs` page of endpoints, with every other host out of reach."""

import json
from pathlib import Path
from typing import Any

import environments
import pytest
from callers import MODEL, PROMPT, SAID, TEI, TGI, VLLM, Caller, command
from control_plane import OWNER

PNG = b"\x89PNG\r\n\x1a\n"


def browse(caller: Caller, url: str, picture: Path, *, route: str, until: str, token: str = "") -> tuple[Any, Any]:
    """What the page shows at first, and after "Send" on a route once `until` is part of the answer."""
    ended = caller.run(
        *command("node", "docs_page.mjs"),
        ENDPOINT_URL=url,
        CHROMIUM=str(environments.program("chromium")),
        ROUTE=route,
        UNTIL=until,
        TOKEN=token,
        SCREENSHOT=str(picture),
    )
    assert ended.returncode == 0, ended.stderr
    shown, answered = map(json.loads, ended.stdout.splitlines())
    assert picture.read_bytes().startswith(PNG)
    return shown, answered


def test_the_page_lists_the_routes_and_sends_a_stream(caller: Caller, tmp_path) -> None:
    """People try an endpoint here before they write a line; the machine may have no network."""
    url = caller.endpoint(TGI, type="public")

    shown, answered = browse(
        caller, url, tmp_path / "docs.png", route="/generate_stream", until='"generated_text":"Grüße'
    )

    assert shown["title"] == "Text Generation Inference"
    assert {("POST", "/generate_stream"), ("POST", "/v1/chat/completions"), ("GET", "/info")} <= {
        (method, path) for method, path in shown["routes"]
    }
    head, _, stream = answered["output"].partition("\n\n")
    assert head == "200 text/event-stream"
    events = [json.loads(line.removeprefix("data: ")) for line in stream.splitlines() if line]
    assert "".join(event["token"]["text"] for event in events if not event["token"]["special"]) == SAID
    assert answered["complaints"] == []
    assert answered["asked"] == [url + "/docs", url + "/api-doc/openapi.json", url + "/generate_stream"]
    sent = caller.sent()[-1]
    assert (sent["route"], sent["body"]["inputs"]) == ("POST /generate_stream", PROMPT)


def test_the_page_shows_each_token_when_it_comes(caller: Caller, tmp_path) -> None:
    """The server falls silent after one token; a page that waits for the end would show nothing."""
    url = caller.endpoint(TGI, type="public", behaviour={"text": SAID, "stream": "stall_after_first"})

    _, answered = browse(caller, url, tmp_path / "docs.png", route="/generate_stream", until='"text":"Grüße"')

    assert answered["output"].count("data:") == 1


def test_the_page_sends_the_token_that_is_typed_into_it(caller: Caller, tmp_path) -> None:
    """An endpoint that stopped being public while the page was open answers again once the token is there."""
    url = caller.endpoint(VLLM, type="public")

    _, answered = browse(
        caller, url, tmp_path / "docs.png", route="/v1/chat/completions", until="data: [DONE]", token=OWNER
    )

    assert answered["output"].startswith("200 text/event-stream")
    sent = caller.sent()[-1]
    assert (sent["account"], sent["body"]["model"]) == ("founder", MODEL)


@pytest.mark.parametrize(
    ("image", "repository", "title", "route"),
    [
        (VLLM, MODEL, "vLLM", "/v1/chat/completions"),
        (TEI, "BAAI/bge-small-en-v1.5", "Text Embeddings Inference", "/embed"),
    ],
    ids=["vllm", "tei"],
)
def test_other_engines_have_their_own_page(caller: Caller, tmp_path, image, repository, title, route) -> None:
    """Each with its own routes and nothing from anywhere else."""
    url = caller.endpoint(image, repository=repository, type="public")

    shown, answered = browse(caller, url, tmp_path / "docs.png", route=route, until="200 ")

    assert title in shown["title"]
    assert ["POST", route] in shown["routes"]
    assert ["POST", "/generate_stream"] not in shown["routes"]
    assert answered["complaints"] == []
    assert {address.split("/")[2] for address in answered["asked"]} == {caller.emulator.url.split("/")[2]}
