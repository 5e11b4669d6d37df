import base64
import json
from typing import Any

import pytest

from openccp.core.method import Output
from openccp.core.output_types import declared_media_type
from openccp.core.ports import FileEntry, Manifest
from openccp.core.request import OutputRequest, Transmission
from openccp.core.result_values import results_document
from openccp.core.results import Result, fit, parts_of, results_of, wanted

BY_REFERENCE = OutputRequest(Transmission.REFERENCE)


def entry(path: str, content: bytes, media_type: str) -> FileEntry:
    return FileEntry(path, len(content), "", 0, media_type)


class Job:
    """A job that left `files` (output id -> media type and contents)."""

    def __init__(self, schemas: dict[str, dict[str, Any]] | None = None, **files: Any) -> None:
        self.contents: dict[str, bytes] = {}
        entries, found = [], {}
        for output, (media_type, *contents) in files.items():
            paths = [f"{output}.{number}" for number in range(len(contents))]
            self.contents |= dict(zip(paths, contents, strict=True))
            entries += [entry(p, c, media_type) for p, c in zip(paths, contents, strict=True)]
            found[output] = tuple(paths)
        self.manifest = Manifest(tuple(entries), (), (), found)
        schemas = schemas or {}
        self.outputs = {id: Output(id, schemas.get(id, {})) for id in (*files, *schemas)}

    def document(
        self, asked: dict[str, OutputRequest] | None = None, inline_limit: int = 10_000
    ) -> dict[str, Any]:
        document = results_document(
            parts_of(self.manifest, wanted(self.outputs, asked), asked),
            read=self.read,
            href=lambda result: f"/results/{result.content_id}",
            inline_limit=inline_limit,
        )
        json.dumps(document, allow_nan=False, ensure_ascii=False).encode()
        return document

    def read(self, result: Result) -> bytes:
        assert result.entry is not None
        return self.contents[result.entry.path]

    def value(self) -> Any:
        return self.document()["x"]


JSON = "application/json"
LINK = {"href": "/results/x", "rel": "item", "type": JSON}


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"3", 3),
        (b" 2.5\n", 2.5),
        (b"true", True),
        (b'"text"', "text"),
        (b"[1, [2]]", [1, [2]]),
        (b'{"a": 1}', {"value": {"a": 1}, "mediaType": JSON}),
        (b'{"a": 1e308}', {"value": {"a": 1e308}, "mediaType": JSON}),
        (b'"\\ud83d\\ude00"', "😀"),
    ],
)
def test_json_by_value(content: bytes, value: Any) -> None:
    assert Job(x=(JSON, content)).value() == value


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"{",
        b"\xff",
        b"NaN",
        b"[Infinity]",
        b"1e999",
        b"9223372036854775808",
        b"1" * 6000,
        b'"\\ud800"',
        b'{"\\udfff": 1}',
        b"[" * 101 + b"]" * 101,
        b"[" * 5000 + b"]" * 5000,
    ],
    ids=lambda content: repr(content[:12]),
)
def test_json_that_not_everybody_can_read_becomes_a_link(content: bytes) -> None:
    assert Job(x=(JSON, content)).value() == LINK


def test_a_geojson_object_keeps_its_media_type() -> None:
    value = Job(x=("application/geo+json", b'{"type": "Point"}')).value()
    assert value == {"value": {"type": "Point"}, "mediaType": "application/geo+json"}


def test_a_list_of_another_kind_keeps_its_media_type() -> None:
    value = Job(x=("application/prs.points+json", b"[1, 2]")).value()
    assert value == {"value": [1, 2], "mediaType": "application/prs.points+json"}


def test_a_bounding_box_stands_as_itself() -> None:
    schema = {"allOf": [{"format": "ogc-bbox"}]}
    job = Job({"x": schema}, x=(JSON, b'{"bbox": [1, 2, 3, 4]}'))
    assert job.value() == {"bbox": [1, 2, 3, 4]}
    assert declared_media_type(job.outputs["x"]) == JSON


@pytest.mark.parametrize(
    ("declared", "media_type", "value"),
    [
        (None, "text/plain", "a,b"),
        ("text/csv", "text/csv", "a,b"),
        (None, "text/csv", {"value": "a,b", "mediaType": "text/csv"}),
        (None, "application/xml", {"value": "a,b", "mediaType": "application/xml"}),
        ("image/svg+xml", "image/svg+xml", "a,b"),
    ],
)
def test_text_is_bare_where_its_type_is_known(
    declared: str | None, media_type: str, value: Any
) -> None:
    schema = {"contentMediaType": declared} if declared else {}
    assert Job({"x": schema}, x=(media_type, b"a,b")).value() == value


@pytest.mark.parametrize("media_type", ["image/png", "text/plain"])
def test_what_is_no_text_is_base64(media_type: str) -> None:
    content = b"\x89PNG\xff"
    assert Job(x=(media_type, content)).value() == {
        "value": base64.b64encode(content).decode(),
        "encoding": "base64",
        "mediaType": media_type,
    }


