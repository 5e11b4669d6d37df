"""What a finished job gives: results, files, and the record of the execution."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from openccp.app.services import Services
from openccp.core.job import Blame, Job, Phase, Status
from openccp.core.method import ALL_FILES, Output, Revision
from openccp.core.ports import Archive, Manifest
from openccp.core.problems import (
    JobDismissed,
    JobFailed,
    NoSuchJob,
    NoSuchOutput,
    NotFound,
    ResultNotAvailable,
    ResultNotReady,
)
from openccp.core.request import ExecuteRequest
from openccp.core.results import Part, Result, parts_of, wanted
from openccp.core.validate import from_stored

EMPTY = Manifest((), (), (), {})
STATUS_OF = {Blame.INPUT: 400, Blame.METHOD: 500, Blame.LIMIT: 500, Blame.PLATFORM: 503}


@dataclass(frozen=True, slots=True)
class Finished:
    """A successful job with what it left and what was asked of it."""

    job: Job
    revision: Revision
    request: ExecuteRequest
    manifest: Manifest
    only: frozenset[str] | None = None

    @property
    def outputs(self) -> Mapping[str, Output]:
        """The outputs the request was about, or those of them that are looked at now."""
        asked = wanted(self.revision.method.outputs, self.request.outputs)
        if self.only is None:
            return asked
        return {name: output for name, output in asked.items() if name in self.only}

    @property
    def parts(self) -> tuple[Part, ...]:
        """The values of `outputs`."""
        return parts_of(self.manifest, self.outputs, self.request.outputs)


async def recorded(services: Services, job: Job) -> tuple[Revision, ExecuteRequest]:
    """The method's revision and the request (without secrets) of a job."""
    revision = await services.catalogue.revision(job.method, job.revision)
    if revision is None:
        raise NoSuchJob("The record of this job is incomplete.")
    return revision, from_stored(await services.jobs.request(job.id), {})


async def finished(services: Services, job: Job) -> Finished:
    """A successful job. ResultNotReady before the end; JobFailed, JobDismissed otherwise."""
    if not job.final:
        raise ResultNotReady(f"The job is {job.status}; its results come when it has ended.")
    if job.status is Status.DISMISSED:
        raise JobDismissed
    if job.failure is not None or job.status is Status.FAILED:
        raise failed(job)
    revision, request = await recorded(services, job)
    return Finished(job, revision, request, services.files.manifest(job.id) or EMPTY)


def failed(job: Job) -> JobFailed:
    """The failure of a job as a problem whose HTTP status fits who is to blame."""
    failure = job.failure
    assert failure is not None
    problem = JobFailed(failure.detail)
    problem.status = STATUS_OF[failure.blame]
    problem.type = f"urn:openccp:failure:{failure.blame}:{failure.reason}"
    return problem


def narrowed(it: Finished, names: Sequence[str] | None) -> Finished:
    """Only some outputs of it; NoSuchOutput, ResultNotAvailable as for one."""
    if names is None:
        return it
    for name in names:
        _check_available(it, name)
    return replace(it, only=frozenset(names))


def one_output(it: Finished, output_id: str, index: int | None) -> tuple[Part, ...]:
    """The values of one output, or the one of this index (from 0).

    NoSuchOutput for an unknown id; ResultNotAvailable where it was not asked for or has no value
    of this index.
    """
    _check_available(it, output_id)
    values = replace(it, only=frozenset({output_id})).parts
    if index is not None:
        values = values[index : index + 1]
    if not values:
        raise ResultNotAvailable(f"The output {output_id!r} has no such value.")
    return values


def one_result(it: Finished, output_id: str, index: int | None) -> Result:
    """One value of one output, as `one_output`; ResultNotAvailable also where it has several."""
    values = one_output(it, output_id, index)
    if len(values) > 1:
        raise ResultNotAvailable(f"The output {output_id!r} has {len(values)} values.")
    return values[0].result


def _check_available(it: Finished, output_id: str) -> None:
    known = output_id in it.revision.method.outputs or output_id == ALL_FILES
    if not known:
        raise NoSuchOutput(f"The process has no output {output_id[:64]!r}.")
    if output_id not in it.outputs:
        raise ResultNotAvailable(f"The output {output_id!r} was not asked for.")


def stored_file(services: Services, job: Job, result: Result) -> Path:
    """The file of a result that is not the archive."""
    assert result.entry is not None
    if result.log:
        return services.files.open_log(job.id, result.entry.path)
    return services.files.open_output(job.id, result.entry.path)


def record(services: Services, job: Job) -> Manifest:
    """What a job left, also a failed one; NotFound before its end."""
    manifest = services.files.manifest(job.id)
    if manifest is None or job.phase not in (Phase.UNDEPLOYING, Phase.DONE):
        raise NotFound("The files of this execution come when it has ended.")
    return manifest


async def archive(services: Services, job: Job, only: frozenset[str] = frozenset()) -> Archive:
    """All files of an ended job, or `only` these, as one zip; many take a while to lay out."""
    return await asyncio.to_thread(services.files.bundle, job.id, job.finished or 0.0, only)
