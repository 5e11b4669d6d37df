"""Moments and intervals as RFC 3339 writes them (OGC API - Processes, parameter datetime)."""

import re
from datetime import datetime, timedelta

MILLISECOND = 0.001
_HALF_A_MICROSECOND = 5e-7
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d):(\d\d)(\.\d{1,12})?(Z|[+-]\d\d:\d\d)", re.IGNORECASE | re.ASCII
)
_LEAP = 60
Span = tuple[float | None, float | None]


class NotAnInterval(ValueError):
    """Neither a moment nor an interval; the message says what is wrong, for a person."""


def span(text: str) -> Span:
    """The times [since, until) that a moment or interval covers, None where it is open.

    Times are shown to the millisecond, so a moment is the millisecond it begins.
    """
    begin, slash, end = text.partition("/")
    if not slash:
        since = _seconds(begin)
        return since, since + MILLISECOND
    open_begin, open_end = begin in ("", ".."), end in ("", "..")
    if open_begin and open_end:
        raise NotAnInterval("An interval has at least one end.")
    first = None if open_begin else _seconds(begin)
    last = None if open_end else _seconds(end) + MILLISECOND
    if first is not None and last is not None and first >= last:
        raise NotAnInterval("The interval ends before it begins.")
    return first, last


def _seconds(text: str) -> float:
    """Seconds since the epoch: where times that are shown as this moment begin."""
    hit = _MOMENT.fullmatch(text)
    if hit is None:
        raise NotAnInterval(
            "Write times as in RFC 3339, like 2026-01-31T12:00:00Z, and a + in an address as %2B."
        )
    minute, second, fraction, zone = hit.groups()
    leap = int(second) == _LEAP
    try:
        whole = datetime.fromisoformat(f"{minute}:{'59' if leap else second}{zone}".upper())
        seconds = (whole + timedelta(seconds=leap)).timestamp()
    except (ValueError, OverflowError):
        raise NotAnInterval(f"There is no such time as {text[:40]}.") from None
    return seconds + float(fraction or 0) - _HALF_A_MICROSECOND
