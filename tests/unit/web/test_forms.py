"""Forms: what is asked for each kind of input, and that a form says the same as a request."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openccp.core.descriptor import read_method
from openccp.core.method import Method
from openccp.core.problems import Fault
from openccp.core.validate import read_request
from openccp.testing.platform import bash_method
from openccp.web.forms.body import body_of
from openccp.web.forms.fields import Field, Widget, field_of, fields_of
from openccp.web.forms.filled import (
    Filled,
    Upload,
    example_of,
    faults_by_field,
    filled_with,
    inputs_of,
    read_pairs,
)

TEXTS = {"type": "array", "items": {"type": "string"}}
SCHEMAS: dict[str, tuple[dict[str, Any], Widget, Any]] = {
    "text": ({"type": "string"}, Widget.TEXT, 'it\'s $(me) `x` <b>"q"'),
    "long": ({"type": "string", "maxLength": 5000}, Widget.LONG, "one\n\n  two\n"),
    "code": ({"type": "string", "contentMediaType": "text/x-r"}, Widget.CODE, "x <- 1\ny"),
    "number": ({"type": "number", "minimum": 0, "maximum": 9}, Widget.NUMBER, 2.5),
    "whole": ({"type": "integer"}, Widget.NUMBER, 7),
    "yes": ({"type": "boolean"}, Widget.CHECK, True),
    "no": ({"type": "boolean", "default": True}, Widget.CHECK, False),
    "day": ({"type": "string", "format": "date"}, Widget.DATE, "2026-01-31"),
    "hour": ({"type": "string", "format": "time"}, Widget.TIME, "12:30:00Z"),
    "moment": ({"type": "string", "format": "date-time"}, Widget.MOMENT, "2026-01-31T12:30:00Z"),
    "place": ({"type": "string", "format": "uri"}, Widget.ADDRESS, "https://example.org/a?b=c"),
    "choice": ({"type": "string", "enum": ["a", "b"]}, Widget.CHOICE, "b"),
    "size": ({"type": "integer", "enum": [1, 2]}, Widget.CHOICE, 2),
    "texts": (TEXTS, Widget.LINES, ["a", "b c", "d,e"]),
    "some": ({**TEXTS, "items": {"type": "string", "enum": ["a", "b"]}}, Widget.CHOICES, ["b"]),
    "object": ({"type": "object"}, Widget.JSON, {"value": {"a": [1, None]}}),
    "box": ({"type": "object", "format": "ogc-bbox"}, Widget.BOX, {"bbox": [1.5, 2.0, 3.0, 4.0]}),
    "file": ({"type": "string", "format": "file"}, Widget.FILE, base64.b64encode(b"\0x").decode()),
}


def method(**inputs: dict[str, Any]) -> Method:
    """A method with inputs of these schemas."""
    declared = {name: {"schema": schema} for name, schema in inputs.items()}
    return read_method(bash_method("formed", "true", inputs=declared))


def sent(fields: tuple[Field, ...], filled: Filled) -> list[tuple[str, str | Upload]]:
    """The parts that a browser sends of a form that shows `filled`."""
    pairs: list[tuple[str, str | Upload]] = []
    for one in fields:
        values = filled.values.get(one.id, [])
        if one.widget is Widget.CHECK:
            pairs += [(f"value:{one.id}", "false")]
            pairs += [(f"value:{one.id}", "true")] if values == ["true"] else []
        elif one.widget is Widget.CHOICES:
            pairs += [(f"value:{one.id}", text) for text in values]
        elif one.widget is Widget.FILE:
            pairs += [(f"kept:{one.id}", text) for text in filled.kept(one.id)]
            pairs += [(f"href:{one.id}", filled.hrefs.get(one.id, ""))]
        else:
            text = filled.text(one.id).replace("\n", "\r\n")
            pairs += [(f"value:{one.id}", text)]
    return pairs


def again_from(made: Method, filled: Filled) -> dict[str, Any]:
    """The request that a browser sends of a form that shows `filled`."""
    fields = fields_of(made)
    parts = [(f"json:{name}", text) for name, text in filled.json.items()]
    parts += [(f"output:{name}", "on") for name in filled.outputs or ()]
    parts += [("infrastructure", filled.infrastructure), ("rest", filled.rest)]
    return body_of(made, fields, read_pairs([*sent(fields, filled), *parts]))


def again(made: Method, inputs: dict[str, Any]) -> dict[str, Any]:
    """The inputs after they were shown in a form and sent by it."""
    fields = fields_of(made)
    return inputs_of(fields, read_pairs(sent(fields, filled_with(fields, inputs))))


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_kind_has_its_widget(name: str) -> None:
    schema, widget, _ = SCHEMAS[name]
    assert field_of(method(x=schema).inputs["x"]).widget is widget


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_form_says_the_same_as_the_request_it_was_filled_from(name: str) -> None:
    schema, _, value = SCHEMAS[name]
    made = method(x=schema)
    asked = read_request(made, {"inputs": {"x": value}})
    assert read_request(made, {"inputs": again(made, {"x": value})}) == asked


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1))
def test_any_text_comes_back_as_it_was(text: str) -> None:
    made = method(x={"type": "string", "maxLength": 100_000})
    expected = {} if not text.strip() else {"x": text}
    assert again(made, {"x": text}) == expected


@given(st.integers(min_value=-(2**53), max_value=2**53) | st.floats(-1e300, 1e300))
def test_any_number_comes_back_as_it_was(number: float) -> None:
    made = method(x={"type": "number"})
    assert read_request(made, {"inputs": again(made, {"x": number})}).inputs["x"] == number


def test_a_field_left_empty_is_left_out() -> None:
    schemas: dict[str, dict[str, Any]] = {name: one[0] for name, one in SCHEMAS.items()}
    made = method(**schemas)
    left = inputs_of(fields_of(made), read_pairs(sent(fields_of(made), Filled())))
    assert left == {"yes": "false", "no": "false"}


def test_locked_values_are_shown_and_never_sent() -> None:
    made = method(x={"type": "string", "default": "fixed", "readOnly": True})
    assert fields_of(made)[-2].locked
    assert inputs_of(fields_of(made), read_pairs([("value:x", "other")])) == {}


def test_a_secret_is_read_and_never_shown() -> None:
    made = method(x={"type": "string", "format": "secret"})
    fields = fields_of(made)
    assert inputs_of(fields, read_pairs([("secret:x", "pass word ")])) == {"x": "pass word "}
    assert filled_with(fields, {"x": "pass word "}) == Filled()


def test_a_chosen_file_wins_over_the_one_before_and_an_address_over_both() -> None:
    fields = fields_of(method(x={"type": "string", "format": "file"}))
    before, chosen = ("kept:x", "b2xk"), ("upload:x", Upload(b"new"))
    assert inputs_of(fields, read_pairs([before])) == {"x": "b2xk"}
    assert inputs_of(fields, read_pairs([before, chosen])) == {"x": "bmV3"}
    address = ("href:x", "https://example.org/a.csv")
    assert inputs_of(fields, read_pairs([before, chosen, address])) == {"x": {"href": address[1]}}


def test_large_files_are_not_carried_along() -> None:
    fields = fields_of(method(x={"type": "string", "format": "file"}))
    filled = filled_with(fields, {"x": "A" * (3 << 20)})
    assert filled.kept("x") == []


def test_examples_fill_the_form_and_defaults_the_rest() -> None:
    made = method(
        x={"type": "string", "examples": ["from the author"]}, y={"type": "integer", "default": 3}
    )
    filled = example_of(fields_of(made))
    assert (filled.text("x"), filled.text("y")) == ("from the author", "3")


def test_faults_stand_at_their_field() -> None:
    inputs: dict[str, dict[str, Any]] = {"a.b-c": {"type": "string"}, "x": TEXTS}
    fields = fields_of(method(**inputs))
    faults = [
        Fault("/inputs/a.b-c", "dots"),
        Fault("/inputs/x/3", "third"),
        Fault("/inputs/x/4", "fourth"),
        Fault("/outputs/y", "elsewhere"),
        Fault("", "nowhere"),
    ]
    at, elsewhere = faults_by_field(fields, faults)
    assert at == {"a.b-c": "dots", "x": "third"}
    assert elsewhere == ["elsewhere", "nowhere"]
