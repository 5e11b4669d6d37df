"""What this platform itself holds, by its address: looked up with the caller's own rights."""

import asyncio
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from openccp.app.jobs import visible_job
from openccp.app.results import archive, finished, one_result, record, stored_file
from openccp.app.services import Services
from openccp.app.uploads import look
from openccp.core.access import Who
from openccp.core.job import Job
from openccp.core.ports import Fetched, NotFetched
from openccp.core.problems import NotFound

ARCHIVE = "output.zip"
UNKNOWN = "application/octet-stream"
_RESULT = re.compile(r"/jobs/([^/?#]+)/results/([^/?#]+)(?:/([0-9]{1,6}))?", re.ASCII)
_FILE = re.compile(r"/executions/([^/?#]+)/outputs/([^?#]+)")
_UPLOAD = re.compile(r"/uploads/([0-9a-f]+)")


def path_inside(href: str, roots: Iterable[str]) -> str | None:
    """The path of an address below one of the platform's own; None for everybody else's."""
    for root in roots:
        for start in (root, urlsplit(root).path):
            if href.lower().startswith(f"{start.lower()}/"):
                return href[len(start) :]
    return None


async def held_at(services: Services, who: Who, path: str, most: int) -> Fetched:
    """A result or file of a job of the caller's, or an upload, without any network.

    Somebody else's is refused as what does not exist is (NoSuchJob); NotFetched for more than
    `most` bytes; other problems say what is wrong with the caller's own job.
    """
    if result := _RESULT.fullmatch(path):
        job = await visible_job(services, who, unquote(result[1]))
        index = None if result[3] is None else int(result[3])
        return await _result(services, job, unquote(result[2]), index, most)
    if file := _FILE.fullmatch(path):
        job = await visible_job(services, who, unquote(file[1]))
        return await _file(services, job, unquote(file[2]), most)
    if upload := _UPLOAD.fullmatch(path):
        return await _uploaded(services, who, upload[1], most)
    raise NotFound("There is nothing at this address that can be an input.")


async def _uploaded(services: Services, who: Who, upload_id: str, most: int) -> Fetched:
    """What the caller brought; the job has it for its own then, whatever becomes of the upload."""
    upload = await look(services, who, upload_id)
    if not upload.complete:
        raise NotFetched(f"only {upload.offset} of its {upload.asked.length} bytes are here yet")
    path = services.uploads.content(who.id, upload_id)
    return await _read(path, upload.offset, upload.asked.media_type or UNKNOWN, most)


async def _result(
    services: Services, job: Job, output: str, index: int | None, most: int
) -> Fetched:
    result = one_result(await finished(services, job), output, index)
    if result.entry is None:
        return await _archive(services, job, most)
    path = stored_file(services, job, result)
    return await _read(path, result.entry.size, result.media_type, most)


async def _file(services: Services, job: Job, name: str, most: int) -> Fetched:
    manifest = record(services, job)
    if name == ARCHIVE:
        return await _archive(services, job, most)
    path = services.files.open_output(job.id, name)
    entry = next(entry for entry in manifest.files if entry.path == name)
    return await _read(path, entry.size, entry.media_type, most)


async def _archive(services: Services, job: Job, most: int) -> Fetched:
    bundle = await archive(services, job)
    _check_size(bundle.length, most)
    content = await asyncio.to_thread(lambda: b"".join(bundle.stream(0, bundle.length)))
    return Fetched(200, "application/zip", content)


async def _read(path: Path, size: int, media_type: str, most: int) -> Fetched:
    _check_size(size, most)
    try:
        content = await asyncio.to_thread(path.read_bytes)
    except FileNotFoundError:
        raise NotFound("It was removed meanwhile.") from None
    return Fetched(200, media_type.partition(";")[0], content)


def _check_size(size: int, most: int) -> None:
    if size > most:
        raise NotFetched(f"it is larger than the {most} bytes that are taken")
