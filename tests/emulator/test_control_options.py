"""Every option of the control plane in each of its values.

`CASES` is held against the shipped options: an option or a value without a case fails here.
"""

import json

import option_cases_bodies  # noqa: F401  registers its cases
import option_cases_states  # noqa: F401  registers its cases
import pytest
from option_cases import CASES
from option_cases_free import OPEN

from hfdeploy.emulator.lifecycle import OUTCOMES
from hfdeploy.emulator.options import control_options

NAMED = [(option.name, value) for option in control_options() for value in option.values]


@pytest.mark.parametrize(("name", "value"), NAMED, ids=lambda value: str(value))
def test_every_unverified_behaviour_is_behind_a_named_option(emulator, name, value) -> None:
    """Who finds out how the service really behaves turns a switch, and all tests run against the truth."""
    emulator.set(**{name: value})

    CASES[name, value](emulator)


def test_no_case_is_for_an_option_that_is_not_there() -> None:
    """A renamed option leaves no case behind."""
    assert CASES.keys() == set(NAMED)


@pytest.mark.parametrize("option", control_options(), ids=lambda option: option.name)
def test_each_option_says_what_it_means_and_where_the_doubt_comes_from(option) -> None:
    """The reference is not in this repository; the options are what is left of it."""
    assert option.meaning
    assert option.source
    assert not option.values or option.default in option.values


@pytest.mark.parametrize("name", [option.name for option in control_options() if not option.values])
def test_options_with_free_values_take_effect(emulator, name) -> None:
    """And not before they are set."""
    value, follows = OPEN[name](emulator)
    before = follows()
    emulator._script("POST", "/reset")
    emulator.set(**{name: value})

    assert (before, follows()) == (False, True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("delete_status", "200"),
        ("delete_status", 201),
        ("quota", 3),
        ("quota", {"gpu": "many"}),
        ("request_log_size", -1),
        ("request_log_size", True),
        ("outcomes", [{"outcome": "bad"}]),
        ("outcomes", [{"outcome": "healthy", "matches": {}}]),
        ("outcomes", [{"outcome": "healthy", "seconds": {"naps": 1}}]),
        ("outcomes", ["healthy"]),
        ("durations", {"naps": 1}),
        ("accounts", {"hf_x": {"user": "x"}}),
        ("rate_limit", {"requests": 3}),
        ("containers", {"x": {"ports": 3}}),
        ("outside_user", {"name": "x"}),
        ("idle_timeout_seconds", "soon"),
        ("idle_timeout_seconds", {}),
        ("no_such_option", 1),
    ],
    ids=str,
)
def test_a_value_that_does_not_fit_is_refused_with_a_sentence(emulator, name, value) -> None:
    """And none of the others in the same request is set."""
    body = {"default_ports": "absent", name: value}
    refused = emulator.anonymous.put("/_emulator/options", json=body)

    assert refused.status_code == 400
    assert f"`{name}`" in refused.json()["error"]
    assert emulator.anonymous.get("/_emulator/options").json()["default_ports"] == "upstream"


def test_options_describe_themselves(emulator) -> None:
    """Both planes' options, and the outcomes there are."""
    described = emulator.anonymous.get("/_emulator/options/described").json()

    assert described["outcomes"] == list(OUTCOMES)
    assert described["options"]["delete_status"]["values"] == [200, 202, 204]
    assert "scale_up_timeout_answer" in described["options"]
    assert json.dumps(emulator.anonymous.get("/_emulator/options").json())
