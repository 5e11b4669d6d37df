"""Inputs by reference: found, judged before anything is fetched, and read like sent values."""

import base64
import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openccp.core.descriptor import read_method
from openccp.core.method import Method
from openccp.core.ports import Fetched
from openccp.core.problems import InvalidRequest
from openccp.core.reference import MAX_REFERENCES, Draft, Reference, draft, without_secrets
from openccp.core.request import ExecuteRequest
from openccp.core.validate import from_stored, to_stored

CSV, GEO = "text/csv", "application/geo+json"
SCHEMAS: dict[str, dict[str, Any]] = {
    "text": {"type": "string", "maxLength": 20},
    "number": {"type": "number", "maximum": 9},
    "flag": {"type": "boolean"},
    "file": {"type": "string", "format": "file"},
    "binary": {"type": "string", "contentEncoding": "base64", "contentMediaType": "image/tiff"},
    "csv": {"type": "string", "contentMediaType": CSV},
    "list": {"type": "array", "items": {"type": "integer"}},
    "object": {"type": "object", "required": ["a"]},
    "geo": {"type": "object", "contentMediaType": GEO},
    "area": {"allOf": [{"format": "ogc-bbox"}]},
    "secret": {"type": "string", "format": "secret"},
    "mixed": {
        "oneOf": [
            {"type": "string", "contentMediaType": CSV},
            {"type": "string", "contentMediaType": "image/tiff", "contentEncoding": "base64"},
            {"type": "object", "contentMediaType": GEO},
        ]
    },
    "choice": {"oneOf": [{"type": "string"}, {"type": "object"}]},
}
METHOD = read_method(
    {
        "id": "many",
        "inputs": {
            **{name: {"schema": schema, "minOccurs": 0} for name, schema in SCHEMAS.items()},
            "ccpimage": {"schema": {"type": "string", "default": "bash"}},
            "texts": {"schema": {"type": "string"}, "minOccurs": 0, "maxOccurs": "unbounded"},
            "lists": {"schema": SCHEMAS["list"], "minOccurs": 0, "maxOccurs": 3},
        },
        "additionalParameters": {"parameters": [{"name": "execute-script", "value": ["true"]}]},
    }
)
NEEDED = read_method(
    {
        "id": "needed",
        "x-ccp-image": "bash",
        "inputs": {"one": {"schema": {"type": "string"}}, "two": {"schema": {"type": "string"}}},
        "additionalParameters": {"parameters": [{"name": "execute-script", "value": ["true"]}]},
    }
)
HERE = "https://example.org/x"


def drafted(method: Method = METHOD, **inputs: Any) -> Draft:
    found = draft(method, {"inputs": inputs})
    assert isinstance(found, Draft)
    return found


def faults(method: Method = METHOD, **inputs: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRequest) as refused:
        draft(method, {"inputs": inputs})
    return [(fault.pointer, fault.detail) for fault in refused.value.faults]


def finished(content: bytes, kind: str = "", charset: str | None = None, /, **inputs: Any) -> Any:
    """The request when every reference gives the same, or the faults."""
    it = drafted(**inputs)
    got = Fetched(200, kind or "application/octet-stream", content, charset)
    try:
        return it.finish({reference: got for reference in it.references})
    except InvalidRequest as refused:
        return [(fault.pointer, fault.detail) for fault in refused.faults]


def link(**more: str) -> dict[str, str]:
    return {"href": HERE, **more}


def test_a_request_without_references_is_read_at_once() -> None:
    assert isinstance(draft(METHOD, {"inputs": {"text": "a"}}), ExecuteRequest)
    assert isinstance(draft(METHOD, {}), ExecuteRequest)
    assert isinstance(draft(METHOD, {"inputs": {"object": {"value": {"href": 1, "a": 2}}}}),
                      ExecuteRequest)  # fmt: skip
    with pytest.raises(InvalidRequest):
        draft(METHOD, [])


