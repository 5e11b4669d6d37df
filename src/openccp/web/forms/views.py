"""An execute request as a text that people write: JSON or YAML, without loss either way."""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib import import_module
from typing import Any

import orjson

from openccp.core.problems import BodyTooLarge, MalformedBody
from openccp.core.strict_json import loads

LARGEST_YAML = 256 << 10
"""Bytes as JSON: writing YAML takes seconds for each megabyte."""
INDENTED = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS


class View(StrEnum):
    """How a request is shown."""

    FORM = "form"
    JSON = "json"
    YAML = "yaml"


def written(view: View, body: Mapping[str, Any]) -> str:
    """The text of a request."""
    if view is View.YAML:
        if len(orjson.dumps(body)) > LARGEST_YAML:
            raise BodyTooLarge("A request as large as this one is shown as JSON only.")
        text: str = _yaml().dumps(body)
        return text
    return orjson.dumps(body, option=INDENTED).decode()


def read(text: str) -> dict[str, Any]:
    """The request of a text in JSON or YAML, or of its inputs alone; MalformedBody otherwise."""
    content = text.encode(errors="replace").removeprefix(b"\xef\xbb\xbf").strip()
    if not content:
        return {"inputs": {}}
    value = loads(content) if content.startswith(b"{") else _yaml().loads(content)
    if not isinstance(value, dict):
        raise MalformedBody('A request is an object, like {"inputs": {}}.')
    body = value if "inputs" in value else {"inputs": value}
    if not isinstance(body["inputs"] or {}, dict):
        raise MalformedBody("inputs are an object: a value for each name.")
    return body


@cache
def _yaml() -> Any:
    """Loaded when somebody first writes YAML."""
    return import_module("openccp.web.forms.yaml_words")
