"""Uploads: files that people bring, in pieces if need be, to be inputs of jobs later."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from openccp.core.problems import OURS, Problem


class NoSuchUpload(Problem):
    """There is no upload of this id, or it is not yours, or its time is over."""

    status, type, title = 404, OURS + "no-such-upload", "No such upload"


class UploadMoved(Problem):
    """The upload is at another offset than this part begins at: ask with HEAD, then go on."""

    status, type, title = 409, OURS + "upload-moved", "Another offset"


class QuotaExceeded(Problem):
    """There is no room left for uploads of yours."""

    status, type, title = 413, OURS + "quota-exceeded", "Quota exceeded"


class ChecksumMismatch(Problem):
    """What came is not what its checksum says; it was thrown away: send it again."""

    status, type, title = 460, OURS + "checksum-mismatch", "Checksum mismatch"


@dataclass(frozen=True, slots=True)
class Asked:
    """A file that somebody wants to bring. `length` in bytes; `sha256` in hex, if he told it."""

    length: int
    name: str = ""
    media_type: str = ""
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Room:
    """What one account may bring: bytes of one upload, and of all of them together."""

    largest: int = 32 << 20
    together: int = 1 << 30
    seconds: float = 7 * 86400.0
    """How long an upload is kept after its last byte came."""


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload as it is: `offset` bytes of it are here. Times are seconds since the epoch.

    `sha256` (hex) is of the whole content; None until that is here. From then on it never changes.
    """

    id: str
    asked: Asked
    offset: int
    created: float
    changed: float
    sha256: str | None = None

    @property
    def complete(self) -> bool:
        """Whether all of it is here."""
        return self.sha256 is not None


class UploadStore(Protocol):
    """Where uploads lie. Each belongs to one account, and is nothing for everybody else.

    Calls wait for the disk. A kill at any line leaves an upload that can be gone on with, or none.
    """

    def create(self, owner: str, asked: Asked, room: Room) -> Upload:
        """An empty one, with its room taken at once; QuotaExceeded where there is none."""

    def of(self, owner: str) -> list[Upload]:
        """All of an account, the oldest first."""

    def get(self, owner: str, upload_id: str) -> Upload:
        """One as it is; what is all here is complete then. NoSuchUpload, ChecksumMismatch."""

    def append(self, owner: str, upload_id: str, offset: int, content: bytes) -> int:
        """Keep what comes at `offset`; the offset behind it.

        UploadMoved where the upload is elsewhere: of two who send the same one goes on.
        """

    def take_back(self, owner: str, upload_id: str, start: int, end: int) -> None:
        """Throw away the bytes [start, end) if they are its last and it is not complete."""

    def content(self, owner: str, upload_id: str) -> Path:
        """The file of a complete one; NoSuchUpload for others."""

    def remove(self, owner: str, upload_id: str) -> None:
        """Delete it; NoSuchUpload."""

    def forget(self, before: float) -> None:
        """Delete all that changed last before then, and what a kill left half made."""
