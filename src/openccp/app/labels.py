"""Notes and tags of jobs."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from openccp.app.jobs import change
from openccp.app.services import Services
from openccp.core.access import Who
from openccp.core.job import Job
from openccp.core.labels import checked_note, checked_tags

Expected = Callable[[Job], bool] | None


async def label(
    services: Services,
    who: Who,
    job_id: str,
    note: str,
    tags: Sequence[str],
    expected: Expected = None,
) -> Job:
    """Replace the note and the tags of a job, whatever its status.

    Raises NoSuchJob; InvalidRequest for a note or tags that cannot be kept; PreconditionFailed
    where the job is not as `expected`.
    """
    kept, marked = checked_note(note), checked_tags(tags)

    async def step(job: Job) -> Job:
        return await _saved(services, replace(job, note=kept, tags=marked))

    return await change(services, who, job_id, expected, step)


async def retag(
    services: Services, who: Who, job_id: str, more: Sequence[str], fewer: Sequence[str]
) -> Job:
    """Put tags on a job and take others off; the note stays."""

    async def step(job: Job) -> Job:
        tags = checked_tags(sorted({*job.tags} - {*fewer} | {tag.strip() for tag in more}))
        return job if tags == job.tags else await _saved(services, replace(job, tags=tags))

    return await change(services, who, job_id, None, step)


async def _saved(services: Services, job: Job) -> Job:
    saved = await services.jobs.label(job)
    services.changes.publish(job.id)
    return saved
