"""What every file can be shown as: its text, or its first bytes; and pictures by their address."""

from typing import Any

from openccp.web.previews.source import Source, seen

MOST_TEXT = 64 << 10
MOST_HEX = 1 << 10
MOST_PICTURE = 32 << 20
_ROW = 16
_PICTURES = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
}


def text(source: Source) -> dict[str, Any] | None:
    """The beginning of a text, and its end if it is long."""
    if not source.is_text:
        return None
    shown = source.text
    if len(shown) > MOST_TEXT:
        rest = source.tail() if not source.whole else shown[MOST_TEXT:][-(MOST_TEXT // 2) :]
        return {"kind": "text", **_texts(source, shown[:MOST_TEXT]), "end": seen(rest)}
    return {"kind": "text", **_texts(source, shown)}


def _texts(source: Source, beginning: str) -> dict[str, Any]:
    return {"encoding": source.encoding, "text": seen(beginning)}


def octets(source: Source) -> dict[str, Any]:
    """The first bytes, sixteen in a line, with what of them is ASCII."""
    shown = source.head[:MOST_HEX]
    return {"kind": "bytes", "lines": [_line(shown, at) for at in range(0, len(shown), _ROW)]}


def _line(shown: bytes, at: int) -> str:
    row = shown[at : at + _ROW]
    letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
    return f"{at:06x}  {row.hex(' '):47}  {letters}"


def picture(source: Source) -> dict[str, Any] | None:
    """A picture that begins as its type says; SVG too, in which a browser runs nothing."""
    begins = _PICTURES.get(source.media_type)
    if begins is None:
        right = source.media_type == "image/svg+xml" and source.is_text
    else:
        right = source.head.startswith(begins)
    return {"kind": "picture"} if right and source.size <= MOST_PICTURE else None
