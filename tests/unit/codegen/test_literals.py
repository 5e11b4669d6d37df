"""No character of a value leaves its literal, and every value comes out as it went in."""

import ast
import json
import re
import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openccp.codegen.generate import generate
from openccp.codegen.languages import LANGUAGES, PYTHON, Language
from openccp.codegen.literals import Json, c_like, in_shell, json_text, pieces, python
from openccp.codegen.program import LARGEST_REQUEST, LocalFile, Program, Secret
from openccp.core.problems import InvalidRequest

ANY = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])), st.text("'\"`$\\{}()<%@#>\n-_=\0")
)
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        ANY,
        st.floats(allow_nan=False, allow_infinity=False),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(ANY, inner, max_size=4)),
    max_leaves=12,
)
PLAIN = [
    one for one in LANGUAGES.values() if "python" not in one.template and one.media_type != PYTHON
]


@given(VALUES, st.sampled_from(["'", "`$", "'\\u", ""]))
def test_json_is_plain_and_means_the_same(value: Any, unsafe: str) -> None:
    unsafe = unsafe.replace("\\u", "")
    written = "".join(one.text for one in pieces(value, unsafe) if isinstance(one, Json))
    assert json.loads(written) == value
    assert all(" " <= letter <= "~" or letter == "\n" for letter in written)
    assert not set(written) & set(unsafe + "<>&")


@given(VALUES)
def test_python_means_the_same(value: Any) -> None:
    written = python(value)
    assert ast.literal_eval(written) == value
    assert written.isascii()


@given(ANY.filter(lambda text: "\0" not in text))
def test_a_word_of_a_shell_is_one_word(text: str) -> None:
    assert shlex.split(in_shell(text)) == [text]


@given(ANY)
def test_quoted_texts_end_where_they_end(text: str) -> None:
    for written in (json_text(text), c_like("$")(text), c_like("$#", wide="\\u{{{:x}}}")(text)):
        assert re.fullmatch(r'"([^"\\]|\\.)*"', written)
        assert written.isascii()
        assert "\n" not in written
    assert "$" not in c_like("$")(text)


def test_what_comes_from_elsewhere_is_cut_out() -> None:
    body = {"inputs": {"a": "x", "key": Secret("KEY"), "files": [LocalFile("f"), 1]}}
    kinds = [type(one) for one in pieces(body, "'")]
    assert kinds == [Json, Secret, Json, LocalFile, Json]


@pytest.mark.parametrize("language", PLAIN, ids=lambda one: str(one.id))
@given(text=ANY, name=ANY)
def test_a_program_differs_in_its_literal_only(language: Language, text: str, name: str) -> None:
    """With any value the program is the same but for the JSON in it."""
    value, other = _program(text, name), _program("x", "x")
    one, two = (language.raw(_json(p, language)) for p in (value, other))
    assert generate(language, value).replace(one, "", 1) == generate(language, other).replace(
        two, "", 1
    )
    written = _json(value, language)
    assert not set(written) & (set(language.unsafe) - {"\\"})
    if "\\" in language.unsafe:  # only those are left that JSON needs, none before a quote
        assert not re.search(r'\\["\\]', written)


def _program(text: str, name: str) -> Program:
    return Program("https://ccp.example", "echo", {"inputs": {name: text}})


def _json(program: Program, language: Language) -> str:
    (one,) = pieces(program.body, language.unsafe)
    assert isinstance(one, Json)
    return one.text


@pytest.mark.parametrize("language", list(LANGUAGES.values()), ids=lambda one: str(one.id))
@given(name=ANY)
def test_no_name_of_a_method_leaves_its_place(language: Language, name: str) -> None:
    lines = generate(language, Program("https://ccp.example", name, {})).splitlines()
    assert len(lines) == len(
        generate(language, Program("https://ccp.example", "x", {})).splitlines()
    )


def test_what_is_too_long_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        generate(LANGUAGES["bash"], _program("x" * LARGEST_REQUEST, "x"))


@given(VALUES, ANY)
def test_a_cwl_tool_has_every_value_in_a_place_that_cwl_does_not_evaluate(
    value: Any, name: str
) -> None:
    body = {"inputs": {name: value, "given": value, "program": value}}
    document = json.loads(generate(LANGUAGES["cwl"], Program("https://ccp.example", name, body)))
    program = document["inputs"].pop("program")["default"]
    ast.parse(program)
    for one in document["inputs"].values():
        assert one.pop("default") == value
    plain = json.loads(generate(LANGUAGES["cwl"], Program("https://ccp.example", "x", {})))
    del plain["inputs"]["program"]
    for one in (document, plain):
        del one["label"], one["outputs"]
    assert {**document, "inputs": {}} == plain
