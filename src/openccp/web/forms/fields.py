"""What a form asks for each input, in the terms of HTML: pure, made from the descriptor."""

import mimetypes
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson

from openccp.core.kinds import is_bbox
from openccp.core.method import RESERVED, Input, Kind, Method

LONG_TEXT = 200
NOTE = "ccpnote"
UTC = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)(?:\.0+)?(?:Z|\+00:00)", re.ASCII)


class Widget(StrEnum):
    """How a value is asked for."""

    TEXT = "text"
    LONG = "long"
    CODE = "code"
    NUMBER = "number"
    CHECK = "check"
    DATE = "date"
    TIME = "time"
    MOMENT = "moment"
    ADDRESS = "address"
    CHOICE = "choice"
    CHOICES = "choices"
    LINES = "lines"
    SECRET = "secret"
    FILE = "file"
    BOX = "box"
    MAP = "map"
    JSON = "json"


BY_FORMAT = {
    "date": Widget.DATE,
    "time": Widget.TIME,
    "date-time": Widget.MOMENT,
    "dateTime": Widget.MOMENT,
    "uri": Widget.ADDRESS,
    "url": Widget.ADDRESS,
    "code": Widget.CODE,
}
BY_KIND = {
    Kind.BOOLEAN: Widget.CHECK,
    Kind.INTEGER: Widget.NUMBER,
    Kind.NUMBER: Widget.NUMBER,
    Kind.SECRET: Widget.SECRET,
    Kind.FILE: Widget.FILE,
    Kind.OBJECT: Widget.JSON,
}
CODE = re.compile(
    r"(?:text/x-|application/|text/)(python|r|sh|shellscript|julia|javascript|json)\Z"
)
"""Media types of texts that are programs; the word is the language."""
GEOMETRY = frozenset({"geojson-geometry", "geojson-feature", "geojson-feature-collection"})
SCALAR = frozenset({Kind.TEXT, Kind.NUMBER, Kind.INTEGER})


@dataclass(frozen=True, slots=True)
class Field:
    """One input as the form shows it. `options` are the texts one may choose from."""

    id: str
    widget: Widget
    label: str
    help: str = ""
    required: bool = False
    locked: bool = False
    many: bool = False
    options: tuple[str, ...] = ()
    bounds: Mapping[str, Any] = field(default_factory=dict)
    """Attributes of the HTML element: min, max, step, maxlength, accept."""
    unit: str = ""
    language: str = ""
    """What a program is written in, where that is known."""
    option: bool = False
    """Whether it says how to run, and not what with."""
    default: Any = None
    example: Any = None


def fields_of(method: Method) -> tuple[Field, ...]:
    """A field for each input of a method, in its order, and one for the note."""
    fields = [field_of(declared) for declared in method.inputs.values()]
    if NOTE not in method.inputs:
        words = "For yourself: what this run is about."
        fields.append(Field(NOTE, Widget.TEXT, "Note", words, option=True))
    return tuple(fields)


def field_of(declared: Input) -> Field:
    """The field of one input."""
    schema, options = declared.schema, _options(declared)
    return Field(
        declared.id,
        _widget(declared, options),
        declared.title or declared.id,
        declared.description if declared.description != declared.title else "",
        required=declared.minimum > 0 and not declared.has_default,
        locked=declared.read_only,
        many=declared.repeated,
        options=options,
        bounds=_bounds(declared),
        unit=_unit(schema),
        language=_language(schema),
        option=declared.id in RESERVED,
        default=schema.get("default"),
        example=_example(schema),
    )


def _widget(declared: Input, options: Sequence[str]) -> Widget:
    kind, schema = declared.kind, declared.schema
    several = declared.repeated or kind is Kind.ARRAY
    if options:
        return Widget.CHOICES if several else Widget.CHOICE
    if several:
        return _of_several(declared)
    if is_bbox(schema):
        return Widget.BOX
    if schema.get("format") in GEOMETRY:
        return Widget.MAP
    if kind is Kind.TEXT:
        return _of_text(schema)
    return BY_KIND[kind]


def _of_several(declared: Input) -> Widget:
    """One value a line where a value is a line; files are several files, the rest is JSON."""
    if declared.kind is Kind.FILE:
        return Widget.FILE
    items = _items(declared)
    scalar = declared.kind in SCALAR or items.get("type") in ("string", "number", "integer")
    return Widget.LINES if scalar and "contentMediaType" not in items else Widget.JSON


def _of_text(schema: Mapping[str, Any]) -> Widget:
    if schema.get("format") in BY_FORMAT:
        return BY_FORMAT[schema["format"]]
    if _language(schema):
        return Widget.CODE
    texts = [schema.get(word) for word in ("default", "example")]
    many_lines = any(isinstance(text, str) and "\n" in text for text in texts)
    if many_lines or schema.get("contentMediaType") or schema.get("maxLength", 0) > LONG_TEXT:
        return Widget.LONG
    return Widget.TEXT


def _items(declared: Input) -> Mapping[str, Any]:
    items = declared.schema.get("items") if declared.kind is Kind.ARRAY else declared.schema
    return items if isinstance(items, Mapping) else {}


def _options(declared: Input) -> tuple[str, ...]:
    """The values one may choose from, as texts; those of a list are its items'."""
    values = _items(declared).get("enum") or declared.schema.get("enum")
    if declared.kind is Kind.BOOLEAN:
        return () if declared.minimum or declared.has_default else ("true", "false")
    if not isinstance(values, list):
        return ()
    return tuple(text_of(value) for value in values)


def _bounds(declared: Input) -> dict[str, Any]:
    schema = declared.schema
    found = {"maxlength": schema.get("maxLength"), "minlength": schema.get("minLength")}
    if declared.kind is Kind.FILE:
        return _accepted(_items(declared).get("contentMediaType"))
    if declared.kind in (Kind.NUMBER, Kind.INTEGER):
        whole = declared.kind is Kind.INTEGER
        step = schema.get("multipleOf", 1 if whole else "any")
        found = {"min": schema.get("minimum"), "max": schema.get("maximum"), "step": step}
    return {name: value for name, value in found.items() if value is not None}


def _language(schema: Mapping[str, Any]) -> str:
    found = CODE.match(str(schema.get("contentMediaType", "")).lower())
    return found[1] if found else ""


def _accepted(media_type: Any) -> dict[str, Any]:
    """What a browser offers first: it knows few types by the names that science gives them."""
    known = isinstance(media_type, str) and mimetypes.guess_extension(media_type)
    return {"accept": f"{media_type},{known}"} if known else {}


def _unit(schema: Mapping[str, Any]) -> str:
    unit = schema.get("x-ogc-unit") or schema.get("x-unit") or schema.get("uom")
    return unit if isinstance(unit, str) else ""


def _example(schema: Mapping[str, Any]) -> Any:
    examples = schema.get("examples")
    if "example" in schema:
        return schema["example"]
    return examples[0] if isinstance(examples, list) and examples else None


def text_of(value: Any) -> str:
    """A value as a form shows it in one field."""
    if isinstance(value, str):
        return value
    return orjson.dumps(value).decode()
