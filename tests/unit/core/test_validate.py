import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openccp.core.descriptor import read_method
from openccp.core.method import Method
from openccp.core.problems import InvalidRequest
from openccp.core.request import (
    ExecuteRequest,
    OutputRequest,
    ResponseForm,
    Subscription,
    Transmission,
)
from openccp.core.strict_json import loads
from openccp.core.validate import from_stored, read_request, to_stored

SCRIPT = {"parameters": [{"name": "execute-script", "value": ["true"]}]}
TEXT = {"type": "string"}
COUNT = read_method(
    {
        "id": "count",
        "inputs": {
            "ccpimage": {"schema": {"type": "string", "default": "bash", "readOnly": True}},
            "ccpreplicas": {"schema": {"type": "string", "default": "1", "maximum": 4}},
            "doc": {"title": "Text file", "schema": {"type": "string", "format": "file"}},
            "mode": {"schema": {"enum": ["words", "lines"], "default": "words"}},
            "tags": {"minOccurs": 0, "maxOccurs": 3, "schema": TEXT},
            "top": {"minOccurs": 0, "schema": {"type": "string", "format": "number"}},
            "deep": {"minOccurs": 0, "schema": {"type": "string", "format": "boolean"}},
            "key": {"minOccurs": 0, "schema": {"type": "string", "format": "secret"}},
            "grid": {"minOccurs": 0, "schema": {"type": "array", "items": {"type": "number"}}},
        },
        "outputs": {
            "stdout": {"schema": TEXT},
            "count": {"schema": {"type": "object", "contentMediaType": "application/json"}},
        },
        "additionalParameters": SCRIPT,
    }
)


def read(*, method: Method = COUNT, **inputs: Any) -> ExecuteRequest:
    return read_request(method, {"inputs": {"doc": "aGk=", **inputs}})


def faults(body: Any, method: Method = COUNT) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRequest) as refused:
        read_request(method, body)
    return [(fault.pointer, fault.detail) for fault in refused.value.faults]


def test_a_request_of_ccp() -> None:
    request = read_request(
        COUNT,
        {
            "inputs": {
                "ccpimage": "bash",
                "ccpreplicas": "2",
                "doc": "aGk=",
                "mode": "lines",
                "tags": "aha,oho",
                "top": "10",
                "deep": "true",
                "key": "hunter2",
                "ccpnote": "second try",
            },
            "outputs": {"output": {"transmissionMode": "value"}},
            "response": "raw",
            "subscribers": [{"successUri": "http://registry:8080/executions/outputs/archive"}],
        },
    )
    assert request == ExecuteRequest(
        inputs={
            "ccpimage": "bash",
            "ccpreplicas": 2,
            "doc": "aGk=",
            "mode": "lines",
            "tags": ["aha", "oho"],
            "top": 10,
            "deep": True,
        },
        secrets={"key": "hunter2"},
        outputs={"output": OutputRequest(Transmission.VALUE)},
        response=ResponseForm.RAW,
        image="bash",
        replicas=2,
        note="second try",
        subscriptions=(
            Subscription(
                "successUri",
                "http://registry:8080/executions/outputs/archive",
                "/subscribers/0/successUri",
            ),
        ),
    )


def test_texts_and_typed_values_make_the_same_request() -> None:
    texts = read(ccpreplicas="2", tags="a,b", top="2.5", deep="false")
    assert texts == read(ccpreplicas=2, tags=["a", "b"], top=2.5, deep=False)


def test_the_least_request_gets_the_defaults() -> None:
    request = read()
    assert dict(request.inputs) == {
        "ccpimage": "bash",
        "ccpreplicas": 1,
        "mode": "words",
        "doc": "aGk=",
    }
    assert (request.outputs, request.response, request.note) == (None, None, None)
    assert (request.image, request.replicas, request.max_time) == ("bash", 1, None)


def test_null_and_the_empty_field_of_a_form_mean_not_given() -> None:
    assert read(top=None, mode=None, deep="", tags="") == read()
    assert read(top="") == read()
    assert ("/inputs/doc", "this input is required (Text file): the content of a file, in base64"
            ) in faults({"inputs": {"doc": None}})  # fmt: skip


