"""GET E: pages, search and tags."""

import pytest


@pytest.fixture
def many(emulator):
    """45 endpoints, e00 to e44; every third one has the tag `third`, every fifth one `fifth`."""
    for index in range(45):
        tags = [tag for tag, step in (("third", 3), ("fifth", 5)) if index % step == 0]
        emulator.seed(f"e{index:02}", tags=tags, state="paused")
    return emulator


def names(response) -> list[str]:
    return [item["name"] for item in response.json()["items"]]


def test_list_pages_of_20_with_next_cursor(many) -> None:
    """huggingface_hub reads the first page only; whoever walks must see each endpoint once."""
    seen, query = [], {}
    for expected in (20, 20, 5):
        page = many.owner.get("/v2/endpoint/acme", params=query)
        assert len(names(page)) == expected
        seen += names(page)
        query = {"cursor": page.json().get("nextCursor")}

    assert seen == [f"e{index:02}" for index in range(45)]
    assert query == {"cursor": None}


@pytest.mark.usefixtures("many")
def test_the_sdk_sees_the_first_page_only(api) -> None:
    """The trap that our own client must not fall into."""
    assert len(api.list_inference_endpoints(namespace="acme")) == 20


def test_prev_cursor_leads_back(many) -> None:
    """Browsing in both directions."""
    first = many.owner.get("/v2/endpoint/acme")
    second = many.owner.get("/v2/endpoint/acme", params={"cursor": first.json()["nextCursor"]})
    back = many.owner.get("/v2/endpoint/acme", params={"cursor": second.json()["prevCursor"]})

    assert "prevCursor" not in first.json()
    assert names(back) == names(first)


def test_limit_sets_the_size_of_a_page(many) -> None:
    """100 is what a client has used."""
    everything = many.owner.get("/v2/endpoint/acme", params={"limit": 100})
    few = many.owner.get("/v2/endpoint/acme", params={"limit": 7})

    assert (len(names(everything)), "nextCursor" in everything.json()) == (45, False)
    assert (len(names(few)), few.json()["totalItems"]) == (7, 45)
    assert names(many.owner.get("/v2/endpoint/acme", params={"limit": 1})) == ["e00"]


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"cursor": "nonsense"}], ids=str)
def test_a_limit_or_cursor_that_is_none_is_400(emulator, query) -> None:
    """Not silently the first page."""
    assert emulator.owner.get("/v2/endpoint/acme", params=query).status_code == 400


def test_search_is_a_substring_of_the_name(many) -> None:
    """As the web interface's search box."""
    assert names(many.owner.get("/v2/endpoint/acme", params={"search": "e1"})) == [f"e1{index}" for index in range(10)]


def test_tags_must_all_be_there(many) -> None:
    """Sweeping by owner tag must not touch anything else."""
    found = names(many.owner.get("/v2/endpoint/acme", params={"tags": "third,fifth"}))

    assert found == ["e00", "e15", "e30"]


def test_a_page_stays_good_while_endpoints_go(many) -> None:
    """A cursor is a place in the order, not a count."""
    first = many.owner.get("/v2/endpoint/acme")
    many.owner.delete("/v2/endpoint/acme/e05")
    second = many.owner.get("/v2/endpoint/acme", params={"cursor": first.json()["nextCursor"]})

    assert names(second)[0] == "e20"


def test_namespaces_are_apart(emulator) -> None:
    """The same name twice is two endpoints."""
    emulator.seed("demo", "acme")
    emulator.seed("demo", "emulated")
    emulator.owner.delete("/v2/endpoint/acme/demo")

    assert names(emulator.owner.get("/v2/endpoint/acme")) == []
    assert names(emulator.owner.get("/v2/endpoint/emulated")) == ["demo"]
