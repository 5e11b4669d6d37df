"""What is in a zip or tar archive, by its directory alone: nothing is unpacked."""

import struct
from collections.abc import Iterator
from itertools import islice
from typing import Any

from openccp.web.previews.source import Source, seen

MOST_MEMBERS = 1_000
MOST_NAME = 300
_MOST_DIRECTORY = 4 << 20
_END = struct.Struct("<4s4H2LH")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_COMMENT = 0xFFFF
_BLOCK = 512
_FILES = (b"0", b"\0")
_MOST_BLOCKS = 20_000

Member = tuple[str, int]


def zip_listing(source: Source) -> dict[str, Any] | None:
    """The members of a zip, from the directory at its end."""
    back = min(source.size, _END.size + _COMMENT)
    end = source.at(source.size - back, back)
    at = end.rfind(b"PK\5\6")
    if at < 0 or len(end) - at < _END.size:
        return None
    *_, count, length, offset, _ = _END.unpack_from(end, at)
    directory = source.at(offset, min(length, _MOST_DIRECTORY))
    return _listing(list(islice(_in_zip(directory), MOST_MEMBERS)), count)


def tar_listing(source: Source) -> dict[str, Any] | None:
    """The members of a tar that is not compressed; long names are shown cut."""
    if source.head[257:262] != b"ustar":
        return None
    return _listing(list(islice(_in_tar(source), MOST_MEMBERS)), None)


def _listing(found: list[Member], count: int | None) -> dict[str, Any]:
    members = [{"path": name, "size": size} for name, size in found]
    return {"kind": "listing", "members": members, "numberOfMembers": count}


def _in_zip(directory: bytes) -> Iterator[Member]:
    at = 0
    while directory[at : at + 4] == b"PK\1\2" and len(directory) - at >= _CENTRAL.size:
        fields = _CENTRAL.unpack_from(directory, at)
        size, name, extra, comment = fields[9], *fields[10:13]
        start = at + _CENTRAL.size
        yield _name(directory[start : start + name]), size
        at = start + name + extra + comment


def _in_tar(source: Source) -> Iterator[Member]:
    at = 0
    for _ in range(_MOST_BLOCKS):
        block = source.at(at, _BLOCK)
        size = _octal(block[124:136])
        if len(block) < _BLOCK or size is None or not block[0]:
            return
        if block[156:157] in _FILES:
            parts = (block[345:500], block[:100])
            yield _name(b"/".join(p for part in parts if (p := part.partition(b"\0")[0]))), size
        at += _BLOCK + -(-size // _BLOCK) * _BLOCK


def _octal(field: bytes) -> int | None:
    digits = field.strip(b" \0")
    return int(digits, 8) if digits and not digits.strip(b"01234567") else None


def _name(name: bytes) -> str:
    return seen(name[:MOST_NAME].decode("utf-8", "replace"))
