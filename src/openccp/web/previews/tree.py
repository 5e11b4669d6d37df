"""JSON, NDJSON and YAML as a tree of bounded size."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from openccp.app import yaml_text
from openccp.core.problems import MalformedBody
from openccp.web.previews.source import Source, seen

MOST_NODES = 3_000
MOST_DEPTH = 24
MOST_TEXT = 500
MOST_LINES = 200
CUT = "\N{HORIZONTAL ELLIPSIS}"
"""Stands for what is left out."""
_SAFE_INTEGERS = range(-(2**53), 2**53 + 1)


def json_tree(source: Source) -> dict[str, Any] | None:
    """A JSON text."""
    return _tree(source, lambda: json.loads(source.text))


def yaml_tree(source: Source) -> dict[str, Any] | None:
    """A YAML document."""
    return _tree(source, lambda: yaml_text.loads(source.head))


def ndjson_tree(source: Source) -> dict[str, Any] | None:
    """The first lines of JSON, one value a line."""
    lines = (line for line in source.text.splitlines() if line.strip())
    try:
        values = [json.loads(line) for line in islice(lines, MOST_LINES)]
    except (ValueError, RecursionError):
        return None
    return {"kind": "tree", "tree": Pruning().prune(values, MOST_DEPTH)}


def _tree(source: Source, read: Callable[[], Any]) -> dict[str, Any] | None:
    if not source.whole:
        return None
    try:
        value = read()
    except (ValueError, RecursionError, MalformedBody):
        return None
    return {"kind": "tree", "tree": Pruning().prune(value, MOST_DEPTH)}


@dataclass
class Pruning:
    """How many values may still be shown."""

    left: int = MOST_NODES

    def prune(self, value: Any, depth: int) -> Any:
        """A value without what is too much, and fit for every reader of JSON."""
        self.left -= 1
        match value:
            case dict() | list() if not depth or self.left <= 0:
                return CUT
            case dict():
                members = islice(value.items(), self.left)
                return {_text(str(name)): self.prune(one, depth - 1) for name, one in members}
            case list():
                return [self.prune(one, depth - 1) for one in islice(value, self.left)]
            case str():
                return _text(value)
            case int() if value not in _SAFE_INTEGERS:
                return f"{value:.17g}" if abs(value) < 10**300 else CUT
            case float() if value - value != 0:
                return str(value)
        return value


def _text(text: str) -> str:
    return seen(text[:MOST_TEXT]) + (CUT if len(text) > MOST_TEXT else "")
