"""How long jobs ran, as people say it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

MINUTE, HOUR = 60, 3600


def lasted(job: Mapping[str, Any]) -> str:
    """From the start of a job to its end, or to now; nothing for one that never started."""
    began, ended = _time(job.get("started")), _time(job.get("finished"))
    if began is None:
        return ""
    return spoken(((ended or datetime.now(UTC)) - began).total_seconds())


def spoken(seconds: float) -> str:
    """Seconds as `4.2 s`, `3 min 20 s` or `2 h 5 min`."""
    if seconds < MINUTE:
        return f"{max(0.0, seconds):.1f} s"
    whole = int(seconds)
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE} s"
    return f"{whole // HOUR} h {whole % HOUR // MINUTE} min"


def _time(text: object) -> datetime | None:
    """A moment of a status document, None for anything else."""
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
