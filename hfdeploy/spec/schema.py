"""The format of a spec as JSON Schema, for editors and for whoever checks specs without Python."""

from datetime import timedelta
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from hfdeploy.spec.endpoint import EndpointSpec
from hfdeploy.spec.scalar import duration_text

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The schema of a spec as people write it: numbers plain, lengths of time as text.

    It refuses less than the models do: what needs a catalogue or a look at a value's meaning is theirs.
    """
    schema = EndpointSpec.model_json_schema(schema_generator=AsWritten)
    return {"$schema": DIALECT, "title": "hfdeploy: one Hugging Face Inference Endpoint"} | schema


class AsWritten(GenerateJsonSchema):
    """Pydantic's schema, but of what stands in a file: no nulls, no names made up from field names."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        if schema.get("default") is None or isinstance(schema["default"], BaseModel):
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def encode_default(self, dft: object) -> Any:  # noqa: ANN401 - any JSON value
        return duration_text(dft) if isinstance(dft, timedelta) else super().encode_default(dft)

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        one_of = super().tagged_union_schema(schema)
        one_of.pop("discriminator")
        return one_of

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - pydantic's hook
        return False

    def get_title_from_name(self, name: str) -> str:
        return name
