from typing import Any

import pytest

from openccp.core.method import Output
from openccp.core.output_types import actual_media_type, declared_media_type, media_types_of

JSON = "application/json"
TEXT_OR_OBJECT = {"oneOf": [{"type": "string"}, {"type": "object"}]}
NUMBER_OR_BOX = {"anyOf": [{"type": "number"}, {"format": "ogc-bbox"}]}
IMAGES = {
    "oneOf": [
        {"type": "string", "contentMediaType": "image/tiff"},
        {"type": "string", "contentMediaType": "image/png"},
    ]
}


def output(schema: dict[str, Any]) -> Output:
    return Output("x", schema)


@pytest.mark.parametrize(
    ("schema", "media_type"),
    [
        (TEXT_OR_OBJECT, None),
        (NUMBER_OR_BOX, JSON),
        (IMAGES, None),
        ({**TEXT_OR_OBJECT, "contentMediaType": "text/plain"}, "text/plain"),
        ({"oneOf": []}, None),
        ({"oneOf": [True]}, None),
    ],
)
def test_alternatives_that_agree_declare_a_type(
    schema: dict[str, Any], media_type: str | None
) -> None:
    assert declared_media_type(output(schema)) == media_type


@pytest.mark.requirement("1/1.0/ogc-process-description/output-mixed-type")
@pytest.mark.parametrize(
    ("schema", "guessed", "content", "media_type"),
    [
        (TEXT_OR_OBJECT, "text/plain", b'{"answer": 42}', JSON),
        (TEXT_OR_OBJECT, "text/plain", b"words", "text/plain"),
        (TEXT_OR_OBJECT, "text/plain", b"42", "text/plain"),
        (TEXT_OR_OBJECT, "text/plain", b'"words"', "text/plain"),
        (TEXT_OR_OBJECT, "text/plain", b"[" * 5000, "text/plain"),
        (TEXT_OR_OBJECT, JSON, b"anything", JSON),
        (TEXT_OR_OBJECT, "application/octet-stream", b"\xff", "application/octet-stream"),
        ({"oneOf": [{"type": "string"}, {"type": "number"}]}, "text/plain", b"4.5", JSON),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, "text/plain", b"true", "text/plain"),
        (IMAGES, "image/png", b"", "image/png"),
        (IMAGES, "application/octet-stream", b"", "image/tiff"),
        ({"type": "string", "contentMediaType": "text/csv"}, "text/plain", b"", "text/csv"),
        ({"type": "string"}, "text/plain", b"{}", "text/plain"),
    ],
)
def test_the_value_says_which_alternative_it_is(
    schema: dict[str, Any], guessed: str, content: bytes, media_type: str
) -> None:
    assert actual_media_type(output(schema), guessed, lambda: content) == media_type


def test_the_types_a_client_may_ask_for() -> None:
    assert media_types_of(IMAGES) == ("image/tiff", "image/png")
    assert media_types_of(TEXT_OR_OBJECT) == ()
    assert media_types_of({"type": "string"}) == ()
    assert media_types_of({"contentMediaType": "text/csv"}) == ("text/csv",)
