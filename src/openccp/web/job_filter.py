"""Read the filters of a job list from the query (OGC API - Processes, class job-list)."""

import re
from datetime import UTC, datetime

from starlette.requests import Request

from openccp.core.access import Who
from openccp.core.interval import NotAnInterval, Span, span
from openccp.core.job import Status
from openccp.core.job_list import JobFilter, Word
from openccp.core.problems import InvalidQueryParameter
from openccp.web.negotiate import known_parameters, limit
from openccp.web.paging import AFTER, BEFORE, JOBS, places

LISTS = ("type", "processID", "status", "tag")
SINGLE = ("datetime", "from", "until", "minDuration", "maxDuration", "q", "limit", AFTER, BEFORE)
DAY = 86_400.0
PROCESS = "process"
MOST_METHODS = 50
MOST_TAGS = 5
MOST_WORDS = 10
LONGEST_SEARCH = 200
_SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?", re.ASCII)


def job_filter(request: Request, who: Who, now: float, default_limit: int) -> JobFilter | None:
    """What is asked for; None if only types are that no job has.

    An empty value is as none, as forms send it. Raises InvalidQueryParameter.
    """
    known_parameters(request, *LISTS, *SINGLE)
    kinds = _words(request, "type")
    after, before = places(request, JOBS)
    since, until = _span(request)
    shortest, longest = _seconds(request, "minDuration"), _seconds(request, "maxDuration")
    if shortest is not None and longest is not None and shortest > longest:
        raise InvalidQueryParameter("minDuration is more than maxDuration.")
    wanted = JobFilter(
        owner=who.id,
        limit=limit(request, default_limit),
        after=after,
        before=before,
        statuses=_statuses(request),
        methods=_methods(request),
        since=since,
        until=until,
        shortest=shortest,
        longest=longest,
        now=now,
        search=_search(request),
        tags=_tags(request),
    )
    return wanted if not kinds or PROCESS in kinds else None


def _words(request: Request, name: str) -> tuple[str, ...]:
    """The words of a list: with commas, in several parameters, or both."""
    found = ",".join(request.query_params.getlist(name)).split(",")
    return tuple(dict.fromkeys(word.strip() for word in found if word.strip()))


def _text(request: Request, name: str) -> str:
    given = request.query_params.getlist(name)
    if len(given) > 1:
        raise InvalidQueryParameter(f"{name} is given more than once.")
    return given[0].strip() if given else ""


def _statuses(request: Request) -> tuple[Status, ...]:
    try:
        return tuple(map(Status, _words(request, "status")))
    except ValueError:
        words = ", ".join(Status)
        raise InvalidQueryParameter(f"status is one or more of {words}.") from None


def _methods(request: Request) -> tuple[str, ...]:
    names = _words(request, "processID")
    if len(names) > MOST_METHODS:
        raise InvalidQueryParameter(f"processID names at most {MOST_METHODS} processes.")
    return names


def _tags(request: Request) -> tuple[str, ...]:
    tags = _words(request, "tag")
    if len(tags) > MOST_TAGS:
        raise InvalidQueryParameter(f"tag names at most {MOST_TAGS} tags.")
    return tags


def _span(request: Request) -> Span:
    """What `datetime` says, and the days `from` and `until`, which a page's form sends."""
    text, spans = _text(request, "datetime"), []
    try:
        spans.append(span(text) if text else (None, None))
    except NotAnInterval as error:
        raise InvalidQueryParameter(f"datetime: {error}") from None
    spans += [(_day(request, "from"), None), (None, _day(request, "until", DAY))]
    since = max((one for one, _ in spans if one is not None), default=None)
    until = min((one for _, one in spans if one is not None), default=None)
    return since, until


def _day(request: Request, name: str, after: float = 0.0) -> float | None:
    """When a day begins, in UTC, or so many seconds later."""
    text = _text(request, name)
    if not text:
        return None
    try:
        began = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise InvalidQueryParameter(f"{name} is a day, like 2026-01-31.") from None
    return began.timestamp() + after


def _seconds(request: Request, name: str) -> float | None:
    text = _text(request, name)
    if text and not _SECONDS.fullmatch(text):
        raise InvalidQueryParameter(f"{name} is a number of seconds, like 60 or 0.5.")
    return float(text) if text else None


def _search(request: Request) -> tuple[tuple[Word, ...], ...]:
    """Commas stand between what may be there, spaces between what has to be there at once."""
    text = _text(request, "q").lower()
    sets = tuple(tuple(map(Word, part.split())) for part in text.split(",") if part.strip())
    if len(text) > LONGEST_SEARCH or sum(map(len, sets)) > MOST_WORDS:
        raise InvalidQueryParameter(
            f"q holds at most {MOST_WORDS} words and {LONGEST_SEARCH} letters."
        )
    return sets
