"""Conditional and partial answers (RFC 9110), and file names in headers (RFC 6266, 8187)."""

import re
from dataclasses import dataclass
from urllib.parse import quote

from openccp.core.problems import RangeNotSatisfiable

_RANGE = re.compile(r"bytes[ \t]*=[ \t]*([0-9]*)-([0-9]*)[ \t]*", re.IGNORECASE)
_ETAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_MANY_DIGITS = 18
_FALLBACK = re.compile(r"[^A-Za-z0-9!#$&+.^_`|~ ()\[\],;=@{}'-]")
_ATTR_SAFE = "!#$&+-.^_`|~"
_DECEIVING = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


@dataclass(frozen=True, slots=True)
class Slice:
    """The bytes [start, stop) of `length` to send; `partial` means 206 with Content-Range."""

    start: int
    stop: int
    length: int
    partial: bool

    @property
    def status(self) -> int:
        """200 or 206."""
        return 206 if self.partial else 200

    def headers(self, etag: str) -> dict[str, str]:
        """The headers that say which bytes these are, and of what."""
        headers = {
            "accept-ranges": "bytes",
            "content-length": str(self.stop - self.start),
            "etag": etag,
        }
        if self.partial:
            headers["content-range"] = f"bytes {self.start}-{self.stop - 1}/{self.length}"
        return headers


def select(range_: str | None, if_range: str | None, length: int, etag: str) -> Slice:
    """What to send of `length` bytes; RangeNotSatisfiable if the range lies outside.

    Only one range is served: several, another unit, or a range that is no range give everything,
    as does an `If-Range` that is not this (strong) `etag`.
    """
    everything = Slice(0, length, length, partial=False)
    if range_ is None or (if_range is not None and if_range.strip() != etag):
        return everything
    hit = _RANGE.fullmatch(range_.strip())
    if hit is None or not (hit[1] or hit[2]):
        return everything
    first, last = _number(hit[1]), _number(hit[2])
    if first is None:
        return _suffix(last or 0, length)
    if last is not None and last < first:
        return everything
    if first >= length:
        raise _unsatisfiable(length)
    stop = length if last is None else min(last + 1, length)
    return Slice(first, stop, length, partial=True)


def not_modified(if_none_match: str | None, etag: str) -> bool:
    """Whether the client already has it (304): weak comparison, lists, and `*`."""
    if if_none_match is None:
        return False
    if if_none_match.strip() == "*":
        return True
    return etag.removeprefix("W/") in _ETAG.findall(if_none_match)


def content_disposition(name: str, *, inline: bool = False) -> str:
    """The header for a file called `name` (the last part of a path): no injection, any language.

    Plain names stand in quotes; others also as UTF-8, without characters that deceive the eye.
    """
    kind = "inline" if inline else "attachment"
    name = _DECEIVING.sub("_", re.split(r"[/\\]", name)[-1]) or "file"
    plain = _FALLBACK.sub("_", name)
    if plain == name:
        return f'{kind}; filename="{plain}"'
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe=_ATTR_SAFE)}"


def _suffix(count: int, length: int) -> Slice:
    if count == 0 or length == 0:
        raise _unsatisfiable(length)
    return Slice(max(0, length - count), length, length, partial=True)


def _number(digits: str) -> int | None:
    if not digits:
        return None
    digits = digits.lstrip("0") or "0"
    return int(digits) if len(digits) <= _MANY_DIGITS else 10**_MANY_DIGITS


def _unsatisfiable(length: int) -> RangeNotSatisfiable:
    return RangeNotSatisfiable(headers={"content-range": f"bytes */{length}"})
