"""A walk through a folder that its owner filled with whatever they liked.

Every step opens one name below an open folder and follows no link, so nothing outside of the
folder can be reached however fast names are swapped. Regular files are yielded open; the rest is
named with a reason.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice

from openccp.core.ports import Skipped
from openccp.core.results import OutputTooLarge
from openccp.files.names import escape

MAX_DEPTH = 64
MAX_PATH = 1024
_SAFE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_FOLDER = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A regular file of the job. `path` is as the os module decodes it; the walk closes `fd`."""

    path: str
    fd: int
    size: int


@dataclass(slots=True)
class _Folder:
    prefix: str
    fd: int
    entries: Iterator["os.DirEntry[str]"] = field(default_factory=lambda: iter(()))


def open_regular(path: str | os.PathLike[str], folder: int | None = None) -> tuple[int, int]:
    """Open a regular file without following a link or waiting: its descriptor and size.

    `NotRegular` says why it was not opened.
    """
    try:
        fd = os.open(path, _SAFE, dir_fd=folder)
    except OSError as error:
        raise NotRegular(_why_not_opened(error)) from error
    status = os.fstat(fd)
    if stat.S_ISREG(status.st_mode):
        return fd, status.st_size
    os.close(fd)
    raise NotRegular(_kind(status.st_mode))


class NotRegular(Exception):
    """This is no regular file, or it cannot be opened; the text is the reason."""


class Walk:
    """One pass over `root`: iterate to get the regular files; `skipped` fills up meanwhile.

    Neither the files and other things nor the folders may be more than `limit`
    (`OutputTooLarge`).
    """

    def __init__(self, root: str | os.PathLike[str], limit: int) -> None:
        self.skipped: list[Skipped] = []
        self._root = root
        self._limit = limit
        self._folders = 0
        self._others = 0
        self._stack: list[_Folder] = []
        self._device = 0
        self._owner = 0

    def __iter__(self) -> Iterator[OpenFile]:
        with closing(self):
            fd = os.open(self._root, _FOLDER)
            self._push("", fd)
            status = os.fstat(fd)
            self._device, self._owner = status.st_dev, status.st_uid
            while self._stack:
                folder = self._stack[-1]
                entry = next(folder.entries, None)
                if entry is None:
                    os.close(self._stack.pop().fd)
                elif (file := self._visit(folder, entry)) is not None:
                    try:
                        yield file
                    finally:
                        os.close(file.fd)

    def skip(self, path: str, reason: str) -> None:
        """Note that `path` is not kept, and why."""
        self.skipped.append(Skipped(escape(path), reason))

    def close(self) -> None:
        """Let go of the folders still open."""
        while self._stack:
            os.close(self._stack.pop().fd)

    def _push(self, prefix: str, fd: int) -> None:
        folder = _Folder(prefix, fd)
        self._stack.append(folder)
        with os.scandir(fd) as entries:
            # One more than allowed is enough to refuse; a folder may hold millions.
            found = list(islice(entries, 2 * self._limit + 1))
        folder.entries = iter(sorted(found, key=lambda entry: entry.name))

    def _visit(self, folder: _Folder, entry: "os.DirEntry[str]") -> OpenFile | None:
        path = folder.prefix + entry.name
        is_folder = entry.is_dir(follow_symlinks=False)
        self._count(is_folder)
        try:
            if len(os.fsencode(path)) > MAX_PATH:
                raise NotRegular(f"its path is longer than {MAX_PATH} bytes")
            if is_folder:
                self._enter(path, folder.fd, entry.name)
                return None
            return self._open(path, folder.fd, entry)
        except NotRegular as reason:
            self.skip(path, str(reason))
            return None

    def _count(self, is_folder: bool) -> None:
        self._folders += is_folder
        self._others += not is_folder
        if self._others > self._limit:
            raise OutputTooLarge(f"The job left more than {self._limit:,} files.")
        if self._folders > self._limit:
            raise OutputTooLarge(f"The job left more than {self._limit:,} folders.")

    def _enter(self, path: str, folder: int, name: str) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise NotRegular(f"more than {MAX_DEPTH} folders deep")
        try:
            fd = os.open(name, _FOLDER, dir_fd=folder)
        except OSError as error:
            raise NotRegular(_why_not_opened(error)) from error
        if os.fstat(fd).st_dev != self._device:
            os.close(fd)
            raise NotRegular("on another file system")
        self._push(path + "/", fd)

    def _open(self, path: str, folder: int, entry: "os.DirEntry[str]") -> OpenFile:
        if not entry.is_file(follow_symlinks=False):
            # Never opened: opening a device can already do something.
            raise NotRegular(_kind_of(entry))
        fd, size = open_regular(entry.name, folder)
        status = os.fstat(fd)
        if status.st_nlink > 1 and status.st_uid != self._owner:
            os.close(fd)
            raise NotRegular("a hard link to a file of another owner")
        return OpenFile(path, fd, size)


def _kind_of(entry: "os.DirEntry[str]") -> str:
    try:
        return _kind(entry.stat(follow_symlinks=False).st_mode)
    except OSError as error:
        return _why_not_opened(error)


def _kind(mode: int) -> str:
    kinds = {
        stat.S_IFLNK: "a symbolic link",
        stat.S_IFIFO: "a named pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFDIR: "a folder where a file was",
        stat.S_IFREG: "changed while it was read",
    }
    return kinds.get(stat.S_IFMT(mode), "a device")


def _why_not_opened(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "vanished while the folder was read"
    if isinstance(error, PermissionError):
        return "not readable"
    if isinstance(error, NotADirectoryError) or error.errno == errno.ELOOP:
        return "a symbolic link"
    return "cannot be opened"
