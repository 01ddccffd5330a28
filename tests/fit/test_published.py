"""What others published about models on instances: no pair that runs is refused, and few failures are missed."""

import pytest
from published import DATA, Case, between, cases, is_missed, model_of, parameters, tables

from hfdeploy.fit import FitVerdict

_COUNTED = {
    "meta-llama/Llama-2-7b-chat-hf": 6_738_415_616,
    "meta-llama/Llama-2-13b-chat-hf": 13_015_864_320,
    "meta-llama/Llama-2-70b-chat-hf": 68_976_648_192,
    "meta-llama/Llama-3.1-8B-Instruct": 8_030_261_248,
    "meta-llama/Llama-3.1-70B-Instruct": 70_553_706_496,
    "Qwen/Qwen2.5-7B-Instruct": 7_615_616_512,
}
"""Parameters, as the models' pages say."""


@pytest.mark.parametrize("case", cases("pairs"), ids=lambda case: case.name)
def test_a_pair_that_runs_is_not_refused(case: Case) -> None:
    assert case.fit.verdict in {FitVerdict.FIT, FitVerdict.TIGHT}, case.fit.sentence


def test_there_are_enough_pairs_each_of_its_own() -> None:
    pairs = {(case.said["model"], case.said["instance"], case.said["engine"]) for case in cases("pairs")}
    assert len(pairs) >= 30


def test_at_most_one_failure_in_ten_is_missed() -> None:
    failures = cases("out_of_memory")
    missed = [case.name for case in failures if is_missed(case)]
    assert len(failures) >= 10
    assert 10 * len(missed) <= len(failures)
    assert missed == [case.name for case in failures if "why" in case.said]


@pytest.mark.parametrize("section", ["pairs", "out_of_memory", "other_cards"])
def test_each_says_where_it_stands(section: str) -> None:
    for case in cases(section):
        assert case.said["source"], case.name
        assert case.said["says"], case.name
        assert DATA["models"][case.said["model"]]["of"], case.name


def test_the_tables_of_the_document_are_those_of_the_data() -> None:
    assert between() == tables(), "run `python tests/fit/published.py`"


@pytest.mark.parametrize(("name", "count"), _COUNTED.items())
def test_parameters_counted_from_a_configuration_are_those_published(name: str, count: int) -> None:
    assert parameters(DATA["models"][name]["config"]) == count
    assert model_of(name).weights.bytes == 2 * count