def test_references_are_found_single_and_in_lists() -> None:
    it = drafted(text=link(), texts=["a", link(type="text/plain"), {"value": "b"}], file=link())
    assert it.references == (
        Reference("text", None, HERE),
        Reference("texts", 1, HERE, "text/plain"),
        Reference("file", None, HERE),
    )
    assert [reference.pointer for reference in it.references] == [
        "/inputs/text", "/inputs/texts/1", "/inputs/file",
    ]  # fmt: skip


@pytest.mark.requirement("1/1.0/core/process-execute-input-validation")
@pytest.mark.requirement("1/2.0/core/process-execute-input-validation")
def test_what_is_wrong_without_fetching_is_said_without_fetching() -> None:
    assert faults(NEEDED, one=link()) == [("/inputs/two", "this input is required: text")]
    assert faults(NEEDED, one=link(), two=3) == [("/inputs/two", "expected text, not a number")]
    assert faults(text=link(), nix=1)[0][0] == "/inputs/nix"
    assert [pointer for pointer, _ in faults(text={"href": "ftp://a/"}, number="x")] == [
        "/inputs/text/href", "/inputs/number",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"href": ""}, "/href"),
        ({"href": "file:///etc/passwd"}, "/href"),
        ({"href": "//example.org/x"}, "/href"),
        ({"href": "example.org"}, "/href"),
        ({"href": "https://example.org/" + "a" * 5000}, "/href"),
        ({"href": HERE, "type": 5}, "/type"),
        ({"href": HERE, "method": "POST"}, "/method"),
        ({"href": HERE, "body": {"a": 1}}, "/body"),
        ({"href": HERE, "headers": {"Cookie": "a"}}, "/headers"),
        ({"href": 5}, ""),
        ({"href": HERE, "value": 5}, ""),
    ],
)
def test_what_is_no_reference(value: Any, where: str) -> None:
    assert [pointer for pointer, _ in faults(text=value)] == [f"/inputs/text{where}"]


def test_a_link_may_have_more_members() -> None:
    more = {"rel": "data", "title": "t", "hreflang": "en", "method": "GET", "headers": {}, "x": 1}
    assert len(drafted(text={"href": HERE, **more}).references) == 1


def test_reserved_inputs_are_given_by_value() -> None:
    assert faults(ccpimage=link()) == [
        ("/inputs/ccpimage", "this cannot be given by reference (href); send the value itself")
    ]


def test_not_too_many() -> None:
    assert len(drafted(texts=[link()] * MAX_REFERENCES).references) == MAX_REFERENCES
    assert faults(texts=[link()] * (MAX_REFERENCES + 1))[0][0] == "/inputs"


@pytest.mark.requirement("1/1.0/core/process-execute-inputs")
@pytest.mark.parametrize(
    ("name", "content", "kind", "value"),
    [
        ("text", b"\xc3\xa9t\xc3\xa9\n", "", "été\n"),
        ("text", b"\xef\xbb\xbfhi", "", "hi"),
        ("number", b" 2.5\n", "text/plain", 2.5),
        ("flag", b"true\n", "", True),
        ("file", b"\x00\xff", "", base64.b64encode(b"\x00\xff").decode()),
        ("file", b"<html>", "text/html", base64.b64encode(b"<html>").decode()),
        ("binary", b"II*", "image/tiff", base64.b64encode(b"II*").decode()),
        ("csv", b"a,b\n", CSV, "a,b\n"),
        ("csv", b"a,b\n", "text/plain", "a,b\n"),
        ("list", b"[1, 2]", "application/json", [1, 2]),
        ("list", b"\xef\xbb\xbf[1]", "text/plain", [1]),
        ("object", b'{"a": null}', "text/plain", {"a": None}),
        ("object", b'{"a": 1, "href": "x"}', "application/json", {"a": 1, "href": "x"}),
        ("geo", b"{}", "application/json", {}),
        ("geo", b"{}", GEO, {}),
        ("area", b'{"bbox": [1, 2, 3, 4]}', "", {"bbox": [1, 2, 3, 4]}),
        ("mixed", b"a,b", CSV, "a,b"),
        ("mixed", b"II*", "image/tiff", base64.b64encode(b"II*").decode()),
        ("mixed", b"{}", GEO, {}),
        ("choice", b"words", "text/markdown", "words"),
        ("choice", b'{"b": 1}', "application/json", {"b": 1}),
        ("choice", b"<a/>", "application/xml", "<a/>"),
        ("texts", b"a,b", "text/plain", ["a,b"]),
        ("lists", b"[1]", "", [[1]]),
    ],
)
def test_by_kind(name: str, content: bytes, kind: str, value: Any) -> None:
    request = finished(content, kind, **{name: link()})
    assert request.inputs[name] == value


