"""The page of a review in a real browser: from the disk, without a network, in the dark, on paper, by keyboard."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import environments
import fleet
import pytest
from callers import Caller, command

from hfdeploy import render
from hfdeploy.catalog import Catalog
from hfdeploy.lock import FILE, read_lock
from hfdeploy.review import review_specs
from hfdeploy.spec import load_specs

PNG = b"\x89PNG\r\n\x1a\n"
SPECS = Path(__file__).parents[2] / "specs"

Seen = dict[str, Any]


@pytest.fixture
def browse(caller: Caller, tmp_path: Path) -> Callable[[str], Seen]:
    """Open a page in a browser and do what a reader does with it."""

    def look(text: str) -> Seen:
        page = tmp_path / "review.html"
        page.write_text(text, encoding="utf-8")
        ended = caller.run(
            *command("node", "review_page.mjs"),
            CHROMIUM=str(environments.program("chromium")),
            PAGE=str(page),
            PICTURES=str(tmp_path),
        )
        assert ended.returncode == 0, ended.stderr
        for name in ("light", "dark", "print", "narrow"):
            assert (tmp_path / f"{name}.png").read_bytes().startswith(PNG)
        assert (tmp_path / "print.pdf").read_bytes().startswith(b"%PDF")
        seen: Seen = json.loads(ended.stdout)
        assert set(seen["asked"]) == {f"file://{page}"}
        assert (seen["complaints"], seen["dialogs"]) == ([], [])
        assert (seen["axeLight"], seen["axeDark"]) == ([], [])
        assert (seen["overflows"], seen["overflowsNarrow"]) == (False, False)
        assert seen["paper"] == "rgb(255, 255, 255)"
        assert seen["darkGround"] != "rgb(255, 255, 255)"
        assert not seen["formOnPaper"]
        assert seen["firstStop"] == "Skip to the findings"
        return seen

    return look


def test_the_page_of_the_shipped_specs(browse) -> None:
    """Nothing is fetched and nothing complained of; every part is there without scripts, but for the filters."""
    review = review_specs(load_specs([SPECS]), Catalog.snapshot(), read_lock(SPECS / FILE))

    seen = browse(render.page(review))

    told = [f"{one.severity.value} {one.endpoint}" for one in review.findings]
    assert seen["all"] == seen["again"] == told
    assert seen["withoutScripts"] == [told, False]
    assert (seen["withoutWarnings"], seen["count"]) == ([], f"0 of {len(told)} shown")
    assert seen["none"] == [[], True]
    assert "40.71 GiB (8-bit, over 1 GPU)" in seen["arithmetic"]


def test_the_page_of_a_large_change(browse, tmp_path) -> None:
    """Filters leave what was asked for, of three hundred endpoints, too."""
    review = fleet.reviewed(tmp_path / "fleet")

    seen = browse(render.page(review, render.Place("prod", f"hfdeploy plan specs --against {fleet.BEFORE}")))

    assert len(seen["all"]) == len(review.findings) > 50
    assert len(seen["withoutWarnings"]) == len(review.blocking)
    assert all(one.startswith("error ") for one in seen["withoutWarnings"])
    endpoint, findings = seen["ofOne"]
    assert {one.partition(" ")[2] for one in findings} == {endpoint}
    assert len(findings) == sum(one.endpoint == endpoint for one in review.findings)
    assert seen["title"] == "Review of prod"