def test_all_faults_at_once() -> None:
    body = {
        "inputs": {"mod": "words", "mode": "word", "ccpimage": "python:3.12", "ccpreplicas": "5"},
        "output": {},
        "ccpnote": "a note",
        "outputs": {"cuont": {}, "stdout": {"transmissionMode": "email"}},
        "response": "xml",
    }
    assert sorted(faults(body)) == [
        ("/ccpnote", 'ccpnote belongs under "inputs"'),
        (
            "/inputs/ccpimage",
            'this value is set by the method and cannot be changed from "bash"',
        ),
        ("/inputs/ccpreplicas", "expected a number of at most 4"),
        ("/inputs/doc", "this input is required (Text file): the content of a file, in base64"),
        ("/inputs/mod", 'this method has no input "mod"; did you mean "mode"?'),
        ("/inputs/mode", 'expected one of "words", "lines"; did you mean "words"?'),
        ("/output", 'an execute request has no member "output"; did you mean "outputs"?'),
        ("/outputs/cuont", 'this method has no output "cuont"; did you mean "count"?'),
        ("/outputs/stdout/transmissionMode", 'expected "value" or "reference"'),
        ("/response", 'expected "raw" or "document"'),
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ([1], [("", 'expected an object like {"inputs": {}}, not a list')]),
        (None, [("", 'expected an object like {"inputs": {}}, not null')]),
        ({"inputs": []}, "/inputs"),
        ({"outputs": ["stdout"]}, "/outputs"),
        ({"outputs": {"stdout": True}}, "/outputs/stdout"),
        ({"outputs": {"stdout": {"mode": "x"}}}, "/outputs/stdout/mode"),
        ({"outputs": {"stdout": {"format": 5}}}, "/outputs/stdout/format"),
        ({"outputs": {"stdout": {"format": {"mediaType": 5}}}}, "/outputs/stdout/format/mediaType"),
        ({"outputs": {"count": {"format": {"mediaType": "text/csv"}}}},
         [("/outputs/count/format/mediaType", 'this output is "application/json"')]),
        ({"response": ["raw"]}, "/response"),
        ({"mode": "async"}, [("/mode", 'mode belongs under "inputs"')]),
        ({"process": "other"}, "/process"),
        ({"process": {}}, "/process"),
        ({"subscriber": "http://example.org"}, "/subscriber"),
        ({"subscriber": {"successUri": "file:///etc/passwd"}}, "/subscriber/successUri"),
        ({"subscribers": {}}, "/subscribers"),
        ({"subscribers": [{"x": 1}]}, "/subscribers/0"),
        ({"inputs": {"a/b~": 1}}, "/inputs/a~1b~0"),
        ({"inputs": {"ccpsize": "large"}},
         [("/inputs/ccpsize", "this method does not let its users set ccpsize")]),
        ({"inputs": {"grid": [1, "x"]}}, [("/inputs/grid/1", "expected a number")]),
        ({"inputs": {"tags": "a,b,c,d"}},
         [("/inputs/tags", "expected 0 to 3 values, got 4")]),
        ({"inputs": {"doc": {"href": "https://example.org/doc.txt"}}}, "/inputs/doc"),
        ({"inputs": {"ccpnote": "x" * 2001}}, "/inputs/ccpnote"),
        ({"inputs": {"ccpnote": "\ud800"}}, "/inputs/ccpnote"),
        ({"inputs": {"ccpreplicas": 0}}, "/inputs/ccpreplicas"),
    ],
)  # fmt: skip
def test_what_is_said_of_a_wrong_body(body: Any, expected: Any) -> None:
    if isinstance(body, dict) and isinstance(body.setdefault("inputs", {}), dict):
        body["inputs"].setdefault("doc", "aGk=")
    found = faults(body)
    assert (found if isinstance(expected, list) else [p for p, _ in found]) == (
        expected if isinstance(expected, list) else [expected]
    )


def test_the_mode_of_old_drafts_is_explained() -> None:
    plain = read_method({"id": "plain"})
    assert faults({"mode": "async"}, plain) == [
        ("/mode", "whether to wait is said by the header Prefer: respond-async")
    ]


