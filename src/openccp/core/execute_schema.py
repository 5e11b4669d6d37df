"""What clients may send to execute a method, and get back, as JSON Schema 2020-12 of each value.

The readers (core/values.py) accept more: CCP's clients write everything as text. Here stands
the typed way alone, so that programs generated from it have one type for each value.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from openccp.core.method import RESERVED, Input, Kind, Method
from openccp.core.scalars import PARSERS

Schema = dict[str, Any]
_TYPES = {
    Kind.NUMBER: {"type": "number"},
    Kind.INTEGER: {"type": "integer"},
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.FILE: {"type": "string", "contentEncoding": "base64"},
    Kind.SECRET: {"type": "string", "format": "password"},
}
_BLANKS: Mapping[Kind, Any] = {
    Kind.TEXT: "text",
    Kind.NUMBER: 1,
    Kind.INTEGER: 1,
    Kind.BOOLEAN: True,
    Kind.FILE: "dGV4dA==",
    Kind.SECRET: "secret",
    Kind.ARRAY: [],
    Kind.OBJECT: {},
}
_BOUNDS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")


def settable(method: Method) -> Iterator[Input]:
    """The inputs a client may choose a value for."""
    return (declared for declared in method.inputs.values() if not declared.read_only)


def is_required(declared: Input) -> bool:
    """Whether a request without a value is refused."""
    return declared.minimum > 0 and not declared.has_default


def is_plain(declared: Input) -> bool:
    """Whether only a bare value makes sense: the reserved inputs, and secrets."""
    return declared.id in RESERVED or declared.kind is Kind.SECRET


def value_schema(declared: Input) -> Schema:
    """One bare value of an input, in its real type."""
    schema = {
        name: word
        for name, word in declared.schema.items()
        if name != "readOnly" and not name.startswith("x-")
    }
    if declared.kind not in _TYPES:
        return schema
    schema.pop("format", None)
    parse = PARSERS[declared.kind]
    for name in ("default", "example", "const"):
        if name in schema:
            schema[name] = _typed(parse(schema[name]), schema[name])
    for name in ("enum", "examples"):
        if isinstance(schema.get(name), list):
            schema[name] = [_typed(parse(value), value) for value in schema[name]]
    return {**schema, **_TYPES[declared.kind]}


def _typed(parsed: Any, written: Any) -> Any:
    return written if parsed is None else parsed


def examples(method: Method) -> dict[str, dict[str, Any]]:
    """Execute requests by name: those of the descriptor, else one made of its defaults.

    An entry of `examples` is a request (`{"inputs": {...}}`), with a `title` if it likes.
    """
    given = method.document.get("examples")
    entries = given.items() if isinstance(given, Mapping) else ()
    found = {
        name: dict(entry)
        for name, entry in entries
        if isinstance(entry, Mapping) and isinstance(entry.get("inputs"), Mapping)
    }
    if found:
        return found
    inputs = {i.id: _example(i) for i in settable(method) if is_required(i) or i.has_default}
    return {"defaults": {"title": "Every input's default", "inputs": inputs}}


def _example(declared: Input) -> Any:
    schema = value_schema(declared)
    value = next(_likely(schema), _BLANKS[declared.kind])
    if declared.has_default or not declared.repeated:
        return value
    return [value] * max(1, declared.minimum)


def _likely(schema: Schema) -> Iterator[Any]:
    for name in ("default", "example"):
        if schema.get(name) is not None:
            yield schema[name]
    for name in ("examples", "enum"):
        yield from schema.get(name) or ()
    for name in _BOUNDS:
        if name in schema and "exclusive" not in name:
            yield schema[name]
