"""An example request for a process, made from what it says of its inputs."""

import shlex
from collections.abc import Mapping
from typing import Any

import orjson

BY_TYPE: Mapping[str, Any] = {
    "string": "text",
    "number": 1.5,
    "integer": 1,
    "boolean": True,
    "array": [],
    "object": {},
}
BY_FORMAT: Mapping[str, Any] = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "uri": "https://example.org/",
    "email": "maria@example.org",
    "byte": "aGVsbG8=",
    "ogc-bbox": {"bbox": [5.0, 45.0, 15.0, 55.0]},
}
GIVEN = ("default", "example")


def example(process: Mapping[str, Any]) -> dict[str, Any]:
    """A body that executes the process, with every input that has or needs a value."""
    inputs = process.get("inputs") or {}
    return {
        "inputs": {
            name: _value(described)
            for name, described in inputs.items()
            if not _schema(described).get("readOnly")
            and (described.get("minOccurs", 1) or "default" in _schema(described))
        }
    }


def has_example(inputs: object) -> bool:
    """Whether the author gave an example of some input."""
    described = inputs.values() if isinstance(inputs, Mapping) else ()
    return any("example" in _schema(one) for one in described if isinstance(one, Mapping))


def _value(described: Mapping[str, Any]) -> Any:
    one = sample(_schema(described))
    return [one] if isinstance(described.get("maxOccurs"), str) else one


def _schema(described: Mapping[str, Any]) -> Mapping[str, Any]:
    schema = described.get("schema")
    return schema if isinstance(schema, Mapping) else {}


def sample(schema: Mapping[str, Any]) -> Any:
    """A value that fits a schema well enough to show what to write."""
    for word in GIVEN:
        if word in schema:
            return schema[word]
    for word in ("examples", "enum"):
        if isinstance(schema.get(word), list) and schema[word]:
            return schema[word][0]
    for word in ("oneOf", "anyOf", "allOf"):
        if isinstance(schema.get(word), list) and schema[word]:
            return sample(schema[word][0])
    if schema.get("format") in BY_FORMAT:
        return BY_FORMAT[schema["format"]]
    return _bounded(schema)


def _bounded(schema: Mapping[str, Any]) -> Any:
    value = BY_TYPE.get(str(schema.get("type")), "text")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    least, most = schema.get("minimum"), schema.get("maximum")
    if isinstance(least, int | float) and value < least:
        return least
    return most if isinstance(most, int | float) and value > most else value


def curl(body: Mapping[str, Any], address: str) -> str:
    """The command that sends it, for a shell."""
    written = orjson.dumps(body, option=orjson.OPT_INDENT_2).decode()
    return (
        "curl -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' \\\n"
        f"  -H 'Prefer: respond-async' {shlex.quote(address)} \\\n  -d {shlex.quote(written)}"
    )


def kind(schema: object) -> str:
    """What a value is, in a word or two: `text`, `number`, `one of 3`, `list of text`."""
    if not isinstance(schema, Mapping):
        return "any"
    if isinstance(schema.get("enum"), list):
        return f"one of {len(schema['enum'])}"
    if "contentMediaType" in schema:
        return str(schema["contentMediaType"])
    if schema.get("type") == "array":
        return f"list of {kind(schema.get('items'))}"
    found = schema.get("format") or schema.get("type") or "any"
    return "text" if found == "string" else str(found)
