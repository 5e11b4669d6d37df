"""Inputs that take values of several formats: a `oneOf` whose parts name their media types.

A qualified value says which part it is by `mediaType`, `encoding` and `schema` (OGC 1.0,
process-execute-input-mixed-type); of a bare one the first part that it fits counts (2.0,
process-execute-input-multiple-types).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openccp.core.scalars import Read, Unfit, unfit
from openccp.core.schema_check import choices

_BINARY = frozenset({"base64", "binary"})


def bare_type(media_type: str) -> str:
    """A media type without its parameters."""
    return media_type.split(";", 1)[0].strip().lower()


def content_schema(schema: Mapping[str, Any]) -> str | None:
    """The address of the schema that the content of a text follows, if one is named."""
    named = schema.get("contentSchema")
    address = named.get("$comment") if isinstance(named, Mapping) else None
    return address if isinstance(address, str) else None


@dataclass(frozen=True, slots=True)
class Alternative:
    """One format an input takes; `read` reads a qualified value as this format."""

    media_type: str | None
    binary: bool
    content_schema: str | None
    read: Read


def alternatives(
    schema: Mapping[str, Any], read_of: Callable[[Mapping[str, Any]], Read]
) -> tuple[Alternative, ...]:
    """The formats of a schema; none where no part names its media type."""
    parts = [part for part in schema.get("oneOf", ()) if isinstance(part, Mapping)]
    if not any(isinstance(part.get("contentMediaType"), str) for part in parts):
        return ()
    return tuple(_alternative(part, read_of(part)) for part in parts)


def _alternative(part: Mapping[str, Any], read: Read) -> Alternative:
    media_type = part.get("contentMediaType")
    return Alternative(
        bare_type(media_type) if isinstance(media_type, str) else None,
        part.get("contentEncoding") in _BINARY,
        content_schema(part),
        read,
    )


def read_as_one(formats: Sequence[Alternative], qualified: Mapping[str, Any], pointer: str) -> Any:
    """The value as the first of the formats that fits it; Unfit if there is none."""
    found = _meant(formats, qualified, pointer)
    refusals: list[Unfit] = []
    for alternative in found:
        try:
            return alternative.read(qualified, pointer)
        except Unfit as error:
            refusals.append(error)
    if len(refusals) == 1:
        raise refusals[0]
    raise unfit(pointer, "fits none of the forms this may have")


def _meant(
    formats: Sequence[Alternative], qualified: Mapping[str, Any], pointer: str
) -> Sequence[Alternative]:
    """The formats a qualified value may be, as far as it says so."""
    media_type = qualified.get("mediaType")
    if media_type is not None:
        formats = _of_type(formats, media_type, f"{pointer}/mediaType")
    encoding = qualified.get("encoding")
    if isinstance(encoding, str):
        binary = encoding.lower() == "base64"
        formats = [one for one in formats if one.binary == binary] or formats
    schema = qualified.get("schema")
    return [one for one in formats if schema and one.content_schema == schema] or formats


def _of_type(
    formats: Sequence[Alternative], media_type: Any, pointer: str
) -> Sequence[Alternative]:
    if not isinstance(media_type, str):
        raise unfit(pointer, "expected text, like text/plain")
    found = [one for one in formats if one.media_type == bare_type(media_type)]
    found = found or [one for one in formats if one.media_type is None]
    if not found:
        raise unfit(pointer, f"expected one of {choices([one.media_type for one in formats])}")
    return found
