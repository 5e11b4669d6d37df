"""CWL's parameter references, like `$(inputs.x.path)`: read once, looked up for each job.

Nothing else is evaluated: what is no plain reference would be JavaScript, and is refused.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from openccp.core.ports import CannotStart

LONGEST_TEXT = 8 << 20
_STEP = r"""\.\w+|\['[^'\\]*'\]|\["[^"\\]*"\]|\[\d{1,6}\]"""
_REFERENCE = re.compile(rf"\$\((\w+)((?:{_STEP})*)\)")
_STEPS = re.compile(r"""\.(\w+)|\['([^']*)'\]|\["([^"]*)"\]|\[(\d+)\]""")
_OPENING = re.compile(r"\\(\\(?=\$[({])|\$[({])|\$[({]")
NOT_PLAIN = (
    "JavaScript is not evaluated here; use parameter references like $(inputs.x.path), and a "
    "program of the image for the rest"
)


class NotPlain(ValueError):
    """An expression that is more than a parameter reference."""


@dataclass(frozen=True, slots=True)
class Reference:
    """`root` is inputs, self or runtime; `path` are the names and indexes after it."""

    root: str
    path: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """Text with references in it."""

    parts: tuple[str | Reference, ...]

    @property
    def references(self) -> Iterator[Reference]:
        """The references, in their order."""
        return (part for part in self.parts if isinstance(part, Reference))

    @property
    def constant(self) -> str | None:
        """The text, if there is no reference in it."""
        return "".join(map(str, self.parts)) if not any(self.references) else None


Scope = Mapping[str, Any]
"""What references are looked up in: `inputs`, `runtime`, and `self`."""


def parse(text: str) -> Template:
    """Read a text; a backslash before `$(` makes it plain text. NotPlain for JavaScript."""
    parts: list[str | Reference] = []
    position = 0
    while (found := _OPENING.search(text, position)) is not None:
        parts.append(text[position : found.start()])
        if found[1]:
            parts.append(found[1])
            position = found.end()
            continue
        reference = _REFERENCE.match(text, found.start())
        if reference is None:
            raise NotPlain(NOT_PLAIN)
        parts.append(Reference(reference[1], tuple(_steps(reference[2]))))
        position = reference.end()
    parts.append(text[position:])
    return Template(tuple(part for part in parts if part != ""))


def unknown(template: Template, known: Mapping[str, Collection[str]]) -> str | None:
    """Words about the first reference to something that is not there."""
    for reference in template.references:
        if reference.root not in known:
            return f"there is no {reference.root} to refer to here"
        names = known[reference.root]
        if reference.root != "self" and (not reference.path or reference.path[0] not in names):
            asked = str(reference.path[0]) if reference.path else "itself"
            return f"there is no {reference.root}.{asked}"
    return None


def evaluate(template: Template, scope: Scope) -> Any:
    """The value: of any type for one reference alone, else a text. What is not there is None.

    CannotStart for a text so long that it would be made to fill the memory.
    """
    if len(template.parts) == 1 and isinstance(template.parts[0], Reference):
        return _look_up(template.parts[0], scope)
    pieces: list[str] = []
    left = LONGEST_TEXT
    for part in template.parts:
        pieces.append(part if isinstance(part, str) else as_text(_look_up(part, scope)))
        left -= len(pieces[-1])
        if left < 0:
            raise CannotStart(f"a text of the tool would have more than {LONGEST_TEXT} characters")
    return "".join(pieces)


def as_text(value: Any) -> str:
    """A value as it stands in a text: numbers in decimals, a structure as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return _decimal(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _decimal(value: float) -> str:
    text = format(Decimal(repr(value)), "f")
    return text.removesuffix(".0")


def _steps(text: str) -> Iterator[str | int]:
    for name, single, double, index in _STEPS.findall(text):
        yield int(index) if index else name or single or double


def _look_up(reference: Reference, scope: Scope) -> Any:
    value = scope.get(reference.root)
    for step in reference.path:
        value = _member(value, step)
    return value


def _member(value: Any, step: str | int) -> Any:
    if isinstance(value, Mapping) and isinstance(step, str):
        return value.get(step)
    if isinstance(value, list) and isinstance(step, int):
        return value[step] if step < len(value) else None
    if isinstance(value, list) and step == "length":
        return len(value)
    return None
