"""The values of results in JSON: OGC's `results.yaml`, `values.yaml` and `inlineOrRefValue.yaml`.

Pure: what is read and where it is served are given by the caller.
"""

import base64
import json
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from openccp.core.kinds import is_bbox
from openccp.core.method import Output
from openccp.core.output_types import JSON_TYPE, bare
from openccp.core.results import Part, Result

_CRS = frozenset(
    {"http://www.opengis.net/def/crs/OGC/1.3/CRS84", "http://www.opengis.net/def/crs/OGC/0/CRS84h"}
)
_MAX_DEPTH = 100
_MAX_INTEGER = 2**63
_TEXT_TYPES = frozenset({"application/xml", "application/yaml", "application/x-ndjson"})
_LINK: Any = object()
"""Stands for: this cannot be given by value."""


def results_document(
    parts: Iterable[Part],
    *,
    read: Callable[[Result], bytes],
    href: Callable[[Result], str],
    inline_limit: int,
) -> dict[str, Any]:
    """The document `results.yaml`: output id -> value or link, a list where there are several.

    `inline_limit` bounds the bytes of all values together; what is larger, or was asked for by
    reference, becomes a link. Values that JSON cannot carry faithfully become links too.
    """
    room: float = inline_limit
    values: dict[str, list[Any]] = {}
    for part in parts:
        result, value = part.result, _LINK
        if result.size <= room and not part.by_reference:
            value = _value(read(result), result.media_type, part.output)
        if value is _LINK:
            value = {"href": href(result), "rel": "item", "type": result.media_type}
        else:
            room -= result.size
        values.setdefault(result.output, []).append(value)
    return {output: found if len(found) > 1 else found[0] for output, found in values.items()}


def _value(content: bytes, media_type: str, output: Output) -> Any:
    essence = bare(media_type)
    if essence == JSON_TYPE or essence.endswith("+json"):
        return _json_value(content, media_type, output)
    if essence.startswith("text/") or essence.endswith("+xml") or essence in _TEXT_TYPES:
        return _text_value(content, media_type, output)
    return _binary_value(content, media_type)


def _json_value(content: bytes, media_type: str, output: Output) -> Any:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return _LINK
    if value is None or not _is_portable(value):
        return _LINK
    if is_bbox(output.schema) and _is_box(value):
        return value
    if isinstance(value, dict) or bare(media_type) != JSON_TYPE:
        return {"value": value, "mediaType": media_type}
    return value


def _is_box(value: Any) -> bool:
    """Whether it is OGC's bounding box and nothing more."""
    if not isinstance(value, dict) or not {"bbox"} <= value.keys() <= {"bbox", "crs"}:
        return False
    corners = value["bbox"]
    return (
        isinstance(corners, list)
        and len(corners) in (4, 6)
        and all(type(corner) in (int, float) for corner in corners)
        and value.get("crs", min(_CRS)) in _CRS
    )


def _text_value(content: bytes, media_type: str, output: Output) -> Any:
    """Bare text where its media type is known without saying: the plain, or the declared one."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return _binary_value(content, media_type)
    if media_type == "text/plain" or media_type == output.media_type:
        return text
    return {"value": text, "mediaType": media_type}


def _binary_value(content: bytes, media_type: str) -> Any:
    text = base64.b64encode(content).decode()
    return {"value": text, "encoding": "base64", "mediaType": media_type}


def _is_portable(value: Any) -> bool:
    """Whether every reader gets the same: no NaN, huge integer, half character or abyss."""
    level = [value]
    for _ in range(_MAX_DEPTH):
        if not all(map(_is_portable_scalar, level)):
            return False
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return True
    return False


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _is_portable_scalar(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):
        return -_MAX_INTEGER <= value < _MAX_INTEGER
    if isinstance(value, str):
        return value.isascii() or not any("\ud800" <= char <= "\udfff" for char in value)
    return True