@pytest.mark.parametrize("kind", ["number", "integer", "boolean", "array", "object"])
def test_a_typed_output_is_json_without_saying_so(kind: str) -> None:
    assert declared_media_type(Output("x", {"type": kind})) == JSON
    assert declared_media_type(Output("x", {"type": "string"})) is None


@pytest.mark.parametrize(
    "declared", ["text/x\r\nSet-Cookie: a=b", "text", "a/b\n", "/", "té/xt", "", 5, None]
)
def test_what_is_no_media_type_reaches_no_header(declared: Any) -> None:
    assert declared_media_type(Output("x", {"contentMediaType": declared})) is None


@pytest.mark.parametrize(
    "schema", [{"type": ["number", "null"]}, {"allOf": [True]}, {"allOf": None}]
)
def test_odd_schemas_are_no_fault(schema: dict[str, Any]) -> None:
    assert declared_media_type(Output("x", schema)) is None


def test_a_media_type_may_have_parameters() -> None:
    assert declared_media_type(Output("x", {"contentMediaType": "text/csv; header=present"}))


def test_the_limit_bounds_all_values_together() -> None:
    job = Job(x=("text/plain", b"12345"), y=("text/plain", b"123456"), z=("text/plain", b"12345"))
    document = job.document(inline_limit=10)
    assert document["x"] == document["z"] == "12345"
    assert document["y"] == {"href": "/results/y", "rel": "item", "type": "text/plain"}
    nothing = job.document(inline_limit=-1)["x"]
    assert nothing == {"href": "/results/x", "rel": "item", "type": "text/plain"}
    parts = parts_of(job.manifest, job.outputs, None)
    assert [fit(parts, 15), fit(parts, 16)] == [False, True]
    assert fit(parts_of(job.manifest, job.outputs, {"y": BY_REFERENCE}), 10)


def test_by_reference_is_a_link() -> None:
    job = Job(x=(JSON, b"3"), y=(JSON, b"4"))
    assert job.document({"x": BY_REFERENCE, "y": OutputRequest()}) == {"x": LINK, "y": 4}


def test_several_files_are_a_list_with_numbered_links() -> None:
    job = Job(x=("text/plain", b"a", b"bb" * 50))
    assert job.document(inline_limit=50)["x"] == [
        "a",
        {"href": "/results/x/1", "rel": "item", "type": "text/plain"},
    ]


def test_everything_is_a_link_to_the_archive() -> None:
    document = Job(x=(JSON, b"3")).document({"output": OutputRequest()})
    link = {"href": "/results/output", "rel": "item", "type": "application/zip"}
    assert document == {"output": link}


def test_what_is_missing_is_left_out() -> None:
    assert Job({"gone": {}}, x=(JSON, b"3")).document() == {"x": 3}


def test_logs_and_files_of_the_same_name_are_told_apart() -> None:
    file, log = entry("stdout", b"file", "x/file"), entry("stdout", b"log", "text/plain")
    manifest = Manifest((file,), (log,), (), {"stdout": ("stdout",)})
    (result,) = results_of(manifest, Output("stdout", {}))
    assert (result.entry, result.log) == (log, True)
    (result,) = results_of(manifest, Output("stdout", {}, path="stdout"))
    assert (result.entry, result.log) == (file, False)


def test_what_is_wanted() -> None:
    declared = {"x": Output("x", {}), "y": Output("y", {})}
    assert list(wanted(declared, None)) == ["x", "y"]
    assert list(wanted({}, None)) == ["output"]
    assert wanted(declared, {}) == {}
    asked = wanted(declared, {"y": OutputRequest(), "output": OutputRequest()})
    assert list(asked) == ["y", "output"]
    assert asked["y"] is declared["y"]


def test_parts_say_what_they_are() -> None:
    job = Job(x=("text/csv", b"3", b"4"), y=(JSON, b"5"))
    parts = parts_of(job.manifest, job.outputs, {"x": OutputRequest(), "y": BY_REFERENCE})
    assert [(p.result.content_id, p.result.media_type, p.by_reference) for p in parts] == [
        ("x/0", "text/csv", False),
        ("x/1", "text/csv", False),
        ("y", JSON, True),
    ]


@pytest.mark.parametrize(
    "content",
    [
        b'{"bbox": [1, 2, 3]}',
        b'{"bbox": [1, 2, 3, "4"]}',
        b'{"bbox": [1, 2, 3, 4], "crs": "EPSG:4326"}',
        b'{"bbox": [1, 2, 3, 4], "more": 1}',
        b'{"more": 1}',
    ],
)
def test_what_is_no_bounding_box_is_an_object_like_others(content: bytes) -> None:
    value = Job({"x": {"format": "ogc-bbox"}}, x=(JSON, content)).value()
    assert value == {"value": json.loads(content), "mediaType": JSON}
