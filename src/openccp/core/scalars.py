"""Single values: text, numbers, yes or no, base64. Read once, typed ever after."""

import binascii
import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

from openccp.core.method import Input, Kind
from openccp.core.pattern import compile_pattern
from openccp.core.problems import Fault
from openccp.core.schema_check import choices, multiple_of, shown, words
from openccp.core.strict_json import INTEGERS

Scalar = str | int | float | bool
Parse = Callable[[Any], Scalar | None]
"""The typed value, or None for what is none."""
Read = Callable[[Any, str], Any]
"""(value, pointer) -> typed value; raises Unfit."""

MAX_PATTERN_SUBJECT = 100_000
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
_MAX_DIGITS = 64


class Unfit(ValueError):
    """A value does not fit its input; `faults` says why, in words for a person."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__(faults[0].detail)


def unfit(pointer: str, detail: str) -> Unfit:
    """One fault, to be raised."""
    return Unfit([Fault(pointer, detail)])


def parse_text(value: Any) -> str | None:
    """Text that every later stage can keep: no NUL, no lone surrogate."""
    if not isinstance(value, str) or "\0" in value:
        return None
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            return None
    return value


def parse_number(value: Any) -> int | float | None:
    """A finite number, also when written as text."""
    if isinstance(value, str):
        value = _spelled(value.strip())
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, int):
        return value if value in INTEGERS else None
    return value if math.isfinite(value) else None


def _spelled(text: str) -> int | float | None:
    if len(text) > _MAX_DIGITS:
        return None
    matched = _NUMBER.fullmatch(text)
    if matched is None:
        return None
    return float(text) if matched[1] or matched[2] else int(text)


def parse_integer(value: Any) -> int | None:
    """A whole number; 3.0 is one, as in JSON Schema."""
    number = parse_number(value)
    if isinstance(number, float):
        number = int(number) if number.is_integer() else None
    return number if number is not None and number in INTEGERS else None


def parse_boolean(value: Any) -> bool | None:
    """True or false, also when written as text in any case (R writes TRUE)."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return None


def parse_base64(value: Any) -> str | None:
    """Base64 on one line, padded, of the standard alphabet; line breaks are taken out."""
    if not isinstance(value, str) or not value.isascii():
        return None
    if "\n" in value or "\r" in value:
        value = value.replace("\r", "").replace("\n", "")
    try:
        binascii.a2b_base64(value, strict_mode=True)
    except binascii.Error:
        return None
    return value if len(value) % 4 == 0 else None


PARSERS: Mapping[Kind, Parse] = {
    Kind.TEXT: parse_text,
    Kind.SECRET: parse_text,
    Kind.NUMBER: parse_number,
    Kind.INTEGER: parse_integer,
    Kind.BOOLEAN: parse_boolean,
    Kind.FILE: parse_base64,
}
EXPECTED: Mapping[Kind, str] = {
    Kind.TEXT: "text",
    Kind.SECRET: "text",
    Kind.NUMBER: "a number, like 3 or 2.5",
    Kind.INTEGER: "a whole number, like 3",
    Kind.BOOLEAN: "true or false",
    Kind.FILE: "the content of a file, in base64",
    Kind.ARRAY: "a list",
    Kind.OBJECT: "a JSON value",
}


def _is_date(text: str) -> bool:
    return re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) is not None and _reads(date, text)


def _is_time(text: str) -> bool:
    return re.match(r"\d\d:\d\d", text, re.ASCII) is not None and _reads(time, text)


def _is_moment(text: str) -> bool:
    written = re.match(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d", text, re.ASCII)
    return written is not None and _reads(datetime, text)


def _reads(kind: type[date] | type[time], text: str) -> bool:
    try:
        kind.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme and (parts.netloc or parts.path)) and text.isprintable()


