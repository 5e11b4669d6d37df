"""CWL's types, and the JSON Schema that a value of each must fit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from openccp.core.cwl.bindings import Binding, Known, read_binding
from openccp.core.cwl.source import local, named
from openccp.core.fields import Faults, Fields

PLAIN = frozenset({"boolean", "int", "long", "float", "double", "string", "File", "Any"})
MAX_DEPTH = 16
MOST_TYPES = 1_000
"""In the inputs or outputs of a process, each counted where it stands."""
_INT = 2**31


@dataclass(frozen=True, slots=True)
class Type:
    """One type: a plain name, `enum`, `array`, `record`, or `union` of `options`.

    `binding` is that of the type itself: of each item of an array. `optional` allows null.
    """

    name: str
    optional: bool = False
    items: "Type | None" = None
    fields: Mapping[str, "Member"] | None = None
    symbols: tuple[str, ...] = ()
    options: tuple["Type", ...] = ()
    binding: Binding | None = None

    @property
    def is_file(self) -> bool:
        """Whether a value is a file."""
        return self.name == "File"

    @property
    def is_files(self) -> bool:
        """Whether a value is a list of files."""
        return self.items is not None and self.items.is_file

    @property
    def has_inner_files(self) -> bool:
        """Whether a file stands deeper than a caller of the platform could put one."""
        if self.is_file:
            return False
        inner = [self.items] if self.items and not self.is_files else []
        inner += [member.type for member in (self.fields or {}).values()]
        inner += self.options
        return any(part.is_file or part.is_files or part.has_inner_files for part in inner)


@dataclass(frozen=True, slots=True)
class Member:
    """A field of a record."""

    type: Type
    binding: Binding | None = None


@dataclass(frozen=True, slots=True)
class Around:
    """What types may name: those of a SchemaDefRequirement, and what bindings refer to."""

    types: Mapping[str, Any]
    known: Known
    count: Iterator[int] = field(default_factory=count)


_ANY = Type("Any")


def read_type(value: Any, pointer: str, faults: Faults, around: Around, depth: int = 0) -> Type:
    """The type that is written at `pointer`."""
    if depth > MAX_DEPTH:
        faults.add(pointer, "the type is too deep, or refers to itself")
        return _ANY
    if next(around.count) >= MOST_TYPES:
        faults.add(pointer, f"these are more than {MOST_TYPES} types")
        return _ANY
    if isinstance(value, str):
        return _named_type(value, pointer, faults, around, depth)
    if isinstance(value, list):
        return _union(value, pointer, faults, around, depth)
    if isinstance(value, Mapping):
        return _structure(Fields(value, pointer, faults), around, depth)
    faults.add(pointer, "expected a type, like string or File?")
    return _ANY


def _named_type(name: str, pointer: str, faults: Faults, around: Around, depth: int) -> Type:
    if name.endswith("?"):
        return replace(read_type(name[:-1], pointer, faults, around, depth + 1), optional=True)
    if name.endswith("[]"):
        return Type("array", items=read_type(name[:-2], pointer, faults, around, depth + 1))
    if name in PLAIN:
        return Type(name)
    if local(name) in around.types:
        return read_type(around.types[local(name)], pointer, faults, around, depth + 1)
    if name == "Directory":
        faults.add(pointer, "Directory is not supported: hand over files, or one archive of them")
    else:
        faults.add(pointer, "there is no type of this name")
    return _ANY


def _union(value: list[Any], pointer: str, faults: Faults, around: Around, depth: int) -> Type:
    options = [
        read_type(option, f"{pointer}/{i}", faults, around, depth + 1)
        for i, option in enumerate(value)
        if option != "null"
    ]
    optional = "null" in value or any(option.optional for option in options)
    if len(options) == 1:
        return replace(options[0], optional=optional)
    if not options:
        faults.add(pointer, "expected a type besides null")
        return _ANY
    return Type("union", optional=optional, options=tuple(options))


def _structure(fields: Fields, around: Around, depth: int) -> Type:
    kind = fields.members.get("type")
    binding = _binding(fields, around)
    if kind == "array":
        items = read_type(
            fields.members.get("items"), fields.at("items"), fields.faults, around, depth + 1
        )
        return Type("array", items=items, binding=binding)
    if kind == "enum":
        symbols = tuple(map(local, fields.texts("symbols", 1_000, 1_000)))
        return Type("enum", symbols=symbols, binding=binding)
    if kind == "record":
        return Type("record", fields=dict(_members(fields, around, depth)), binding=binding)
    inner = read_type(kind, fields.at("type"), fields.faults, around, depth + 1)
    return replace(inner, binding=binding or inner.binding)


def _members(fields: Fields, around: Around, depth: int) -> Iterator[tuple[str, Member]]:
    for name, member in named(fields, "fields", "name", "type"):
        inner = read_type(
            member.members.get("type"), member.at("type"), fields.faults, around, depth + 1
        )
        yield name, Member(inner, _binding(member, around))


def _binding(fields: Fields, around: Around) -> Binding | None:
    if fields.members.get("inputBinding") is None:
        return None
    return read_binding(fields, "inputBinding", around.known)


def schema_of(declared: Type) -> dict[str, Any]:
    """The JSON Schema of a value; a file is its content in base64."""
    schema = _schema(declared)
    if not declared.optional or not schema:
        return schema
    return {"anyOf": [schema, {"type": "null"}]}


def _schema(declared: Type) -> dict[str, Any]:
    match declared.name:
        case "int":
            return {"type": "integer", "minimum": -_INT, "maximum": _INT - 1}
        case "long":
            return {"type": "integer"}
        case "float" | "double":
            return {"type": "number"}
        case "string" | "boolean":
            return {"type": declared.name}
        case "enum":
            return {"type": "string", "enum": list(declared.symbols)}
        case "File":
            return {"type": "string", "format": "file", "contentEncoding": "base64"}
        case "array":
            assert declared.items is not None
            return {"type": "array", "items": schema_of(declared.items)}
        case "record":
            return _record_schema(declared.fields or {})
        case "union":
            return {"anyOf": [schema_of(option) for option in declared.options]}
        case _:
            return {}


def _record_schema(fields: Mapping[str, Member]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: schema_of(member.type) for name, member in fields.items()},
        "required": [name for name, member in fields.items() if not member.type.optional],
        "additionalProperties": False,
    }
