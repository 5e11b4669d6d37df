"""Reading files that a job may have written: never a link, a pipe, a device, or too much."""

import os
import stat

LIMIT = 16_384


def read_bytes(path: str, limit: int = LIMIT, *, tail: bool = False, at: int = 0) -> bytes:
    """At most `limit` bytes of a regular file, from `at` or its end; b"" if there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return b""
        start = max(0, found.st_size - limit) if tail else at
        return os.pread(descriptor, limit, start)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def read_text(path: str, limit: int = LIMIT, *, tail: bool = False) -> str:
    """The same as text; bytes that are not UTF-8 become a replacement mark."""
    return read_bytes(path, limit, tail=tail).decode("utf-8", "replace")


def write_new(path: str, content: bytes, mode: int = 0o644) -> None:
    """Create a file that must not be there yet."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
    finally:
        os.close(descriptor)
