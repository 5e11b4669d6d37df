"""Uploads in a local folder: `<root>/<account>/<id>/`, with `about.json` and `content` in each.

How far an upload is says the size of its content, and nothing else: whoever adds to it looks at
that under a lock that he holds for one block. So no state can disagree with the bytes, whoever is
killed; and of two who send at the same time one meets another offset than he expects.
"""

import fcntl
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from hashlib import file_digest, sha256
from io import BufferedReader
from pathlib import Path
from typing import Any

import orjson

from openccp.core.ports import Clock
from openccp.core.problems import BodyTooLarge, Unavailable
from openccp.core.uploads import (
    Asked,
    ChecksumMismatch,
    NoSuchUpload,
    QuotaExceeded,
    Room,
    Upload,
    UploadMoved,
)
from openccp.files.copy import write_all

ABOUT, CONTENT = "about.json", "content"
MOST = 1000
"""Uploads of one account at a time."""
ABANDONED = 3600.0
"""Seconds after which what is half made or half removed is nobody's work any more."""
_ID = re.compile(r"[0-9a-f]{32}")


class FolderUploads:
    """UploadStore in a local folder."""

    def __init__(self, root: Path, clock: Clock = time.time) -> None:
        self._root, self._clock = root, clock

    def create(self, owner: str, asked: Asked, room: Room) -> Upload:
        """An empty upload, made beside and moved into place whole."""
        folder, now = self._account(owner), self._clock()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(os.open(folder, os.O_RDONLY)):
            taken = [upload.asked.length for upload in self.of(owner)]
            if len(taken) >= MOST or sum(taken) + asked.length > room.together:
                raise QuotaExceeded(
                    f"All your uploads together may have {room.together} bytes and be {MOST}; "
                    f"there are {sum(taken)} bytes in {len(taken)}. Remove some, or wait."
                )
            made = Upload(secrets.token_hex(16), asked, 0, now, now)
            building = folder / f".new-{made.id}"
            building.mkdir(0o700)
            (building / CONTENT).touch(0o600)
            _write_about(building, made)
            building.rename(folder / made.id)
        return self.get(owner, made.id)

    def of(self, owner: str) -> list[Upload]:
        """All of an account, the oldest first."""
        found = []
        with suppress(FileNotFoundError):
            for name in os.listdir(self._account(owner)):
                with suppress(NoSuchUpload):
                    found.append(_read(self._folder(owner, name)))
        return sorted(found, key=lambda upload: (upload.created, upload.id))

    def get(self, owner: str, upload_id: str) -> Upload:
        """One as it is; whoever sees that all is here, and not yet said so, says so."""
        folder = self._folder(owner, upload_id)
        upload = _read(folder)
        if upload.complete or upload.offset < upload.asked.length:
            return upload
        with self._content(folder) as content:
            return self._completed(folder, content)

    def append(self, owner: str, upload_id: str, offset: int, content: bytes) -> int:
        """Keep what comes at `offset`, unless the upload is elsewhere by now."""
        folder = self._folder(owner, upload_id)
        most = _read(folder).asked.length
        with self._content(folder) as file:
            size = os.fstat(file.fileno()).st_size
            if size != offset:
                raise _moved(size)
            if size + len(content) > most:
                raise BodyTooLarge(f"This upload has {most} bytes; more came.")
            try:
                write_all(file.fileno(), content)
            except OSError as error:
                raise Unavailable("The platform has no room for this just now.") from error
        return offset + len(content)

    def take_back(self, owner: str, upload_id: str, start: int, end: int) -> None:
        """Throw away the last bytes, if nobody went on behind them."""
        folder = self._folder(owner, upload_id)
        with self._content(folder) as file:
            if os.fstat(file.fileno()).st_size == end and not _read(folder).complete:
                os.ftruncate(file.fileno(), start)

    def content(self, owner: str, upload_id: str) -> Path:
        """The file of a complete upload."""
        if not self.get(owner, upload_id).complete:
            raise NoSuchUpload("Not all of this upload is here yet.")
        return self._folder(owner, upload_id) / CONTENT

    def remove(self, owner: str, upload_id: str) -> None:
        """Delete it: from the first rename on it is not there."""
        folder = self._folder(owner, upload_id)
        gone = folder.with_name(f".gone-{secrets.token_hex(16)}")
        try:
            folder.rename(gone)
        except FileNotFoundError:
            raise NoSuchUpload from None
        shutil.rmtree(gone, ignore_errors=True)

    def forget(self, before: float) -> None:
        """Delete what is old, and what a kill left half made."""
        for account in self._root.iterdir() if self._root.is_dir() else ():
            if _ID.fullmatch(account.name):
                with suppress(OSError):
                    self._forget_some(account, before)

    def _forget_some(self, account: Path, before: float) -> None:
        for folder in account.iterdir():
            with suppress(OSError, NoSuchUpload):
                self._forget_one(folder, before)

    def _forget_one(self, folder: Path, before: float) -> None:
        if folder.name.startswith("."):
            if folder.stat().st_mtime < self._clock() - ABANDONED:
                shutil.rmtree(folder)
        elif _read(folder).changed < before:
            gone = folder.with_name(f".gone-{secrets.token_hex(16)}")
            folder.rename(gone)
            shutil.rmtree(gone)

    def _completed(self, folder: Path, content: BufferedReader) -> Upload:
        """The upload with its digest, which is on disk after its content is."""
        upload = _read(folder)
        if upload.complete or upload.offset < upload.asked.length:
            return upload
        digest = file_digest(content, "sha256").hexdigest()
        if upload.asked.sha256 not in (None, digest):
            os.ftruncate(content.fileno(), 0)
            raise ChecksumMismatch(f"The file's sha256 is {digest}: it was thrown away.")
        os.fdatasync(content.fileno())
        _write_about(folder, upload, digest)
        return _read(folder)

    @contextmanager
    def _content(self, folder: Path) -> Iterator[BufferedReader]:
        try:
            content = os.open(folder / CONTENT, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        except FileNotFoundError:
            raise NoSuchUpload from None
        with _locked(content) as number, os.fdopen(number, "rb", closefd=False) as file:
            yield file

    def _account(self, owner: str) -> Path:
        return self._root / sha256(owner.encode()).hexdigest()[:32]

    def _folder(self, owner: str, upload_id: str) -> Path:
        if _ID.fullmatch(upload_id) is None:
            raise NoSuchUpload
        return self._account(owner) / upload_id


@contextmanager
def _locked(number: int) -> Iterator[int]:
    """An open file or folder that nobody else holds meanwhile; closed at the end."""
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield number
    finally:
        os.close(number)


def _read(folder: Path) -> Upload:
    try:
        about: dict[str, Any] = orjson.loads((folder / ABOUT).read_bytes())
        status = (folder / CONTENT).stat()
    except (FileNotFoundError, NotADirectoryError):
        raise NoSuchUpload from None
    asked, changed = Asked(**about["asked"]), max(status.st_mtime, about["created"])
    return Upload(folder.name, asked, status.st_size, about["created"], changed, about["sha256"])


def _write_about(folder: Path, upload: Upload, digest: str | None = None) -> None:
    """Replaced whole, and on disk before it can be seen; NoSuchUpload if it was removed."""
    new = folder / f".{ABOUT}"
    content = {"asked": asdict(upload.asked), "created": upload.created, "sha256": digest}
    try:
        with new.open("wb") as file:
            file.write(orjson.dumps(content))
            file.flush()
            os.fsync(file.fileno())
        new.replace(folder / ABOUT)
        number = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        raise NoSuchUpload from None
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _moved(size: int) -> UploadMoved:
    return UploadMoved(
        f"The upload is at offset {size}: go on from there.", headers={"Upload-Offset": str(size)}
    )
