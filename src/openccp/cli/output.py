"""What the commands write: text that is safe on a terminal, tables, one JSON document."""

import json
import re
import sys
import unicodedata
from collections.abc import Sequence
from typing import Any, TextIO

CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]"
)
"""C0 and C1 except newline and tab, marks that turn the writing direction, halves of pairs."""


def terminal_safe(text: str) -> str:
    """Other people's text with nothing left in it that a terminal would obey."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return CONTROL.sub(lambda found: _escaped(found[0]), text)


def _escaped(char: str) -> str:
    return f"\\x{ord(char):02x}" if ord(char) < 256 else f"\\u{ord(char):04x}"


def one_line(text: str) -> str:
    """The same for a place that holds one line."""
    return " ".join(terminal_safe(text).split())


def write(text: str, to: TextIO | None = None) -> None:
    """Write to standard output (or `to`): safe on a terminal, byte for byte into a pipe."""
    stream = to or sys.stdout
    if stream.isatty():
        text = terminal_safe(text)
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def say(text: str) -> None:
    """One line, or several, for the person and not for the next program."""
    write(terminal_safe(text) + "\n", sys.stderr)


def write_json(document: Any) -> None:
    """The one JSON document of a command run with `--json`."""
    write(json.dumps(document, indent=2, default=_unreadable) + "\n")


def _unreadable(value: Any) -> str:
    return f"<{len(value)} bytes>" if isinstance(value, bytes) else str(value)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns, as wide as their content; the last one may be as long as it likes."""
    cells = [list(heads), *([one_line(cell) for cell in row] for row in rows)]
    widths = [max(_width(row[column]) for row in cells) for column in range(len(heads) - 1)]
    return "".join(_row(row, widths) for row in cells)


def _row(row: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=False)]
    return "  ".join([*padded, row[-1]]).rstrip() + "\n"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
