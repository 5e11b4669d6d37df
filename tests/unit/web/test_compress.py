"""Which answers are compressed, and for whom."""

import gzip
from typing import Any

import pytest
from starlette.types import Message

from openccp.web.compress import (
    ASIDE,
    compressed,
    wants_gzip,
    with_variant,
    without_variants,
    worth_compressing,
)


@pytest.mark.parametrize(
    ("accepted", "wanted"),
    [
        (b"gzip", True),
        (b"GZIP;q=1.0", True),
        (b"deflate, gzip;q=0.1", True),
        (b"*", True),
        (b"br;q=1, *;q=0.5", True),
        (b"", False),
        (b"identity", False),
        (b"br, zstd", False),
        (b"gzip;q=0", False),
        (b"gzip; q=0.000", False),
        (b"*, gzip;q=0", False),
        (b"*;q=0", False),
        (b"gzipped", False),
        (b"\xff\xfe,;;,q=", False),
    ],
)
def test_who_takes_gzip(accepted: bytes, wanted: bool) -> None:
    assert wants_gzip(accepted) is wanted


def start(status: int = 200, **headers: str) -> Message:
    given = {"content-type": "application/json", "content-length": "5000"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    pairs = [(name.encode(), value.encode()) for name, value in given.items()]
    return {"type": "http.response.start", "status": status, "headers": pairs}


@pytest.mark.parametrize(
    "kind",
    ["text/html; charset=utf-8", "text/css", "application/problem+json", "application/cwl+yaml",
     "application/vnd.oai.openapi+json;version=3.0", "image/svg+xml", "application/xml"],
)  # fmt: skip
def test_documents_are(kind: str) -> None:
    assert worth_compressing(start(content_type=kind))


@pytest.mark.parametrize(
    "message",
    [
        start(content_length="1023"),
        start(content_type="text/event-stream"),
        start(content_type="application/zip"),
        start(content_type="image/png"),
        start(content_type="application/jsonlines-not"),
        start(206),
        start(304),
        start(content_encoding="br"),
        start(accept_ranges="bytes"),
        start(cache_control="no-store"),
        {"type": "http.response.start", "status": 200, "headers": []},
    ],
)
def test_other_answers_are_not(message: Message) -> None:
    assert not worth_compressing(message)


@pytest.mark.parametrize("size", [2000, ASIDE + 1])
async def test_the_variant_has_its_own_length_and_tag(size: int) -> None:
    content = b"words " * (size // 6 + 1)
    head, body = await compressed(
        start(etag='"7"', content_length=str(len(content))), {"type": "x", "body": content}
    )
    headers: dict[bytes, Any] = dict(head["headers"])
    assert gzip.decompress(body["body"]) == content
    assert int(headers[b"content-length"]) == len(body["body"])
    assert headers[b"etag"] == b'"7-gzip"'
    assert headers[b"content-encoding"] == b"gzip"
    weak, _ = await compressed(start(etag='W/"7"'), {"type": "x", "body": content})
    assert dict(weak["headers"])[b"etag"] == b'W/"7"'


def test_conditions_speak_of_the_document_and_the_answer_of_the_variant() -> None:
    sent = [(b"if-none-match", b'"7-gzip", "8"'), (b"if-range", b'"7-gzip"'), (b"accept", b"x")]
    assert without_variants(sent) == [
        (b"if-none-match", b'"7", "8"'), (b"if-range", b'"7-gzip"'), (b"accept", b"x")
    ]  # fmt: skip
    unchanged = start(304, etag='"7"')
    assert (b"etag", b'"7-gzip"') in with_variant(unchanged, b'"7-gzip"')["headers"]
    assert (b"etag", b'"7"') in with_variant(unchanged, b'"8-gzip"')["headers"]
