"""Synchronous executions that leave no job behind, where their method says so.

OGC API - Processes leaves it to the server whether a synchronous execution creates a job
(permission process-execute-sync-job); a method that is there for trying out needs none.
"""

import asyncio

from openccp.app.changes import pause
from openccp.app.execute import Accepted
from openccp.app.services import Services
from openccp.core.job import Phase

PATIENCE = 60.0
"""Seconds after which a job that is not cleaned up yet is kept after all."""


def leaves_no_job(accepted: Accepted) -> bool:
    """Whether nothing of an execution is needed once its results were given by value."""
    called_back = accepted.job.subscriber is not None
    return not accepted.revision.method.synchronous_job and not called_back


async def forget(services: Services, job_id: str) -> None:
    """Remove a job that has ended, as soon as it is cleaned up."""
    deadline = services.clock() + PATIENCE
    with services.changes.follow(job_id) as changed:
        while True:
            changed.clear()
            job = await services.jobs.get(job_id)
            left = deadline - services.clock()
            if job is None or left <= 0:
                return
            if job.phase is Phase.DONE:
                break
            await pause(changed, left)
    await services.jobs.remove(job_id)
    await asyncio.to_thread(services.files.remove, job_id)
