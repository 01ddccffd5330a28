"""Plans: the exact request for every engine and field, nothing in it that is secret or null, the same each time."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy.catalog import Catalog, Hardware
from hfdeploy.errors import UnknownHardware, UsageError
from hfdeploy.plan import ENGINE_KEYS, Plan, contradicted, default_image, make_plan
from hfdeploy.spec import (
    EndpointSpec,
    EngineSection,
    FromConfig,
    FromEnv,
    declare,
    load_specs,
    parse_spec,
)
from hfdeploy.spec.engine import ENGINES

SNAPSHOT = Catalog.snapshot()
CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))
SHIPPED = Path(__file__).parent.parent / "specs"

STAYS_HERE = {"adopt", "version", "namespace", "concurrency", "acknowledge_public", "verify", "rollout", "state"}
"""Fields of a spec that the service is not told."""


def spec_of(case: Path) -> EndpointSpec:
    (loaded,) = load_specs([case])
    return loaded.spec


def plan_of(**fields: Any) -> Plan:
    spec = {
        "name": "demo",
        "repository": "acme/demo",
        "cloud": "aws",
        "region": "us-east-1",
        "instance": "nvidia-l4 x1",
    }
    return make_plan(parse_spec(spec | fields), SNAPSHOT)


def variant_of(plan: Plan) -> dict[str, Any]:
    (variant,) = plan.body["model"]["image"].values()
    return variant


def text_of(body: object) -> str:
    """A body as JSON: `1`, `1.0` and `true` are equal in Python and different to the service."""
    return json.dumps(body, sort_keys=True, indent=1)


def values_in(body: object) -> Iterator[object]:
    """Every value of a body, however deep."""
    yield body
    if isinstance(body, dict | list):
        for value in body.values() if isinstance(body, dict) else body:
            yield from values_in(value)


class TestCases:
    def test_there_is_an_answer_for_every_question(self) -> None:
        """A spec without its request would test nothing, and the other way round."""
        answers = sorted((Path(__file__).parent / "cases").glob("*.json"))

        assert [case.stem for case in CASES] == [answer.stem for answer in answers]
        assert len({spec_of(case).name for case in CASES}) == len(CASES)

    @pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
    def test_the_request_is_exactly_this(self, case: Path) -> None:
        """What is sent is what was reviewed, to the last digit."""
        plan = make_plan(spec_of(case), SNAPSHOT)

        assert text_of(plan.body) == text_of(json.loads(case.with_suffix(".json").read_text(encoding="utf-8")))

    @pytest.mark.parametrize("engine", ENGINES)
    def test_every_field_of_every_engine_is_in_a_case(self, engine: str) -> None:
        """A field that no case has could be dropped, or misspelt for the service, which says nothing to it."""
        specs = [spec.engine for spec in map(spec_of, CASES) if spec.engine.type == engine]

        assert {field for section in specs for field in section.model_fields_set} == set(ENGINES[engine].model_fields)

    def test_every_field_of_the_spec_is_in_a_case(self) -> None:
        """The same for everything around the engine."""
        specs = [spec_of(case) for case in CASES]

        assert {field for spec in specs for field in spec.model_fields_set} == set(EndpointSpec.model_fields)
        for section in ("autoscaling", "route", "private_service"):
            written = [getattr(spec, section) for spec in specs if section in spec.model_fields_set]
            assert {field for part in written for field in part.model_fields_set} == set(type(written[0]).model_fields)

    @pytest.mark.parametrize("field", sorted(STAYS_HERE - {"acknowledge_public"}))
    def test_what_is_ours_changes_nothing_of_the_request(self, field: str) -> None:
        """Otherwise another prompt to verify with would be an update of the endpoint."""
        spec = spec_of(next(case for case in CASES if case.stem == "every-field-around-the-engine"))
        declared = declare(spec)
        assert declared.pop(field)

        assert make_plan(parse_spec(declared), SNAPSHOT).body == make_plan(spec, SNAPSHOT).body

    def test_no_secret_is_in_any_request(self) -> None:
        """The plan is printed, compared and kept in the state; values join it at the moment of sending."""
        plan = make_plan(spec_of(next(case for case in CASES if case.stem == "custom-private-registry")), SNAPSHOT)

        assert plan.secrets == {
            "API_KEY": FromEnv(from_env="DEMO_API_KEY"),
            "DATABASE": FromConfig(from_config="acme:database"),
        }
        assert plan.registry_password == FromEnv(from_env="REGISTRY_PASSWORD")
        text = text_of(plan.body)
        names = ("API_KEY", "DEMO_API_KEY", "DATABASE", "acme:database", "REGISTRY_PASSWORD", "robot", "credentials")
        assert [name for name in (*names, "secrets") if name in text] == []

    def test_the_shipped_specs_become_requests(self) -> None:
        """They are what a newcomer deploys first."""
        plans = {one.spec.name: make_plan(one.spec, SNAPSHOT) for one in load_specs([SHIPPED])}

        falcon = plans["falcon-40b"]
        assert (falcon.hardware.spelling, falcon.hourly_ceiling) == ("nvidia-a100 x1", Decimal("2.5"))
        assert variant_of(falcon)["quantize"] == "bitsandbytes"
        assert [name for name, plan in plans.items() if None in list(values_in(plan.body))] == []


class TestParallelSizes:
    @pytest.mark.parametrize("engine", ["vllm", "sglang"])
    @pytest.mark.parametrize("size", ["x1", "x2", "x4", "x8"])
    def test_unset_sizes_use_every_accelerator(self, engine: str, size: str) -> None:
        """Unset ones on several accelerators are reported as refused (huggingface_hub#4661)."""
        variant = variant_of(plan_of(instance=f"nvidia-a100 {size}", engine={"type": engine}))
        count = int(size[1:])

        sizes = {name: value for name, value in variant.items() if name.endswith("ParallelSize")}
        both = {"tensorParallelSize": count} | ({"dataParallelSize": 1} if engine == "vllm" else {})
        assert sizes == (both if count > 1 else {})

    @pytest.mark.parametrize(
        ("asked", "sent"),
        [
            ({"tensor_parallel_size": 2}, (2, 4)),
            ({"data_parallel_size": 8}, (1, 8)),
            ({"tensor_parallel_size": 4, "data_parallel_size": 2}, (4, 2)),
            ({"tensor_parallel_size": 3}, (3, 2)),
            ({"tensor_parallel_size": 16}, (16, 1)),
            ({"data_parallel_size": 16}, (1, 16)),
            ({"tensor_parallel_size": 8, "data_parallel_size": 8}, (8, 8)),
        ],
        ids=str,
    )
    def test_a_size_that_is_given_is_kept_and_the_other_follows(self, asked: dict[str, int], sent: Any) -> None:
        """Nobody's number is changed behind their back, not even one that the review will refuse."""
        plan = plan_of(instance="nvidia-a100 x8", engine={"type": "vllm", **asked})

        variant = variant_of(plan)
        assert (variant["tensorParallelSize"], variant["dataParallelSize"]) == sent
        assert plan.parallel_sizes is not None
        assert plan.parallel_sizes.product == sent[0] * sent[1]
        assert plan.parallel_sizes.is_whole == (sent[0] * sent[1] == 8)

    @pytest.mark.parametrize("count", [None, 4])
    def test_cpus_are_no_accelerators(self, count: int | None) -> None:
        """The catalogue may count vCPUs there; a container for CPUs is not to be split by them."""
        rows = [row.model_copy(update={"num_accelerators": count}) for row in SNAPSHOT.rows if row.accelerator == "cpu"]
        spec = plan_of(instance="intel-spr x4", engine={"type": "vllm", "image": "acme/vllm:cpu"}).spec

        plan = make_plan(spec, Catalog(rows=tuple(rows), source="live"))

        assert (variant_of(plan), plan.parallel_sizes) == ({"url": "acme/vllm:cpu"}, None)

    def test_an_unknown_number_is_not_guessed(self) -> None:
        """A catalogue may leave it out; sizes that the spec has are sent all the same."""
        rows = [row.model_copy(update={"num_accelerators": None}) for row in SNAPSHOT.rows]
        spec = plan_of(instance="nvidia-l4 x4", engine={"type": "vllm", "tensor_parallel_size": 4}).spec

        plan = make_plan(spec, Catalog(rows=tuple(rows), source="live"))

        assert plan.parallel_sizes is None
        assert variant_of(plan)["tensorParallelSize"] == 4
        assert "dataParallelSize" not in variant_of(plan)

    @pytest.mark.parametrize(
        ("engine", "args", "found"),
        [
            ("vllm", "--tensor-parallel-size 2", [(0, "--tensor-parallel-size", "tensor_parallel_size")]),
            ("vllm", "-x --tensor_parallel_size=2", [(1, "--tensor_parallel_size", "tensor_parallel_size")]),
            ("vllm", "-tp 2 -dp=2", [(0, "-tp", "tensor_parallel_size"), (2, "-dp", "data_parallel_size")]),
            ("vllm", "--data-parallel-size", [(0, "--data-parallel-size", "data_parallel_size")]),
            ("vllm", "-tp 4 -dp 1 --tensor-parallel-size=4", []),
            ("sglang", "--tp 2", [(0, "--tp", "tensor_parallel_size")]),
            ("sglang", "--tp-size=2", [(0, "--tp-size", "tensor_parallel_size")]),
            ("sglang", "--tensor-parallel-size 8", [(0, "--tensor-parallel-size", "tensor_parallel_size")]),
            ("sglang", "--dp 2 -tp 2", []),
        ],
    )
    def test_arguments_that_say_otherwise_are_found(self, engine: str, args: str, found: list[Any]) -> None:
        """The engine would start with one number and the service count with another."""
        plan = plan_of(instance="nvidia-l4 x4", engine={"type": engine}, args=args.split())

        assert plan.parallel_sizes is not None
        assert list(contradicted(plan.spec.args, engine, plan.parallel_sizes)) == found


class TestLength:
    @pytest.mark.parametrize(
        ("engine", "given", "sent"),
        [
            ("vllm", "--max-model-len 4096", "--max-model-len 4096"),
            ("vllm", "--max_model_len=4096 -x", "--max_model_len=4096 -x"),
            ("vllm", "--max-model-len-x 1", "--max-model-len-x 1 --max-model-len 4096"),
            ("vllm_neuron", "-x", "-x --max-model-len 4096"),
            ("sglang", "--context-length=4096", "--context-length=4096"),
            ("sglang", "--max-model-len 4096", "--max-model-len 4096 --context-length 4096"),
            ("custom", "-x", "-x"),
        ],
    )
    def test_the_length_is_said_once(self, engine: str, given: str, sent: str) -> None:
        """Twice, and the engine takes the last one or refuses to start."""
        section = {"type": engine, "image": "acme/server:1"}
        plan = plan_of(engine=section, args=given.split(), max_model_len=4096)

        assert plan.body["model"]["args"] == sent.split()

    def test_without_a_length_no_argument_is_sent(self) -> None:
        """The engine then takes the model's own."""
        assert "args" not in plan_of(engine={"type": "vllm"}).body["model"]


class TestPlan:
    @pytest.mark.parametrize(
        ("replicas", "price", "ceiling"), [(3, Decimal("0.8"), Decimal("2.4")), (3, None, None), (1, Decimal(0), 0)]
    )
    def test_the_ceiling_is_every_replica_up(self, replicas: int, price: Decimal | None, ceiling: Any) -> None:
        """Unpriced is not free."""
        rows = [row.model_copy(update={"price_per_hour": price}) for row in SNAPSHOT.rows]
        spec = plan_of(autoscaling={"max": replicas}).spec

        assert make_plan(spec, Catalog(rows=tuple(rows), source="live")).hourly_ceiling == ceiling

    def test_openai_routes_are_promised_where_they_are_served(self) -> None:
        """Whoever is handed an address below /v1 calls it."""
        speaking = {engine for engine in ENGINES if plan_of(**_least(engine)).speaks_openai}

        assert speaking == {"tgi", "vllm", "sglang", "llamacpp", "tei", "tgi_neuron", "vllm_neuron"}
        assert set(ENGINE_KEYS) == set(ENGINES)

    def test_a_plan_knows_its_spec(self) -> None:
        """Findings and outputs are about the spec's name."""
        plan = plan_of(name="chat")

        assert (plan.name, plan.spec.name, plan.secrets, plan.registry_password) == ("chat", "chat", {}, None)
        assert plan.resolution.hardware is plan.hardware

    def test_hardware_that_does_not_exist_is_no_plan(self) -> None:
        """Nothing is guessed."""
        with pytest.raises(UnknownHardware, match="nvidia-l4 x3"):
            plan_of(instance="nvidia-l4 x3")

    def test_an_engine_without_an_image_for_the_hardware_is_no_plan(self) -> None:
        """vLLM's image of the package does not run on CPUs; one's own may."""
        with pytest.raises(UsageError) as error:
            plan_of(instance="intel-spr x4", engine={"type": "vllm"})

        assert str(error.value) == (
            "The package has no default image of vllm for intel-spr x4 (cpu); it has one for gpu. "
            "Name one in the spec as engine.image."
        )


ROWS = [row for row in SNAPSHOT.rows if row.accelerator in {"cpu", "gpu", "neuron"}]


class TestImages:
    @pytest.mark.parametrize(
        ("instance", "tag"),
        [
            ("nvidia-t4", "turing-1.9.4"),
            ("nvidia-a100", "1.9.4"),
            ("nvidia-a10g", "86-1.9.4"),
            ("nvidia-l4", "89-1.9.4"),
            ("nvidia-l40s", "89-1.9.4"),
            ("nvidia-h100", "hopper-1.9.4"),
            ("nvidia-h200", "hopper-1.9.4"),
            ("nvidia-b200", "100-1.9.4"),
            ("intel-spr", "cpu-1.9.4"),
        ],
    )
    def test_embeddings_get_the_build_of_their_gpu(self, instance: str, tag: str) -> None:
        """TEI's images are one per compute capability, and the wrong one does not start."""
        row = next(row for row in ROWS if row.instance_type == instance)

        assert default_image("tei", row).url == f"ghcr.io/huggingface/text-embeddings-inference:{tag}"

    @pytest.mark.parametrize("engine", ["tgi", "vllm", "sglang", "llamacpp", "tei"])
    def test_every_gpu_has_an_image_of_every_engine(self, engine: str) -> None:
        """A pinned tag, never one that moves."""
        images = [default_image(engine, row) for row in ROWS if row.accelerator == "gpu"]

        assert all(image.port and image.health_route.startswith("/") for image in images)
        tags = {image.url.partition(":")[2] for image in images}
        assert [tag for tag in tags if not any(character.isdigit() for character in tag)] == []

    def test_an_unknown_gpu_gets_no_image_that_may_not_run(self) -> None:
        """The way out is in the sentence."""
        row = ROWS[-1].model_copy(update={"accelerator": "gpu", "instance_type": "nvidia-x900", "instance_size": "x1"})

        with pytest.raises(UsageError) as error:
            default_image("tei", row)

        assert str(error.value) == (
            "The package has no default image of tei for nvidia-x900 x1 (gpu); it has one for cpu, gpu. "
            "Name one in the spec as engine.image."
        )

    def test_an_engine_of_which_nothing_is_pinned_is_refused(self) -> None:
        """The toolkit's container is the service's choice."""
        with pytest.raises(UsageError, match=r"no default image of huggingface for .*; it has one for no accelerator"):
            default_image("huggingface", ROWS[0])


def _least(engine: str) -> dict[str, Any]:
    """The least that an engine can do with, on hardware that it has an image for."""
    needed = {"model_path": "m.gguf", "ctx_size": 0, "n_parallel": 1, "threads_http": 1} if engine == "llamacpp" else {}
    image = {"image": "acme/server:1"} if engine == "custom" else {}
    instance = "inf2 x1" if engine.endswith("_neuron") else "nvidia-l4 x1"
    return {"instance": instance, "engine": {"type": engine, **needed, **image}}


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "health_route": st.sampled_from(["/", "/health"]),
    "port": st.integers(1, 65535),
    "quantize": st.sampled_from(["awq", "fp8"]),
    "disable_custom_kernels": st.booleans(),
    "tensor_parallel_size": st.integers(1, 16),
    "data_parallel_size": st.integers(1, 16),
}
"""Fields that several engines have, with values that all of them take."""