def test_outputs() -> None:
    def outputs(wanted: Any) -> Any:
        return read_request(COUNT, {"inputs": {"doc": ""}, "outputs": wanted}).outputs

    assert outputs({}) == {}
    assert outputs({"count": {}}) == {"count": OutputRequest()}
    for mode in Transmission:
        asked = outputs({"stdout": {"transmissionMode": str(mode)}})
        assert asked == {"stdout": OutputRequest(mode)}
    assert outputs({"count": {"format": {"mediaType": "application/json; charset=utf-8"}}}) == {
        "count": OutputRequest(None, "application/json; charset=utf-8")
    }


def test_the_output_of_all_files_is_for_methods_with_a_runtime_only() -> None:
    plain = read_method({"id": "plain", "outputs": {"result": {}}})
    assert faults({"outputs": {"output": {}}}, plain) == [
        ("/outputs/output", 'this method has no output "output"')
    ]


def test_reserved_inputs_without_declaration() -> None:
    plain = read_method({"id": "plain"})
    body = {"inputs": {"ccpimage": "bash", "ccpreplicas": "1", "ccpnote": "hello"}}
    request = read_request(plain, body)
    assert (request.inputs, request.image, request.replicas) == ({}, "bash", 1)
    assert request.note == "hello"
    body = {"inputs": {"ccpimage": "python:3.12", "ccpreplicas": "2", "ccpmaxtime": "5"}}
    assert [pointer for pointer, _ in faults(body, plain)] == [
        "/inputs/ccpimage",
        "/inputs/ccpreplicas",
        "/inputs/ccpmaxtime",
    ]


def test_reserved_inputs_with_declaration() -> None:
    free = read_method(
        {
            "id": "free",
            "inputs": {
                "ccpimage": {"schema": {"type": "string"}},
                "ccpreplicas": {"minOccurs": 0, "schema": TEXT},
                "ccpnote": {"minOccurs": 0, "schema": TEXT},
                "ccpmaxtime": {"schema": {"type": "string", "default": "86400"}},
                "ccpsize": {"minOccurs": 0, "schema": {"enum": ["small", "large"]}},
            },
        }
    )
    request = read_request(
        free,
        {"inputs": {"ccpimage": "r-base:4.2", "ccpreplicas": "64", "ccpnote": "n",
                    "ccpmaxtime": 60, "ccpsize": "large"}},
    )  # fmt: skip
    assert (request.image, request.replicas, request.note) == ("r-base:4.2", 64, "n")
    assert (request.max_time, request.size) == (60, "large")
    assert request.inputs["ccpnote"] == "n"
    assert read_request(free, {"inputs": {"ccpimage": ""}}).image == "bash"
    wrong = {"ccpimage": "-v /:/host", "ccpreplicas": 65, "ccpmaxtime": "-1", "ccpsize": "huge"}
    assert len(faults({"inputs": wrong}, free)) == 4
    assert faults({"inputs": {}}, free)[0][0] == "/inputs/ccpimage"


def test_the_runtime_can_be_a_choice() -> None:
    choice = read_method(
        {"id": "c", "inputs": {"ccpimage": {"schema": {"enum": ["bash", "python:3.11"]}}}}
    )
    assert read_request(choice, {"inputs": {"ccpimage": "python:3.11"}}).image == "python:3.11"
    assert faults({"inputs": {"ccpimage": "evil"}}, choice)


def test_members_that_are_known_and_not_needed() -> None:
    body = {
        "$schema": "https://example.org/execute.yaml",
        "process": "https://example.org/processes/count",
        "inputs": {"doc": ""},
        "subscriber": {"successUri": "https://example.org", "failedUri": "https://example.org"},
        "response": None,
    }
    assert read_request(COUNT, body).response is None
    assert read_request(COUNT, {**body, "response": "document"}).response is ResponseForm.DOCUMENT


def test_a_secret_is_stored_and_shown_nowhere() -> None:
    request = read(key="hunter2")
    assert b"hunter2" not in to_stored(request)
    assert "hunter2" not in repr(request)
    assert "key" not in request.inputs
    found = faults({"inputs": {"doc": "", "key": {"value": "hunter2", "hunter3": 1}}})
    assert "hunter" not in str(found)


def test_values_are_not_repeated_in_what_is_said() -> None:
    found = faults({"inputs": {"doc": "<script>", "mode": "<script>", "top": "<script>"}})
    assert "<script>" not in str(found)


