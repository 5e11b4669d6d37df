"""The bytes a preview may look at, and the text in them."""

import codecs
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from openccp.core.problems import NotFound

MOST_BYTES = 1 << 20
"""Read from the front of a file."""
_TAIL = 32 << 10
_CONTROLS = re.compile(rb"[\x00-\x07\x0e-\x1a\x1c-\x1f]")
_UNSEEN = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_DECEIVING = re.compile("[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass(frozen=True, slots=True)
class Source:
    """A stored file: its size in bytes, its declared media type (bare), its first bytes."""

    file: BinaryIO
    size: int
    media_type: str
    head: bytes

    @classmethod
    def of(cls, path: Path, media_type: str) -> Self:
        """Open a file, which the caller closes; NotFound if its job was removed meanwhile."""
        try:
            file = path.open("rb")
        except FileNotFoundError:
            raise NotFound from None
        essence = media_type.partition(";")[0].strip().lower()
        return cls(file, os.fstat(file.fileno()).st_size, essence, file.read(MOST_BYTES))

    @property
    def whole(self) -> bool:
        """Whether `head` is all of it."""
        return self.size <= len(self.head)

    @property
    def is_text(self) -> bool:
        """Whether its beginning is text in some encoding."""
        return self.encoding == "utf-16" or not _CONTROLS.search(self.head)

    @property
    def encoding(self) -> str:
        """The encoding of its text: by its mark, else UTF-8, else Latin-1, which fits anything."""
        for mark, name in _MARKS.items():
            if self.head.startswith(mark):
                return name
        try:
            codecs.getincrementaldecoder("utf-8")().decode(self.head, final=self.whole)
        except UnicodeDecodeError:
            return "latin-1"
        return "utf-8"

    @property
    def text(self) -> str:
        """The text of `head`."""
        return self.head.decode(self.encoding, "replace")

    def at(self, offset: int, count: int) -> bytes:
        """At most `count` bytes from `offset`; fewer at the end, none outside."""
        if not 0 <= offset <= self.size:
            return b""
        self.file.seek(offset)
        return self.file.read(count)

    def tail(self) -> str:
        """The last lines of a file that is longer than `head`."""
        return self.at(self.size - _TAIL, _TAIL).decode(self.encoding, "replace")


def seen(text: str) -> str:
    """A foreign text without what cannot be seen or deceives the eye; colours are left out."""
    return _DECEIVING.sub("\N{REPLACEMENT CHARACTER}", _UNSEEN.sub("", text))
