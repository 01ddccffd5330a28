"""The format of a spec as JSON Schema, for editors and for whoever checks specs without Python."""

from typing import Any, Final

from hfdeploy.spec.endpoint import EndpointSpec

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The schema of a spec as people write it: numbers plain, lengths of time as text.

    It refuses less than the models do: what needs two fields, a catalogue or a look at a value's meaning is theirs.
    """
    schema = EndpointSpec.model_json_schema(mode="validation")
    return {"$schema": DIALECT, "title": "hfdeploy: one Hugging Face Inference Endpoint"} | {
        key: value for key, value in schema.items() if key != "title"
    }
