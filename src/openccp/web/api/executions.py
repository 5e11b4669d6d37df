"""/executions: CCP's view of the same jobs, as records of files."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openccp.app.archive import METADATA, STATUS, metadata
from openccp.app.jobs import dismiss, visible_job
from openccp.app.results import archive, record
from openccp.core.job import Job, Status
from openccp.core.ports import FileEntry, Manifest
from openccp.core.problems import NotFound
from openccp.web.api.job_list import job_page, rendered
from openccp.web.api.jobs import if_match
from openccp.web.documents import link, status_info
from openccp.web.negotiate import (
    answer,
    caller,
    root,
    services,
)
from openccp.web.paging import job_links, link_header
from openccp.web.render import render
from openccp.web.sending import send_archive, send_file

ARCHIVE = "output.zip"
DEFAULT_LIMIT = 100
PROVO = "provo.xml"


async def list_executions(request: Request) -> Response:
    """GET /executions: a plain list, as CCP's clients expect; its links are in headers."""
    page = await job_page(request, limit=DEFAULT_LIMIT)
    content = await rendered(page.jobs, page, root(request))
    headers = link_header(job_links(request, page))
    return render(request, content, "executions", headers=headers)


async def get_execution(request: Request) -> Response:
    """GET /executions/{id}: the status and every file of the record."""
    job = await _job(request)
    manifest = services(request).files.manifest(job.id)
    base = root(request)
    return render(request, {**status_info(job, base), **_listing(job, manifest, base)}, "execution")


def _listing(job: Job, manifest: Manifest | None, base: str) -> dict[str, Any]:
    here = f"{base}/executions/{job.id}"
    told = () if job.status is Status.CREATED else (PROVO,)
    names = (*METADATA, STATUS, *told)
    return {
        "metadata": [f"{here}/metadata/{name}" for name in names],
        "files": list(_outputs(manifest.files, here)) if manifest else [],
        "logs": list(_files(manifest.logs, f"{here}/logs")) if manifest else [],
        "skipped": [{"path": s.path, "reason": s.reason} for s in manifest.skipped]
        if manifest
        else [],
        "archive": link(f"{here}/outputs/{ARCHIVE}", "enclosure", "All", "application/zip"),
    }


def listed_files(job: Job, manifest: Manifest | None, base: str) -> dict[str, Any]:
    """The files and logs of a record, without what is known of how it came to be."""
    listing = _listing(job, manifest, base)
    return {name: listing[name] for name in ("files", "logs", "skipped", "archive")}


def _outputs(entries: tuple[FileEntry, ...], here: str) -> Iterator[dict[str, Any]]:
    for one in _files(entries, f"{here}/outputs"):
        yield {**one, "preview": f"{here}/previews/{quote(one['path'])}"}


def _files(entries: tuple[FileEntry, ...], here: str) -> Iterator[dict[str, Any]]:
    for entry in entries:
        yield {
            "path": entry.path,
            "size": entry.size,
            "sha256": entry.sha256,
            "type": entry.media_type,
            "href": f"{here}/{quote(entry.path)}",
        }


async def get_archive(request: Request) -> Response:
    """GET /executions/{id}/outputs/output.zip: everything, or the files named by `path`."""
    job = await _job(request)
    manifest = record(services(request), job)
    only = frozenset(request.query_params.getlist("path"))
    for path in only:
        entry_of(manifest.files, path)
    return send_archive(request, await archive(services(request), job, only), ARCHIVE)


async def get_output_file(request: Request) -> Response:
    """GET /executions/{id}/outputs/{path}: one file the job left."""
    job = await _job(request)
    manifest, path = record(services(request), job), request.path_params["path"]
    entry = entry_of(manifest.files, path)
    file = services(request).files.open_output(job.id, path)
    return send_file(request, file, path, f'"{entry.sha256}"', entry.media_type)


async def get_log_file(request: Request) -> Response:
    """GET /executions/{id}/logs/{name}: one stored log."""
    job = await _job(request)
    manifest, name = record(services(request), job), request.path_params["name"]
    entry = entry_of(manifest.logs, name)
    file = services(request).files.open_log(job.id, name)
    return send_file(request, file, f"{name}.txt", f'"{entry.sha256}"', "text/plain; charset=utf-8")


async def get_metadata(request: Request) -> Response:
    """GET /executions/{id}/metadata/{file}."""
    job, name = await _job(request), request.path_params["name"]
    if name == STATUS:
        return render(request, status_info(job, root(request)), "metadata")
    return render(request, await metadata(services(request), job, name), "metadata")


async def delete_execution(request: Request) -> Response:
    """DELETE /executions/{id}: the same as dismissing the job, with If-Match too."""
    job_id = request.path_params["job_id"]
    job = await dismiss(services(request), await caller(request), job_id, if_match(request))
    return answer(status_info(job, root(request)))


async def _job(request: Request) -> Job:
    who = await caller(request)
    return await visible_job(services(request), who, request.path_params["job_id"])


def entry_of(entries: tuple[FileEntry, ...], path: str) -> FileEntry:
    """The file of this path; NotFound if there is none."""
    for entry in entries:
        if entry.path == path:
            return entry
    raise NotFound("The execution has no file of this name.")


routes = [
    Route("/executions", list_executions, methods=["GET"]),
    Route("/executions/{job_id}", get_execution, methods=["GET"]),
    Route("/executions/{job_id}", delete_execution, methods=["DELETE"]),
    Route("/executions/{job_id}/outputs/output.zip", get_archive, methods=["GET"]),
    Route("/executions/{job_id}/outputs/{path:path}", get_output_file, methods=["GET"]),
    Route("/executions/{job_id}/logs/{name}", get_log_file, methods=["GET"]),
    Route("/executions/{job_id}/metadata/{name}", get_metadata, methods=["GET"]),
]
