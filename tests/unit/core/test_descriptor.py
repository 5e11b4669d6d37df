from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openccp.core.descriptor import read_method
from openccp.core.method import Input, InvalidMethod, Kind, Method, Scripts

IMAGE = {"schema": {"type": "string", "format": "url", "default": "python:3.11", "readOnly": True}}


def count_words() -> dict[str, Any]:
    """The kind of document that CCP's editor writes."""
    return {
        "id": "7b0c2f0e-58a4-4d0a-9f5e-0d6f8a3f1c11",
        "title": "Count words",
        "version": "1.2.0",
        "description": "Counts the words or lines of a text",
        "keywords": ["text", "count"],
        "metadata": [
            {"role": "author", "title": "Grace Bianchi"},
            {"role": "category", "title": "Text"},
            {"role": "context", "title": "SeaLab"},
        ],
        "inputs": {
            "ccpimage": {"id": "ccpimage", "title": "Runtime", "minOccurs": 1, **IMAGE},
            "doc": {
                "id": "doc",
                "title": "Text file",
                "minOccurs": 1,
                "maxOccurs": 1,
                "schema": {"type": "string", "format": "file", "contentMediaType": "text/plain"},
            },
            "mode": {
                "id": "mode",
                "title": "Mode",
                "schema": {
                    "type": "string",
                    "format": None,
                    "enum": ["words", "lines"],
                    "default": "words",
                },
            },
            "key": {"id": "key", "minOccurs": 0, "schema": {"type": "string", "format": "secret"}},
            "top": {"id": "top", "minOccurs": 0, "schema": {"type": "string", "format": "number"}},
        },
        "outputs": {
            "stdout": {"id": "stdout", "schema": {"type": "string"}},
            "count": {
                "id": "count",
                "title": "Result",
                "schema": {"type": "string", "contentMediaType": "application/json"},
                "x-ccp-path": "out/*.json",
            },
        },
        "additionalParameters": {
            "parameters": [
                {
                    "name": "deploy-script",
                    "value": ["git clone https://example.org/w.git w", "cd w"],
                },
                {"name": "execute-script", "value": "python count.py '{{mode}}'\r\nls"},
                {"name": "undeploy-script", "value": []},
                {"name": "lifecycle", "value": [{"created": "2024-01-01"}]},
            ]
        },
        "links": [
            {"rel": "compatibleWith", "title": "Production", "href": "infrastructures/prod-swarm"},
            {"rel": "about", "href": "https://example.org"},
        ],
        "owner": "kept, but nobody knows it",
    }


def method(**inputs: Any) -> Method:
    return read_method({"id": "m", "inputs": inputs})


def faults(document: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidMethod) as refused:
        read_method(document)
    return [(fault.pointer, fault.detail) for fault in refused.value.faults]


def test_a_descriptor_of_ccp() -> None:
    read = read_method(count_words())
    assert read.id == "7b0c2f0e-58a4-4d0a-9f5e-0d6f8a3f1c11"
    assert (read.title, read.version) == ("Count words", "1.2.0")
    assert read.keywords == ("text", "count")
    assert read.contexts == ("SeaLab",)
    assert read.infrastructures == ("prod-swarm",)
    assert read.scripts == Scripts(
        deploy="git clone https://example.org/w.git w\ncd w",
        execute="python count.py '{{mode}}'\nls",
    )
    assert {name: i.kind for name, i in read.inputs.items()} == {
        "ccpimage": Kind.TEXT,
        "doc": Kind.FILE,
        "mode": Kind.TEXT,
        "key": Kind.SECRET,
        "top": Kind.NUMBER,
    }
    assert read.inputs["ccpimage"].read_only
    assert read.outputs["count"].path == "out/*.json"
    assert read.outputs["count"].media_type == "application/json"
    assert read.secrets == {"key"}
    assert read.network
    assert not read.synchronous
    assert not read.warnings
    assert read.document["owner"] == "kept, but nobody knows it"


