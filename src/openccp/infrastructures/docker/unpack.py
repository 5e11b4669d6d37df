"""Tars that a daemon gives: what is in them was made by a job, and stays where it is put."""

import contextlib
import errno
import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

from openccp.core.ports import Limits
from openccp.infrastructures.watch import Breach

DEPTH = 200
ENTRY = 2048
"""What an entry may take in a tar beside its content."""
NOWHERE = "a-link-that-is-not-followed"
CANNOT_BE = {errno.ENOENT, errno.ENAMETOOLONG}


def room(limits: Limits) -> int:
    """The longest tar of results within limits; a longer one holds too much."""
    return limits.output_bytes + limits.output_files * ENTRY + (1 << 20)


def first_file(content: bytes, limit: int) -> bytes:
    """The start of the one file in a tar that may be cut off; b"" for anything else."""
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as tar:
            member = tar.next()
            if member is None or not member.isreg():
                return b""
            return content[member.offset_data : member.offset_data + min(member.size, limit)]
    except tarfile.TarError:
        return b""


def unpack(tar: Path, folder: str, limits: Limits) -> None:
    """Files and folders of a tar, below a new folder; Breach if it is too much.

    Its first part is what each name begins with. A link becomes one to nowhere once all else is
    there, so that it is reported as left out; devices, pipes and strange names are left away. What
    is deeper than a path can be is reported by a folder on the way, which is too deep already.
    """
    os.mkdir(folder, 0o700)
    links: list[str] = []
    size = count = 0
    with tarfile.open(tar, mode="r:") as archive:
        for member in _members(archive):
            size, count = size + member.size, count + 1
            _check(size, count - 1, limits)
            parts = _parts(member.name)
            if parts and not _put(archive, member, folder, "/".join(parts)):
                links.append("/".join(parts))
    for link in links:
        with contextlib.suppress(OSError):
            os.symlink(NOWHERE, f"{folder}/{link}")


def _check(size: int, count: int, limits: Limits) -> None:
    if size > limits.output_bytes:
        raise Breach("disk", f"more than {limits.output_bytes} bytes")
    if count > limits.output_files:
        raise Breach("files", f"more than {limits.output_files} files")


def _members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Without remembering them all."""
    while (member := archive.next()) is not None:
        yield member
        archive.members.clear()  # type: ignore[attr-defined]


def _parts(name: str) -> list[str]:
    """A name below the tar's first folder; empty for that folder, and for what leads elsewhere."""
    first, *parts = name.rstrip("/").split("/")
    strange = {"", ".", ".."}
    if first in strange or strange & set(parts) or len(parts) > DEPTH or "\0" in name:
        return []
    return parts


def _put(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: str, name: str) -> bool:
    """False for a link that leads nowhere here, or to what cannot be here.

    Nothing is written over; there is no link yet to go through.
    """
    path = f"{folder}/{name}"
    try:
        if member.isdir():
            os.mkdir(path, 0o700)
        elif member.isreg():
            _write(archive, member, path)
        elif member.islnk():
            _link(folder, _parts(member.linkname), path)
    except (FileExistsError, NotADirectoryError):
        return True
    except OSError as error:
        if error.errno not in CANNOT_BE:
            raise
        return not member.islnk()
    return not member.issym()


def _link(folder: str, known: list[str], path: str) -> None:
    """A second name for what is here already; nothing for what leads elsewhere."""
    if known:
        os.link(f"{folder}/{'/'.join(known)}", path, follow_symlinks=False)


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> None:
    content = archive.extractfile(member)
    assert content is not None
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        while block := content.read(1 << 20):
            file.write(block)
