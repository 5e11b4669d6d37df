"""A job's output files: what there is, and bringing it into a folder of this machine.

The names come from somebody else's program, so none may lead out of the folder, and no file
that is already there is replaced by another unless that was asked for.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from openccp.client import calls, values
from openccp.client.body import Body
from openccp.client.errors import CCPError
from openccp.client.session import Session
from openccp.client.steps import Request, Steps


@dataclass(frozen=True, slots=True)
class File:
    """One output file; `path` is relative to the job's outputs, with `/` between its parts."""

    path: str
    size: int | None = None
    sha256: str | None = None
    media_type: str | None = None


def listing(session: Session, job: str) -> Steps[list[File]]:
    """The files a job left."""
    reply = yield from session.call(Request("GET", _execution(job), headers=calls.JSON_HEADERS))
    document = reply.json()
    found = document.get("files") if isinstance(document, dict) else []
    entries = values.pick(found if isinstance(found, list) else ())
    return [_file(entry) for entry in entries if isinstance(entry.get("path"), str)]


def _file(entry: dict[str, Any]) -> File:
    size, sha256 = entry.get("size"), entry.get("sha256")
    media_type = entry.get("type")
    return File(
        entry["path"],
        size if isinstance(size, int) else None,
        sha256 if isinstance(sha256, str) else None,
        media_type if isinstance(media_type, str) else None,
    )


def _execution(job: str) -> str:
    return f"/executions/{quote(job, safe='')}"


def download(
    session: Session, job: str, folder: Path, wanted: Sequence[str] | None, overwrite: bool
) -> Steps[list[Path]]:
    """Bring files (all, or the `wanted` paths) into a folder; their paths there."""
    found = yield from listing(session, job)
    if wanted is not None:
        missing = sorted(set(wanted) - {file.path for file in found})
        if missing:
            raise CCPError(f"Job {job} has no file {', '.join(missing)}.")
        found = [file for file in found if file.path in wanted]
    targets = [(file, safe_target(folder, file.path)) for file in found]
    for file, target in targets:
        try:
            yield from _fetch(session, job, file, target, overwrite)
        except OSError as error:
            raise CCPError(f"Cannot write {target}: {error.strerror}") from None
    return [target for _, target in targets]


def safe_target(folder: Path, path: str) -> Path:
    """Where a file goes; CCPError if its name, or a link in the folder, leads out of it."""
    parts = path.split("/")
    if any(not _harmless(part) for part in parts):
        raise CCPError(f"The file name {path!r} is not safe here, so nothing was downloaded.")
    inside = folder.resolve()
    target = inside.joinpath(*parts)
    if not target.parent.resolve().is_relative_to(inside):
        raise CCPError(f"The file name {path!r} leads out of {folder}.")
    return target


def _harmless(part: str) -> bool:
    if part in ("", ".", "..") or any(char == "\0" or _unpaired(char) for char in part):
        return False
    return os.name != "nt" or not (set(part) & set('\\:*?"<>|') or part[-1] in ". ")


def _unpaired(char: str) -> bool:
    return "\ud800" <= char <= "\udfff"


def _fetch(session: Session, job: str, file: File, target: Path, overwrite: bool) -> Steps[None]:
    if _is_there(file, target):
        return
    if not overwrite and (target.exists() or target.is_symlink()):
        raise CCPError(f"{target} is already there and differs; nothing was overwritten.")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = _part(job, file, target)
    yield from _fill(session, job, file, part)
    if file.sha256 is not None and _digest(part) != file.sha256:
        part.unlink()
        raise CCPError(f"{file.path} came damaged (its checksum differs): try again.")
    part.replace(target)


def _is_there(file: File, target: Path) -> bool:
    if file.sha256 is None or target.is_symlink() or not target.is_file():
        return False
    return target.stat().st_size == file.size and _digest(target) == file.sha256


def _digest(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _part(job: str, file: File, target: Path) -> Path:
    """Where the file grows; the same name next time, so that a later try goes on from here."""
    name = hashlib.sha256(f"{job}/{file.path}/{file.sha256}".encode()).hexdigest()[:16]
    return target.with_name(f".ccp-part-{name}")


def _fill(session: Session, job: str, file: File, part: Path) -> Steps[None]:
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(part, flags, 0o666), "r+b") as sink:
        offset = _usable(file, sink)
        request = Request("GET", f"{_execution(job)}/outputs/{quote(file.path)}")
        body = Body(session, request, offset)
        while (piece := (yield from body.read())) is not None:
            offset += len(piece)
            if file.size is not None and offset > file.size:
                raise CCPError(f"{file.path} is longer than announced.")
            sink.write(piece)
    if file.size is not None and offset != file.size:
        raise CCPError(f"{file.path} came with {offset} bytes instead of {file.size}.")


def _usable(file: File, sink: IO[bytes]) -> int:
    """How much of an earlier try to keep; nothing where no checksum would tell it is right."""
    there = sink.seek(0, os.SEEK_END)
    if file.sha256 is None or file.size is None or there > file.size:
        sink.truncate(0)
        return sink.seek(0)
    return there
