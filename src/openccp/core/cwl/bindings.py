"""How a value becomes words of a command line (CWL's CommandLineBinding)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from openccp.core.cwl.references import NotPlain, Template, parse, unknown
from openccp.core.fields import Fields

Known = Mapping[str, Collection[str]]
"""What may be referred to: the names below `inputs`, `runtime` and `self`."""


@dataclass(frozen=True, slots=True)
class Binding:
    """Where and how a value stands; `position` may refer to other inputs."""

    position: int | Template = 0
    prefix: str | None = None
    separate: bool = True
    separator: str | None = None
    value: Template | None = None
    quoted: bool = True
    load_contents: bool = False


def read_binding(fields: Fields, name: str, known: Known) -> Binding:
    """The binding that a member describes."""
    value = fields.members.get(name)
    if value is None:
        return Binding()
    if not isinstance(value, Mapping):
        fields.fault(name, "expected an object")
        return Binding()
    inner = Fields(value, fields.at(name), fields.faults)
    return binding_of(inner, known)


def binding_of(inner: Fields, known: Known) -> Binding:
    """The binding whose members these are."""
    separate = inner.boolean("separate", default=True)
    prefix = inner.members.get("prefix")
    if prefix is not None and not isinstance(prefix, str):
        inner.fault("prefix", "expected text")
        prefix = None
    if prefix is None and not separate:
        inner.fault("separate", "there is no prefix to stand beside the value")
    return Binding(
        position=_position(inner, known),
        prefix=prefix,
        separate=separate,
        separator=inner.text("itemSeparator", 1_000) or None,
        value=template(inner, "valueFrom", {**known, "self": ()}),
        quoted=inner.boolean("shellQuote", default=True),
        load_contents=inner.boolean("loadContents", default=False),
    )


def _position(fields: Fields, known: Known) -> int | Template:
    value = fields.members.get("position", 0)
    if isinstance(value, str):
        return template(fields, "position", {**known, "self": ()}) or 0
    if isinstance(value, bool) or not isinstance(value, int):
        fields.fault("position", "expected a whole number")
        return 0
    return value


def template(fields: Fields, name: str, known: Known) -> Template | None:
    """A text member with references in it, each of them to something that is there."""
    value = fields.members.get(name)
    if value is None:
        return None
    if isinstance(value, (bool, int, float)):
        value = str(value).lower() if isinstance(value, bool) else str(value)
    if not isinstance(value, str):
        fields.fault(name, "expected text")
        return None
    return template_of(value, fields, name, known)


def template_of(text: Any, fields: Fields, name: str, known: Known) -> Template | None:
    """The template of a text that stands at a member."""
    try:
        found = parse(text)
    except NotPlain as error:
        fields.fault(name, str(error))
        return None
    words = unknown(found, known)
    if words is not None:
        fields.fault(name, words)
    return found
