"""How many GPUs an engine is told to use decides what each of them holds: Falcon-40B is too large for one A100."""

from typing import Any

import pytest
from falcon import FALCON

from hfdeploy.catalog import Catalog
from hfdeploy.fit import Fit, FitVerdict, Load, can_be_judged, judge, judge_plan
from hfdeploy.plan import Plan, make_plan
from hfdeploy.spec import parse_spec

IN_EIGHT = {"engine": {"type": "tgi", "quantize": "bitsandbytes"}}
VLLM = {"engine": {"type": "vllm"}}
SGLANG = {"engine": {"type": "sglang"}}


def plan(**changes: Any) -> Plan:
    fields = {
        "name": "falcon",
        "repository": FALCON.repository,
        "cloud": "aws",
        "region": "us-east-1",
        "instance": "nvidia-a100 x2",
        "engine": {"type": "tgi"},
        "max_model_len": 2048,
    }
    return make_plan(parse_spec({**fields, **changes}), Catalog.snapshot())


def judged(**changes: Any) -> Fit:
    return judge_plan(plan(**changes), FALCON)


@pytest.mark.parametrize(
    "changes",
    [
        {"args": ["--num-shard", "1"]},
        {"args": ["--num-shard=2", "--num-shard=1"]},
        {"args": ["--sharded", "false"]},
        {"env": {"NUM_SHARD": "1"}},
        {"env": {"SHARDED": "false"}},
        {"env": {"NUM_SHARD": "2"}, "args": ["--num-shard", "1"]},
    ],
)
def test_tgi_is_judged_on_as_many_gpus_as_it_is_told_to_use(changes: dict[str, Any]) -> None:
    """One of two cards has to hold all of it, and cannot."""
    fit = judged(**changes)

    assert (fit.verdict, fit.reason, fit.tensor) == (FitVerdict.NO_FIT, "weights_exceed_budget", 1)
    assert "77.93 GiB" in fit.sentence
    assert fit.sentence.endswith(
        " TGI is told to use 1 of 2 GPUs; without --num-shard and --sharded (NUM_SHARD, SHARDED) it uses all."
    )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"args": ["--num-shard", "2"]},
        {"args": ["--sharded", "true"]},
        {"args": ["--num-shard", "2", "--sharded", "false"]},
        {"instance": "nvidia-a100 x4", "env": {"NUM_SHARD": "2"}},
    ],
)
def test_two_of_them_hold_it(changes: dict[str, Any]) -> None:
    """A number counts before --sharded, as in the launcher of TGI (find_num_shards)."""
    fit = judged(**changes)

    assert (fit.verdict, fit.tensor) == (FitVerdict.FIT, 2)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"args": ["--num-shard", "all"]}, "--num-shard"),
        ({"args": ["--num-shard"]}, "--num-shard"),
        ({"env": {"NUM_SHARD": "0"}}, "--num-shard"),
        ({"args": ["--sharded", "no"]}, "--sharded"),
        ({**IN_EIGHT, "args": ["--sharded", "true", "--num-shard", "1"]}, "--sharded"),
        ({**VLLM, "args": ["--pipeline-parallel-size", "2"]}, "--pipeline-parallel-size"),
        ({**VLLM, "args": ["--pipeline_parallel_size=2"]}, "--pipeline-parallel-size"),
        ({**VLLM, "args": ["-pp", "2"]}, "-pp"),
        ({**VLLM, "args": ["-pp", "some"]}, "-pp"),
        ({**SGLANG, "args": ["--dp-size", "2"]}, "--dp-size"),
        ({**SGLANG, "args": ["--data-parallel-size", "2"]}, "--data-parallel-size"),
        ({**SGLANG, "args": ["--dp=2"]}, "--dp"),
        ({**SGLANG, "args": ["--pp-size", "2"]}, "--pp-size"),
    ],
)
def test_what_holds_which_part_is_unknown_where_it_cannot_be_read(changes: dict[str, Any], told: str) -> None:
    """Never a fit; and the sentence names what was said."""
    fit = judged(**changes)

    assert (fit.verdict, fit.reason) == (FitVerdict.UNKNOWN, "unknown_engine")
    assert told in fit.sentence
    assert not can_be_judged(plan(**changes).spec)


@pytest.mark.parametrize("changes", [{**VLLM, "args": ["-pp", "1"]}, {**SGLANG, "args": ["--dp-size", "1"]}])
def test_one_part_is_what_engines_do_by_themselves(changes: dict[str, Any]) -> None:
    """So it changes nothing."""
    assert judged(**changes).verdict is FitVerdict.FIT


def test_more_gpus_than_there_are_is_no_verdict() -> None:
    """The engine would not start, or share the model out in another way."""
    fit = judged(args=["--num-shard", "4"])

    assert (fit.verdict, fit.reason) == (FitVerdict.UNKNOWN, "unknown_engine")
    assert "4 GPUs, and nvidia-a100 x2 has 2" in fit.sentence
    assert judge(FALCON, plan().hardware, Load(tensor=3)).verdict is FitVerdict.UNKNOWN


def test_what_exceeds_all_gpus_together_is_an_error_however_it_is_shared_out() -> None:
    """An even share is the least that the fullest of them holds."""
    changes = {**VLLM, "instance": "nvidia-l4 x1", "args": ["-pp", "2"]}

    assert judged(**changes).reason == "weights_exceed_budget"