_Test = Callable[[Any], bool]
_FORMATS: Mapping[str, tuple[_Test, str]] = {
    "date": (_is_date, "expected a date like 2024-03-31"),
    "time": (_is_time, "expected a time like 10:02:22"),
    "dateTime": (_is_moment, "expected a date and time like 2024-03-31T10:02:22"),
    "date-time": (_is_moment, "expected a date and time like 2024-03-31T10:02:22"),
    "url": (_is_url, "expected an address like https://example.org/table.csv"),
    "uri": (_is_url, "expected an address like https://example.org/table.csv"),
}
_LIMITS: Mapping[str, Callable[[Any, Any], bool]] = {
    "minimum": lambda value, limit: value >= limit,
    "maximum": lambda value, limit: value <= limit,
    "exclusiveMinimum": lambda value, limit: value > limit,
    "exclusiveMaximum": lambda value, limit: value < limit,
    "multipleOf": multiple_of,
    "minLength": lambda value, limit: len(value) >= limit,
    "maxLength": lambda value, limit: len(value) <= limit,
}
_NUMERIC = frozenset({Kind.NUMBER, Kind.INTEGER})
_WRITTEN = frozenset({Kind.TEXT, Kind.SECRET, Kind.FILE})


def scalar(declared: Input) -> Read:
    """A reader of one plain value of a scalar kind.

    Raises Unfit (pointers relative to the input's description) where a choice of the schema
    is itself no value of this kind.
    """
    parse, expected = PARSERS[declared.kind], EXPECTED[declared.kind]
    tests = tuple(_tests(declared, parse))

    def read(value: Any, pointer: str) -> Scalar:
        typed = parse(value)
        if typed is None:
            raise unfit(pointer, f"expected {expected}{_instead(declared.kind, value)}")
        for fits, detail in tests:
            if not fits(typed):
                raise unfit(pointer, detail)
        return typed

    choice = declared.schema.get("enum")
    return read if choice is None else _choice(read, _typed_choices(choice, parse, expected))


def _tests(declared: Input, parse: Parse) -> list[tuple[_Test, str]]:
    schema, kind = declared.schema, declared.kind
    tests: list[tuple[_Test, str]] = []
    if kind is Kind.TEXT and declared.id != "ccpimage" and schema.get("format") in _FORMATS:
        tests.append(_FORMATS[str(schema["format"])])
    for keyword, holds in _LIMITS.items():
        if keyword in schema and (kind in _WRITTEN if "Length" in keyword else kind in _NUMERIC):
            tests.append((_against(holds, schema[keyword]), words(keyword, schema[keyword])))
    if "pattern" in schema and kind in (Kind.TEXT, Kind.SECRET):
        tests.append((_bounded(compile_pattern(schema["pattern"])), _pattern_words(schema)))
    if "const" in schema:
        typed = parse(schema["const"])
        tests.append((lambda value: value == typed, words("const", schema["const"])))
    return tests


def _against(holds: Callable[[Any, Any], bool], limit: Any) -> _Test:
    return lambda value: holds(value, limit)


def _bounded(matches: Callable[[str], bool]) -> _Test:
    return lambda text: len(text) <= MAX_PATTERN_SUBJECT and matches(text)


def _pattern_words(schema: Mapping[str, Any]) -> str:
    return words("pattern", schema["pattern"])


def _typed_choices(values: list[Any], parse: Parse, expected: str) -> list[Scalar]:
    typed = [(parse(value), i) for i, value in enumerate(values) if value is not None]
    faults = [
        Fault(f"/schema/enum/{i}", f"expected {expected}") for value, i in typed if value is None
    ]
    if faults:
        raise Unfit(faults)
    return [value for value, _ in typed if value is not None]


def _choice(read: Read, allowed: list[Scalar]) -> Read:
    known = frozenset(allowed)
    texts = [value for value in allowed if isinstance(value, str)]
    detail = f"expected one of {choices(list(allowed))}"

    def read_choice(value: Any, pointer: str) -> Any:
        typed = read(value, pointer)
        if typed in known:
            return typed
        raise unfit(pointer, detail + nearest(typed, texts))

    return read_choice


def nearest(word: object, known: list[str]) -> str:
    """`; did you mean "words"?` for a likely typing error, else nothing."""
    if not isinstance(word, str) or len(word) > 64:
        return ""
    by_case = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), by_case, n=1)
    return f"; did you mean {shown(by_case[close[0]])}?" if close else ""


def _instead(kind: Kind, value: Any) -> str:
    if kind is Kind.FILE and isinstance(value, str) and value.startswith("data:"):
        return "; leave out what comes before the comma of a data: address"
    if isinstance(value, str):
        return " without NUL characters" if kind in (Kind.TEXT, Kind.SECRET) else ""
    return f", not {described(value)}"


def described(value: Any) -> str:
    """What kind of JSON value this is, in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list) else "an object"
