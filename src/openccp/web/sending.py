"""Send files and archives: length, Range, ETag, and a name that cannot deceive."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from starlette.concurrency import iterate_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from openccp.core.ports import Archive
from openccp.core.problems import NotFound
from openccp.web.ranges import Slice, content_disposition, not_modified, select

BLOCK = 1 << 20
SMALL = 64 << 10
GUARDED = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "private, no-cache",
}


def send_file(request: Request, path: Path, name: str, etag: str, media_type: str) -> Response:
    """A stored file called `name`, whose bytes `etag` (with quotes) stands for."""
    try:
        length = path.stat().st_size
    except FileNotFoundError:
        raise NotFound from None
    headers = GUARDED | {"Content-Disposition": content_disposition(name)}
    chosen = _chosen(request, length, etag)
    if chosen is None:
        return Response(status_code=304, headers=headers | {"ETag": etag})
    headers |= chosen.headers(etag)
    blocks = _blocks(path, chosen)
    if chosen.stop - chosen.start <= SMALL:
        return Response(b"".join(blocks), chosen.status, headers, media_type)
    return StreamingResponse(iterate_in_threadpool(blocks), chosen.status, headers, media_type)


def send_archive(request: Request, archive: Archive, name: str) -> Response:
    """An archive, streamed as it is laid out."""
    headers = GUARDED | {"Content-Disposition": content_disposition(name)}
    chosen = _chosen(request, archive.length, archive.etag)
    if chosen is None:
        return Response(status_code=304, headers=headers | {"ETag": archive.etag})
    return StreamingResponse(
        _archived(archive, chosen),
        chosen.status,
        headers | chosen.headers(archive.etag),
        "application/zip",
    )


async def _archived(archive: Archive, chosen: Slice) -> AsyncIterator[bytes]:
    async for block in iterate_in_threadpool(archive.stream(chosen.start, chosen.stop)):
        yield block


def _chosen(request: Request, length: int, etag: str) -> Slice | None:
    headers = request.headers
    if not_modified(headers.get("if-none-match"), etag):
        return None
    return select(headers.get("range"), headers.get("if-range"), length, etag)


def _blocks(path: Path, chosen: Slice) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(chosen.start)
        left = chosen.stop - chosen.start
        while left and (block := file.read(min(BLOCK, left))):
            left -= len(block)
            yield block
