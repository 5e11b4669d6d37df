import time
from typing import Any

import pytest

from openccp.core.pattern import UnsafePattern, compile_pattern
from openccp.core.schema import SchemaFault, normalise, token
from openccp.core.schema_check import compile_schema, multiple_of


def faults(schema: dict[str, Any], value: Any) -> list[tuple[str, str]]:
    check = compile_schema(normalise(schema, "/schema"))
    return [(fault.pointer, fault.detail) for fault in check(value, "/inputs/x")]


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "format": None}, {"type": "string"}),
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        ({"nullable": True, "enum": ["a"]}, {"enum": ["a", None]}),
        ({"minimum": 1, "exclusiveMinimum": True}, {"exclusiveMinimum": 1}),
        ({"minimum": 1, "exclusiveMinimum": False}, {"minimum": 1}),
        ({"maximum": 1, "exclusiveMaximum": True}, {"exclusiveMaximum": 1}),
        ({"type": "string", "enum": []}, {"type": "string"}),
        ({"items": [{}, {"type": "null"}]}, {"prefixItems": [{}, {"type": "null"}]}),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"type": "array"}}}, {"type": "array"}),
        (
            {"$ref": "#/$defs/a", "title": "T", "$defs": {"a": {"type": "array"}}},
            {"type": "array", "title": "T"},
        ),
        (
            {"$ref": "#/$defs/a", "minItems": 1, "$defs": {"a": {"type": "array"}}},
            {"minItems": 1, "allOf": [{"type": "array"}]},
        ),
        (
            {"items": {"$ref": "#/$defs/a~1b"}, "$defs": {"a/b": {"type": "number"}}},
            {"items": {"type": "number"}},
        ),
        ({"$ref": "#/$defs/a", "$defs": {"a": True}}, {"allOf": [True]}),
        (
            {"properties": {"$ref": {"type": "string"}}},
            {"properties": {"$ref": {"type": "string"}}},
        ),
        ({"default": {"$ref": "http://x"}}, {"default": {"$ref": "http://x"}}),
        (
            {"x-mine": 1, "additionalProperties": False},
            {"x-mine": 1, "additionalProperties": False},
        ),
    ],
)
def test_schemas_become_one_dialect(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    result = normalise(schema, "")
    assert result == expected
    assert normalise(result, "") == expected


@pytest.mark.parametrize(
    ("schema", "pointer", "words"),
    [
        ({"$ref": "https://example.org/bbox.yaml"}, "/s/$ref", "same schema"),
        ({"$ref": "bbox.yaml"}, "/s/$ref", "same schema"),
        ({"items": {"$ref": "#/nowhere"}}, "/s/items/$ref", "nowhere"),
        ({"$ref": 5}, "/s/$ref", "same schema"),
        ({"$ref": "#"}, "/s", "refers to itself"),
        ({"items": {"$ref": "#"}}, "", "refers to itself"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, "/s", "refers to itself"),
        ({"$id": "http://x"}, "/s/$id", "not supported"),
        ({"$dynamicRef": "#x"}, "/s/$dynamicRef", "not supported"),
        ({"unevaluatedProperties": False}, "/s/unevaluatedProperties", "not supported"),
        ({"type": "strin"}, "/s/type", "not allowed here"),
        ({"minimum": "1"}, "/s/minimum", "not allowed here"),
        ({"properties": {"a/b": {"required": "x"}}}, "/s/properties/a~1b/required", "not allowed"),
        ({"properties": []}, "/s/properties", "object of schemas"),
        ({"allOf": {}}, "/s/allOf", "list of schemas"),
        ({"items": 5}, "/s/items", "a schema"),
        ({"pattern": "(a+"}, "/s/pattern", "regular expression"),
        ({"pattern": "(?=a)"}, "/s/pattern", "look-around"),
        ({"pattern": r"(a)\1"}, "/s/pattern", "back-references"),
        ({"pattern": "a" * 257}, "/s/pattern", "256"),
        ({"pattern": "((a{1000}){1000}){1000}"}, "/s/pattern", "too large"),
        ({"patternProperties": {"(?!a)": {}}}, "/s/patternProperties", "look-around"),
        ({"enum": list(range(1001))}, "/s/enum", "1000"),
    ],
)
def test_schemas_refused(schema: dict[str, Any], pointer: str, words: str) -> None:
    with pytest.raises(SchemaFault, match=words) as refused:
        normalise(schema, "/s")
    assert refused.value.fault.pointer.startswith(pointer)


def test_a_schema_bomb_is_refused_at_once() -> None:
    levels: dict[str, Any] = {
        f"l{i}": {"allOf": [{"$ref": f"#/$defs/l{i + 1}"}] * 10} for i in range(8)
    }
    levels["l8"] = {"type": "string"}
    started = time.perf_counter()
    with pytest.raises(SchemaFault, match="2000 parts"):
        normalise({"$ref": "#/$defs/l0", "$defs": levels}, "")
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize(
    "pattern", ["^(a+)+$", "^(a|a)*$", "(.*a){20}", r"^(\w+\s?)*$", "(x+x+)+y", ".*.*.*.*=.*"]
)
def test_no_pattern_is_evil(pattern: str) -> None:
    matches = compile_pattern(pattern)
    started = time.perf_counter()
    for text in ("a" * 30 + "!", "a" * 100_000 + "!", "x" * 100_000, "a b" * 30_000 + "!"):
        matches(text)
    assert time.perf_counter() - started < 1


def test_patterns_search_and_dollar_means_the_end() -> None:
    assert compile_pattern("b")("abc")
    assert not compile_pattern("^b$")("b\n")
    assert compile_pattern(r"^[A-Z]{2}\/\d+$")("IT/12")
    with pytest.raises(UnsafePattern):
        compile_pattern("[")


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"type": "array"}, "x", [("", "expected a list")]),
        ({"type": ["array", "null"]}, 1, [("", "expected a list or null")]),
        ({"items": {"type": "number"}}, [1, "x", True], [
            ("/1", "expected a number"), ("/2", "expected a number")]),
        ({"minItems": 2}, [1], [("", "expected at least 2 values")]),
        ({"maxItems": 0}, [1], [("", "expected at most 0 values")]),
        ({"uniqueItems": True}, [{"a": 1, "b": 2}, {"b": 2, "a": 1}], [
            ("", "expected every value only once")]),
        ({"uniqueItems": True}, [1, 2], []),
        ({"required": ["a", "b"]}, {"b": 1}, [("", 'lacks "a"')]),
        ({"properties": {"a/b": {"minimum": 2}}}, {"a/b": 1}, [
            ("/a~1b", "expected a number of at least 2")]),
        ({"properties": {"a": {}}, "additionalProperties": False}, {"a": 1, "c": 1}, [
            ("/c", "this member is not expected")]),
        ({"patternProperties": {"^x": {"type": "string"}}, "additionalProperties": False},
         {"xa": 1, "xb": "", "y": 1}, [
            ("/xa", "expected text"), ("/y", "this member is not expected")]),
        ({"additionalProperties": {"type": "boolean"}}, {"a": 1}, [
            ("/a", "expected true or false")]),
        ({"oneOf": [{"type": "string"}, {"type": "object"}]}, 5, [
            ("", "fits none, or more than one, of the forms this may have")]),
        ({"enum": ["a", 1]}, 2, [("", 'expected one of "a", 1')]),
        ({"const": 1}, 2, [("", "expected 1")]),
        ({"multipleOf": 0.1}, 0.3, []),
        ({"multipleOf": 0.1}, 0.35, [("", "expected a multiple of 0.1")]),
        ({"items": {"pattern": "^a"}}, ["b"], [
            ("/0", "expected text that matches the pattern ^a")]),
        ({"not": {"type": "string"}}, "x", [("", "this value is excluded")]),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, [
            ("", "does not fit what the method declares")]),
        ({}, 2**70, [("", "expected JSON of usual size, depth and numbers")]),
        ({}, "\ud800", [("", "expected JSON of usual size, depth and numbers")]),
        ({}, float("inf"), [("", "expected JSON of usual size, depth and numbers")]),
        ({}, [0] * 50_000, [("", "expected JSON of usual size, depth and numbers")]),
    ],
)  # fmt: skip
def test_faults_in_words(
    schema: dict[str, Any], value: Any, expected: list[tuple[str, str]]
) -> None:
    assert faults(schema, value) == [("/inputs/x" + where, words) for where, words in expected]


