"""`-i key=value`: from what is typed to what the method wants."""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from openccp.client.values import schema_of, takes_file


def read_inputs(given: Iterable[str], method: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs; one that is given several times becomes a list.

    `key=@path` takes a file's content, `key=-` standard input's, `key=@@text` is `@text`.
    """
    inputs: dict[str, list[Any]] = {}
    stdin_for: list[str] = []
    for text in given:
        name, value = _split(text)
        if value == "-":
            stdin_for.append(name)
        schema = schema_of((method.get("inputs") or {}).get(name))
        inputs.setdefault(name, []).append(_value(name, value, schema))
    if len(stdin_for) > 1:
        raise click.UsageError("Only one input can come from standard input.")
    return {name: values if len(values) > 1 else values[0] for name, values in inputs.items()}


def _split(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.UsageError(f"-i wants KEY=VALUE, not {text!r}.")
    return name, value


def _value(name: str, value: str, schema: Mapping[str, Any]) -> Any:
    if value == "-":
        return fit(name, sys.stdin.buffer.read(), schema)
    if value.startswith("@@"):
        return fit(name, value[1:], schema)
    if not value.startswith("@"):
        return fit(name, value, schema)
    try:
        content = Path(value[1:]).expanduser().read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise click.UsageError(f"{name}: cannot read {value[1:]}: {reason}") from None
    return fit(name, content, schema)


def fit(name: str, value: str | bytes, schema: Mapping[str, Any]) -> Any:
    """Content in the form the schema wants: base64 for a file, JSON where text will not do."""
    if isinstance(value, bytes):
        if takes_file(schema):
            return value
        try:
            value = value.decode()
        except UnicodeDecodeError:
            raise click.UsageError(f"{name} is a text, but its content is not UTF-8.") from None
    return _typed(value, schema)


def _typed(text: str, schema: Mapping[str, Any]) -> Any:
    """What the text says; left as it is where it says nothing of this kind (the server judges)."""
    kind = str(schema.get("type", "string"))
    wanted = JSON_KINDS.get(kind)
    if wanted is None:
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if isinstance(value, wanted) and (kind == "boolean" or not isinstance(value, bool)):
        return value
    items = schema.get("items")
    return _typed(text, items) if kind == "array" and isinstance(items, Mapping) else text


JSON_KINDS: Mapping[str, tuple[type, ...]] = {
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def read_json_inputs(path: str) -> dict[str, Any]:
    """The inputs in a JSON file (`-`: standard input), or those of a whole request in it."""
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text("utf-8")
        document = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise click.UsageError(f"Cannot read inputs from {path}: {error}") from None
    if isinstance(document, dict) and isinstance(document.get("inputs"), dict):
        document = document["inputs"]
    if not isinstance(document, dict):
        raise click.UsageError(f"{path} holds no JSON object of inputs.")
    return document