def test_a_plain_process_description() -> None:
    read = read_method(
        {
            "id": "buffer",
            "version": "2.0",
            "jobControlOptions": ["sync-execute", "async-execute"],
            "x-ccp-network": False,
            "inputs": {
                "distance": {"schema": {"type": "number", "minimum": 0, "exclusiveMinimum": True}},
                "points": {"maxOccurs": "unbounded", "schema": {"type": "array"}},
                "area": {"minOccurs": 0, "schema": {"allOf": [{"format": "ogc-bbox"}]}},
                "deep": {"minOccurs": 0, "schema": {"type": "boolean", "default": False}},
            },
            "outputs": {"result": {"schema": {"type": "object"}}},
        }
    )
    assert (read.title, read.synchronous, read.network) == ("buffer", True, False)
    assert read.inputs["distance"].schema == {"type": "number", "exclusiveMinimum": 0}
    assert read.inputs["points"].maximum is None
    assert read.inputs["area"].kind is Kind.OBJECT
    assert read.inputs["deep"].has_default
    assert [warning.pointer for warning in read.warnings] == ["/additionalParameters"]


def test_lists_of_inputs_and_parameters_are_read_too() -> None:
    read = read_method(
        {
            "id": "m",
            "inputs": [{"id": "ccpimage", **IMAGE}, {"id": "a", "schema": {"type": "string"}}],
            "outputs": [{"id": "stdout"}],
            "additionalParameters": [{"name": "execute-script", "value": ["echo '{{a}}'"]}],
        }
    )
    assert list(read.inputs) == ["ccpimage", "a"]
    assert list(read.outputs) == ["stdout"]
    assert read.scripts.execute == "echo '{{a}}'"


def test_reading_what_was_kept_gives_the_same_method() -> None:
    document = count_words()
    document["inputs"]["key"]["schema"]["default"] = "hunter2"
    document["links"].append({"rel": "compatibleWith", "href": "nowhere"})
    read = read_method(document)
    again = read_method(read.document)
    assert again.document == read.document
    assert again.inputs == read.inputs
    assert hash(again) == hash(read)


def test_a_secrets_default_is_left_out_with_a_warning() -> None:
    document = count_words()
    document["inputs"]["key"]["schema"]["default"] = "hunter2"
    read = read_method(document)
    assert "hunter2" not in repr(read)
    assert document["inputs"]["key"]["schema"]["default"] == "hunter2"
    assert [warning.pointer for warning in read.warnings] == ["/inputs/key/schema/default"]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "format": "number", "default": ""},
        {"type": "string", "enum": ["a"], "default": ""},
        {"type": "string", "format": "file", "default": ""},
        {"type": "string", "default": None},
    ],
)
def test_an_empty_default_of_a_form_is_none(schema: dict[str, Any]) -> None:
    assert not method(a={"schema": schema}).inputs["a"].has_default


def test_an_empty_text_is_a_default() -> None:
    assert method(a={"schema": {"type": "string", "default": ""}}).inputs["a"].has_default


def test_occurrences() -> None:
    text = {"schema": {"type": "string"}}
    inputs = method(
        a={"minOccurs": 0, **text},
        b={"maxOccurs": "5", **text},
        c={"minOccurs": 2, "maxOccurs": "unbounded", **text},
    ).inputs

    def bounds(i: Input) -> tuple[int, int | None]:
        return i.minimum, i.maximum

    assert [bounds(i) for i in inputs.values()] == [(0, 1), (1, 5), (2, None)]
    assert [i.repeated for i in inputs.values()] == [False, True, True]