def test_a_long_list_of_wrong_values_has_twenty_faults() -> None:
    assert len(faults({"items": {"type": "number"}}, ["x"] * 1000)) == 20


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"items": {"allOf": [{"type": "number"}] * 1900}}, [0] * 40_000),
        ({"items": {"allOf": [True] * 1900}}, [0] * 40_000),
        ({"allOf": [{"items": True}] * 900}, [0] * 40_000),
        ({"allOf": [{"uniqueItems": True}] * 900}, list(range(40_000))),
        (
            {
                "patternProperties": {f"^{n}x": {} for n in range(900)},
                "additionalProperties": {"type": "number"},
            },
            {str(n): n for n in range(40_000)},
        ),
        ({"items": {"enum": [{"a": n} for n in range(400)]}}, [{"a": 399}] * 20_000),
    ],
)
def test_no_schema_keeps_the_platform_busy(schema: dict[str, Any], value: Any) -> None:
    started = time.process_time()
    (fault,) = faults(schema, value)
    assert "too large to be checked" in fault[1]
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("number", "step", "expected"),
    [(4, 2, True), (5, 2, False), (1e308, 1e-300, True), (0.3, 0.1, True), (-7, 3.5, True)],
)
def test_multiples(number: float, step: float, expected: bool) -> None:
    assert multiple_of(number, step) is expected


def test_tokens_are_escaped() -> None:
    assert token("a/b~c") == "/a~1b~0c"
