"""Writing a job's files for good: one pass that copies, hashes and makes durable."""

import ctypes
import os
import zlib
from dataclasses import dataclass
from hashlib import sha256

BLOCK = 1 << 20
_HEAD = 4096
_SYNC_EACH = 8
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_MODE = 0o640
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Copied:
    """What was written: its size, digests, and first bytes."""

    size: int
    sha256: str
    crc32: int
    head: bytes


class Destination:
    """Copies into an open folder, files of the platform's own (mode 0640, no set-id bits).

    Durability: up to eight files with content are synced one by one, which waits for nothing but
    these; beyond that one `syncfs` at the end is far cheaper. `settle` is to be called before
    anything says that the files are there.
    """

    def __init__(self, folder: int, *, durable: bool = True) -> None:
        self._folder = folder
        self._durable = durable
        self._unsynced = False
        self._files = 0

    def copy(self, source: int, size: int, path: str) -> Copied:
        """Copy the first `size` bytes of `source` (or as many as it has) to a new `path`."""
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


def _pump(source: int, target: int, size: int) -> Copied:
    digest, crc, done, head = sha256(), 0, 0, b""
    while done < size:
        block = os.read(source, min(BLOCK, size - done))
        if not block:
            break
        head = head or block[:_HEAD]
        digest.update(block)
        crc = zlib.crc32(block, crc)
        done += len(block)
        write_all(target, block)
    return Copied(done, digest.hexdigest(), crc, head)


def write_all(target: int, content: bytes) -> None:
    """Write everything: a signal or a full pipe may make one write short."""
    written = os.write(target, content)
    if written < len(content):
        rest = memoryview(content)
        while written < len(content):
            written += os.write(target, rest[written:])
