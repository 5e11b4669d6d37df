"""What callbacks say: the same documents that are answered to who asks."""

from collections.abc import Mapping
from typing import Any

from openccp.app.results import failed
from openccp.core.job import Job, Status
from openccp.core.problems import JobDismissed
from openccp.web.documents import failure_document, status_info
from openccp.web.errors import document


def progress(job: Job, address: str) -> Mapping[str, Any]:
    """For `inProgressUri`: statusInfo."""
    return status_info(job, address)


def failure(job: Job, address: str) -> Mapping[str, Any]:
    """For `failedUri`: an exception whose `instance` is the job."""
    here = f"{address}/jobs/{job.id}"
    if job.status is Status.DISMISSED or job.failure is None:
        return document(JobDismissed(), here)
    return document(failed(job), here) | failure_document(job)