@st.composite
def specs(draw: st.DrawFn) -> tuple[EndpointSpec, Hardware]:
    """A spec of any engine on any hardware, and the row that it asks for."""
    row = draw(st.sampled_from(ROWS))
    engine = draw(st.sampled_from(sorted(ENGINES)))
    section: type[EngineSection] = ENGINES[engine]
    fields = {field: values for field, values in VALUES.items() if field in section.model_fields}
    chosen = draw(st.fixed_dictionaries({}, optional=fields))
    least = draw(st.integers(0, 3))
    fitting = (
        {"image": draw(st.sampled_from(["acme/server:1", "acme/server@sha256:" + "0" * 64]))}
        if "image" in section.model_fields
        else {}
    )
    rest = {
        "env": draw(st.dictionaries(st.sampled_from(["A", "B"]), st.text("xyz", max_size=3))),
        "args": draw(st.lists(st.sampled_from(["-x", "--y=1", ""]))),
        "tags": draw(st.lists(st.sampled_from(["a", "b"]), unique=True)),
        "secrets": draw(st.dictionaries(st.sampled_from(["KEY", "PASS"]), st.just({"from_env": "SOURCE"}))),
        "max_model_len": draw(st.sampled_from([None, 2048])) if engine != "llamacpp" else None,
        "revision": draw(st.sampled_from([None, "main"])),
        "task": draw(st.sampled_from([None, "text-generation"])),
    }
    spec = {
        "name": "demo",
        "repository": "acme/demo",
        "cloud": row.vendor,
        "region": row.region,
        "instance": draw(st.sampled_from([row.id, row.spelling])),
        "autoscaling": {"min": least, "max": draw(st.integers(max(1, least), 9))},
        "engine": {**_least(engine)["engine"], **fitting, **chosen},
        **rest,
    }
    return parse_spec(spec), row


