"""The execute request as the core keeps it: checked, typed, ready to stage."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Transmission(StrEnum):
    """How one output is handed over (OGC 1.0 transmissionMode)."""

    VALUE = "value"
    REFERENCE = "reference"


class ResponseForm(StrEnum):
    """OGC 1.0 `response`: the value itself, or the results document."""

    RAW = "raw"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class OutputRequest:
    """What was asked of one output; None: the client did not say."""

    transmission: Transmission | None = None
    media_type: str | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """An address to call back, by its kind (`successUri`, ...), and the pointer to it."""

    kind: str
    url: str
    pointer: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the value of an input that was given by reference came from, for the record.

    `href` is without what may be a key to it; `sha256` (hex), `size` and `media_type` are of
    the bytes that were fetched.
    """

    href: str
    sha256: str
    size: int
    media_type: str


@dataclass(frozen=True, slots=True)
class ExecuteRequest:
    """A checked request.

    `inputs` holds every input that has a value (defaults filled in), typed: text and base64 as
    str, numbers as int or float, arrays and repeated values as list, objects as dict.
    `secrets` holds the secret inputs and nothing else does. `outputs` None means all.
    `response` None means the client did not say (2.0 style). `references` maps pointers into
    the request (`/inputs/table`, `/inputs/tables/0`) to where those values came from; there are
    none for secrets.
    """

    inputs: Mapping[str, Any]
    secrets: Mapping[str, str] = field(repr=False)
    outputs: Mapping[str, OutputRequest] | None = None
    response: ResponseForm | None = None
    image: str = ""
    replicas: int = 1
    max_time: float | None = None
    size: str | None = None
    note: str | None = None
    infrastructure: str | None = None
    """Where the user wants it to run."""
    subscriptions: tuple[Subscription, ...] = ()
    """Who is to be told; kept with the job, and not in the record of the request."""
    references: Mapping[str, Origin] = field(default_factory=dict)


def script_text(value: Any) -> str:
    """The text a script sees for a typed value; numbers are rendered from the parsed number."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
