"""What a program is about: the request it sends, and the names it shows."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from openccp.core.definition import without_keys
from openccp.core.method import Kind, Method
from openccp.core.problems import InvalidRequest

LARGEST_INLINE = 16 << 10
"""Characters of base64 that still stand in a program; a larger file is read from its path."""
LARGEST_REQUEST = 60_000
"""Characters of a request that stand in a program: Java's constants hold no more."""
_WORDS = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that the program reads from the environment variable `name`, or asks for."""

    name: str


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A value that is the content, in base64, of a file where the program runs."""

    path: str


@dataclass(frozen=True, slots=True)
class Program:
    """One request to one platform.

    `server` has no slash at its end; `body` is the execute request with Secret and LocalFile
    where those values come from elsewhere. `context` is empty where none is meant.
    """

    server: str
    process: str
    body: Mapping[str, Any]
    context: str = ""

    @property
    def path(self) -> str:
        """The process in an address: nothing in it has a meaning in any language."""
        return quote(self.process, safe="")

    @property
    def label(self) -> str:
        """The process in comments and file names: letters, digits, and single dashes."""
        return _WORDS.sub("-", self.process).strip("-") or "method"


def request_body(method: Method, sent: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs and outputs of an execute request as a program sends them.

    `sent` is a request as it came or was kept: what it says of secrets is not looked at.
    """
    inputs = sent.get("inputs") or {}
    made = {
        name: secret_of(name) if name in method.secrets else _value(method, name, name, value)
        for name, value in inputs.items()
    }
    if any("\0" in text for text in _texts(sent)):
        raise InvalidRequest("A null byte cannot be part of a request.")
    more = {name: sent[name] for name in ("outputs", "infrastructure") if sent.get(name)}
    return {**without_keys({"inputs": made}), **more}


def secret_of(name: str) -> Secret:
    """Where the value of a secret input comes from."""
    return Secret("CCP_SECRET_" + (_WORDS.sub("_", name).strip("_").upper() or "INPUT"))


def file_of(name: str) -> LocalFile:
    """The file of an input that has no value yet: named as the input is."""
    return LocalFile(_WORDS.sub("-", name).strip("-") or "input")


def _value(method: Method, name: str, called: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_value(method, name, f"{called}-{n}", one) for n, one in enumerate(value, 1)]
    if isinstance(value, Mapping) and str(value.get("href", "")).startswith("file:"):
        return _named(unquote(str(value["href"])[len("file:") :]))
    declared = method.inputs.get(name)
    if declared is None or declared.kind is not Kind.FILE:
        return value
    inner = value.get("value") if isinstance(value, Mapping) else value
    large = isinstance(inner, str) and len(inner) > LARGEST_INLINE
    return file_of(called) if large else value


def _named(path: str) -> LocalFile:
    if not path.isprintable():
        raise InvalidRequest("The path of a file holds a character that cannot be printed.")
    return LocalFile(path)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield name
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)


def leaves(value: Any) -> Iterator[Secret | LocalFile]:
    """What a body takes from elsewhere."""
    if isinstance(value, Secret | LocalFile):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from leaves(one)
