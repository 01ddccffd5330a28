"""The /docs page: it lists the routes of its engine and needs no other host."""

import re
from html.parser import HTMLParser

import pytest
from data_plane import http

pytest_plugins = ["data_plane"]

DOCUMENTED = [
    ("tgi", "/api-doc/openapi.json"),
    ("tei", "/api-doc/openapi.json"),
    ("vLLM", "/openapi.json"),
    ("sGLang", "/openapi.json"),
]


class Page(HTMLParser):
    """Addresses that a browser would fetch for a page, and ids that its script looks up."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name == "id":
                self.ids.add(value)
            if name in {"src", "href", "action"}:
                self.fetched.append(f"{tag} {value}")


@pytest.mark.parametrize(("engine", "document"), DOCUMENTED)
def test_the_page_needs_no_other_host(plane, engine, document) -> None:
    """Machines that run the emulator may have no network."""
    text = http.get(plane.add(engine) + "/docs").text
    page = Page(text)

    assert page.fetched == []
    assert not re.search(r"https?://|//cdn|@import|url\(", text)
    assert f'"{document}"' in text
    assert set(re.findall(r'byId\("(\w+)"\)', text)) <= page.ids


@pytest.mark.parametrize(("engine", "document"), DOCUMENTED)
def test_the_document_lists_routes_that_answer(plane, engine, document) -> None:
    """Every listed GET is 200, and every example body is taken."""
    url = plane.add(engine, task="sentence-embeddings" if engine == "tei" else "text-generation")
    spec = http.get(url + document).json()

    answers = {}
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"]
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
            answers[method, path] = http.request(method, url + path, json=body).status_code
    others = {("post", "/rerank"): 424, ("post", "/predict"): 424} if engine == "tei" else {}
    assert {route: status for route, status in answers.items() if status != 200} == others


@pytest.mark.parametrize("engine", ["llamacpp", "huggingface"])
def test_engines_without_a_page(plane, engine) -> None:
    """A hand-over must not link to it."""
    assert http.get(plane.add(engine) + "/docs").status_code == 404


def test_a_method_that_a_route_does_not_have_is_405(plane) -> None:
    """With the methods that it has."""
    reply = http.get(plane.add() + "/generate")

    assert (reply.status_code, reply.headers["allow"]) == (405, "POST")
    assert http.head(plane.add() + "/health").status_code == 200
