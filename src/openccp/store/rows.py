"""Between a job or event and its row."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

from openccp.core.job import Blame, Event, Failure, Job, Phase, Status
from openccp.store.tables import jobs

FIELDS = tuple(field.name for field in fields(Job))
COLUMNS = tuple(jobs.c[name] for name in FIELDS)
UNREADABLE = Failure(Blame.PLATFORM, "internal", "The platform's record of this job is damaged.")

log = logging.getLogger(__name__)
_of_job = attrgetter(*FIELDS)
_at = FIELDS.index
_STATUS, _PHASE, _HANDLE, _FAILURE = _at("status"), _at("phase"), _at("handle"), _at("failure")
_SUBSCRIBER, _TAGS = _at("subscriber"), _at("tags")
_STATUSES = {status.value: status for status in Status}
_PHASES = {phase.value: phase for phase in Phase}
_TEXTS = ("message", "stop_requested_by", "note")


def job_of(row: Sequence[Any]) -> Job:
    """The job of a row of COLUMNS; a damaged one reads as failed, so that others go on."""
    try:
        return _read(row)
    except (ValueError, KeyError, TypeError) as error:
        log.error("damaged record of job %s: %r", row[0], error)
        return _written_off(row)


def is_damaged(job: Job) -> bool:
    """Whether `job_of` could not read the row."""
    return job.failure is UNREADABLE


def _read(row: Sequence[Any]) -> Job:
    values = list(row)
    values[_STATUS] = _STATUSES[values[_STATUS]]
    values[_PHASE] = _PHASES[values[_PHASE]]
    if values[_HANDLE] is not None:
        values[_HANDLE] = _object(values[_HANDLE])
    if values[_SUBSCRIBER] is not None:
        values[_SUBSCRIBER] = _object(values[_SUBSCRIBER])
    values[_TAGS] = () if values[_TAGS] is None else tuple(json.loads(values[_TAGS]))
    if values[_FAILURE] is not None:
        failure = _object(values[_FAILURE])
        values[_FAILURE] = Failure(**{**failure, "blame": Blame(failure["blame"])})
    return Job(*values)


def _written_off(row: Sequence[Any]) -> Job:
    values = list(row)
    values[_STATUS], values[_PHASE] = Status.FAILED, Phase.DONE
    values[_HANDLE], values[_FAILURE] = None, UNREADABLE
    values[_SUBSCRIBER], values[_TAGS] = None, ()
    values[_at("message")] = UNREADABLE.detail
    values[_at("finished")] = values[_at("finished")] or values[_at("updated")]
    return Job(*values)


def _object(text: str) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def row_of(job: Job) -> dict[str, Any]:
    """The columns of a job, by name."""
    row = dict(zip(FIELDS, _of_job(job), strict=True))
    row["status"], row["phase"] = job.status.value, job.phase.value
    row["handle"] = None if job.handle is None else dump(job.handle)
    row["subscriber"] = None if job.subscriber is None else dump(job.subscriber)
    row["tags"] = json.dumps(list(map(storable, job.tags))) if job.tags else None
    row["failure"] = None if job.failure is None else dump(_failure(job.failure))
    for name in _TEXTS:
        if row[name] is not None:
            row[name] = storable(row[name])
    return row


def _failure(failure: Failure) -> dict[str, Any]:
    return {
        "blame": failure.blame.value,
        "reason": failure.reason,
        "detail": failure.detail,
        "exit_code": failure.exit_code,
    }


def event_row(job_id: str, seq: int, event: Event) -> dict[str, Any]:
    """The columns of an event under the number it gets."""
    return {
        "job_id": job_id,
        "seq": seq,
        "at": event.at,
        "kind": storable(event.kind),
        "data": dump(event.data),
    }


def event_of(row: Sequence[Any]) -> Event:
    """The event of a row of (seq, at, kind, data); damaged data reads as none."""
    seq, at, kind, data = row
    try:
        return Event(kind, at, _object(data), seq)
    except ValueError as error:
        log.error("damaged event %s (%s): %r", seq, kind, error)
        return Event(kind, at, {}, seq)


def dump(value: Mapping[str, Any]) -> str:
    """JSON in ASCII: any text, also such that is no valid Unicode, comes back as it was."""
    return json.dumps(value, separators=(",", ":"))


def storable(text: str) -> str:
    """Text every database takes: no NUL, no half of a surrogate pair."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
