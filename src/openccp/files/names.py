"""File names of jobs as text that is safe to show, to put in an archive and to read back.

A name is kept as it is, unless it holds what cannot be text (bytes that are not UTF-8) or what
deceives (control and bidirectional characters, line separators, a backslash): those bytes become
`%XX`. Only in such a name, and in one that already looks escaped, `%` itself becomes `%25`. Two
different names therefore never meet, and every name can be restored.
"""

import os
import re
from urllib.parse import unquote_to_bytes

_HOSTILE = (
    r"\x00-\x1f\x7f-\x9f\\"
    r"\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
    r"\ud800-\udfff"
)
_NEEDS_ESCAPE = re.compile(rf"[{_HOSTILE}]|%[0-9A-Fa-f]{{2}}")
_ESCAPED = re.compile(rf"[{_HOSTILE}%]")
_LOOKS_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")


def escape(path: str) -> str:
    """The name of a file as the manifest shows it; `path` is decoded as the os module does."""
    if _NEEDS_ESCAPE.search(path) is None:
        return path
    return "/".join(map(_escape_component, path.split("/")))


def unescape(path: str) -> str:
    """The name on disk of what the manifest calls `path`."""
    if "%" not in path:
        return path
    return "/".join(map(_unescape_component, path.split("/")))


def _escape_component(name: str) -> str:
    if _NEEDS_ESCAPE.search(name) is None:
        return name
    return _ESCAPED.sub(lambda hit: _percent(os.fsencode(hit[0])), name)


def _percent(raw: bytes) -> str:
    return "".join(f"%{byte:02X}" for byte in raw)


def _unescape_component(name: str) -> str:
    if _LOOKS_ESCAPED.search(name) is None:
        return name
    return os.fsdecode(unquote_to_bytes(name))
