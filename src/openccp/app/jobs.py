"""Look at jobs, list them, and dismiss them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from openccp.app.services import Services
from openccp.core.access import Who, may_change_job, may_see_job
from openccp.core.failpoint import failpoint
from openccp.core.job import Event, Job, Phase, Status
from openccp.core.problems import NoSuchJob, PreconditionFailed, Unavailable
from openccp.core.stores import Conflict

TRIES = 20


async def visible_job(services: Services, who: Who, job_id: str) -> Job:
    """The job; NoSuchJob also when it is somebody else's."""
    job = await services.jobs.get(job_id)
    if job is None or not may_see_job(who, job):
        raise NoSuchJob
    return job


async def own_job(services: Services, who: Who, job_id: str) -> Job:
    """A job that the caller may change; NoSuchJob also when it may only be looked at."""
    job = await services.jobs.get(job_id)
    if job is None or not may_change_job(who, job):
        raise NoSuchJob
    return job


async def dismiss(
    services: Services, who: Who, job_id: str, expected: Callable[[Job], bool] | None = None
) -> Job:
    """Cancel a live job, or remove a finished one (OGC API - Processes, dismiss).

    Cancelling is durable on return: status `dismissed`, its processes are being ended. Asking
    again while they are is answered the same. Raises NoSuchJob; PreconditionFailed where the
    job is not as `expected` any more, so that a cancel that comes late removes nothing.
    """

    async def step(job: Job) -> Job:
        return await (_removed(services, job) if job.final else _stopped(services, who, job))

    return await change(services, who, job_id, expected, step)


async def change(
    services: Services,
    who: Who,
    job_id: str,
    expected: Callable[[Job], bool] | None,
    step: Callable[[Job], Awaitable[Job]],
) -> Job:
    """What `step` makes of the job as it is; anew where somebody else was quicker (Conflict)."""
    for _ in range(TRIES):
        job = await own_job(services, who, job_id)
        if expected is not None and not expected(job):
            raise PreconditionFailed
        try:
            return await step(job)
        except Conflict:
            continue
    raise Unavailable(retry_after=1)


async def _stopped(services: Services, who: Who, job: Job) -> Job:
    now = services.clock()
    started = job.attempt > 0
    stopped = replace(
        job,
        status=Status.DISMISSED,
        phase=Phase.STOPPING if started else Phase.DONE,
        message="dismissed",
        stop_requested=now,
        stop_requested_by=who.id,
        finished=now,
        updated=now,
    )
    event = Event("status", now, {"status": "dismissed", "phase": str(stopped.phase)})
    told = await services.outbox.about(job, stopped, now)
    saved = await services.jobs.save(stopped, [event], told)
    failpoint("dismiss.saved")
    services.reconciler.wake(job.id)
    services.changes.publish(job.id)
    return saved


async def _removed(services: Services, job: Job) -> Job:
    if job.phase is not Phase.DONE and job.status is not Status.DISMISSED:
        raise Unavailable("The job has ended and is being cleaned up; ask again.", retry_after=1)
    if job.phase is not Phase.DONE:
        return job
    await services.jobs.remove(job.id)
    await asyncio.to_thread(services.files.remove, job.id)
    return replace(job, status=Status.DISMISSED, message="removed")
