"""Schemas of inputs and outputs: brought to one dialect, bounded, and self-contained.

What comes out is JSON Schema 2020-12 without any `$ref`: nothing can be fetched, nothing can
recurse, and its size is what it costs to check a value against it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from openccp.core.pattern import UnsafePattern, compile_pattern
from openccp.core.problems import Fault

MAX_NODES = 2_000
MAX_DEPTH = 32
MAX_ENUM = 1_000

_ONE = frozenset(
    {
        "additionalProperties",
        "contains",
        "contentSchema",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
    }
)
_MANY = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_NAMED = frozenset({"dependentSchemas", "patternProperties", "properties"})
_RESOLVED = frozenset({"$defs", "$schema", "$comment", "definitions", "nullable"})
_REFUSED = frozenset(
    {
        "$anchor",
        "$dynamicAnchor",
        "$dynamicRef",
        "$id",
        "$recursiveAnchor",
        "$recursiveRef",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
_ANNOTATIONS = frozenset({"default", "description", "example", "examples", "readOnly", "title"})
_META = Draft202012Validator(Draft202012Validator.META_SCHEMA)
_BOUNDS = (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum"))


class SchemaFault(ValueError):
    """A schema cannot be used: `fault` says where and why."""

    def __init__(self, pointer: str, detail: str) -> None:
        self.fault = Fault(pointer, detail)
        super().__init__(detail)


def token(name: object) -> str:
    """One reference token of an RFC 6901 pointer, with its slash."""
    return "/" + str(name).replace("~", "~0").replace("/", "~1")


def normalise(schema: Mapping[str, Any], pointer: str) -> dict[str, Any]:
    """The schema in JSON Schema 2020-12 with every local `$ref` put in place.

    A `contentSchema` that is an address, as in OGC 1.0, becomes a comment: it is never fetched.
    OpenAPI 3.0's `nullable` and boolean `exclusiveMinimum` are translated. SchemaFault for
    remote or recursive references, patterns that cannot be matched safely, what is no JSON
    Schema, and what grows beyond 2,000 subschemas.
    """
    result: dict[str, Any] = _Normaliser(schema).schema(schema, pointer, 0)
    error = best_match(_META.iter_errors(result))
    if error is not None:
        where = pointer + "".join(token(part) for part in error.absolute_path)
        raise SchemaFault(where, "this is not allowed here by JSON Schema 2020-12")
    return result


class _Normaliser:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._nodes = 0

    def schema(self, schema: Any, pointer: str, depth: int) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise SchemaFault(pointer, f"the schema has more than {MAX_NODES} parts")
        if depth > MAX_DEPTH:
            raise SchemaFault(pointer, "the schema is too deep, or refers to itself")
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, Mapping):
            raise SchemaFault(pointer, "expected a schema (an object)")
        if "$ref" in schema:
            return self._reference(schema, pointer, depth)
        result = dict(self._members(schema, pointer, depth))
        _translate(schema, result)
        _check_pattern(result.get("pattern"), pointer + "/pattern")
        return result

    def _members(
        self, schema: Mapping[str, Any], pointer: str, depth: int
    ) -> Iterator[tuple[str, Any]]:
        for name, value in schema.items():
            where = pointer + token(name)
            if name in _REFUSED:
                raise SchemaFault(where, f"{name} is not supported")
            if name in _RESOLVED or (name == "format" and value is None):
                continue
            if name == "items" and isinstance(value, list):
                yield "prefixItems", self._list(value, where, depth)
            elif name == "contentSchema" and isinstance(value, str):
                yield name, {"$comment": value}
            elif name in _ONE:
                yield name, self.schema(value, where, depth + 1)
            elif name in _MANY:
                yield name, self._list(value, where, depth)
            elif name in _NAMED:
                yield name, self._named(value, where, depth, patterns=name == "patternProperties")
            else:
                _check_enum(name, value, where)
                yield name, value

    def _list(self, value: Any, pointer: str, depth: int) -> list[Any]:
        if not isinstance(value, list):
            raise SchemaFault(pointer, "expected a list of schemas")
        return [self.schema(v, f"{pointer}/{i}", depth + 1) for i, v in enumerate(value)]

    def _named(self, value: Any, pointer: str, depth: int, *, patterns: bool) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise SchemaFault(pointer, "expected an object of schemas")
        for name in value if patterns else ():
            _check_pattern(name, pointer)
        return {n: self.schema(v, pointer + token(n), depth + 1) for n, v in value.items()}

    def _reference(self, schema: Mapping[str, Any], pointer: str, depth: int) -> Any:
        target = self.schema(self._target(schema["$ref"], pointer + "/$ref"), pointer, depth + 1)
        rest = {name: value for name, value in schema.items() if name != "$ref"}
        if not rest:
            return target
        beside = self.schema(rest, pointer, depth + 1)
        if isinstance(target, dict) and beside.keys() <= _ANNOTATIONS:
            return {**target, **beside}
        return {**beside, "allOf": [*beside.get("allOf", ()), target]}

    def _target(self, reference: Any, pointer: str) -> Any:
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise SchemaFault(
                pointer, "only references into the same schema (#/$defs/...) are followed"
            )
        target: Any = self._root
        for part in reference[1:].split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(target, Mapping) and name in target:
                target = target[name]
            elif isinstance(target, list) and name.isdecimal() and int(name) < len(target):
                target = target[int(name)]
            else:
                raise SchemaFault(pointer, "the reference points nowhere")
        return target


def _check_enum(name: str, value: Any, pointer: str) -> None:
    if name in ("enum", "const") and _size(value) > MAX_ENUM + 1:
        raise SchemaFault(pointer, f"at most {MAX_ENUM} choices")


def _size(value: Any) -> int:
    size, pending = 0, [value]
    while pending:
        item = pending.pop()
        size += 1
        if isinstance(item, Mapping):
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
    return size


def _check_pattern(pattern: Any, pointer: str) -> None:
    if isinstance(pattern, str):
        try:
            compile_pattern(pattern)
        except UnsafePattern as error:
            raise SchemaFault(pointer, str(error)) from None


def _translate(source: Mapping[str, Any], result: dict[str, Any]) -> None:
    for exclusive, inclusive in _BOUNDS:
        if result.get(exclusive) is True and inclusive in result:
            result[exclusive] = result.pop(inclusive)
        elif isinstance(result.get(exclusive), bool):
            del result[exclusive]
    if result.get("enum") == []:
        del result["enum"]
    if source.get("nullable") is True:
        if isinstance(result.get("type"), str):
            result["type"] = [result["type"], "null"]
        if isinstance(result.get("enum"), list) and None not in result["enum"]:
            result["enum"] = [*result["enum"], None]
