"""What jobs write: stored logs of ended ones, and a stream that follows live ones."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from openccp.app.changes import pause
from openccp.app.services import Services
from openccp.core.job import Job, Phase
from openccp.core.ports import LogChunk
from openccp.core.problems import NotFound

BLOCK = 64 << 10
LOOK = 0.3
HEARTBEAT = 10.0
ENDED = (Phase.UNDEPLOYING, Phase.DONE)


@dataclass(frozen=True, slots=True)
class Ended:
    """The last thing a follower is told."""

    job: Job


def log_name(stream: str, replica: int) -> str:
    """The name of a stream among a job's logs: `stdout`, or `stdout.1` of replica 1."""
    return stream if replica == 0 else f"{stream}.{replica}"


def log_file(services: Services, job: Job, name: str) -> Path | None:
    """Where a log lies: in the record once the job has ended, else where it is written.

    None while there is nothing yet; NotFound for a log the job does not have.
    """
    if job.phase in ENDED:
        if services.files.manifest(job.id) is None:
            return None
        return services.files.open_log(job.id, name)
    if job.handle is None:
        return None
    logs = services.infrastructures[job.infrastructure].workspace(job.handle).logs
    if name not in logs:
        raise NotFound(f"The job has no log {name[:64]!r}.")
    return logs[name]


async def follow(
    services: Services, job_id: str, after: dict[str, int]
) -> AsyncIterator[LogChunk | Ended | None]:
    """Every byte of every stream beyond `after` (name -> offset), then Ended; None when quiet.

    `after` is moved on as chunks are given: it is the cursor to resume from.
    """
    quiet_since = services.clock()
    with services.changes.follow(job_id) as changed:
        while not services.changes.closed:
            changed.clear()
            job = await services.jobs.get(job_id)
            if job is None:
                return
            if job.phase in ENDED:
                for chunk in _stored(services, job, after):
                    yield chunk
                yield Ended(job)
                return
            async for chunk in _written(services, job, after):
                quiet_since = services.clock()
                yield chunk
            if services.clock() - quiet_since >= HEARTBEAT:
                quiet_since = services.clock()
                yield None
            await pause(changed, LOOK)


async def _written(services: Services, job: Job, after: dict[str, int]) -> AsyncIterator[LogChunk]:
    if job.handle is None:
        return
    place = services.infrastructures[job.infrastructure]
    async for chunk in place.logs(job.handle, dict(after)):
        after[f"{chunk.stream}.{chunk.replica}"] = chunk.offset + len(chunk.content)
        yield chunk


def _stored(services: Services, job: Job, after: dict[str, int]) -> Iterator[LogChunk]:
    manifest = services.files.manifest(job.id)
    for entry in manifest.logs if manifest else ():
        stream, _, number = entry.path.partition(".")
        replica = int(number) if number.isdigit() else 0
        key = f"{stream}.{replica}"
        with services.files.open_log(job.id, entry.path).open("rb") as file:
            file.seek(after.get(key, 0))
            while block := file.read(BLOCK):
                offset = after.get(key, 0)
                after[key] = offset + len(block)
                yield LogChunk(stream, replica, offset, block)
