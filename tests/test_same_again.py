"""Running it again changes nothing: for any spec, what was made from it shows no difference, in its own words."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from control_plane import Running, running
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plugin_stack import SPEC
from project import Project
from traffic import count, writes

from hfdeploy.catalog import Catalog
from hfdeploy.diff import compare
from hfdeploy.diff import project as in_words_of
from hfdeploy.plan import make_plan
from hfdeploy.provider.difference import changed_fields
from hfdeploy.provider.goal import with_commit
from hfdeploy.spec import parse_spec
from hfdeploy.wire import parse_endpoint

pytest_plugins = ["project"]

SPECS = sorted((Path(__file__).parent.parent / "specs").glob("*.yaml"))

TEXTS = st.text("abcXYZ019-_./=: é", min_size=1, max_size=12).filter(lambda text: text.strip() == text)
NAMES = st.from_regex(r"[A-Z][A-Z_]{2,8}[A-Z]", fullmatch=True).filter(lambda name: not name.startswith(("HF", "LD")))
ENGINES = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("tgi")},
        optional={
            "image": st.just("acme/tgi:3"),
            "quantize": st.sampled_from(["bitsandbytes", "awq"]),
            "max_input_length": st.integers(16, 512),
            "disable_custom_kernels": st.booleans(),
        },
    ),
    st.fixed_dictionaries({"type": st.just("vllm")}, optional={"max_num_seqs": st.integers(1, 64)}),
    st.fixed_dictionaries({"type": st.just("sglang")}, optional={"health_route": st.just("/health")}),
    st.fixed_dictionaries(
        {"type": st.just("custom"), "image": st.just("acme/server:1")},
        optional={"port": st.integers(1024, 9000), "health_route": st.just("/healthz")},
    ),
    st.just({"type": "huggingface"}),
)
DECLARED = st.fixed_dictionaries(
    {
        "name": st.just("tiny"),
        "namespace": st.just("acme"),
        "repository": st.sampled_from(["HuggingFaceTB/SmolLM2-360M-Instruct", "tiiuae/falcon-7b-instruct"]),
        "cloud": st.just("aws"),
        "region": st.just("us-east-1"),
        "instance": st.sampled_from(
            ["nvidia-t4 x1", "GPU [small] · 1x Nvidia T4", {"type": "nvidia-l4", "size": "x1"}, "nvidia-a10g x1"]
        ),
    },
    optional={
        "revision": st.sampled_from(["main", "1" * 40]),
        "task": st.sampled_from(["text-generation", "text2text-generation"]),
        "autoscaling": st.one_of(
            st.fixed_dictionaries(
                {"min": st.just(0), "max": st.integers(1, 4)},
                optional={
                    "scale_to_zero_after": st.sampled_from(["15m", "900s", "1h", "48h"]),
                    "measure": st.sampled_from([{"hardware_usage": 80}, {"pending_requests": 1.5}]),
                },
            ),
            st.fixed_dictionaries({"min": st.integers(1, 2), "max": st.integers(2, 4)}),
        ),
        "security": st.sampled_from(["private", "authenticated"]),
        "engine": ENGINES,
        "args": st.lists(TEXTS, max_size=3),
        "command": st.lists(TEXTS, max_size=2),
        "env": st.dictionaries(NAMES, TEXTS, max_size=3),
        "tags": st.lists(st.from_regex(r"[a-z][a-z0-9-]{0,8}[a-z]", fullmatch=True), max_size=3, unique=True).filter(
            lambda tags: not any(tag.startswith("hfd-") for tag in tags)
        ),
    },
)
OPTIONS = st.fixed_dictionaries(
    {
        "scale_to_zero_fill": st.sampled_from([15, 60]),
        "default_ports": st.sampled_from(["upstream", "absent"]),
        "secrets_in_reply": st.sampled_from(["empty", "keys"]),
        "timestamp_digits": st.sampled_from([0, 3, 9]),
        "parallel_sizes": st.sampled_from(["required", "optional"]),
        "experimental_features_reply": st.sampled_from(["as_sent", "filled"]),
    }
)


@pytest.fixture(scope="module")
def service() -> Iterator[Running]:
    with running(speed=200.0) as emulator:
        yield emulator


@pytest.mark.fault(17)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(declared=DECLARED, options=OPTIONS)
def test_what_was_made_from_a_spec_shows_no_difference(
    service: Running, declared: dict[str, Any], options: dict[str, Any]
) -> None:
    """The law of a quiet preview, over specs and over what the service may fill in."""
    service._script("POST", "/reset")
    service.set(**options)
    spec = parse_spec(declared)
    body = make_plan(spec, Catalog.snapshot()).body
    made = service.post(body)
    assert made.status_code == 200, made.text

    live = parse_endpoint(service.get("tiny"))

    wanted = with_commit(body, live.model.revision)
    assert compare(wanted, live).items == ()
    shown = in_words_of(declared, wanted, live)
    assert shown == declared
    assert changed_fields(shown, declared) == []


@pytest.mark.fault(17)
def test_the_example_specs_are_quiet_once_they_are_up(world: Running, project: Project) -> None:
    """All of `specs/` on the real engine: a preview, a refresh and another `up` find nothing and write nothing."""
    for spec in SPECS:
        shutil.copy(spec, project.specs)
    project.up()
    before = count(world)

    project.pulumi("preview", "--expect-no-changes")
    project.refresh("--preview-only", "--expect-no-changes")
    project.up("--expect-no-changes")

    assert len(SPECS) == 4
    assert writes(world, before) == []


@pytest.mark.fault(18)
@pytest.mark.parametrize("action", ["pause", "scale-to-zero"])
def test_a_preview_wakes_nobody(world: Running, project: Project, action: str) -> None:
    """A person's pause or a sleeping endpoint: nothing to do, nothing written, and its own address is not asked."""
    project.spec("tiny")
    project.up()
    world.act(action, "tiny")
    state, before = world.state("tiny"), count(world)

    project.pulumi("preview", "--expect-no-changes")
    project.spec("tiny", tags=["team-a"])
    project.pulumi("preview")

    seen = world.requests(before)
    assert writes(world, before) == []
    assert [one["path"] for one in seen if one["path"].startswith("/endpoints/")] == []
    assert world.state("tiny") == state