@pytest.mark.parametrize(
    ("changed", "pointer", "words"),
    [
        ({"id": None}, "/id", "expected 1 to 128"),
        ({"id": "../etc"}, "/id", "expected 1 to 128"),
        ({"id": "a" * 129}, "/id", "at most 128"),
        ({"id": 5}, "/id", "expected text"),
        ({"id": "ünï"}, "/id", "expected 1 to 128"),
        ({"title": ["x"]}, "/title", "expected text"),
        ({"title": "t" * 301}, "/title", "at most 300"),
        ({"version": 1.0}, "/version", "expected text"),
        ({"keywords": "text"}, "/keywords", "expected a list"),
        ({"keywords": ["a", 1]}, "/keywords/1", "expected text"),
        ({"metadata": {}}, "/metadata", "expected a list"),
        ({"metadata": ["x"]}, "/metadata/0", "expected an object"),
        ({"inputs": "x"}, "/inputs", "expected an object"),
        ({"inputs": {"a": 1}}, "/inputs/a", "expected an object"),
        ({"inputs": {"a/b": {"schema": {}}}}, "/inputs/a~1b", "a name has"),
        ({"inputs": {"-rf": {"schema": {}}}}, "/inputs/-rf", "a name has"),
        ({"inputs": {"a": {}}}, "/inputs/a/schema", "expected a schema"),
        ({"inputs": {"a": {"id": "b", "schema": {}}}}, "/inputs/a", "its id is not the name"),
        ({"inputs": [{"schema": {}}]}, "/inputs/0/id", "expected an id"),
        ({"inputs": [{"id": "a", "schema": {}}] * 2}, "/inputs/1/id", "that no other has"),
        ({"inputs": {f"i{n}": {} for n in range(201)}}, "/inputs", "at most 200"),
        ({"outputs": {"../x": {}}}, "/outputs/..~1x", "a name has"),
        ({"outputs": {"output.zip": {}}}, "/outputs/output.zip", "a name has"),
        ({"outputs": {"a": {"schema": {"type": 5}}}}, "/outputs/a/schema/type", "not allowed"),
        ({"outputs": {"a": {"x-ccp-path": "../a"}}}, "/outputs/a/x-ccp-path", "below /ccp_data"),
        ({"outputs": {"a": {"x-ccp-path": "/etc/a"}}}, "/outputs/a/x-ccp-path", "below /ccp_data"),
        ({"outputs": {"a": {"x-ccp-path": "b/.."}}}, "/outputs/a/x-ccp-path", "below /ccp_data"),
        ({"outputs": {"stdout": {"x-ccp-path": "a"}}}, "/outputs/stdout/x-ccp-path", "a stream"),
        ({"additionalParameters": "x"}, "/additionalParameters", "expected a list"),
        ({"links": {}}, "/links", "expected a list"),
        ({"jobControlOptions": "sync-execute"}, "/jobControlOptions", "expected a list"),
        ({"x-ccp-network": "no"}, "/x-ccp-network", "true or false"),
        ({"description": "a\0b"}, "", "NUL"),
        ({"description": "x" * (1 << 20)}, "", "bytes"),
    ],
)
def test_descriptors_refused(changed: dict[str, Any], pointer: str, words: str) -> None:
    found = faults({"id": "m", **changed})
    assert found[0][0] == pointer
    assert words in found[0][1]


@pytest.mark.parametrize(
    ("described", "pointer", "words"),
    [
        ({"minOccurs": -1}, "/minOccurs", "whole number"),
        ({"minOccurs": True}, "/minOccurs", "whole number"),
        ({"minOccurs": 3, "maxOccurs": 2}, "/maxOccurs", "not less than minOccurs"),
        ({"maxOccurs": 0}, "/maxOccurs", "at least 1"),
        ({"maxOccurs": "many"}, "/maxOccurs", "whole number"),
        ({"schema": {"$ref": "http://10.0.0.1/"}}, "/schema/$ref", "same schema"),
        ({"schema": {"type": "string", "pattern": "(?=a)"}}, "/schema/pattern", "look-around"),
        ({"schema": {"type": "number", "default": "x"}}, "/schema/default", "a number"),
        ({"schema": {"enum": ["a"], "default": "b"}}, "/schema/default", 'one of "a"'),
        (
            {"schema": {"type": "string", "format": "number", "enum": ["1", "b"]}},
            "/schema/enum/1",
            "a number",
        ),
        ({"schema": {"type": "array", "default": {}}}, "/schema/default", "a list"),
        ({"schema": {"type": "string", "readOnly": True}}, "/schema", "needs a default"),
        ({"maxOccurs": 2, "schema": {"type": "string", "format": "secret"}}, "/schema", "repeated"),
    ],
)
def test_inputs_refused(described: dict[str, Any], pointer: str, words: str) -> None:
    found = faults({"id": "m", "inputs": {"a": {"schema": {"type": "string"}, **described}}})
    assert found[0][0] == "/inputs/a" + pointer
    assert words in found[0][1]


