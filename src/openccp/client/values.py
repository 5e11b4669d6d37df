"""Values on their way to the server and back: files as base64, results as Python values."""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from openccp.client.errors import CCPError
from openccp.client.steps import Reply


def encode(value: Any) -> Any:
    """An input's value as JSON: paths and open binary files become base64 text."""
    if isinstance(value, Path):
        return base64_of_file(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    if hasattr(value, "read"):
        return _read(value)
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    return value


def base64_of_file(path: Path) -> str:
    """The content of a file, as base64 text."""
    try:
        return base64.b64encode(path.read_bytes()).decode()
    except OSError as error:
        raise CCPError(f"Cannot read {path}: {error.strerror}") from None


def _read(file: IO[Any]) -> str:
    content = file.read()
    if not isinstance(content, bytes):
        raise CCPError('Open the file in binary mode: open(path, "rb")')
    return base64.b64encode(content).decode()


def name_a_file(value: Any) -> bool:
    """Whether a text is, or some texts of a list are, the path of an existing file."""
    if isinstance(value, list | tuple):
        return any(name_a_file(item) for item in value)
    return isinstance(value, str) and _is_file(value)


def _is_file(text: str) -> bool:
    try:
        return 0 < len(text) < 4096 and Path(text).is_file()
    except (OSError, ValueError):
        return False


def open_named_files(value: Any) -> Any:
    """Texts that name an existing file become its path."""
    if isinstance(value, list | tuple):
        return [open_named_files(item) for item in value]
    return Path(value) if isinstance(value, str) and _is_file(value) else value


def file_inputs(method: Mapping[str, Any]) -> frozenset[str]:
    """The ids of a method's inputs whose value is a file's content."""
    inputs = method.get("inputs")
    found = inputs.items() if isinstance(inputs, Mapping) else ()
    return frozenset(name for name, described in found if takes_file(schema_of(described)))


def schema_of(described: Any) -> Mapping[str, Any]:
    """The schema of a described input; empty if there is none."""
    schema = described.get("schema") if isinstance(described, Mapping) else None
    return schema if isinstance(schema, Mapping) else {}


def takes_file(schema: Mapping[str, Any]) -> bool:
    """Whether a value of this schema is the content of a file, as base64."""
    if schema.get("type") == "array" and isinstance(schema.get("items"), Mapping):
        return takes_file(schema["items"])
    return schema.get("format") == "file" or schema.get("contentEncoding") == "base64"


def decode(document: Mapping[str, Any]) -> dict[str, Any]:
    """A results document as plain values by output id.

    Text and numbers are themselves, base64 becomes bytes, a link stays a mapping with `href`.
    """
    return {name: _decode(value) for name, value in document.items()}


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return [_decode(item) for item in value]
    if not isinstance(value, Mapping) or "value" not in value:
        return value
    inner = value["value"]
    if value.get("encoding") != "base64" or not isinstance(inner, str):
        return inner
    try:
        return base64.b64decode(inner, validate=True)
    except binascii.Error:
        return inner


def body_value(reply: Reply) -> Any:
    """A reply's body by its media type: JSON as values, text as str, the rest as bytes."""
    media_type, _, parameters = reply.headers.get("content-type", "").partition(";")
    media_type = media_type.strip().lower()
    if media_type == "application/json" or media_type.endswith("+json"):
        return json.loads(reply.content)
    if media_type.startswith("text/"):
        return reply.content.decode(_charset(parameters), "replace")
    return reply.content


def _charset(parameters: str) -> str:
    _, _, charset = parameters.partition("charset=")
    charset = charset.strip('" ').lower()
    return charset if charset in ("utf-8", "us-ascii", "iso-8859-1") else "utf-8"


def pick(documents: Iterable[Any]) -> list[dict[str, Any]]:
    """Those that are JSON objects."""
    return [document for document in documents if isinstance(document, dict)]