@pytest.mark.requirement("1/1.0/core/process-execute-input-array")
@pytest.mark.requirement("1/2.0/core/process-execute-input-array")
def test_lists_may_mix_values_and_references() -> None:
    request = finished(b"[7, 8]", lists=[[1], link(), {"value": [2]}], texts=[link(), "x"])
    assert request.inputs["lists"] == [[1], [7, 8], [2]]
    assert request.inputs["texts"] == ["[7, 8]", "x"]
    assert set(request.references) == {"/inputs/lists/1", "/inputs/texts/0"}


def test_charsets() -> None:
    assert finished(b"\xe9", "text/plain", "iso-8859-1", text=link()).inputs["text"] == "é"
    assert finished(b"h", "text/plain", "no-such-thing", text=link()).inputs["text"] == "h"
    for charset in (None, "utf-8", "ascii", "punycode", "utf-16", "zlib"):
        assert finished(b"\xe9", "text/plain", charset, text=link()) == [
            ("/inputs/text", "the address gives no text in UTF-8")
        ]


@pytest.mark.requirement("1/1.0/core/process-execute-input-validation")
@pytest.mark.requirement("1/2.0/core/process-execute-input-validation")
@pytest.mark.parametrize(
    ("name", "content", "kind", "more", "where", "detail"),
    [
        ("text", b"x" * 21, "", {}, "", "expected at most 20 characters"),
        ("text", b"a\0b", "", {}, "", "expected text without NUL characters"),
        ("number", b"ten", "", {}, "", "expected a number, like 3 or 2.5"),
        ("number", b"10", "", {}, "", "expected a number of at most 9"),
        ("list", b"1,2", "", {}, "", "the address gives no JSON that can be read here"),
        ("list", b'[1, "x"]', "", {}, "/1", "expected a whole number"),
        ("list", b"[" * 99, "", {}, "", "the address gives no JSON that can be read here"),
        ("object", b'{"a":1,"a":2}', "", {}, "", "the address gives no JSON that can be read here"),
        ("object", b"{}", "", {}, "", 'lacks "a"'),
        ("csv", b"", "image/png", {}, "", "the address gives image/png, expected text/csv"),
        ("csv", b"", "text/html", {}, "", "the address gives text/html, expected text/csv"),
        ("csv", b"", "text/html", {"type": CSV}, "",
         "the address gives text/html, expected text/csv"),
        ("csv", b"", CSV, {"type": "image/png"}, "/type", "expected text/csv"),
        ("text", b"<html>", "text/html", {"type": "text/plain"}, "",
         "the address gives text/html, expected text/plain"),
        ("mixed", b"\xff", CSV, {}, "", "the address gives no text in UTF-8"),
    ],
)  # fmt: skip
def test_what_does_not_fit(
    name: str, content: bytes, kind: str, more: dict[str, str], where: str, detail: str
) -> None:
    assert finished(content, kind, **{name: link(**more)}) == [(f"/inputs/{name}{where}", detail)]


def test_the_clients_word_on_the_type_counts() -> None:
    assert finished(b"a", "image/png", csv=link(type="text/CSV; header=present")).inputs == {
        "csv": "a", "ccpimage": "bash",
    }  # fmt: skip
    assert finished(b"a", "application/json", mixed=link(type=CSV)).inputs["mixed"] == "a"


def test_one_fault_for_each_reference_that_fails() -> None:
    it = drafted(text=link(), texts=["a", link(), link(type="text/x")], number=link())
    got = Fetched(200, "text/plain", b"2")
    refusals = {it.references[0]: "no answer", it.references[2]: "too large"}
    with pytest.raises(InvalidRequest) as refused:
        it.finish({reference: refusals.get(reference, got) for reference in it.references})
    assert [(fault.pointer, fault.detail) for fault in refused.value.faults] == [
        ("/inputs/text", "no answer"), ("/inputs/texts/2", "too large"),
    ]  # fmt: skip


