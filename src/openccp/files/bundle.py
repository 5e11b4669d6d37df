"""`output.zip`, laid out from the manifest: its length, ETag and any range are known beforehand.

Members are stored, not compressed, with sizes and CRC32 from the manifest and one fixed time, so
every byte that is not a file's content follows from the manifest alone. Nothing is written to disk.
"""

import struct
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate
from pathlib import Path

from openccp.core.ports import FileEntry, Manifest

BLOCK = 256 * 1024
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")
_END = struct.Struct("<4s4H2LH")
_MAX16, _MAX32 = 0xFFFF, 0xFFFFFFFF
_UTF8 = 1 << 11
_VERSION, _VERSION64 = 20, 45
_MADE_BY_UNIX = 3 << 8
_REGULAR_0644 = 0o100644 << 16
_EARLIEST = 315532800  # 1980-01-01, before which the format has no time


@dataclass(frozen=True, slots=True)
class Member:
    """One file of the archive; `path` says where its content lies."""

    name: str
    entry: FileEntry
    path: Callable[[], Path]


def members(
    manifest: Manifest, job: str, output: Callable[[str], Path], log: Callable[[str], Path]
) -> tuple[Member, ...]:
    """CCP's contents: the files as they lay in /ccp_data, and `stdout.<job>.txt` and the like.

    Further replicas' logs are `stdout.<job>.<replica>.txt`. A log gives way to a file of its name.
    """
    taken = {entry.path.partition("/")[0] for entry in manifest.files}
    found = [_member(entry.path, entry, output) for entry in manifest.files]
    for entry in manifest.logs:
        stream, dot, replica = entry.path.partition(".")
        name = f"{stream}.{job}{dot}{replica}.txt"
        while name in taken:
            name = f"ccp-{name}"
        taken.add(name)
        found.append(_member(name, entry, log))
    return tuple(found)


def _member(name: str, entry: FileEntry, path: Callable[[str], Path]) -> Member:
    return Member(name, entry, lambda: path(entry.path))


class Bundle:
    """An archive of `members`, all dated `modified` (seconds since the epoch, shown as UTC)."""

    def __init__(self, members: Sequence[Member], modified: float = _EARLIEST) -> None:
        self._members = members
        self._stamp = _dos_time(modified)
        sizes = (len(self._local(member)) + member.entry.size for member in members)
        self._offsets = list(accumulate(sizes, initial=0))
        """Where each member begins, and where the directory does."""
        directory = sum(map(_directory_length, members, self._offsets))
        end = len(_end_records(len(members), self._offsets[-1], directory))
        self.length = self._offsets[-1] + directory + end
        self.etag = self._etag()

    def stream(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The bytes [start, stop) of the archive, in blocks; reads files, so run it in a thread.

        Raises OSError when a stored file is gone or cut: an archive is whole or visibly broken.
        """
        buffer = bytearray()
        for piece in self._pieces(start, self.length if stop is None else stop):
            if not buffer and len(piece) >= BLOCK:
                yield piece
                continue
            buffer += piece
            if len(buffer) >= BLOCK:
                yield bytes(buffer)
                buffer.clear()
        if buffer:
            yield bytes(buffer)

    def _pieces(self, start: int, stop: int) -> Iterator[bytes]:
        first = bisect_right(self._offsets, start) - 1
        for member, at in zip(self._members[first:], self._offsets[first:], strict=False):
            if at >= stop:
                return
            header = self._local(member)
            yield header[max(0, start - at) : stop - at]
            at += len(header)
            yield from _read(member, max(0, start - at), min(member.entry.size, stop - at))
        directory = self._offsets[-1]
        if stop > directory:
            yield self._tail()[max(0, start - directory) : stop - directory]

    def _local(self, member: Member) -> bytes:
        name, entry = member.name.encode(), member.entry
        extra = _extra([entry.size, entry.size] if entry.size >= _MAX32 else [])
        size = min(entry.size, _MAX32)
        version = _VERSION64 if extra else _VERSION
        sizes = (entry.crc32, size, size, len(name), len(extra))
        return _LOCAL.pack(b"PK\3\4", version, _UTF8, 0, *self._stamp, *sizes) + name + extra

    def _central(self, member: Member, offset: int) -> bytes:
        name, entry = member.name.encode(), member.entry
        extra = _central_extra(entry.size, offset)
        size = min(entry.size, _MAX32)
        version = _VERSION64 if extra else _VERSION
        sizes = (entry.crc32, size, size, len(name), len(extra), 0, 0, 0)
        made_by = _MADE_BY_UNIX | version
        return (
            _CENTRAL.pack(
                *(b"PK\1\2", made_by, version, _UTF8, 0, *self._stamp, *sizes),
                *(_REGULAR_0644, min(offset, _MAX32)),
            )
            + name
            + extra
        )

    def _tail(self) -> bytes:
        directory = b"".join(map(self._central, self._members, self._offsets))
        return directory + _end_records(len(self._members), self._offsets[-1], len(directory))

    def _etag(self) -> str:
        digest = sha256(repr((self.length, self._stamp)).encode())
        for member in self._members:
            digest.update(f"{member.name}\0{member.entry.sha256}\0".encode())
        return f'"{digest.hexdigest()[:32]}"'


def _read(member: Member, start: int, stop: int) -> Iterator[bytes]:
    if start >= stop:
        return
    with member.path().open("rb", buffering=0) as content:
        content.seek(start)
        while start < stop:
            block = content.read(min(BLOCK, stop - start))
            if not block:
                raise OSError(f"{member.name} is shorter than its record says")
            start += len(block)
            yield block


def _dos_time(seconds: float) -> tuple[int, int]:
    at = time.gmtime(max(seconds, _EARLIEST))
    return (
        at.tm_hour << 11 | at.tm_min << 5 | at.tm_sec // 2,
        (at.tm_year - 1980) << 9 | at.tm_mon << 5 | at.tm_mday,
    )


def _extra(numbers: list[int]) -> bytes:
    return struct.pack(f"<2H{len(numbers)}Q", 1, 8 * len(numbers), *numbers) if numbers else b""


def _central_extra(size: int, offset: int) -> bytes:
    sizes = [size, size] if size >= _MAX32 else []
    return _extra(sizes + ([offset] if offset >= _MAX32 else []))


def _directory_length(member: Member, offset: int) -> int:
    extra = len(_central_extra(member.entry.size, offset))
    return _CENTRAL.size + len(member.name.encode()) + extra


def _end_records(count: int, offset: int, length: int) -> bytes:
    end64 = b""
    if count >= _MAX16 or offset >= _MAX32 or length >= _MAX32:
        version = _MADE_BY_UNIX | _VERSION64
        end64 = _END64.pack(
            *(b"PK\6\6", _END64.size - 12, version, _VERSION64, 0, 0),
            *(count, count, length, offset),
        ) + _LOCATOR64.pack(b"PK\6\7", 0, offset + length, 1)
    short = min(count, _MAX16)
    places = (min(length, _MAX32), min(offset, _MAX32), 0)
    return end64 + _END.pack(b"PK\5\6", 0, 0, short, short, *places)
