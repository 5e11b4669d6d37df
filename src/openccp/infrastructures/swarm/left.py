"""What a job left on a node: how much it is, and a tar of what may be kept of it.

It was made by a job: no link is followed. Runs on the node beside the carrier.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import tarfile
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

DEEPEST, LONGEST = 64, 1024
"""Folders and bytes of a path that are entered: what lies beyond is sent empty, for the collector
to say that it was left out."""
SOCKET, TOO_LARGE = b"O", b"T"
LEFT_OUT = {
    stat.S_IFDIR: tarfile.DIRTYPE,
    stat.S_IFLNK: tarfile.SYMTYPE,
    stat.S_IFIFO: tarfile.FIFOTYPE,
    stat.S_IFSOCK: SOCKET,
}
"""What is sent by its name alone."""
HOME_FILES = 10
"""How many times more files than /ccp_data HOME may hold: programs have many."""
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def add_all(leaving: tarfile.TarFile, data: str, room: int, most_files: int) -> None:
    """Up to the first that is too much, which is still named: the collector refuses it."""
    most = most_files + 1
    top, folders, others = os.open(data, FOLDER), 0, 0
    for path, folder, name, found in entries("data/", top, most):
        folders += stat.S_ISDIR(found.st_mode)
        others += not stat.S_ISDIR(found.st_mode)
        if max(folders, others) > most:
            return
        if not stat.S_ISREG(found.st_mode):
            add_name(leaving, path, LEFT_OUT.get(stat.S_IFMT(found.st_mode)))
        elif found.st_size > room:
            add_name(leaving, path, TOO_LARGE)
            return
        else:
            add_file(leaving, path, name, folder, found.st_size)
            room -= found.st_size


def add_file(leaving: tarfile.TarFile, path: str, name: str, folder: int | None, most: int) -> None:
    """A regular file, as long as it was when it was opened."""
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(name, flags, dir_fd=folder)
    except OSError:
        return
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mtime = min(found.st_size, most), int(found.st_mtime)
            leaving.addfile(entry, Steady(file))  # type: ignore[arg-type]


def entries(
    prefix: str, folder: int, most: int, depth: int = 1
) -> Iterator[tuple[str, int, str, os.stat_result]]:
    """Path, open folder, name and kind of all that lies there, as deep as it is sent."""
    try:
        with os.scandir(folder) as listed:
            names = [entry.name for entry in islice(listed, 2 * most)]
        for name in names:
            path = prefix + name
            try:
                found = os.lstat(name, dir_fd=folder)
                yield path, folder, name, found
                is_entered = depth < DEEPEST and len(os.fsencode(path)) <= LONGEST + len("data/")
                if stat.S_ISDIR(found.st_mode) and is_entered:
                    below = os.open(name, FOLDER, dir_fd=folder)
                    yield from entries(path + "/", below, most, depth + 1)
            except OSError:
                continue
    finally:
        os.close(folder)


def measured(folders: list[str], most_bytes: int, most_files: int) -> tuple[int, int]:
    """Bytes on disk and entries below some folders, up to too much; what vanishes counts not."""
    size = count = 0
    while folders and size <= most_bytes and count <= most_files:
        try:
            with os.scandir(folders.pop()) as listed:
                for entry in listed:
                    count += 1
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    size += blocks(entry)
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                count = most_files + 1  # folders within folders without end
    return size, count


def blocks(entry: os.DirEntry[str]) -> int:
    """Bytes on disk; none of what vanished meanwhile."""
    try:
        return entry.stat(follow_symlinks=False).st_blocks * 512
    except OSError:
        return 0


def add_name(leaving: tarfile.TarFile, path: str, kind: bytes | None) -> None:
    """What has no content, or none that may go: a device is not even named."""
    entry = tarfile.TarInfo(path)
    if kind is not None:
        entry.type = kind
        leaving.addfile(entry)


def add(leaving: tarfile.TarFile, path: str, content: bytes) -> None:
    """A small file."""
    entry = tarfile.TarInfo(path)
    entry.size = len(content)
    if content:
        leaving.addfile(entry, io.BytesIO(content))


class Steady:
    """A file that gives as many bytes as it is asked for: one that shrank ends in zeros."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    def read(self, size: int) -> bytes:
        """Exactly so many."""
        return self.file.read(size).ljust(size, b"\0")
