"""Secrets at rest: AES-GCM with a key that lies outside of the database."""

import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12
FORMAT = b"\x01"


class UnusableKey(Exception):
    """The key file for secrets is not a private file of 32 bytes."""


class CannotDecrypt(Exception):
    """A secret was sealed with another key, or its row was changed or moved."""


class Cipher:
    """Seals a secret so that it opens only as the same name of the same job."""

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

    def seal(self, job: str, name: str, secret: str) -> bytes:
        """The secret as it may be stored."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._aead.encrypt(nonce, secret.encode(), _place(job, name))
        return FORMAT + nonce + sealed

    def open(self, job: str, name: str, sealed: bytes) -> str:
        """The secret again; CannotDecrypt if it is not one of ours for this place."""
        if sealed[:1] != FORMAT:
            raise CannotDecrypt(f"secret {name!r} of job {job} has an unknown format")
        nonce, body = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            return self._aead.decrypt(nonce, body, _place(job, name)).decode()
        except (InvalidTag, ValueError) as error:
            raise CannotDecrypt(f"secret {name!r} of job {job} cannot be decrypted") from error


def _place(job: str, name: str) -> bytes:
    return f"{job}\0{name}".encode()


def open_cipher(path: Path) -> Cipher:
    """The cipher of a key file, which is made if there is none."""
    return Cipher(open_key(path))


def open_key(path: Path) -> bytes:
    """32 random bytes from a private file, which is made if there is none; UnusableKey."""
    try:
        return _read_key(path)
    except FileNotFoundError:
        _create_key(path)
        return _read_key(path)


def _read_key(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if os.fstat(descriptor).st_mode & 0o077:
            raise UnusableKey(f"{path} can be read by others; make it private (chmod 600)")
        key = file.read(KEY_BYTES + 1)
    if len(key) != KEY_BYTES:
        raise UnusableKey(f"{path} is not a key of {KEY_BYTES} bytes")
    return key


def _create_key(path: Path) -> None:
    """Link a finished file into place: whoever comes second uses the first one's key."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        os.unlink(draft)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