@pytest.mark.parametrize(
    ("reserved", "described", "pointer"),
    [
        ("ccpreplicas", {"schema": {"type": "string", "default": "0"}}, "/schema/default"),
        ("ccpreplicas", {"schema": {"type": "string", "default": "65"}}, "/schema/default"),
        ("ccpmaxtime", {"schema": {"type": "string", "default": "0"}}, "/schema/default"),
        ("ccpimage", {"schema": {"type": "string", "default": "-v /:/x"}}, "/schema/default"),
        ("ccpimage", {"maxOccurs": 2, "schema": {"type": "string"}}, "/maxOccurs"),
    ],
)
def test_reserved_inputs_refused(reserved: str, described: dict[str, Any], pointer: str) -> None:
    assert faults({"id": "m", "inputs": {reserved: described}})[0][0] == (
        f"/inputs/{reserved}{pointer}"
    )


@pytest.mark.parametrize("value", [5, ["a", 1], {"a": 1}, ["x" * (257 << 10)]])
def test_scripts_refused(value: Any) -> None:
    document = count_words()
    document["additionalParameters"]["parameters"][0]["value"] = value
    assert faults(document)[0][0] == "/additionalParameters/parameters/0/value"


def test_a_script_given_twice_is_refused() -> None:
    document = count_words()
    parameters = document["additionalParameters"]["parameters"]
    parameters.append(parameters[0])
    assert faults(document) == [
        ("/additionalParameters/parameters/4/name", "this script is given twice")
    ]


def test_a_method_with_scripts_needs_its_runtime() -> None:
    document = count_words()
    del document["inputs"]["ccpimage"]
    assert faults(document)[0][0] == "/inputs"


def test_all_faults_come_at_once_and_are_bounded() -> None:
    document = count_words()
    document["title"] = 5
    document["inputs"]["mode"]["schema"]["default"] = "x"
    document["outputs"]["count"]["x-ccp-path"] = "/x"
    assert {pointer for pointer, _ in faults(document)} == {
        "/title",
        "/inputs/mode/schema/default",
        "/outputs/count/x-ccp-path",
    }
    many = faults({"id": "m", "inputs": {f"i{n}": {} for n in range(200)}})
    assert len(many) == 51
    assert many[-1] == ("", "and 150 more faults")


def test_links_to_nowhere_are_warnings() -> None:
    document = count_words()
    document["links"][0]["href"] = "somewhere"
    read = read_method(document)
    assert read.infrastructures == ()
    assert [warning.pointer for warning in read.warnings] == ["/links/0/href"]
    document["links"][0]["href"] = "https://ccp.example.org/infrastructures/prod"
    assert read_method(document).infrastructures == ("prod",)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
PLACES = st.sampled_from(
    ["id", "title", "keywords", "metadata", "inputs", "outputs", "additionalParameters", "links"]
)


def assert_read_or_refused(document: Any) -> None:
    read = None
    with suppress(InvalidMethod):
        read = read_method(document)
    if read is not None:
        assert read_method(read.document).inputs == read.inputs


@given(st.dictionaries(PLACES, JSON))
def test_any_document_is_read_or_refused(document: Any) -> None:
    assert_read_or_refused({"id": "m", **document})


NAMES = st.sampled_from(["a", "ccpimage", "ccpreplicas", "ccpnote"])
TYPES = st.sampled_from(["string", "number", "array", "object", None])
FORMATS = st.sampled_from(["file", "secret", "number", "boolean", "date", "url", "ogc-bbox", None])


@given(NAMES, JSON)
def test_any_schema_is_read_or_refused(name: str, schema: Any) -> None:
    assert_read_or_refused({"id": "m", "inputs": {name: {"schema": schema}}})


@given(NAMES, TYPES, FORMATS, JSON, JSON, st.integers(1, 3))
def test_any_default_is_read_or_refused(
    name: str, kind: str | None, form: str | None, default: Any, choices: Any, most: int
) -> None:
    schema = {"type": kind or "string", "format": form, "default": default, "enum": choices}
    document = {"id": "m", "inputs": {name: {"maxOccurs": most, "schema": schema}}}
    assert_read_or_refused(document)
