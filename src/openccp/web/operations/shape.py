"""How an operation of the service is described: one row says all that the API document tells."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from openccp.core.problems import Problem

JSON = "application/json"
HTML = "text/html"
FORM = "application/x-www-form-urlencoded"
ANY = "*/*"
RAW: Mapping[str, str] = {JSON: "anything", ANY: "bytes"}
"""What is sent as it is: JSON if it is JSON, bytes otherwise."""
Schema = Mapping[str, Any]
TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """Something a request may say in its query, a header or its path; `name` as it is sent."""

    name: str
    place: str
    words: str
    schema: Schema = field(default_factory=lambda: TEXT)
    listed: bool = False
    """Several values with commas between them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One way in which an operation succeeds.

    `content` maps media types to the names of schemas (openapi/schemas.py), `headers` are names
    of openapi/headers.py.
    """

    status: int
    words: str
    content: Mapping[str, str] = field(default_factory=dict)
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the service.

    `refusals` are the problems of its own; those that follow from its path, body, parameters and
    login are added to them (openapi/answers.py). `body` maps media types to names of schemas.
    """

    method: str
    path: str
    id: str
    summary: str
    answers: tuple[Answer, ...]
    parameters: tuple[Parameter, ...] = ()
    refusals: tuple[type[Problem], ...] = ()
    body: Mapping[str, str] | None = None
    body_optional: bool = False
    open: bool = False


def json_answer(schema: str, words: str, *headers: str, status: int = 200) -> Answer:
    """A JSON document."""
    return Answer(status, words, {JSON: schema}, headers)


def page(schema: str, words: str, *headers: str, status: int = 200) -> Answer:
    """A resource that is a JSON document and an HTML page."""
    return Answer(status, words, {JSON: schema, HTML: "html"}, headers)


def nothing(words: str, *headers: str, status: int = 204) -> Answer:
    """An answer without a body."""
    return Answer(status, words, {}, headers)


UNCHANGED = nothing("Nothing changed since the ETag that was sent.", "ETag", status=304)


def file_answers(media_type: str | None = None) -> tuple[Answer, ...]:
    """The bytes of a file, whole or in part, of one media type or of any."""
    content = {media_type: "bytes"} if media_type else RAW
    headers = ("ETag", "Accept-Ranges", "Content-Disposition")
    return (
        Answer(200, "The bytes.", content, headers),
        Answer(206, "The part asked for.", content, (*headers, "Content-Range")),
        UNCHANGED,
    )
