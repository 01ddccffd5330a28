"""What crosses the wire between the engine and the providers: names, and values made plain again.

Everything crosses protobuf: `1` arrives as `1.0`, values not known yet arrive as `Unknown`, and nulls may be missing.
Property names are part of the state format; every name added later needs a default for old state.
"""

from collections.abc import Mapping
from typing import Any, Final

from pulumi.output import Unknown

from hfdeploy.spec import EndpointSpec

Props = dict[str, Any]

OUTPUTS: Final = (
    "url",
    "openai_base_url",
    "model",
    "engine",
    "instance",
    "price_per_hour",
    "revision",
    "state",
    "verdict",
    "verified_at",
    "ttft_ms",
    "tokens",
    "tokens_per_s",
    "counted_by",
)
"""What an endpoint tells its stack; the same names are in the stack's export."""

SECRET_OUTPUTS: Final = ("remembered", "spec", "declared")
"""Outputs that the engine encrypts: the salt and the digests of secret values, and whatever repeats the inputs,
since an input may be a secret Output of another resource."""

IDENTITY: Final = ("logical_name", "owner", "generation")
"""Inputs beside the spec's fields."""

KEEP: Final = "keep"
MARKS: Final = "value_marks"
"""The output with the marks of the secret values that the live endpoint has."""
"""One more input of the identity alone: whether the endpoint outlives its resource on purpose. Left out means no."""

SPEC_FIELDS: Final = tuple(EndpointSpec.model_fields)


def plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """A value as it was before protobuf: whole floats are ints again, nulls in maps are gone."""
    match value:
        case bool():
            return value
        case float() if value.is_integer():
            return int(value)
        case Mapping():
            return {key: plain(item) for key, item in value.items() if item is not None}
        case list() | tuple():
            return [plain(item) for item in value]
        case _:
            return value


def has_unknown(value: Any) -> bool:  # noqa: ANN401 - any JSON value, or pulumi's marker
    """Whether any part of a value is not known yet, as in a preview."""
    match value:
        case Unknown():
            return True
        case Mapping():
            return any(has_unknown(item) for item in value.values())
        case list() | tuple():
            return any(has_unknown(item) for item in value)
        case _:
            return False


def spec_fields(props: Mapping[str, Any]) -> Props:
    """The spec's part of a bag of properties, plain."""
    return {key: plain(props[key]) for key in SPEC_FIELDS if props.get(key) is not None}


def inputs_of(props: Mapping[str, Any]) -> Props:
    """The declared inputs of a bag: the spec's fields and the identity's; what was set to null is left out."""
    kept = spec_fields(props)
    return kept | {key: plain(props[key]) for key in (*IDENTITY, KEEP) if props.get(key) is not None}
