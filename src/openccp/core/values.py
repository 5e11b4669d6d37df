"""A whole input: plain, qualified or repeated values, in CCP's manner and in OGC's."""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from openccp.core.kinds import is_bbox, kind_of
from openccp.core.method import Input, Kind
from openccp.core.mixed import alternatives, bare_type, read_as_one
from openccp.core.problems import Fault
from openccp.core.scalars import EXPECTED, PARSERS, Read, Unfit, scalar, unfit
from openccp.core.schema_check import MAX_FAULTS, compile_schema

MAX_REPEATED = 100_000
QUALIFIED = frozenset({"value", "mediaType", "encoding", "schema"})
BBOX_MEMBERS = frozenset({"bbox", "crs"})
_CRS = frozenset(
    f"{scheme}://www.opengis.net/def/crs/OGC/{version}"
    for scheme in ("http", "https")
    for version in ("1.3/CRS84", "0/CRS84h")
)
_COMPOUND = frozenset({"allOf", "anyOf", "oneOf", "not", "if"})
_LISTED = frozenset({Kind.TEXT, Kind.NUMBER, Kind.INTEGER, Kind.BOOLEAN, Kind.FILE})
"""Kinds of which CCP's clients join several values with commas."""


def compile_input(declared: Input) -> Read:
    """A reader of everything a client may send for this input.

    The reader gives the typed value (a list for an input that may be repeated) or raises
    Unfit. Compiling raises Unfit where the schema's own choices do not fit it.
    """
    one = _structured(declared) if declared.kind is Kind.OBJECT else _simple(declared)
    return _repeated(declared, one) if declared.repeated else one


def refuse_reference(pointer: str) -> Unfit:
    """What is said to a reference where only values are taken."""
    return unfit(pointer, "this cannot be given by reference (href); send the value itself")


def _plain(declared: Input) -> Read:
    if declared.kind is Kind.ARRAY:
        return _checked(declared.schema)
    read = scalar(declared)
    if _COMPOUND.isdisjoint(declared.schema):
        return read
    check = _checked({k: v for k, v in declared.schema.items() if k in _COMPOUND})
    return lambda value, pointer: check(read(value, pointer), pointer)


def _checked(schema: Mapping[str, Any]) -> Read:
    check = compile_schema(schema)

    def read(value: Any, pointer: str) -> Any:
        faults = check(value, pointer)
        if faults:
            raise Unfit(faults)
        return value

    return read


def _simple(declared: Input) -> Read:
    """Reads a value of one kind, bare or qualified."""
    plain = _plain(declared)

    def read(value: Any, pointer: str) -> Any:
        if not isinstance(value, dict):
            return plain(value, pointer)
        inner = _unwrapped(declared, value, pointer)
        return plain(_decoded(declared.kind, value, inner, pointer), pointer)

    return read


def _unwrapped(declared: Input, value: dict[str, Any], pointer: str) -> Any:
    if "href" in value:
        raise refuse_reference(pointer)
    if "value" not in value:
        raise unfit(pointer, f"expected {EXPECTED[declared.kind]}, not an object")
    strangers = sorted(value.keys() - QUALIFIED)
    if strangers:
        raise unfit(
            pointer, 'a qualified value has only "value", "mediaType", "encoding", "schema"'
        )
    _check_media_type(declared.schema, value.get("mediaType"), pointer)
    return value["value"]


def _check_media_type(schema: Mapping[str, Any], given: Any, pointer: str) -> None:
    if given is None:
        return
    if not isinstance(given, str):
        raise unfit(pointer + "/mediaType", "expected text, like text/plain")
    declared = schema.get("contentMediaType")
    if isinstance(declared, str) and bare_type(declared) != bare_type(given):
        raise unfit(pointer + "/mediaType", f"expected {declared}")


def _decoded(kind: Kind, qualified: Mapping[str, Any], value: Any, pointer: str) -> Any:
    encoding = qualified.get("encoding")
    if encoding is None:
        return value
    if not isinstance(encoding, str) or encoding.lower() not in ("base64", "utf-8", "utf8"):
        raise unfit(pointer + "/encoding", "expected base64 or utf-8")
    in_base64 = encoding.lower() == "base64"
    if not isinstance(value, str) or in_base64 is (kind is Kind.FILE):
        return value
    if in_base64:
        return _text_of(value, pointer)
    return base64.b64encode(value.encode(errors="replace")).decode()


def _text_of(encoded: str, pointer: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError):
        raise unfit(pointer + "/value", "expected UTF-8 text in base64") from None


def _structured(declared: Input) -> Read:
    """Reads objects and open schemas: wrapped as OGC asks, or bare."""
    check = _read_bbox if is_bbox(declared.schema) else _checked(declared.schema)
    mixed = _mixed(declared)
    wrapped = mixed or _wrapped(declared, check)
    bare = check if mixed is None else _first_that_fits(check, mixed)
    own_value = _has_own_value(declared.schema)

    def read(value: Any, pointer: str) -> Any:
        if not isinstance(value, dict):
            return bare(value, pointer)
        if isinstance(value.get("href"), str):
            raise refuse_reference(pointer)
        if "value" not in value or not value.keys() <= QUALIFIED:
            return bare(value, pointer)
        try:
            return wrapped(value, pointer)
        except Unfit as refusal:
            if own_value:
                return _either(check, value, pointer, refusal)
            raise

    return read


