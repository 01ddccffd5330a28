"""Reviews to print: the shipped specs, a change of three hundred endpoints, and somebody's wicked words.

A pytest plugin that test modules also import from, hence PYTEST_DONT_REWRITE.
"""

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import fleet
import pytest

from hfdeploy.catalog import Catalog
from hfdeploy.lock import FILE, read_lock
from hfdeploy.review import Action, Delta, Exposure, Finding, Review, Severity, review_specs
from hfdeploy.spec import Security, load_specs

ROOT = Path(__file__).parents[1]

WICKED = (
    "](https://evil.example) @acme/admins #1 | `x` <img src=x onerror=alert(1)> **bold**\n\n# heading\n"
    "::error::made up\r\n%0A</script><script>alert(1)</script> $a$ GH-12 www.evil.example {{ 7*7 }} ]]> \ufffe\x1b[31m"
)
"""Somebody's words that try to be more than words in every form at once."""


@pytest.fixture(scope="session")
def shipped() -> Review:
    """The four specs of the repository."""
    specs = ROOT / "specs"
    return review_specs(load_specs([specs]), Catalog.snapshot(), read_lock(specs / FILE))


@pytest.fixture(scope="session")
def change(tmp_path_factory) -> Review:
    """Three hundred endpoints changed, against a quota."""
    return fleet.reviewed(tmp_path_factory.mktemp("review") / "fleet")


@pytest.fixture(scope="session")
def wicked(shipped: Review) -> Review:
    """The shipped ones with somebody's words wherever words of others can be."""
    finding = Finding(WICKED, Severity.ERROR, WICKED, f"specs/{WICKED}.yaml", 3, WICKED, WICKED, fix=f"Do: {WICKED}")
    gone = Delta(WICKED, Action.DELETE, None, None, Exposure(Security.PUBLIC, None), (WICKED,), cuts_traffic=True)
    spec = shipped.plans[0].spec.model_copy(update={"repository": WICKED, "tags": ("=1+1", WICKED)})
    plan = replace(shipped.plans[0], spec=spec)
    fits = {name: replace(fit, sentence=WICKED) for name, fit in shipped.fits.items()}
    return replace(
        shipped,
        plans=(plan, *shipped.plans[1:]),
        findings=(finding, *shipped.findings),
        fits=fits,
        against=WICKED,
        deltas=(gone,),
        approvals=(WICKED,),
    )


@pytest.fixture(params=["shipped", "change", "wicked"])
def review(request) -> Review:
    """Each of them."""
    return request.getfixturevalue(request.param)


class Seen(HTMLParser):
    """What a browser would make of a text: its elements, its links, and the words that are no code."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words = ""
        self._in_code = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self._in_code += tag in {"code", "script", "style"}

    def handle_endtag(self, tag: str) -> None:
        self._in_code -= tag in {"code", "script", "style"}

    def handle_data(self, data: str) -> None:
        if not self._in_code:
            self.words += data


def load_plan() -> Any:
    """The plan of one shipped spec."""
    [plan] = review_specs(load_specs([ROOT / "specs" / "smollm.yaml"]), Catalog.snapshot()).plans
    return plan