@pytest.mark.fault(37)
def test_an_endpoint_that_somebody_opened_is_told_in_a_preview(world: Running, project: Project) -> None:
    """In words, beside the property, before anything is done about it."""
    project.spec("tiny", verify={"when": "never"})
    project.up()
    world.mutate("tiny", by="alice", type="public")
    before = count(world)

    done = project.pulumi("preview")

    assert 'security is "public": anyone may call it, without a token (last update by alice at' in done.stdout
    assert "security" in done.stdout
    assert writes(world, before) == []


@pytest.mark.fault(39)
def test_a_branch_that_moved_is_told_by_an_up_and_changes_nothing(world: Running, project: Project) -> None:
    """One warning for the endpoint, and the commit of its creation goes on serving."""
    project.spec("tiny", verify={"when": "never"}, revision="main")
    project.up()
    kept = world.get("tiny")["model"]["revision"]
    world._script("POST", "/hub", {"repository": SPEC["repository"], "branch": "main", "commit": "f" * 40})
    before = count(world)

    told = project.up("--expect-no-changes")
    quiet_from = count(world)
    project.pulumi("preview", "--refresh=false")

    # The rows repeat what the summary below them has once.
    summary = told.rpartition("Diagnostics:")[2]
    assert summary.count(f"warning: main of {SPEC['repository']} has moved to {'f' * 40}") == 1
    assert writes(world, before) == []
    assert world.get("tiny")["model"]["revision"] == kept
    # The look above is the one request: a preview without a refresh asks nobody.
    assert [one["path"] for one in world.requests(quiet_from)] == ["/v2/endpoint/acme/tiny"]
