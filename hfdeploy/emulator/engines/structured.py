"""A JSON value that fits a schema, for requests that ask for JSON: the smallest one, not the most interesting one."""

from typing import Any

from hfdeploy.emulator.engines.call import dumps

_PLAIN: dict[str, Any] = {"string": "text", "integer": 1, "number": 0.5, "boolean": True, "null": None}


def forced_text(form: dict[str, Any] | None) -> str | None:
    """The answer that a `response_format` or `grammar` forces, or None when it leaves the text free.

    Understands `{"type": "json_schema", "json_schema": {"schema": ...}}` (OpenAI), `{"type": "json_object"}` with or
    without TGI's `value`, and TGI's `{"type": "json", "value": ...}`. A regular expression leaves the text free here.
    """
    match form:
        case {"type": "json_schema", "json_schema": {"schema": dict(schema)}}:
            return dumps(_example(schema))
        case {"type": "json" | "json_object", "value": dict(schema)}:
            return dumps(_example(schema))
        case {"type": "json_object"}:
            return dumps({"answer": "text"})
        case _:
            return None


def _example(schema: dict[str, Any]) -> object:
    if schema.get("enum"):
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        properties: dict[str, Any] = schema.get("properties", {})
        return {name: _example(part) for name, part in properties.items()}
    if kind == "array":
        return [_example(schema.get("items", {"type": "string"}))] * max(1, int(schema.get("minItems", 1)))
    return _PLAIN.get(kind)
