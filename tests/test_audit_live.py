"""What is live is judged as the spec would be that it was made of; and whatever lives, an audit has a word for it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from command_line import ROOT
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy.audit import Evidence, examine
from hfdeploy.audit.activity import read_activity
from hfdeploy.audit.live import NOT_SHOWN, project_live
from hfdeploy.catalog import Catalog
from hfdeploy.lock import read_lock
from hfdeploy.plan import make_plan
from hfdeploy.policy import parse_policy
from hfdeploy.review import Review, review_specs, ruled
from hfdeploy.spec import EndpointSpec, LoadedSpec, parse_spec
from hfdeploy.usage import Load
from hfdeploy.wire import Endpoint, parse_endpoint

NOW = datetime(2026, 11, 21, tzinfo=UTC)
CATALOG = Catalog.snapshot()
LOCK = read_lock(ROOT / "specs" / "hfdeploy.lock.json")
HERE = [row for row in CATALOG.rows if (row.vendor, row.region) == ("aws", "us-east-1")]
COMMIT = "1" * 40
SMALL = {
    "name": "demo", "repository": "acme/m", "cloud": "aws", "region": "us-east-1", "instance": "nvidia-l4 x1",
    "engine": {"type": "vllm"},
}  # fmt: skip

ENGINES: list[dict[str, Any]] = [
    {"type": "tgi"},
    {"type": "tgi", "quantize": "bitsandbytes"},
    {"type": "tgi", "quantize": "bitsandbytes-nf4", "max_total_tokens": 8192},
    {"type": "vllm"},
    {"type": "vllm", "max_num_seqs": 8, "kv_cache_dtype": "fp8"},
    {"type": "sglang"},
    {"type": "tei"},
    {"type": "huggingface"},
    {"type": "llamacpp", "model_path": "model.gguf", "ctx_size": 2048, "n_parallel": 1, "threads_http": 2},
    {"type": "custom", "image": "ghcr.io/acme/server:1.2"},
    {"type": "custom", "image": "ghcr.io/acme/server"},
]
UNPINNED = ", and its revision is not pinned"
BY_AUTHORS = {"fit-unknown", "unpinned-revision", "revision-locked", "gated-repository", "public-endpoint"}
"""Rules about what only somebody who writes specs has: a lock file, an acknowledgement."""

ARGUMENTS = [
    ["--trust-remote-code"],
    [],
    ["--gpu-memory-utilization", "0.5"],
    ["--max-model-len=1024", "--seed", "7"],
    ["--quantization=fp8"],
    ["--dtype", "float32", "--max-model-len", "8k"],
    ["--enable-lora", "--lora-modules", "a=acme/a"],
    ["--speculative-config={}", "--rope-scaling", "{}", "--max-total-tokens", "900000"],
]
ENVIRONMENTS = [
    {},
    {"MAX_TOTAL_TOKENS": "4096", "QUANTIZE": "bitsandbytes", "SEED": "7"},
    {"DTYPE": "bfloat16", "LLAMA_ARG_CACHE_TYPE_K": "f32"},
    {"LORA_ADAPTERS": "acme/adapter", "LLAMA_ARG_MODEL_DRAFT": "draft.gguf"},
    {"ROPE_SCALING": "linear", "MAX_TOTAL_TOKENS": "900000"},
]


def live_of(spec: EndpointSpec, **status: Any) -> Endpoint:
    """The endpoint that a POST of the spec makes, as the service would answer."""
    body = make_plan(spec, CATALOG).body
    body["model"] = {"revision": COMMIT, **body["model"]}
    times = {"createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z"}
    return parse_endpoint({**body, "status": {"state": "pending", **times, **status}})


def audited(live: Endpoint, policy: str = "") -> Review:
    judged = parse_policy(policy.encode(), "policy.yaml") if policy else None
    return examine(
        "acme", [live], catalog=CATALOG, lock=LOCK, now=NOW, idle_days=7, evidence=Evidence(), policy=judged
    ).review


def said(review: Review, wanted: set[str]) -> list[tuple[str, str, str]]:
    """Findings in words; what is live is at a commit, whatever its spec named."""
    found = [one for one in review.findings if one.rule in wanted]
    return sorted((one.rule, one.severity.value, one.sentence.replace(UNPINNED, "")) for one in found)


@st.composite
def specs(draw: st.DrawFn) -> EndpointSpec:
    row = draw(st.sampled_from(HERE))
    least = draw(st.integers(0, 2))
    return parse_spec(
        {
            "name": "demo",
            "repository": draw(st.sampled_from(sorted(LOCK.models))),
            "cloud": row.vendor,
            "region": row.region,
            "instance": {"type": row.instance_type, "size": row.instance_size},
            "engine": draw(st.sampled_from(ENGINES)),
            "autoscaling": {"min": least, "max": least + draw(st.integers(1, 3))},
            "args": draw(st.sampled_from(ARGUMENTS)),
            "env": draw(st.sampled_from(ENVIRONMENTS)),
            "tags": draw(st.sampled_from([[], ["prod", "team:a"]])),
        }
    )


@given(specs())
def test_a_live_endpoint_is_judged_as_the_spec_it_was_made_of(spec: EndpointSpec) -> None:
    """Two readings of one rule would be two rules: same findings in the same words, same verdict, same cost."""
    by_spec = review_specs([LoadedSpec(spec, "demo.yaml", {})], CATALOG, LOCK)
    if not by_spec.plans:
        return  # no image of the engine for this hardware: no such endpoint can have been made
    by_life = audited(live_of(spec))

    whole = ruled(by_spec, [LoadedSpec(spec, "demo.yaml", {})], lock=LOCK, today=NOW.date())
    of_specs = {one.rule for one in whole.findings} - BY_AUTHORS
    assert said(by_life, of_specs) == said(whole, of_specs)
    assert by_life.fits["demo"].verdict is by_spec.fits["demo"].verdict
    assert by_life.cost_of(by_life.plans[0]) == by_spec.cost_of(by_spec.plans[0])


ODD = st.one_of(st.none(), st.text(max_size=12), st.integers(-3, 10**6))


@st.composite
def foreign(draw: st.DrawFn) -> dict[str, Any]:
    """An endpoint as nobody here would make it."""
    variant = draw(st.dictionaries(st.sampled_from(["url", "port", "quantize", "maxTotalTokens", "x"]), ODD))
    status = {"state": draw(st.sampled_from(["running", "paused", "failed", "novel"])), "lastUsedAt": draw(ODD)}
    text = st.text(max_size=12)
    return {
        "name": draw(st.text(min_size=1, max_size=40)),
        "type": draw(text),
        "provider": {"vendor": draw(text.filter(bool)), "region": draw(text.filter(bool))},
        "compute": {
            "accelerator": draw(st.sampled_from(["gpu", "cpu", "qpu"])),
            "instanceType": draw(text.filter(bool)),
            "instanceSize": draw(text.filter(bool)),
            "scaling": {
                "minReplica": draw(st.integers(0, 9)),
                "maxReplica": draw(st.integers(0, 9)),
                "scaleToZeroTimeout": draw(st.one_of(st.none(), st.integers(0, 10**5))),
            },
        },
        "model": {
            "repository": draw(text),
            "revision": draw(st.one_of(st.none(), text)),
            "task": draw(st.one_of(st.none(), text)),
            "image": {draw(st.sampled_from(["vLLM", "tgi", "custom", "novel"])): variant},
            "args": draw(st.lists(text, max_size=3)),
            "env": {"HF_TOKEN": "hidden"},
        },
        "tags": draw(st.lists(text, max_size=3)),
        "status": {key: value for key, value in status.items() if not isinstance(value, int)},
    }


@given(foreign())
def test_whatever_lives_is_in_the_audit(reply: dict[str, Any]) -> None:
    """What no spec may say is where surprises on the bill are from."""
    live = parse_endpoint(reply)

    audit = examine("acme", [live], catalog=CATALOG, lock=LOCK, now=NOW, idle_days=7, evidence=Evidence())

    (one,) = audit.residents
    assert one.live is live
    assert one.cost.rate == one.hardware.price_per_hour
    assert one.loaded or one.unjudged, "what is not judged is said"
    assert all(finding.endpoint == live.name for finding in audit.review.findings)


def test_of_arguments_and_variables_only_those_that_rules_read_are_taken_over() -> None:
    """Places stay, since findings name them; a token beside a known flag is not one of its values; of some, rules ask
    only whether they are there."""
    args = ["--api-key", "quiet", "--max_model_len", "512", "loose", "--dtype=half", "--trust-remote-code"]
    env = {"QUANTIZE": "eetq", "LORA_ADAPTERS": "quiet", "EUROPE": "quiet", "SEED": "7"}
    spec = parse_spec({**SMALL, "args": [*args, "--lora-modules", "a=quiet", "--spec-model=quiet"]})
    projection = project_live("acme", live_of(spec))
    served = project_live("acme", live_of(parse_spec({**SMALL, "engine": {"type": "tgi"}, "env": env})))

    assert projection.loaded
    assert projection.loaded.spec.args == (
        NOT_SHOWN, NOT_SHOWN, "--max_model_len", "512", NOT_SHOWN, "--dtype=half", "--trust-remote-code",
        "--lora-modules", NOT_SHOWN, "--spec-model",
    )  # fmt: skip
    assert projection.loaded.file == "acme/demo"
    assert served.loaded
    assert served.loaded.spec.env == {"QUANTIZE": "eetq", "LORA_ADAPTERS": NOT_SHOWN}


def test_idle_is_said_only_where_somebody_knows() -> None:
    """From the best source there is; not known is None, and a young endpoint had no time to be idle."""
    spec = parse_spec(
        {"name": "demo", "repository": "acme/m", "cloud": "aws", "region": "us-east-1", "instance": "nvidia-l4 x1"}
    )

    def idle(load: Load | None = None, counted: int | None = None, **status: Any) -> bool | None:
        live = live_of(spec, **{"state": "running", **status})
        return read_activity(live, NOW, idle_days=7, load=load, counted=counted).is_idle

    assert idle(lastUsedAt="2026-11-14T00:00:00Z") is True
    assert idle(lastUsedAt="2026-11-14T00:00:01.123456789Z") is False
    assert idle(lastUsedAt="2026-01-01T00:00:00Z", load=Load(7, 5, None, None)) is True
    assert idle() is None
    assert idle(createdAt="2026-11-20T00:00:00Z") is False
    assert idle(load=Load(7, 0, None, None)) is True
    assert idle(load=Load(7, 3, None, None)) is False
    assert idle(load=Load(7, None, None, None)) is None
    assert idle(counted=0) is True
    assert idle(counted=4) is None
    assert idle(counted=0, updatedAt="2026-11-20T00:00:00Z") is None
    assert idle(counted=0, state="updating") is None
    assert idle(lastUsedAt="yesterday") is None


def test_a_name_that_no_spec_may_have_leaves_the_endpoint_without_one() -> None:
    """It is said, and the audit shows it with what else is known."""
    reply = {
        "name": "Not A Name",
        "type": "private",
        "provider": {"vendor": "aws", "region": "us-east-1"},
        "compute": {"accelerator": "gpu", "instanceType": "nvidia-l4", "instanceSize": "x1"},
        "model": {"repository": "acme/m"},
        "status": {"state": "running"},
    }
    projection = project_live("acme", parse_endpoint(reply))

    assert projection.loaded is None
    assert any("name" in sentence for sentence in projection.unjudged)


@pytest.mark.parametrize("image", [{"vLLM": {"port": 80}}, {"huggingface": {}}])
def test_no_limit_of_images_is_held_against_one_that_nobody_knows(image: dict[str, Any]) -> None:
    """What stands in its place for the other rules is of no registry; the rest of the policy holds."""
    spec = parse_spec({**SMALL, "tags": ["team:search"]})
    live = live_of(spec)
    hidden = live.model_copy(update={"model": live.model.model_copy(update={"image": image})})
    limits = "limits: { registries: [ghcr.io/acme], images_by_digest: true, clouds: [gcp] }"

    assert {one.rule for one in audited(live, limits).findings} >= {"policy-registry", "policy-digest", "policy-cloud"}
    found = {one.rule for one in audited(hidden, limits).findings}
    assert found - {"not-judged", "oversized"} == {"policy-cloud"}


def test_a_tag_that_no_spec_may_have_takes_no_other_along() -> None:
    """A policy that wants the other one finds it, and the rules hear that this endpoint is meant to stay up."""
    live = live_of(parse_spec({**SMALL, "autoscaling": {"min": 1, "max": 1}}))
    live = live.model_copy(update={"tags": ["one,two", "team:search", "", "always-on"]})

    review = audited(live, 'limits: { required_tags: ["team:*"] }')

    assert not {"policy-tags", "always-on"} & {one.rule for one in review.findings}
    assert [one.sentence for one in review.findings if one.rule == "not-judged"] == [
        "Its tags: no spec may say that, so nobody judges it."
    ]


def test_what_no_spec_can_be_made_of_counts_for_the_limit_of_all_together() -> None:
    """It costs as much as anything else."""
    live = live_of(parse_spec({**SMALL, "autoscaling": {"min": 1, "max": 1}}))
    live = live.model_copy(update={"name": "Not A Name"})

    review = audited(live, "limits: { monthly_ceiling_usd: 583 }")

    assert not review.plans
    assert "cost $584.00/month" in next(one.sentence for one in review.findings if one.rule == "policy-monthly-ceiling")


def test_an_engine_without_what_a_spec_needs_of_it_is_judged_as_a_container() -> None:
    """Of which nothing is assumed; the rest is judged as ever."""
    spec = parse_spec(
        {"name": "demo", "repository": "acme/m", "cloud": "aws", "region": "us-east-1", "instance": "nvidia-l4 x1"}
    )
    live = live_of(spec)
    live = live.model_copy(update={"model": live.model.model_copy(update={"image": {"llamacpp": {"port": 80}}})})

    projection = project_live("acme", live)

    assert projection.loaded
    assert projection.loaded.spec.engine.type == "custom"
    assert any("engine" in sentence for sentence in projection.unjudged)
