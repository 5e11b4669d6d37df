"""Results as OGC has them: the document of all outputs, and the raw form of each.

Pure: what is read and where it is served are given by the caller. A result is a value of one
output: a stored file, a log, or (`output`, CCP's own) everything as one archive.
"""

import base64
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from openccp.core.method import ALL_FILES, Output
from openccp.core.ports import FileEntry, Manifest
from openccp.core.request import OutputRequest, Transmission

LOGS = frozenset({"stdout", "stderr"})
ARCHIVE = "application/zip"
JSON_TYPE = "application/json"
_TYPED = frozenset({"number", "integer", "boolean", "array", "object"})
_MEDIA_TYPE = re.compile(r"[\w.+!#$&^-]+/[\w.+!#$&^-]+( *;[\x20-\x7e]*)?", re.ASCII)
_MAX_DEPTH = 100
_MAX_INTEGER = 2**63
_TEXT_TYPES = frozenset({"application/xml", "application/yaml", "application/x-ndjson"})


class OutputTooLarge(Exception):
    """The job left more than its limits allow; the text is for the job's owner."""


@dataclass(frozen=True, slots=True)
class Result:
    """One value of one output.

    `entry` is the stored file, or log if `log`; None is the archive of everything. `index` counts
    the values of an output that has several, from 0; None if it has one.
    """

    output: str
    entry: FileEntry | None
    index: int | None = None
    log: bool = False

    @property
    def media_type(self) -> str:
        """What it is served as."""
        return ARCHIVE if self.entry is None else self.entry.media_type

    @property
    def content_id(self) -> str:
        """Its name among the parts of a multipart answer: the output's id, or `id/N`."""
        return self.output if self.index is None else f"{self.output}/{self.index}"


class Form(StrEnum):
    """What a raw answer looks like: no content, one body, links only, or several parts."""

    NOTHING = "nothing"
    VALUE = "value"
    LINKS = "links"
    MULTIPART = "multipart"


@dataclass(frozen=True, slots=True)
class Part:
    """A result in a raw answer; by reference it is a link (or a part without a body)."""

    result: Result
    by_reference: bool


@dataclass(frozen=True, slots=True)
class Raw:
    """A raw answer (OGC 1.0 `response: raw`): VALUE has exactly one part, NOTHING none."""

    form: Form
    parts: tuple[Part, ...]


def is_log(output: Output) -> bool:
    """Whether an output is the standard output or error of the job, not a file."""
    return output.path is None and output.id in LOGS


def is_all_files(output: Output) -> bool:
    """Whether an output stands for everything the job left."""
    return output.path is None and output.id == ALL_FILES


def is_bbox(output: Output) -> bool:
    """Whether an output is declared as OGC's bounding box."""
    schemas = [output.schema, *(output.schema.get("allOf") or ())]
    return any(isinstance(it, Mapping) and it.get("format") == "ogc-bbox" for it in schemas)


def declared_media_type(output: Output) -> str | None:
    """What the method says of an output; a number, array, ... is JSON without saying so.

    What is no media type (it would end up in a header) counts as not said.
    """
    if output.media_type is not None and _MEDIA_TYPE.fullmatch(output.media_type):
        return output.media_type
    typed = any(output.schema.get("type") == kind for kind in _TYPED)
    return JSON_TYPE if typed or is_bbox(output) else None


def wanted(
    declared: Mapping[str, Output], asked: Mapping[str, OutputRequest] | None
) -> dict[str, Output]:
    """The outputs a request is about: those asked for, or all; all files if none is declared."""
    if asked is None:
        return dict(declared) or {ALL_FILES: Output(ALL_FILES, {})}
    return {output: declared.get(output) or Output(output, {}) for output in asked}


def results_of(manifest: Manifest, output: Output) -> tuple[Result, ...]:
    """The values of one output, none if the job did not make it."""
    if is_all_files(output):
        return (Result(ALL_FILES, None),)
    paths = manifest.outputs.get(output.id, ())
    log = is_log(output)
    found = _entries(manifest.logs if log else manifest.files, paths)
    if len(found) == 1:
        return (Result(output.id, found[0], log=log),)
    return tuple(Result(output.id, entry, index, log) for index, entry in enumerate(found))


def results_document(
    manifest: Manifest,
    outputs: Mapping[str, Output],
    asked: Mapping[str, OutputRequest] | None,
    *,
    read: Callable[[Result], bytes],
    href: Callable[[Result], str],
    inline_limit: int,
) -> dict[str, Any]:
    """The document `results.yaml`: output id -> value or link, a list where a glob found several.

    `inline_limit` bounds the bytes of all values together; what is larger, or was asked for by
    reference, becomes a link. Values that JSON cannot carry faithfully become links too.
    """
    room: float = inline_limit
    document: dict[str, Any] = {}
    for output in outputs.values():
        values = []
        for result in results_of(manifest, output):
            value = _LINK
            if _size(result) <= room and not _by_reference(asked, output.id):
                value = _value(read(result), result.media_type, output)
            if value is _LINK:
                values.append({"href": href(result), "type": result.media_type})
            else:
                room -= _size(result)
                values.append(value)
        if values:
            document[output.id] = values if len(values) > 1 else values[0]
    return document


def raw(
    manifest: Manifest,
    outputs: Mapping[str, Output],
    asked: Mapping[str, OutputRequest] | None,
) -> Raw:
    """The raw answer to a request for `outputs`."""
    parts = tuple(
        Part(result, _by_reference(asked, output.id))
        for output in outputs.values()
        for result in results_of(manifest, output)
    )
    if not parts:
        return Raw(Form.NOTHING, ())
    if all(part.by_reference for part in parts):
        return Raw(Form.LINKS, parts)
    return Raw(Form.VALUE if len(parts) == 1 else Form.MULTIPART, parts)


_LINK: Any = object()
"""Stands for: this cannot be given by value."""


def _by_reference(asked: Mapping[str, OutputRequest] | None, output: str) -> bool:
    request = (asked or {}).get(output)
    return request is not None and request.transmission is Transmission.REFERENCE


def _entries(entries: tuple[FileEntry, ...], paths: tuple[str, ...]) -> list[FileEntry]:
    """The entries called `paths`, in that order; most outputs are one file among many."""
    if not paths:
        return []
    named = set(paths)
    by_path = {entry.path: entry for entry in entries if entry.path in named}
    return [by_path[path] for path in paths if path in by_path]


def _size(result: Result) -> float:
    return math.inf if result.entry is None else result.entry.size


def _value(content: bytes, media_type: str, output: Output) -> Any:
    essence = media_type.partition(";")[0].strip().lower()
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
    if not _is_portable(value):
        return _LINK
    if value is None or (isinstance(value, dict) and not is_bbox(output)):
        return {"value": value, "mediaType": media_type}
    return value


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
