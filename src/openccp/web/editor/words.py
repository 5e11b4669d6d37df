"""The fields of the editor: each reads its part of a descriptor as text, and writes it there.

What has another shape than a descriptor has is left to the view in JSON (`fits`).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from openccp.core.descriptor import README, SCRIPTS
from openccp.core.problems import MalformedBody
from openccp.core.strict_json import loads

Entry = dict[str, Any]
YES, NO, OTHER = "yes", "no", "other"
KINDS: Mapping[str, Mapping[str, str]] = {
    "text": {"type": "string"},
    "number": {"type": "number"},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "time": {"type": "string", "format": "time"},
    "date-time": {"type": "string", "format": "date-time"},
    "uri": {"type": "string", "format": "uri"},
    "file": {"type": "string", "format": "file"},
    "secret": {"type": "string", "format": "secret"},
    "array": {"type": "array"},
    "object": {"type": "object"},
}
ALSO = {"dateTime": "date-time", "url": "uri", "password": "secret"}
_IN_JSON = frozenset({"number", "integer", "boolean", "array", "object"})


@dataclass(frozen=True, slots=True)
class Word:
    """One field."""

    read: Callable[[Entry], str]
    write: Callable[[Entry, str], None]


def member(name: str, *, inside: str | None = None) -> Word:
    """A member that is a text, or one that is in the object `inside`; empty: there is none."""

    def write(entry: Entry, text: str) -> None:
        place = entry if inside is None else entry.setdefault(inside, {})
        _put(place, name, text or None)

    return Word(lambda entry: _text(_object(entry, inside).get(name)), write)


def flag(name: str, *, default: bool, inside: str | None = None) -> Word:
    """A member that is true or false."""

    def read(entry: Entry) -> str:
        return YES if _object(entry, inside).get(name, default) is True else NO

    def write(entry: Entry, text: str) -> None:
        place = entry if inside is None else entry.setdefault(inside, {})
        _put(place, name, None if (text == YES) is default else text == YES)

    return Word(read, write)


def lines(name: str) -> Word:
    """A member that is a list of texts."""

    def read(entry: Entry) -> str:
        return "\n".join(map(_text, entry.get(name) or ()))

    return Word(read, lambda entry, text: _put(entry, name, split(text) or None))


def titles(*roles: str) -> Word:
    """The entries of `metadata` in a role, a line each."""

    def mine(entry: Entry) -> list[Entry]:
        return [one for one in entry.get("metadata") or () if one.get("role") in roles]

    def title(one: Entry) -> str:
        return _text(one.get("title") or one.get("href"))

    def write(entry: Entry, text: str) -> None:
        known = {title(one): one for one in mine(entry)}
        others = [one for one in entry.get("metadata") or () if one.get("role") not in roles]
        named = [known.get(line) or {"role": roles[0], "title": line} for line in split(text)]
        _put(entry, "metadata", [*others, *named] or None)

    return Word(lambda entry: "\n".join(map(title, mine(entry))), write)


def _infrastructures() -> Word:
    def name(one: Entry) -> str:
        return _text(one.get("href")).rstrip("/").rpartition("infrastructures/")[2]

    def mine(entry: Entry) -> list[Entry]:
        return [one for one in entry.get("links") or () if one.get("rel") == "compatibleWith"]

    def write(entry: Entry, text: str) -> None:
        known = {name(one): one for one in mine(entry)}
        others = [one for one in entry.get("links") or () if one.get("rel") != "compatibleWith"]
        new = [
            known.get(line) or {"rel": "compatibleWith", "href": f"infrastructures/{line}"}
            for line in split(text)
        ]
        _put(entry, "links", [*others, *new] or None)

    return Word(lambda entry: "\n".join(map(name, mine(entry))), write)


def script(name: str) -> Word:
    """One of the scripts."""

    def read(entry: Entry) -> str:
        value = _parameter(entry, name).get("value") or ""
        return value if isinstance(value, str) else "\n".join(map(_text, value))

    def write(entry: Entry, text: str) -> None:
        found = _parameter(entry, name)
        if not found:
            found["name"] = name
            _parameters(entry).append(found)
        found["value"] = text.split("\n")

    return Word(read, write)


def _parameters(entry: Entry) -> list[Entry]:
    """The list of parameters, which is made where there is none."""
    additional = entry.get("additionalParameters")
    if isinstance(additional, list):
        return additional
    if additional is None:
        additional = entry["additionalParameters"] = {}
    if additional.get("parameters") is None:
        additional["parameters"] = []
    listed: list[Entry] = additional["parameters"]
    return listed


def _parameter(entry: Entry, name: str) -> Entry:
    additional = entry.get("additionalParameters") or {}
    listed = additional if isinstance(additional, list) else additional.get("parameters") or ()
    return next((one for one in listed if one.get("name") == name), {})


# --- inputs and outputs -----------------------------------------------------------------------


def kind_of(schema: Mapping[str, Any]) -> str:
    """The kind that a schema says, or that it says more than a kind."""
    form = schema.get("format")
    said = (schema.get("type"), ALSO.get(str(form), form))
    known = (name for name, of in KINDS.items() if said == (of["type"], of.get("format")))
    return next(known, OTHER)


def _set_kind(entry: Entry, text: str) -> None:
    schema = entry.setdefault("schema", {})
    if text in KINDS:
        for name in ("type", "format", "contentEncoding"):
            schema.pop(name, None)
        schema.update(KINDS[text])


def _several(entry: Entry) -> str:
    return _text(entry.get("maxOccurs", 1))


def _default(entry: Entry, text: str) -> None:
    schema = entry.setdefault("schema", {})
    _put(schema, "default", _value(schema, text) if text else None)


def _choices(entry: Entry, text: str) -> None:
    schema = entry.setdefault("schema", {})
    _put(schema, "enum", [_value(schema, line) for line in split(text)] or None)


def _number(name: str) -> Word:
    def write(entry: Entry, text: str) -> None:
        _put(entry.setdefault("schema", {}), name, _json(text) if text else None)

    return Word(member(name, inside="schema").read, write)


def _value(schema: Mapping[str, Any], text: str) -> Any:
    """A value of the kind that a schema says; the text itself where it is none."""
    return _json(text) if schema.get("type") in _IN_JSON else text


def _json(text: str) -> Any:
    try:
        return loads(text.encode())
    except MalformedBody:
        return text


NEEDED = Word(
    lambda entry: NO if entry.get("minOccurs") in (0, "0") else YES,
    lambda entry, text: _put(entry, "minOccurs", 0 if text == NO else None),
)
_BOTH = {
    "title": member("title"),
    "description": member("description"),
    "kind": Word(lambda entry: kind_of(_object(entry, "schema")), _set_kind),
    "needed": NEEDED,
}
INPUT: Mapping[str, Word] = {
    **_BOTH,
    "several": Word(_several, lambda entry, text: _put(entry, "maxOccurs", _json(text) or None)),
    "default": Word(member("default", inside="schema").read, _default),
    "enum": Word(
        lambda entry: "\n".join(map(_text, _object(entry, "schema").get("enum") or ())), _choices
    ),
    "minimum": _number("minimum"),
    "maximum": _number("maximum"),
    "locked": flag("readOnly", default=False, inside="schema"),
}
OUTPUT: Mapping[str, Word] = {
    **_BOTH,
    "path": member("x-ccp-path"),
    "media": member("contentMediaType", inside="schema"),
}
PLAIN = ("id", "title", "version", "description", README, "x-ccp-image")
TOP: Mapping[str, Word] = {
    **{name: member(name) for name in PLAIN},
    "keywords": lines("keywords"),
    "author": titles("author"),
    "category": titles("category"),
    "license": titles("license", "licence"),
    "context": titles("context"),
    "x-ccp-network": flag("x-ccp-network", default=True),
    "infrastructures": _infrastructures(),
    **{name: script(name) for name in SCRIPTS},
}


def split(text: str) -> list[str]:
    """The lines of a text that say something."""
    return [line.strip() for line in text.split("\n") if line.strip()]


def _object(entry: Mapping[str, Any], name: str | None) -> Mapping[str, Any]:
    found = entry if name is None else entry.get(name)
    return found if isinstance(found, Mapping) else {}


def _text(value: Any) -> str:
    """A text as it is, nothing as no text, and anything else in JSON."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)


def _put(entry: Entry, name: str, value: Any) -> None:
    if value is None:
        entry.pop(name, None)
    else:
        entry[name] = value
