"""What an input's value really is, in CCP's way of writing types and in JSON Schema's."""

from collections.abc import Mapping
from typing import Any

from openccp.core.method import Kind

_RESERVED = {
    "ccpimage": Kind.TEXT,
    "ccpreplicas": Kind.INTEGER,
    "ccpnote": Kind.TEXT,
    "ccpmaxtime": Kind.NUMBER,
    "ccpsize": Kind.TEXT,
}
_FORMATS = {
    "binary": Kind.FILE,
    "boolean": Kind.BOOLEAN,
    "byte": Kind.FILE,
    "double": Kind.NUMBER,
    "file": Kind.FILE,
    "float": Kind.NUMBER,
    "int32": Kind.INTEGER,
    "int64": Kind.INTEGER,
    "integer": Kind.INTEGER,
    "number": Kind.NUMBER,
    "password": Kind.SECRET,
    "secret": Kind.SECRET,
}
_TYPES = {
    "array": Kind.ARRAY,
    "boolean": Kind.BOOLEAN,
    "integer": Kind.INTEGER,
    "number": Kind.NUMBER,
    "string": Kind.TEXT,
}
_COMPOUND = ("allOf", "anyOf", "oneOf")
BBOX = "ogc-bbox"


def kind_of(input_id: str, schema: Mapping[str, Any]) -> Kind:
    """The kind of an input: by its reserved id, else its format, else its type."""
    if input_id in _RESERVED:
        return _RESERVED[input_id]
    if is_bbox(schema):
        return Kind.OBJECT
    kind = _TYPES.get(plain_type(schema), Kind.OBJECT)
    if kind is not Kind.TEXT:
        return kind
    if schema.get("contentEncoding") in ("base64", "binary"):
        return Kind.FILE
    return _FORMATS.get(str(schema.get("format")), Kind.TEXT)


def plain_type(schema: Mapping[str, Any]) -> str:
    """The one type a schema allows besides null; empty if it leaves that open."""
    types = schema.get("type")
    if isinstance(types, list):
        types = [name for name in types if name != "null"]
        types = types[0] if len(types) == 1 else None
    if types is None and not any(name in schema for name in _COMPOUND):
        return "string" if _only_texts(schema.get("enum")) or "format" in schema else ""
    return types if isinstance(types, str) else ""


def is_bbox(schema: Mapping[str, Any]) -> bool:
    """Whether a schema declares OGC's bounding box."""
    parts = [schema, *(part for part in schema.get("allOf") or () if isinstance(part, Mapping))]
    return any(part.get("format") == BBOX for part in parts)


def _only_texts(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)
