"""The words in which schemas of the API document are written."""

from collections.abc import Sequence

from openccp.web.operations.shape import TEXT, Schema

WORDS: Schema = {"type": "array", "items": TEXT}
MOMENT: Schema = {"type": "string", "format": "date-time"}
OBJECT: Schema = {"type": "object"}
FLAG: Schema = {"type": "boolean"}
PLAIN: dict[str, Schema] = {
    "object": OBJECT,
    "anything": {"description": "Any JSON value."},
    "text": TEXT,
    "html": TEXT,
    "bytes": {"type": "string", "format": "binary"},
}
NUMBER: Schema = {"type": "number"}


def a(required: Sequence[str] = (), /, **properties: Schema) -> Schema:
    """An object with these members; others may come with it."""
    schema: dict[str, object] = {"type": "object", "properties": properties}
    return schema | ({"required": list(required)} if required else {})


def list_of(name: str) -> Schema:
    """A list of a named schema."""
    return {"type": "array", "items": ref(name)}


def ref(name: str) -> Schema:
    """A named schema; plain ones stand in their place, for programs have names for them."""
    return PLAIN.get(name) or {"$ref": f"#/components/schemas/{name}"}


def one_of(*words: str) -> Schema:
    """A text that is one of these."""
    return {"type": "string", "enum": list(words)}
