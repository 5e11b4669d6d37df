"""Shell text that is made of values: each is quoted, so that none is ever read as shell.

What is known only while the job runs (the name of a file that a step made) stands in texts as a
mark, which becomes a reference to a shell variable. A mark holds a NUL, which no value may.
"""

import re
import shlex
from collections.abc import Mapping
from typing import Any

from openccp.core.cwl.words import Word
from openccp.core.ports import CannotStart

_MARK = re.compile("\0([0-9]+(?:_[a-z]+)?)\0")


def mark(name: str) -> str:
    """What stands for the value of the variable `ccp_<name>` in a text."""
    return f"\0{name}\0"


def has_mark(text: str) -> bool:
    """Whether a part of a text is known only while the job runs."""
    return "\0" in text


def without_marks(text: str, instead: str) -> str:
    """A text with something else for what is not known yet."""
    return _MARK.sub(instead, text)


def quote(text: str) -> str:
    """A text as one word of shell."""
    pieces = _MARK.split(text)
    words = [
        f'"${{ccp_{piece}}}"' if i % 2 else shlex.quote(piece)
        for i, piece in enumerate(pieces)
        if i % 2 or piece or len(pieces) == 1
    ]
    return "".join(words)


def command(words: list[Word]) -> str:
    """Words as a simple command; what is the author's own shell text is read by a shell."""
    if all(word.quoted for word in words):
        return " ".join(quote(word.text) for word in words)
    line = " ".join(quote(word.text) if word.quoted else word.text for word in words)
    if "\0" in line or "${ccp_" in line:
        raise CannotStart("a file that a step made cannot be used in a shell command")
    return f"/bin/sh -c {shlex.quote(line)}"


def refuse_nul(value: Any, name: str) -> None:
    """CannotStart for a value with a NUL, which no program could be given."""
    level = [value]
    while level:
        if any("\0" in item for item in level if isinstance(item, str)):
            raise CannotStart(f"The value of {name!r} holds a NUL character")
        level = [child for item in level for child in _children(item)]


def _children(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [*value, *value.values()]
    return value if isinstance(value, list) else []