def _first_that_fits(check: Read, mixed: Read) -> Read:
    """Reads values that do not say their format."""

    def read(value: Any, pointer: str) -> Any:
        try:
            return check(value, pointer)
        except Unfit as refusal:
            return _either(mixed, {"value": value}, pointer, refusal)

    return read


def _either(read: Read, value: Any, pointer: str, refusal: Unfit) -> Any:
    try:
        return read(value, pointer)
    except Unfit:
        raise refusal from None


def _wrapped(declared: Input, check: Read) -> Read:
    def read(qualified: Any, pointer: str) -> Any:
        _check_media_type(declared.schema, qualified.get("mediaType"), pointer)
        return check(qualified["value"], pointer)

    return read


def _mixed(declared: Input) -> Read | None:
    """A reader of qualified values of an input that takes several formats."""
    formats = alternatives(declared.schema, partial(_read_of_part, declared))
    if not formats:
        return None
    rest = _checked({k: v for k, v in declared.schema.items() if k != "oneOf"})

    def read(qualified: Any, pointer: str) -> Any:
        return rest(read_as_one(formats, qualified, pointer), pointer)

    return read


def _read_of_part(declared: Input, part: Mapping[str, Any]) -> Read:
    kind = kind_of("", part)
    if kind in (Kind.TEXT, Kind.FILE):
        return _simple(replace(declared, kind=kind, schema=part))
    check = _checked(part)
    return lambda qualified, pointer: check(qualified["value"], pointer)


def _has_own_value(schema: Mapping[str, Any]) -> bool:
    """Whether the method's own objects have a member `value`, as qualified values do."""
    parts = [part for name in ("allOf", "anyOf", "oneOf") for part in schema.get(name, ())]
    return (
        "value" in schema.get("properties", ())
        or "value" in schema.get("required", ())
        or any(isinstance(part, Mapping) and _has_own_value(part) for part in parts)
    )


def _read_bbox(value: Any, pointer: str) -> Any:
    if not isinstance(value, dict) or "bbox" not in value:
        raise unfit(pointer, 'expected a bounding box like {"bbox": [west, south, east, north]}')
    if not value.keys() <= BBOX_MEMBERS:
        raise unfit(pointer, 'a bounding box has only "bbox" and "crs"')
    corners, crs = value["bbox"], value.get("crs")
    if crs is not None and (not isinstance(crs, str) or crs.strip("[]") not in _CRS):
        raise unfit(pointer + "/crs", "expected http://www.opengis.net/def/crs/OGC/1.3/CRS84")
    if not isinstance(corners, list) or len(corners) not in (4, 6):
        raise unfit(pointer + "/bbox", "expected 4 numbers (or 6, with heights)")
    numbers = [_corner(corner, f"{pointer}/bbox/{i}") for i, corner in enumerate(corners)]
    if numbers[1] > numbers[1 + len(numbers) // 2]:
        raise unfit(pointer + "/bbox", "south is above north: expected west, south, east, north")
    return value


def _corner(value: Any, pointer: str) -> int | float:
    number = None if isinstance(value, str) else PARSERS[Kind.NUMBER](value)
    if not isinstance(number, (int, float)):
        raise unfit(pointer, "expected a number")
    return number


def _repeated(declared: Input, one: Read) -> Read:
    split = _splitter(declared)

    def read(value: Any, pointer: str) -> list[Any]:
        values = split(value)
        count = len(values)
        most = MAX_REPEATED if declared.maximum is None else declared.maximum
        if value == "" or not declared.minimum <= count <= most:
            raise unfit(pointer, f"expected {_how_many(declared)}, got {count}")
        step = isinstance(value, list)
        return _each(values, lambda i: f"{pointer}/{i}" if step else pointer, one)

    return read


def _splitter(declared: Input) -> Callable[[Any], list[Any]]:
    if declared.kind is Kind.ARRAY:
        return lambda value: value if _is_list_of_lists(value) else [value]
    listed = declared.kind in _LISTED

    def split(value: Any) -> list[Any]:
        if isinstance(value, list):
            return value
        if listed and isinstance(value, str):
            return value.split(",") if value else []
        return [value]

    return split


def _is_list_of_lists(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(item, list) or (isinstance(item, dict) and "value" in item) for item in value
    )


def _each(values: list[Any], where: Callable[[int], str], one: Read) -> list[Any]:
    typed: list[Any] = []
    faults: list[Fault] = []
    for i, value in enumerate(values):
        try:
            typed.append(one(value, where(i)))
        except Unfit as error:
            faults.extend(error.faults)
            if len(faults) >= MAX_FAULTS:
                break
    if faults:
        raise Unfit(faults)
    return typed


def _how_many(declared: Input) -> str:
    least, most = declared.minimum, declared.maximum
    if most is None:
        return f"at least {least} and at most {MAX_REPEATED} values"
    return f"{least} values" if least == most else f"{least} to {most} values"


def expectation(declared: Input) -> str:
    """What an input wants, for the person who left it out."""
    kind = "several values" if declared.repeated else EXPECTED[declared.kind]
    title = f" ({declared.title})" if declared.title else ""
    return f"this input is required{title}: {kind}"
