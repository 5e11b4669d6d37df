"""Which media type an output has: as its schema declares it, or as what was left decides.

A schema with alternatives (`oneOf`, OGC's mixed or multiple types) leaves it open until there is
a value; where that does not tell, the first alternative counts (OGC API - Processes 2.0).
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from openccp.core.kinds import is_bbox
from openccp.core.method import Output

JSON_TYPE = "application/json"
MOST_LOOKED_AT = 1 << 20
"""A larger file is what its name and its first bytes say."""
_TYPED = {
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}
_MEDIA_TYPE = re.compile(r"[\w.+!#$&^-]+/[\w.+!#$&^-]+( *;[\x20-\x7e]*)?", re.ASCII)
_UNNAMED = frozenset({"text/plain", "application/octet-stream"})


def declared_media_type(output: Output) -> str | None:
    """What the method says of an output; a number, array, ... is JSON without saying so.

    None where it says nothing, or leaves a choice. What is no media type (it would end up in a
    header) counts as not said.
    """
    found = {_media_type(schema) for schema in _alternatives(output.schema)}
    return found.pop() if len(found) == 1 else None


def media_types_of(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Every media type a schema names, the default first; none if it leaves that open."""
    parts = _alternatives(schema)
    found = [_media_type(part) for part in parts if "contentMediaType" in part]
    named = [name for name in found if name is not None]
    return tuple(dict.fromkeys(named)) if len(named) == len(parts) else ()


def actual_media_type(output: Output, guessed: str, read: Callable[[], bytes]) -> str:
    """The media type of a value that looks like `guessed`; `read` gives its content.

    Asked only where the output leaves a choice and the look does not tell.
    """
    alternatives = _alternatives(output.schema)
    candidates = [_media_type(schema) for schema in alternatives]
    declared = dict.fromkeys(candidates)
    if len(declared) == 1:
        return candidates[0] or guessed
    if guessed in declared or guessed not in _UNNAMED:
        return guessed
    if JSON_TYPE in declared and _is_json_of(alternatives, read()):
        return JSON_TYPE
    return guessed if None in declared else candidates[0] or guessed


def bare(media_type: str) -> str:
    """A media type without its parameters, in lower case."""
    return media_type.partition(";")[0].strip().lower()


def _alternatives(schema: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    for word in ("oneOf", "anyOf"):
        parts = [part for part in schema.get(word) or () if isinstance(part, Mapping)]
        if parts and "contentMediaType" not in schema:
            return parts
    return [schema]


def _media_type(schema: Mapping[str, Any]) -> str | None:
    named = schema.get("contentMediaType")
    if isinstance(named, str) and _MEDIA_TYPE.fullmatch(named):
        return named
    typed = any(schema.get("type") == kind for kind in _TYPED)
    return JSON_TYPE if typed or is_bbox(schema) else None


def _is_json_of(alternatives: Sequence[Mapping[str, Any]], content: bytes) -> bool:
    """Whether it is JSON of a kind that an alternative has; a text stays a text."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return False
    kinds = [
        kind
        for schema in alternatives
        for kind in (dict,) * is_bbox(schema) + _TYPED.get(str(schema.get("type")), ())
    ]
    return type(value) in kinds
