"""CWL has several ways of writing the same thing: here they are brought to one."""

from collections.abc import Iterator, Mapping
from typing import Any

from openccp.core.fields import Fields

MOST = 200


def local(name: str) -> str:
    """The last part of an identifier: `#main/x` is x."""
    return name.rsplit("#", 1)[-1].rsplit("/", 1)[-1]


def named(fields: Fields, name: str, key: str, shorthand: str = "") -> Iterator[tuple[str, Fields]]:
    """The entries of a list of objects that have `key`, or of a map by it.

    A value in a map that is no object stands for its member `shorthand`.
    """
    value = fields.members.get(name)
    if value is None:
        return
    if not isinstance(value, (list, Mapping)) or len(value) > MOST:
        fields.fault(name, f"expected a map or list of at most {MOST} entries")
        return
    inner = Fields(value if isinstance(value, Mapping) else {}, fields.at(name), fields.faults)
    seen: set[str] = set()
    for place, entry in value.items() if isinstance(value, Mapping) else enumerate(value):
        found = _entry(inner, place, entry, key, shorthand)
        if found is None:
            continue
        if found[0] in seen:
            inner.fault(str(place), f'"{found[0][:64]}" is given twice')
        else:
            yield found
        seen.add(found[0])


def _entry(
    fields: Fields, place: str | int, entry: Any, key: str, shorthand: str
) -> tuple[str, Fields] | None:
    if isinstance(place, str) and entry is None:
        entry = {}
    if isinstance(place, str) and shorthand and not _is_entry(entry, shorthand):
        entry = {shorthand: entry}
    if not isinstance(entry, Mapping):
        fields.fault(str(place), "expected an object")
        return None
    identifier = place if isinstance(place, str) else entry.get(key)
    if not isinstance(identifier, str):
        fields.fault(str(place), f'expected a text "{key}"')
        return None
    at = Fields(entry, fields.at(str(place)), fields.faults)
    return (local(identifier) if key in ("id", "name") else identifier), at


def _is_entry(entry: Any, shorthand: str) -> bool:
    """A map that is itself a type (`type: array`) is no parameter that has one."""
    if not isinstance(entry, Mapping):
        return False
    return not (shorthand == "type" and entry.get("type") in ("array", "record", "enum"))
