"""Plans: the exact request for every engine and field, nothing in it that is secret or null, the same each time."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from plans import SNAPSHOT, least_of, plan_of, text_of, values_in, variant_of

from hfdeploy.catalog import Catalog
from hfdeploy.errors import UnknownHardware, UsageError
from hfdeploy.plan import ENGINE_KEYS, make_plan
from hfdeploy.spec import EndpointSpec, FromConfig, FromEnv, declare, load_specs, parse_spec
from hfdeploy.spec.engine import ENGINES

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))
SHIPPED = Path(__file__).parent.parent / "specs"

STAYS_HERE = {"adopt", "version", "namespace", "concurrency", "acknowledge_public", "verify", "rollout", "state"}
"""Fields of a spec that the service is not told."""


def spec_of(case: Path) -> EndpointSpec:
    (loaded,) = load_specs([case])
    return loaded.spec


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
        speaking = {engine for engine in ENGINES if plan_of(**least_of(engine)).speaks_openai}

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
