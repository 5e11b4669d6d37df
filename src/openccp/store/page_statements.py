"""The statements of job lists: each a walk along one index, over a half-open range of places."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Select, and_, bindparam, exists, func, or_, select
from sqlalchemy.sql.elements import ColumnElement

from openccp.core.job_list import JobFilter, Word
from openccp.store.rows import COLUMNS, storable
from openccp.store.tables import jobs, tags

PLACE = (jobs.c.created, jobs.c.id)
TAGGED_PLACE = (tags.c.created, tags.c.job_id)
SEARCHED = (jobs.c.id, jobs.c.method, jobs.c.message, jobs.c.note)
ESCAPE = "!"
Condition = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Shape:
    """What bounds a walk, and its direction."""

    method: bool
    status: bool
    low: bool
    high: bool
    upwards: bool
    tag: bool = False


@cache
def walk(columns: tuple[ColumnElement[Any], ...], shape: Shape) -> Select[Any]:
    """The first rows of a walk."""
    return _walk(columns, shape).limit(bindparam("limit"))


@cache
def edge(shape: Shape) -> Select[Any]:
    """The place so many rows further on; it reads nothing but the index."""
    place = TAGGED_PLACE if shape.tag else PLACE
    return walk(place, shape).offset(bindparam("offset"))


def search(shape: Shape, wanted: JobFilter) -> Select[Any]:
    """All rows of a walk that fit; what the index does not know keeps other indexes out of it."""
    return _walk(COLUMNS, shape).where(*_also(shape, wanted))


def search_parameters(wanted: JobFilter) -> dict[str, Any]:
    """What `search` is given besides its walk."""
    words = [word for some in wanted.search for word in some]
    more = {f"tag_{number}": storable(tag) for number, tag in enumerate(wanted.tags[1:])}
    return more | {
        "now": wanted.now,
        "shortest": wanted.shortest,
        "longest": wanted.longest,
        "statuses": [status.value for status in wanted.statuses],
        "methods": [storable(method) for method in wanted.methods],
        **{f"word_{number}": _pattern(word.text) for number, word in enumerate(words)},
        **{f"titled_{number}": sorted(word.methods) for number, word in enumerate(words)},
    }


def _walk(columns: tuple[ColumnElement[Any], ...], shape: Shape) -> Select[Any]:
    created, job_id = place = TAGGED_PLACE if shape.tag else PLACE
    if shape.tag:
        found = tags if columns is TAGGED_PLACE else tags.join(jobs, jobs.c.id == tags.c.job_id)
        owned = (tags.c.owner == bindparam("owner"), tags.c.tag == bindparam("tag"))
        rows = select(*columns).select_from(found).where(*owned)
    else:
        rows = select(*columns).where(jobs.c.owner == bindparam("owner"))
    if shape.method:
        rows = rows.where(jobs.c.method == bindparam("method"))
    if shape.status:
        rows = rows.where(jobs.c.status == bindparam("status"))
    if shape.low:
        rows = rows.where(
            created >= bindparam("low_created"),
            or_(created > bindparam("low_created"), job_id >= bindparam("low_id")),
        )
    if shape.high:
        rows = rows.where(
            created <= bindparam("high_created"),
            or_(created < bindparam("high_created"), job_id < bindparam("high_id")),
        )
    return rows.order_by(*(place if shape.upwards else (one.desc() for one in place)))


def _also(shape: Shape, wanted: JobFilter) -> list[Condition]:
    ran = func.coalesce(jobs.c.finished, bindparam("now")) - jobs.c.started
    conditions: list[Condition] = []
    if wanted.statuses and not shape.status:
        conditions.append(_no_index(jobs.c.status).in_(bindparam("statuses", expanding=True)))
    if wanted.methods and not shape.method:
        conditions.append(_no_index(jobs.c.method).in_(bindparam("methods", expanding=True)))
    if wanted.shortest is not None:
        conditions.append(ran >= bindparam("shortest"))
    if wanted.longest is not None:
        conditions.append(ran <= bindparam("longest"))
    conditions += [_tagged(f"tag_{number}") for number in range(len(wanted.tags) - 1)]
    if wanted.search:
        conditions.append(_mentions(wanted))
    return conditions


def _tagged(name: str) -> Condition:
    other = tags.alias()
    return exists().where(other.c.job_id == jobs.c.id, other.c.tag == bindparam(name))


def _no_index(column: ColumnElement[str]) -> ColumnElement[str]:
    return column + ""


def _mentions(wanted: JobFilter) -> Condition:
    number, any_of = 0, []
    for words in wanted.search:
        all_of = []
        for word in words:
            all_of.append(_has(word, number))
            number += 1
        any_of.append(and_(*all_of))
    return or_(*any_of)


def _has(word: Word, number: int) -> Condition:
    pattern: BindParameter[str] = bindparam(f"word_{number}")
    places: list[Condition] = [column.ilike(pattern, escape=ESCAPE) for column in SEARCHED]
    if word.methods:
        titled: BindParameter[str] = bindparam(f"titled_{number}", expanding=True)
        places.append(_no_index(jobs.c.method).in_(titled))
    return or_(*places)


def _pattern(text: str) -> str:
    """A pattern for what ILIKE calls the same; any character stands in for those beyond ASCII."""
    known = "".join(letter if letter.isascii() else "_" for letter in _escaped(storable(text)))
    return f"%{known}%"


def _escaped(text: str) -> str:
    return "".join(f"{ESCAPE}{letter}" if letter in f"{ESCAPE}%_" else letter for letter in text)