def test_where_values_came_from_is_kept_and_secrets_are_not() -> None:
    request = finished(b"hi", "text/plain", text=link(), secret=link())
    assert request.secrets == {"secret": "hi"}
    assert list(request.references) == ["/inputs/text"]
    origin = request.references["/inputs/text"]
    assert (origin.href, origin.size, origin.media_type) == (HERE, 2, "text/plain")
    assert origin.sha256 == hashlib.sha256(b"hi").hexdigest()
    stored = to_stored(request)
    assert from_stored(stored, {"secret": "hi"}) == request
    assert HERE.encode() in stored


def test_requests_kept_before_references_can_be_read() -> None:
    request = draft(METHOD, {})
    assert isinstance(request, ExecuteRequest)
    stored = to_stored(request).replace(b',"references":{}', b"")
    assert b"references" not in stored
    assert from_stored(stored, {}) == request


@pytest.mark.parametrize(
    ("href", "kept"),
    [
        (HERE, HERE),
        ("https://u:p@example.org/x#y", HERE),
        (f"{HERE}?bbox=1,2,3,4&time=2024-01-01T00:00:00Z", None),
        (f"{HERE}?author=Maria&keyword=sea&design=a", None),
        (f"{HERE}?a=1&token=abc&b=", f"{HERE}?a=1&token=***&b="),
        (f"{HERE}?API_Key=abc&sig=x", f"{HERE}?API_Key=***&sig=***"),
        (f"{HERE}?X-Amz-Signature=y", f"{HERE}?X-Amz-Signature=***"),
        (f"{HERE}?code=abc&password=", f"{HERE}?code=***&password="),
        (f"{HERE}?id=eyJhbGciOiJSUzI1NiJ9.eyJzdWIi.abc123", f"{HERE}?id=***"),
        ("/jobs/a/results/b", None),
    ],
)  # fmt: skip
def test_what_may_be_a_key_is_not_kept(href: str, kept: str | None) -> None:
    assert without_secrets(href) == (href if kept is None else kept)


LINKS = st.fixed_dictionaries(
    {"href": st.just(HERE) | st.text(max_size=5)},
    optional={
        "type": st.sampled_from([CSV, GEO, "image/tiff", "a", ""]) | st.none() | st.integers(),
        "method": st.text(max_size=4),
        "value": st.text(max_size=2),
    },
)
VALUES = LINKS | st.lists(LINKS | st.text(max_size=2), max_size=3) | st.integers() | st.none()
CONTENTS = st.binary(max_size=20) | st.sampled_from(
    [b"{}", b'{"a": 1}', b"[1]", b"3", b"true", b'{"bbox": [1, 2, 3, 4]}', b"\xef\xbb\xbf", b"NaN"]
)
KINDS = st.sampled_from(["text/plain", CSV, GEO, "text/html", "image/tiff", "application/json"])


@given(
    st.dictionaries(st.sampled_from([*METHOD.inputs, "nix"]), VALUES) | VALUES,
    CONTENTS,
    KINDS,
    st.none() | st.sampled_from(["utf-16", "latin1", "zlib", "idna", "punycode"]),
)
def test_whatever_is_named_and_fetched_is_read_or_refused(
    inputs: Any, content: bytes, kind: str, charset: str | None
) -> None:
    read = attempt(inputs, Fetched(200, kind, content, charset))
    if isinstance(read, InvalidRequest):
        assert read.faults
        assert all(fault.pointer.startswith("/inputs") for fault in read.faults)
    else:
        assert from_stored(to_stored(read), read.secrets) == read


def attempt(inputs: Any, got: Fetched) -> ExecuteRequest | InvalidRequest:
    try:
        found = draft(METHOD, {"inputs": inputs})
        if isinstance(found, Draft):
            return found.finish({reference: got for reference in found.references})
    except InvalidRequest as refused:
        return refused
    return found
