"""Values as literals: no character of a value ever means anything to the language around it.

Requests stand as JSON in a raw literal of the language. JSON can write every character as \\uXXXX,
so whatever could end that literal, and everything that is not printable ASCII, is written so. What
is left to the language is a backslash, where its literals know one (Java).
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from openccp.codegen.program import LocalFile, Secret

Escape = Callable[[str], str]
SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}
ALWAYS = '"<>&'
"""Never written plainly: also a page or a notebook may hold a program."""


@dataclass(frozen=True, slots=True)
class Json:
    """A piece of a request that is there as text."""

    text: str


Piece = Json | Secret | LocalFile


def pieces(body: Any, unsafe: str) -> list[Piece]:
    """A body as JSON, cut where something from elsewhere comes in."""
    written = groupby(_written(body, unsafe, "\n"), lambda one: isinstance(one, str))
    found: list[Piece] = []
    for is_text, ones in written:
        found += [Json("".join(map(str, ones)))] if is_text else _elsewhere(ones)
    return found


def _elsewhere(ones: Iterable[str | Secret | LocalFile]) -> list[Piece]:
    return [one for one in ones if not isinstance(one, str)]


def _written(value: Any, unsafe: str, margin: str) -> Iterator[str | Secret | LocalFile]:
    inside = margin + "  "
    match value:
        case Secret() | LocalFile():
            yield value
        case str():
            yield json_text(value, unsafe)
        case Mapping() if value:
            for n, (name, one) in enumerate(value.items()):
                yield ("," if n else "{") + f"{inside}{json_text(name, unsafe)}: "
                yield from _written(one, unsafe, inside)
            yield margin + "}"
        case list() | tuple() if value:
            for n, one in enumerate(value):
                yield ("," if n else "[") + inside
                yield from _written(one, unsafe, inside)
            yield margin + "]"
        case _:
            yield json.dumps(value, allow_nan=False)


def json_text(text: str, unsafe: str = "") -> str:
    """A JSON string of printable ASCII without any of the characters in `unsafe`."""
    return '"' + "".join(_json_character(one, unsafe + ALWAYS) for one in text) + '"'


def _json_character(one: str, unsafe: str) -> str:
    if one in SHORT and one not in unsafe:
        return SHORT[one]
    if " " <= one <= "~" and one not in unsafe:
        return one
    code = ord(one)
    if code < 0x10000:
        return f"\\u{code:04x}"
    return f"\\u{0xD800 + (code - 0x10000 >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


# --- texts ------------------------------------------------------------------------------------


def plain(text: str) -> bool:
    """Whether a text is printable ASCII."""
    return all(" " <= one <= "~" for one in text)


def c_like(unsafe: str = "", wide: str = "") -> Escape:
    """A double-quoted text with \\uXXXX; `wide` is the form of characters beyond 16 bits.

    Without `wide` they are written as two surrogates, as in JSON.
    """

    def written(text: str) -> str:
        if not wide:
            return json_text(text, unsafe)
        return '"' + "".join(_escaped(one, unsafe, wide) for one in text) + '"'

    return written


def _escaped(one: str, unsafe: str, wide: str) -> str:
    if " " <= one <= "~" and one not in unsafe + '"\\':
        return one
    return wide.format(ord(one))


def in_shell(text: str) -> str:
    """A single-quoted word of a POSIX shell, in UTF-8."""
    return "'" + text.replace("'", "'\\''") + "'"


def backslashed(text: str) -> str:
    """A single-quoted text that knows the escapes of a quote and of a backslash, in UTF-8."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def doubled(text: str) -> str:
    """A single-quoted text in which a quote is doubled."""
    return "'" + text.replace("'", "''") + "'"


def java(text: str) -> str:
    """A text of Java, where \\u0022 would be a quote before anything is read.

    So everything of one byte is written in octal.
    """
    return '"' + "".join(map(_java_character, text)) + '"'


def _java_character(one: str) -> str:
    if " " <= one <= "~" and one not in '"\\':
        return one
    return f"\\{ord(one):03o}" if ord(one) < 0x100 else json_text(one)[1:-1]


def powershell(text: str) -> str:
    """An expression of printable ASCII: four more characters are quotes there, and files in
    another encoding than they are read in would hold them too.
    """
    if plain(text):
        return doubled(text)
    units = text.encode("utf-16-be")
    codes = ", ".join(
        str(one << 8 | other) for one, other in zip(units[::2], units[1::2], strict=True)
    )
    return f"(-join [char[]]({codes}))"


def line_by_line(text: str) -> str:
    """Single-quoted lines, for languages whose texts end with the line."""
    return "\n".join(map(doubled, text.split("\n")))


# --- Python -----------------------------------------------------------------------------------


def python(value: Any, margin: str = "\n") -> str:
    """A Python expression of a body; `secret(...)` and `content(...)` are the program's own."""
    inside = margin + "    "
    match value:
        case Secret():
            return f"secret({value.name!a})"
        case LocalFile():
            return f"content({value.path!a})"
        case Mapping() if value:
            items = (f"{name!a}: {python(one, inside)}," for name, one in value.items())
            return "{" + "".join(inside + item for item in items) + margin + "}"
        case list() | tuple() if value:
            return "[" + "".join(f"{inside}{python(one, inside)}," for one in value) + margin + "]"
        case Mapping():
            return "{}"
        case list() | tuple():
            return "[]"
        case _:
            return ascii(value)
