"""Pages of jobs: walks along the indexes, and searches that stop after a while.

Every walk is over the half-open range [low, high) of places, so that pages meet without a gap and
without an overlap, whatever arrives or goes meanwhile.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product
from operator import itemgetter
from time import monotonic
from typing import Any

from sqlalchemy import Connection

from openccp.core.job import Job, Status
from openccp.core.job_list import JobFilter, JobPage, Place, mentions, page_of
from openccp.store import page_statements as sql
from openccp.store.page_statements import Shape
from openccp.store.rows import COLUMNS, FIELDS, job_of, storable

ROWS_LOOKED_AT = 20_000
SECONDS_LOOKED = 0.25
FIRST_STEP, LONGEST_STEP = 250, 4_000
QUICK_ROWS = 200
_PLACE_OF = itemgetter(FIELDS.index("created"), FIELDS.index("id"))


@dataclass(frozen=True, slots=True)
class Walk:
    """One stretch of one index: an owner's jobs, of at most one method and status, or a tag."""

    owner: str
    low: Place | None
    high: Place | None
    upwards: bool
    method: str | None = None
    status: Status | None = None
    tag: str | None = None

    @property
    def shape(self) -> Shape:
        """What the statement has to hold."""
        return Shape(
            method=self.method is not None,
            status=self.status is not None,
            tag=self.tag is not None,
            low=self.low is not None,
            high=self.high is not None,
            upwards=self.upwards,
        )

    @property
    def parameters(self) -> dict[str, Any]:
        """What the statement is given."""
        given: dict[str, Any] = {"owner": self.owner}
        if self.method is not None:
            given["method"] = storable(self.method)
        if self.status is not None:
            given["status"] = self.status.value
        if self.tag is not None:
            given["tag"] = storable(self.tag)
        if self.low is not None:
            given |= {"low_created": self.low[0], "low_id": storable(self.low[1])}
        if self.high is not None:
            given |= {"high_created": self.high[0], "high_id": storable(self.high[1])}
        return given

    def behind(self, place: Place) -> "Walk":
        """What is left of it behind `place`: downwards without it, upwards with it."""
        low, high = (place, self.high) if self.upwards else (self.low, place)
        return replace(self, low=low, high=high)

    def up_to(self, place: Place) -> "Walk":
        """What of it lies in front of `place`: downwards with it, upwards without it."""
        low, high = (self.low, place) if self.upwards else (place, self.high)
        return replace(self, low=low, high=high)


def walks(wanted: JobFilter) -> list[Walk]:
    """The stretches whose jobs, merged, are those wanted (but for what needs a search).

    In the order of a job's life: one that moves on meanwhile is met again rather than missed.
    """
    statuses: list[Status | None] = [status for status in Status if status in wanted.statuses]
    methods: tuple[str | None, ...] = tuple(dict.fromkeys(wanted.methods)) or (None,)
    if not statuses:
        statuses = list(Status) if wanted.methods else [None]
    return [
        Walk(wanted.owner, wanted.low, wanted.high, wanted.upwards, method, status)
        for status, method in product(statuses, methods)
    ]


def is_quick(wanted: JobFilter) -> bool:
    """Whether its page takes no longer than any other statement."""
    return not wanted.needs_search and wanted.limit * len(walks(wanted)) <= QUICK_ROWS


def page(connection: Connection, wanted: JobFilter) -> JobPage:
    """One page of jobs, shorter than asked for where too many rows would have to be read."""
    if wanted.needs_search:
        return _searched(connection, wanted)
    along = walks(wanted)
    wanted = replace(wanted, limit=min(wanted.limit, max(1, ROWS_LOOKED_AT // len(along))))
    rows: dict[str, Sequence[Any]] = {}
    for walk in along:
        given = walk.parameters | {"limit": wanted.limit + 1}
        rows |= {row[0]: row for row in connection.execute(sql.walk(COLUMNS, walk.shape), given)}
    ordered = sorted(rows.values(), key=_PLACE_OF, reverse=not wanted.upwards)
    return page_of(wanted, [job_of(row) for row in ordered[: wanted.limit + 1]])


def _searched(connection: Connection, wanted: JobFilter) -> JobPage:
    """Look at jobs step by step until the page is full, or enough was looked at."""
    found: list[Job] = []
    late = monotonic() + SECONDS_LOOKED
    looked, step, walk = 0, FIRST_STEP, _along(wanted)
    while True:
        edge = _edge(connection, walk, step)
        part = walk if edge is None else walk.up_to(edge)
        found += islice(_fitting(connection, part, wanted), wanted.limit + 1 - len(found))
        if edge is None or len(found) > wanted.limit:
            return page_of(wanted, found)
        looked += step
        step = min(2 * step, LONGEST_STEP)
        if looked + step > ROWS_LOOKED_AT or monotonic() > late:
            return page_of(wanted, found, edge)
        walk = walk.behind(edge)


def _along(wanted: JobFilter) -> Walk:
    """The one walk a search goes along: a tag has an index, one status, and with it one method."""
    if wanted.tags:
        tag = wanted.tags[0]
        return Walk(wanted.owner, wanted.low, wanted.high, wanted.upwards, tag=tag)
    status = wanted.statuses[0] if len(wanted.statuses) == 1 else None
    method = wanted.methods[0] if status and len(wanted.methods) == 1 else None
    return Walk(wanted.owner, wanted.low, wanted.high, wanted.upwards, method, status)


def _edge(connection: Connection, walk: Walk, step: int) -> Place | None:
    """Where the next step begins; None if this one reaches the end of the walk.

    Upwards the first place behind this step, downwards the last of it: ranges are half-open.
    """
    given = walk.parameters | {"limit": 1, "offset": step if walk.upwards else step - 1}
    row = connection.execute(sql.edge(walk.shape), given).first()
    return None if row is None else (row[0], row[1])


def _fitting(connection: Connection, walk: Walk, wanted: JobFilter) -> Iterator[Job]:
    """The jobs of a walk that fit; the database compares letters of ASCII only."""
    statement = sql.search(walk.shape, wanted)
    rows = connection.execute(statement, walk.parameters | sql.search_parameters(wanted))
    with rows:
        for job in map(job_of, rows):
            if mentions(job, wanted.search):
                yield job
