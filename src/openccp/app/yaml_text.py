"""YAML from outside, as JSON: bounded, without tags, surprises or bombs.

Scalars are read as YAML 1.2's core schema has them, which CWL asks for: `yes` and dates are text.
"""

import math
import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from openccp.core.problems import MalformedBody
from openccp.core.strict_json import INTEGERS, MAX_DEPTH, shorten

MOST_NODES = 50_000
MOST_BYTES = 1 << 20
"""Of the body, and of its texts with all that aliases repeat."""
_TEXT_TAG = "tag:yaml.org,2002:str"
_INTEGER = re.compile(r"[-+]?[0-9]{1,20}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass
class _Open:
    """A list or map that is being read."""

    value: list[Any] | dict[str, Any]
    anchor: str | None
    key: str | None = None
    nodes: int = 1
    size: int = 0


@dataclass
class _Reader:
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, tuple[Any, int, int]] = field(default_factory=dict)
    nodes: int = 0
    size: int = 0
    root: Any = None

    def put(self, value: Any, anchor: str | None, nodes: int, size: int) -> None:
        """A value is complete: it belongs to what is open around it."""
        if anchor is not None:
            self.anchors[anchor] = (value, nodes, size)
        if not self.stack:
            self.root = value
            return
        top = self.stack[-1]
        top.nodes += nodes
        top.size += size
        if isinstance(top.value, list):
            top.value.append(value)
        elif top.key is None:
            top.key = _key(value, top.value)
        else:
            top.value[top.key] = value
            top.key = None

    def open(self, value: list[Any] | dict[str, Any], anchor: str | None) -> None:
        """A list or map begins."""
        if len(self.stack) >= MAX_DEPTH:
            raise MalformedBody(f"The YAML is nested deeper than {MAX_DEPTH}.")
        self.stack.append(_Open(value, anchor))

    def close(self) -> None:
        """The innermost list or map is complete."""
        done = self.stack.pop()
        self.nodes += 1
        self.put(done.value, done.anchor, done.nodes, done.size)

    def alias(self, name: str) -> None:
        """Put what an anchor named, at the cost of what it is."""
        if name not in self.anchors:
            raise MalformedBody("The YAML refers to something that is not there (yet).")
        value, nodes, size = self.anchors[name]
        self.nodes += nodes
        self.size += size
        self.put(value, None, nodes, size)


def loads(body: bytes) -> Any:
    """The value of one YAML document; MalformedBody for what is not understood in one way only."""
    if len(body) > MOST_BYTES:
        raise MalformedBody(f"A package in YAML has at most {MOST_BYTES} bytes.")
    reader = _Reader()
    try:
        for event in yaml.parse(body.decode(), Loader=_LOADER):
            _take(reader, event)
            if reader.nodes > MOST_NODES:
                raise MalformedBody(f"The YAML has more than {MOST_NODES} values.")
            if reader.size > MOST_BYTES:
                raise MalformedBody(f"Its aliases make the YAML more than {MOST_BYTES} bytes.")
    except UnicodeDecodeError:
        raise MalformedBody("The body is not UTF-8 text.") from None
    except yaml.YAMLError as error:
        raise MalformedBody(f"The body is not YAML: {_words(error)}.") from None
    return reader.root


def _take(reader: _Reader, event: Any) -> None:
    match event:
        case yaml.ScalarEvent():
            reader.nodes += 1
            reader.size += len(event.value)
            reader.put(_scalar(event), event.anchor, 1, len(event.value))
        case yaml.SequenceStartEvent():
            _check_tag(event)
            reader.open([], event.anchor)
        case yaml.MappingStartEvent():
            _check_tag(event)
            reader.open({}, event.anchor)
        case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
            reader.close()
        case yaml.AliasEvent():
            reader.alias(str(event.anchor))
        case yaml.DocumentStartEvent() if reader.root is not None:
            raise MalformedBody("The body has several YAML documents.")


def _check_tag(event: Any) -> None:
    if event.tag is not None:
        raise MalformedBody("The YAML has a tag (!), which is not understood here.")


def _scalar(event: Any) -> Any:
    if event.tag not in (None, "!", _TEXT_TAG):
        raise MalformedBody("The YAML has a tag (!), which is not understood here.")
    text: str = event.value
    if "\0" in text:
        raise MalformedBody("The YAML has a NUL character.")
    if event.tag is not None or event.style:
        return text
    return _plain(text)


def _plain(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        whole = int(text)
        if whole not in INTEGERS:
            raise MalformedBody("The YAML has a whole number of more than 64 bits.")
        return whole
    if _FLOAT.fullmatch(text):
        number = float(text)
        if math.isinf(number):
            raise MalformedBody("The YAML has a number that is too large.")
        return number
    return text


def _key(value: Any, members: dict[str, Any]) -> str:
    if isinstance(value, (list, dict)):
        raise MalformedBody("A name in the YAML is no text.")
    key = value if isinstance(value, str) else "null" if value is None else str(value).lower()
    if key == "<<":
        raise MalformedBody("The YAML merges maps (<<), which is not understood here.")
    if key in members:
        raise MalformedBody(f'The YAML gives the name "{shorten(key)}" twice.')
    return key


def _words(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "it has a character that is not allowed"
    return f"{problem}, line {mark.line + 1}" if mark is not None else str(problem)