def test_a_request_survives_the_job_table() -> None:
    request = read_request(
        COUNT,
        {
            "inputs": {"doc": "aGk=", "key": "k", "top": 2**63, "grid": [0.1, 1], "ccpnote": "é"},
            "outputs": {"count": {"transmissionMode": "reference"}},
            "response": "document",
        },
    )
    assert from_stored(to_stored(request), request.secrets) == request
    assert from_stored(to_stored(read()), {}) == read()
    json.loads(to_stored(request))


def test_a_flood_of_unknown_inputs_is_answered_at_once() -> None:
    body = {"inputs": {f"mode{n}" + "x" * 50: n for n in range(100_000)}}
    started = time.perf_counter()
    found = faults(body)
    assert time.perf_counter() - started < 1
    assert len(found) == 51
    assert all(len(pointer) < 100 and len(detail) < 200 for pointer, detail in found)


def test_a_very_long_name_is_shortened() -> None:
    name = "n" * 1_000_000
    (pointer, detail), *_ = faults({"inputs": {name: 1, "doc": ""}, "outputs": {}})
    assert len(pointer) < 100
    assert len(detail) < 200


def test_equal_methods_are_told_apart_by_their_inputs() -> None:
    def one(schema: dict[str, Any]) -> Method:
        return read_method({"id": "m", "inputs": {"a": {"schema": schema}}})

    number, text = one({"type": "number"}), one(TEXT)
    assert hash(number) == hash(text)
    assert read_request(number, {"inputs": {"a": "1"}}).inputs == {"a": 1}
    assert read_request(text, {"inputs": {"a": "1"}}).inputs == {"a": "1"}


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.text(st.characters(), max_size=3)
    | st.sampled_from(["words", "1", "true", "aGk=", "a,b", "2.5", "bash", "raw"])
)
KEYS = st.sampled_from(
    ["value", "mediaType", "encoding", "href", "bbox", "crs", "transmissionMode", "format"]
) | st.text(max_size=3)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=10,
)
WIDE = read_method(
    {
        "id": "wide",
        "inputs": {
            **COUNT.document["inputs"],
            "bbox": {"minOccurs": 0, "schema": {"format": "ogc-bbox", "type": "object"}},
            "any": {"minOccurs": 0, "schema": {"uniqueItems": True, "multipleOf": 0.5}},
            "mixed": {
                "minOccurs": 0,
                "maxOccurs": "unbounded",
                "schema": {"oneOf": [{"type": "string"}, {"type": "object"}]},
            },
            "lists": {"minOccurs": 0, "maxOccurs": 5, "schema": {"type": "array"}},
        },
        "outputs": COUNT.document["outputs"],
        "additionalParameters": SCRIPT,
    }
)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "inputs": st.dictionaries(st.sampled_from([*WIDE.inputs]) | KEYS, JSON) | JSON,
        "outputs": st.dictionaries(st.sampled_from([*WIDE.outputs, "output"]), JSON) | JSON,
        "response": JSON,
        "subscriber": JSON,
        "subscribers": JSON,
        "process": JSON,
        "other": JSON,
    },
)


def attempt(body: Any) -> ExecuteRequest | InvalidRequest:
    try:
        return read_request(WIDE, body)
    except InvalidRequest as refused:
        return refused


def assert_kept_or_explained(read: ExecuteRequest | InvalidRequest, within: str) -> None:
    if isinstance(read, InvalidRequest):
        assert read.faults
        assert all(fault.pointer.startswith(within) and fault.detail for fault in read.faults)
    else:
        assert from_stored(to_stored(read), read.secrets) == read


@given(BODIES | JSON)
def test_any_body_is_read_or_refused(body: Any) -> None:
    assert_kept_or_explained(attempt(body), within="")


@given(st.dictionaries(st.sampled_from([*WIDE.inputs]), JSON))
def test_any_inputs_are_read_or_refused(inputs: Any) -> None:
    read = attempt({"inputs": {"doc": "", **inputs}})
    assert_kept_or_explained(read, within="/inputs/")


def test_a_small_request_is_read_quickly() -> None:
    body = loads(
        b'{"inputs":{"ccpimage":"bash","ccpreplicas":"1","doc":"aGk=","mode":"words"},'
        b'"outputs":{"stdout":{"transmissionMode":"value"}},"response":"raw"}'
    )
    read_request(COUNT, body)
    started = time.process_time()
    for _ in range(1000):
        read_request(COUNT, body)
    assert time.process_time() - started < 0.2
