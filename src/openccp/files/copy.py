"""Keeping a job's files for good: one pass that hashes, copies where it must, and syncs."""

import ctypes
import errno
import fcntl
import os
import zlib
from dataclasses import dataclass
from hashlib import sha256

BLOCK = 1 << 20
_HEAD = 4096
_SYNC_EACH = 8
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_MODE = 0o640
_NO_SECOND_NAME = frozenset(
    (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOENT)
)
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Copied:
    """What was written: its size, digests, and first bytes."""

    size: int
    sha256: str
    crc32: int
    head: bytes


class Destination:
    """Keeps files in an open folder, as the platform's own (mode 0640, no set-id bits).

    What nobody can write any more (`sealed`) is not copied but given a second name, if it has
    just one and lies on the same file system: as quick for 10 GB as for a line, and no search
    for free inodes. Its first name goes when the job's scratch is freed.

    Durability: up to eight files with content are synced one by one, which waits for nothing but
    these; beyond that one `syncfs` at the end is far cheaper. `settle` is to be called before
    anything says that the files are there.
    """

    def __init__(self, folder: int, *, sealed: bool = False, durable: bool = True) -> None:
        self._folder = folder
        self._sealed = sealed
        self._durable = durable
        self._unsynced = False
        self._files = 0
        self._made: set[str] = set()

    def keep(self, source: int, size: int, path: str) -> Copied:
        """Keep the first `size` bytes of `source` (or as many as it has) at a new `path`."""
        if self._sealed and self._named(source, size, path):
            kept = _pump(source, None, size)
            if kept.size:
                self._sync(source)
            return kept
        return self._copied(source, size, path)

    def _named(self, source: int, size: int, path: str) -> bool:
        """Give the open file itself the new name; says whether that could be done."""
        status = os.fstat(source)
        if status.st_nlink != 1 or status.st_size != size:
            return False
        try:
            self._make_parents(path)
            os.link(f"/proc/self/fd/{source}", path, dst_dir_fd=self._folder, follow_symlinks=True)
        except OSError as error:
            if error.errno in _NO_SECOND_NAME:
                return False
            raise
        if os.geteuid() == 0:
            os.fchown(source, 0, 0)
        os.fchmod(source, _MODE)
        if _has_writer(source):
            os.unlink(path, dir_fd=self._folder)
            return False
        return True

    def _copied(self, source: int, size: int, path: str) -> Copied:
        target = self._create(path)
        try:
            copied = _pump(source, target, size)
            if copied.size:
                self._sync(target)
        finally:
            os.close(target)
        return copied

    def settle(self) -> None:
        """Return when everything copied is on the disk."""
        if self._durable and self._unsynced and _libc.syncfs(self._folder) != 0:
            raise OSError(ctypes.get_errno(), "cannot sync the file system")
        self._unsynced = False

    def _create(self, path: str) -> int:
        try:
            return os.open(path, _NEW, _MODE, dir_fd=self._folder)
        except FileNotFoundError:
            self._make_parents(path)
            return os.open(path, _NEW, _MODE, dir_fd=self._folder)

    def _make_parents(self, path: str) -> None:
        parts = path.split("/")[:-1]
        if "/".join(parts) in self._made:
            return
        self._made.add("/".join(parts))
        for depth in range(1, len(parts) + 1):
            try:
                os.mkdir("/".join(parts[:depth]), 0o750, dir_fd=self._folder)
            except FileExistsError:
                continue

    def _sync(self, target: int) -> None:
        self._files += 1
        if not self._durable:
            return
        if self._files <= _SYNC_EACH:
            os.fdatasync(target)
        else:
            self._unsynced = True


def _has_writer(file: int) -> bool:
    """Whether somebody still has it open for writing: a job may have handed it to a stranger.

    A read lease is granted only where nobody has (fcntl(2), F_SETLEASE).
    """
    try:
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError:
        return True
    fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


def _pump(source: int, target: int | None, size: int) -> Copied:
    digest, crc, done, head = sha256(), 0, 0, b""
    while done < size:
        block = os.read(source, min(BLOCK, size - done))
        if not block:
            break
        head = head or block[:_HEAD]
        digest.update(block)
        crc = zlib.crc32(block, crc)
        done += len(block)
        if target is not None:
            write_all(target, block)
    return Copied(done, digest.hexdigest(), crc, head)


def write_all(target: int, content: bytes) -> None:
    """Write everything: a signal or a full pipe may make one write short."""
    written = os.write(target, content)
    if written < len(content):
        rest = memoryview(content)
        while written < len(content):
            written += os.write(target, rest[written:])
