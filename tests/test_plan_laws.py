"""Laws of plans: of any engine on any hardware, the request is whole, without a null, and the same each time."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from plans import ROWS, SNAPSHOT, least_of, text_of, values_in

from hfdeploy.catalog import Hardware
from hfdeploy.plan import ENGINE_KEYS, make_plan
from hfdeploy.spec import EndpointSpec, EngineSection, declare, parse_spec
from hfdeploy.spec.engine import ENGINES

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
        "engine": {**least_of(engine)["engine"], **fitting, **chosen},
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
