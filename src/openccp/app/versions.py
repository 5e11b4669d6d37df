"""The versions of a method: those that were, and what changed from one to another."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any

import orjson

from openccp.app.describe import visible_method
from openccp.app.services import Services
from openccp.core.access import Who, may_see_method
from openccp.core.descriptor import SCRIPTS
from openccp.core.method import Method, Revision
from openccp.core.problems import InvalidQueryParameter

MOST_VERSIONS = 100
MOST_LINES = 2_000
"""Comparing takes the square of the lines in the worst case."""
READABLE = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS


async def versions(
    services: Services, who: Who, current: Revision, most: int = MOST_VERSIONS
) -> tuple[Revision, ...]:
    """The newest versions of a method that the caller may see, the current one first.

    An id may have been somebody else's before: only those of its owner of today.
    """
    found: list[Revision] = []
    for number in range(current.number, 0, -1):
        one = await services.catalogue.revision(current.method.id, number)
        if one is not None and one.owner == current.owner and may_see_method(who, one):
            found.append(one)
        if len(found) == most or current.number - number >= MOST_VERSIONS:
            break
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Change:
    """What changed in one text of a method: lines as `diff -u` writes them.

    None: it changed, and is too long to be compared.
    """

    name: str
    lines: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed from one version to another; `first` None: from nothing."""

    first: Revision | None
    second: Revision
    changes: tuple[Change, ...]


async def changes(
    services: Services, who: Who, method_id: str, first: int | None, second: int | None
) -> Changes:
    """From the version `first` to `second`: by default to the current one, from that before.

    InvalidQueryParameter where there is no such version that the caller may see.
    """
    known = await versions(services, who, await visible_method(services, who, method_id))
    after = known[0] if second is None else _numbered(known, second)
    if first is None:
        before = next((one for one in known if one.number < after.number), None)
    else:
        before = _numbered(known, first)
    found = tuple(_changes(before.method if before else None, after.method))
    return Changes(before, after, found)


def _numbered(known: tuple[Revision, ...], number: int) -> Revision:
    for one in known:
        if one.number == number:
            return one
    raise InvalidQueryParameter(f"There is no version number {number} here.")


def _changes(before: Method | None, after: Method) -> Iterator[Change]:
    old, new = texts_of(before) if before else {}, texts_of(after)
    for name, text in new.items():
        one, two = old.get(name, "").splitlines(), text.splitlines()
        if one == two:
            continue
        if max(len(one), len(two)) > MOST_LINES:
            yield Change(name, None)
        else:
            yield Change(name, tuple(unified_diff(one, two, lineterm=""))[2:])


def texts_of(method: Method) -> Mapping[str, str]:
    """A method as texts to compare: its descriptor without scripts, and each script."""
    scripts = {name: getattr(method.scripts, short) for name, short in SCRIPTS.items()}
    plain = _without_scripts(method.document)
    return {"method.json": orjson.dumps(plain, option=READABLE).decode(), **scripts}


def _without_scripts(document: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in document.items() if name != "additionalParameters"}
    additional = document.get("additionalParameters")
    listed = additional.get("parameters") if isinstance(additional, Mapping) else additional
    others = [one for one in listed or () if one.get("name") not in SCRIPTS]
    return {**kept, "additionalParameters": others} if others else kept
