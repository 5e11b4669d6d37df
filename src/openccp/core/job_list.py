"""What a job list is asked for, and what a page of it says (OGC API - Processes, job-list)."""

from collections.abc import Sequence
from dataclasses import dataclass

from openccp.core.job import Job, Status

Place = tuple[float, str]
"""Where a job stands in the list: its time of creation and its id, compared in this order."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word to look for, in lower case, and the methods in whose titles it is."""

    text: str
    methods: frozenset[str] = frozenset()

    def is_in(self, job: Job) -> bool:
        """Whether the job has it in its id, method, message, note or title."""
        texts = (job.id, job.method, job.message, job.note or "")
        return job.method in self.methods or any(self.text in text.lower() for text in texts)


Search = Sequence[Sequence[Word]]
"""Any of these sets of words, all words of it."""


@dataclass(frozen=True, slots=True)
class JobFilter:
    """A page of one owner's jobs, newest first.

    The page holds what follows the place `after` (older jobs), or what comes up to and with the
    place `before` (newer jobs); never both. `since` and `until` bound the time of creation:
    since <= created < until. `shortest` and `longest` bound the seconds a job has run, up to
    `now` if it still runs; jobs that never started have no such time and fit neither.
    """

    owner: str
    limit: int = 10
    after: Place | None = None
    before: Place | None = None
    statuses: tuple[Status, ...] = ()
    methods: tuple[str, ...] = ()
    since: float | None = None
    until: float | None = None
    shortest: float | None = None
    longest: float | None = None
    now: float = 0.0
    search: Search = ()
    tags: tuple[str, ...] = ()
    """All of them have to be on a job."""

    @property
    def low(self) -> Place | None:
        """The place of the oldest job that may be on the page."""
        since = None if self.since is None else (self.since, "")
        return max((place for place in (self.before, since) if place), default=None)

    @property
    def high(self) -> Place | None:
        """The place before which the newest job of the page is."""
        until = None if self.until is None else (self.until, "")
        return min((place for place in (self.after, until) if place), default=None)

    @property
    def upwards(self) -> bool:
        """Whether the page is filled from its oldest job on."""
        return self.before is not None

    @property
    def needs_search(self) -> bool:
        """Whether no index answers all of it."""
        ran = self.shortest is not None or self.longest is not None
        return ran or bool(self.search) or bool(self.tags)


@dataclass(frozen=True, slots=True)
class JobPage:
    """Jobs, newest first, and where the pages beside this one begin.

    The next page is the one `after` the place `older`, the page in front of this one is the
    one `before` the place `newer`; None where there is none. `searched_to` is set where a search
    stopped early: there may be more that fits beyond it, even if this page is not full.
    """

    jobs: tuple[Job, ...] = ()
    older: Place | None = None
    newer: Place | None = None
    searched_to: Place | None = None


def place_of(job: Job) -> Place:
    """Where a job stands in the list."""
    return job.created, job.id


def mentions(job: Job, search: Search) -> bool:
    """Whether a job has all words of any set; without a search every job has."""
    return not search or any(all(word.is_in(job) for word in words) for words in search)


def fits(job: Job, wanted: JobFilter) -> bool:
    """Whether a job belongs on the page or further on: what every store's statements say."""
    return (
        job.owner == wanted.owner
        and (wanted.low is None or place_of(job) >= wanted.low)
        and (wanted.high is None or place_of(job) < wanted.high)
        and (not wanted.statuses or job.status in wanted.statuses)
        and (not wanted.methods or job.method in wanted.methods)
        and set(wanted.tags) <= set(job.tags)
        and _ran(job, wanted)
        and mentions(job, wanted.search)
    )


def _ran(job: Job, wanted: JobFilter) -> bool:
    if wanted.shortest is None and wanted.longest is None:
        return True
    if job.started is None:
        return False
    seconds = (wanted.now if job.finished is None else job.finished) - job.started
    long_enough = wanted.shortest is None or seconds >= wanted.shortest
    return long_enough and (wanted.longest is None or seconds <= wanted.longest)


def page_of(
    wanted: JobFilter,
    found: Sequence[Job],
    beyond: Place | None = None,
) -> JobPage:
    """The page of jobs found in walking order, one more than `limit` where there are more.

    `beyond` is where a search stopped early.
    """
    jobs, rest = tuple(found[: wanted.limit]), found[wanted.limit :]
    stopped = None if rest else beyond
    if wanted.upwards:
        newer = place_of(rest[0]) if rest else beyond
        return JobPage(jobs[::-1], wanted.before, newer, stopped)
    older = place_of(jobs[-1]) if rest else beyond
    return JobPage(jobs, older, wanted.after, stopped)
