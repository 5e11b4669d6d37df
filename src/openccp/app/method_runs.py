"""How a method went for the caller: the last runs, and how long they usually take."""

from dataclasses import dataclass
from statistics import median

from openccp.app.services import Services
from openccp.core.access import Who
from openccp.core.job import Job, Status
from openccp.core.job_list import JobFilter

SHOWN, LOOKED_AT = 5, 50


@dataclass(frozen=True, slots=True)
class Runs:
    """The caller's last jobs of a method; `seconds` is the median of the last that succeeded."""

    jobs: tuple[Job, ...]
    seconds: float | None
    counted: int


async def my_runs(services: Services, who: Who, method_id: str) -> Runs:
    """Those of the caller: nobody sees how others' went."""
    last = JobFilter(who.id, SHOWN, methods=(method_id,))
    good = JobFilter(who.id, LOOKED_AT, methods=(method_id,), statuses=(Status.SUCCESSFUL,))
    jobs = (await services.jobs.page(last)).jobs
    times = [_seconds(job) for job in (await services.jobs.page(good)).jobs]
    known = [seconds for seconds in times if seconds is not None]
    return Runs(jobs, median(known) if known else None, len(known))


def _seconds(job: Job) -> float | None:
    if job.started is None or job.finished is None:
        return None
    return job.finished - job.started
