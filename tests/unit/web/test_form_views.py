"""One request as form, JSON and YAML: whatever is switched to, nothing is lost."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.web.test_forms import SCHEMAS, again_from, method

from openccp.core.descriptor import read_method
from openccp.core.method import Method
from openccp.core.plan import plan_of
from openccp.core.problems import MalformedBody
from openccp.testing.platform import bash_method
from openccp.web.forms.body import body_of, filled_from
from openccp.web.forms.fields import Widget, field_of, fields_of
from openccp.web.forms.filled import Filled
from openccp.web.forms.views import View, read, written

ALL: dict[str, Any] = {name: {**one[0]} for name, one in SCHEMAS.items()}
OUTPUTS = {"a": {"schema": {}, "x-ccp-path": "a"}, "b": {"schema": {}, "x-ccp-path": "b"}}
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(-1e300, 1e300) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(texts, values, max_size=4), st.sampled_from([View.JSON, View.YAML]))
def test_what_is_written_is_read_as_the_same(inputs: dict[str, Any], view: View) -> None:
    body = {"inputs": {name: value for name, value in inputs.items() if name != "<<"}}
    try:
        text = written(view, body)
        assert read(text) == body
    except MalformedBody:
        assert "<<" in text, text


@given(st.dictionaries(st.sampled_from([*ALL, "strange"]), values, max_size=5))
def test_a_form_says_any_request_or_carries_it_along(inputs: dict[str, Any]) -> None:
    made = method(**ALL)
    fields = fields_of(made)
    body = {"inputs": inputs, "response": "raw", "outputs": {"none": {"x": 1}}}
    shown = again_from(made, filled_from(made, fields, body))
    for name, value in inputs.items():
        said = shown["inputs"].get(name)
        assert said == value or value is None or reads_alike(made, name, said, value)
    assert {**shown, "inputs": inputs} == body


def reads_alike(made: Method, name: str, said: Any, value: Any) -> bool:
    read_one = plan_of(made).readers[name]
    return bool(read_one(said, "") == read_one(value, ""))


QUALIFIED: dict[str, tuple[str, Any]] = {
    "a link with its type": ("file", {"href": "https://example.org/a", "type": "text/csv"}),
    "a list where one is asked": ("number", [1, 2]),
    "a number that is none": ("number", {"a": 1}),
    "an empty text": ("text", ""),
}


@pytest.mark.parametrize(("name", "value"), QUALIFIED.values(), ids=QUALIFIED)
def test_what_a_field_cannot_say_is_shown_as_json(name: str, value: Any) -> None:
    made = method(x=ALL[name])
    filled = filled_from(made, fields_of(made), {"inputs": {"x": value}})
    assert list(filled.json) == ["x"]
    assert again_from(made, filled)["inputs"] == {"x": value}


def test_numbers_are_numbers_in_the_text_and_faults_stay() -> None:
    made = method(n={"type": "number"}, m={"type": "integer"})
    filled = Filled(values={"n": ["2.50"], "m": ["many"]})
    assert body_of(made, fields_of(made), filled) == {"inputs": {"n": 2.5, "m": "many"}}


def test_some_outputs_are_boxes_and_all_are_none() -> None:
    made = method_with_outputs()
    fields = fields_of(made)
    some = filled_from(made, fields, {"inputs": {}, "outputs": {"b": {}}})
    assert some.outputs == ("b",)
    assert body_of(made, fields, some)["outputs"] == {"b": {}}
    assert "outputs" not in body_of(made, fields, Filled(outputs=("b", "a")))
    formatted = {"b": {"transmissionMode": "value"}}
    carried = filled_from(made, fields, {"inputs": {}, "outputs": formatted})
    assert carried.outputs is None
    assert body_of(made, fields, carried)["outputs"] == formatted


def method_with_outputs() -> Method:
    return read_method(bash_method("formed", "true", outputs=OUTPUTS))


def test_the_place_to_run_is_an_option() -> None:
    made = method()
    fields = fields_of(made)
    filled = filled_from(made, fields, {"inputs": {}, "infrastructure": "cluster"})
    assert filled.infrastructure == "cluster"
    assert body_of(made, fields, filled) == {"inputs": {}, "infrastructure": "cluster"}


@pytest.mark.parametrize("text", ["[1]", "{", "a: [", "inputs: 3", "!x 1", '{"inputs": [1]}', "3"])
def test_a_text_that_is_no_request(text: str) -> None:
    with pytest.raises(MalformedBody):
        read(text)


def test_inputs_alone_are_enough_in_a_file() -> None:
    assert read("name: Ada\nn: 3\n") == {"inputs": {"name": "Ada", "n": 3}}
    assert read(" ") == {"inputs": {}}


def test_programs_and_maps_have_their_widgets() -> None:
    made = method(
        r={"type": "string", "contentMediaType": "text/x-r"},
        shape={"type": "object", "format": "geojson-geometry"},
        table={"type": "string", "format": "file", "contentMediaType": "text/csv"},
    )
    fields = {name: field_of(declared) for name, declared in made.inputs.items()}
    assert (fields["r"].widget, fields["r"].language) == (Widget.CODE, "r")
    assert fields["shape"].widget is Widget.MAP
    assert fields["table"].bounds == {"accept": "text/csv,.csv"}
    assert fields["ccpimage"].option
