"""Send files and archives: length, Range, ETag, and a name that cannot deceive."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

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
    headers = GUARDED | {"Content-Disposition": content_disposition(name)}
    with ExitStack() as closing:
        try:
            file = closing.enter_context(path.open("rb"))
        except FileNotFoundError:
            raise NotFound from None
        chosen = _chosen(request, os.fstat(file.fileno()).st_size, etag)
        if chosen is None:
            return Response(status_code=304, headers=headers | {"ETag": etag})
        headers |= chosen.headers(etag)
        if request.method == "HEAD":
            return Response(None, chosen.status, headers, media_type)
        if chosen.stop - chosen.start <= SMALL:
            content = b"".join(_blocks(file, chosen))
            return Response(content, chosen.status, headers, media_type)
        closing.pop_all()
    blocks = iterate_in_threadpool(_blocks(file, chosen))
    return StreamingResponse(blocks, chosen.status, headers, media_type)


def send_archive(request: Request, archive: Archive, name: str) -> Response:
    """An archive, streamed as it is laid out."""
    headers = GUARDED | {"Content-Disposition": content_disposition(name)}
    chosen = _chosen(request, archive.length, archive.etag)
    if chosen is None:
        return Response(status_code=304, headers=headers | {"ETag": archive.etag})
    headers |= chosen.headers(archive.etag)
    if request.method == "HEAD":
        return Response(None, chosen.status, headers, "application/zip")
    return StreamingResponse(_archived(archive, chosen), chosen.status, headers, "application/zip")


async def _archived(archive: Archive, chosen: Slice) -> AsyncIterator[bytes]:
    async for block in iterate_in_threadpool(archive.stream(chosen.start, chosen.stop)):
        yield block


def _chosen(request: Request, length: int, etag: str) -> Slice | None:
    headers = request.headers
    if not_modified(headers.get("if-none-match"), etag):
        return None
    return select(headers.get("range"), headers.get("if-range"), length, etag)


def _blocks(file: BinaryIO, chosen: Slice) -> Iterator[bytes]:
    with file:
        file.seek(chosen.start)
        left = chosen.stop - chosen.start
        while left and (block := file.read(min(BLOCK, left))):
            left -= len(block)
            yield block
