"""The keys that sign tokens: PEM files in a folder, the newest signs, all of them verify."""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import time_ns

from joserfc.jwk import RSAKey

BITS = 2048


def load_keys(folder: Path) -> Sequence[RSAKey]:
    """The keys of a folder, newest first; makes the first one where there is none."""
    with _locked(folder):
        found = _read(folder)
        if not found:
            _create(folder)
            found = _read(folder)
        return found


def rotate(folder: Path) -> RSAKey:
    """Add a key, which signs from the next start; tokens of the older ones stay good."""
    with _locked(folder):
        return _create(folder)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _read(folder: Path) -> list[RSAKey]:
    """By name, not by time of change: a restored backup has all its files from one moment."""
    return [_load(path) for path in sorted(folder.glob("key-*.pem"), reverse=True)]


def _load(path: Path) -> RSAKey:
    if path.stat().st_mode & 0o077:
        raise PermissionError(f"{path} can be read by others: replace it, or chmod 600 it")
    key = RSAKey.import_key(path.read_bytes())
    if not key.is_private:
        raise ValueError(f"{path} is not a private key")
    return _named(key)


def _create(folder: Path) -> RSAKey:
    """Whole or not at all: a key cut by a crash would keep the platform from starting."""
    key = RSAKey.generate_key(BITS)
    unfinished = folder / ".new.pem"
    unfinished.unlink(missing_ok=True)
    target = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(target, "wb") as file:
        file.write(key.as_pem(private=True))
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(folder / f"key-{time_ns():020d}.pem")
    _sync(folder)
    return _named(key)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _named(key: RSAKey) -> RSAKey:
    """With its RFC 7638 thumbprint as `kid`, the same in every process."""
    return RSAKey.import_key(key.raw_value, {"kid": key.thumbprint(), "use": "sig", "alg": "RS256"})