class TestLaws:
    @given(specs())
    def test_no_request_holds_a_null(self, asked: tuple[EndpointSpec, Hardware]) -> None:
        """`task: null` is refused with 400, and null maps are too."""
        assert None not in list(values_in(make_plan(asked[0], SNAPSHOT).body))

    @given(specs())
    def test_the_same_spec_is_the_same_request(self, asked: tuple[EndpointSpec, Hardware]) -> None:
        """What was reviewed is what is sent, also when the spec went through the engine's state in between."""
        spec, row = asked
        first = make_plan(spec, SNAPSHOT)
        first_text = text_of(first.body)
        again = parse_spec(json.loads(json.dumps(declare(spec))))

        assert text_of(make_plan(spec, SNAPSHOT).body) == first_text
        assert text_of(make_plan(again, SNAPSHOT).body) == first_text
        assert first.hardware == row

    @given(specs())
    def test_every_request_is_whole(self, asked: tuple[EndpointSpec, Hardware]) -> None:
        """What the service requires of each; secrets never, and an idle timeout only where there is something idle."""
        spec, row = asked
        body = make_plan(spec, SNAPSHOT).body
        compute, model = body["compute"], body["model"]

        assert {"name", "type", "provider", "compute", "model"} <= body.keys()
        assert body["provider"] == {"vendor": row.vendor, "region": row.region}
        assert (compute["instanceType"], compute["instanceSize"]) == (row.instance_type, row.instance_size)
        assert ("scaleToZeroTimeout" in compute["scaling"]) == (compute["scaling"]["minReplica"] == 0)
        assert list(model["image"]) == [ENGINE_KEYS[spec.engine.type]]
        assert "SOURCE" not in text_of(body)
