"""The two versions of OGC API - Processes, Part 1: the only code that knows where they differ.

A request speaks version 1.0 if it has `response` or a `transmissionMode`, else 2.0. Documents
carry what both versions want.
"""

from openccp.core.job import Job
from openccp.core.request import ExecuteRequest
from openccp.web.dialects import v1, v2
from openccp.web.dialects.forms import Asked, Dialect, Form

__all__ = ["Asked", "Dialect", "Form", "dialect_of", "identity", "one_output"]

one_output = v2.one_output
_VERSION_1, _VERSION_2 = v1.Version1(), v2.Version2()


def dialect_of(request: ExecuteRequest) -> Dialect:
    """The version a request speaks."""
    return _VERSION_1 if v1.spoken(request) else _VERSION_2


def identity(job: Job) -> dict[str, str]:
    """How a job's status names the job and what made it, in both versions."""
    return {
        "jobID": job.id,
        "id": job.id,
        **v1.IDENTITY,
        **v2.IDENTITY,
        "processID": job.method,
    }
