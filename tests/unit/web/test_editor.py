"""A descriptor as a form: nothing is lost on the way there and back, and only edits change it."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openccp.core.descriptor import read_method
from openccp.core.problems import Fault
from openccp.web.editor.draft import NEW, read_draft
from openccp.web.editor.form import edited, fits, places, shown

METHODS = sorted((Path(__file__).parents[3] / "methods").glob("*/method.json"))
ODD: dict[str, Any] = {
    "id": "odd",
    "title": 5,
    "unknown": {"kept": [1, {"a": None}]},
    "metadata": [{"role": "author", "title": "Ada", "href": "https://example.org/ada"}],
    "links": [{"rel": "about", "href": "https://example.org/"}],
    "inputs": [
        {"id": "a", "schema": {"type": ["string", "null"], "enum": [1, "x", {"y": 2}]}},
        {"id": "b", "maxOccurs": "unbounded", "schema": {"type": "number", "default": 1.50}},
    ],
    "outputs": {"o": {"id": "o", "schema": {"type": "string", "x-ccp-path": "o.txt"}}},
    "additionalParameters": [{"name": "execute-script", "value": "a text"}, {"name": "other"}],
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
NAMES = [
    "id", "title", "metadata", "links", "inputs", "outputs", "additionalParameters", "keywords",
    "parameters", "schema", "enum", "default", "role", "rel", "href", "name", "value", "type",
    "format", "minOccurs", "maxOccurs", "x-ccp-network",
]  # fmt: skip
DOCUMENTS = st.dictionaries(
    st.sampled_from(NAMES),
    JSON
    | st.dictionaries(st.sampled_from(NAMES), JSON | st.dictionaries(st.sampled_from(NAMES), JSON))
    | st.lists(st.dictionaries(st.sampled_from(NAMES), JSON), max_size=2),
)


def there_and_back(document: Any) -> Any:
    return edited(document, shown(document))


@pytest.mark.parametrize("path", METHODS, ids=lambda path: path.parent.name)
def test_a_method_that_ships_comes_back_as_it_was(path: Path) -> None:
    document = json.loads(path.read_bytes())
    assert fits(document)
    assert there_and_back(document) == document


def test_what_the_form_does_not_show_stays() -> None:
    assert fits(ODD)
    assert there_and_back(ODD) == ODD
    changed = edited(ODD, shown(ODD) | {"inputs/1/default": "2", "author": "Ada\nBob"})
    assert changed["inputs"][1]["schema"] == {"type": "number", "default": 2}
    assert changed["metadata"] == [*ODD["metadata"], {"role": "author", "title": "Bob"}]
    assert changed["unknown"] == ODD["unknown"]


@given(DOCUMENTS)
def test_any_document_comes_back_or_is_left_to_json(document: Any) -> None:
    before = deepcopy(document)
    if fits(document):
        after = there_and_back(document)
        after |= {n: before[n] for n in ("inputs", "outputs") if not before.get(n) and n in before}
        kept = {n: v for n, v in after.items() if n in before or v}
        if all(isinstance(before.get(n, {}), dict) for n in ("inputs", "outputs")):
            assert "" in {*before.get("inputs", {}), *before.get("outputs", {})} or kept == before
    assert document == before


def test_rows_are_added_renamed_and_removed() -> None:
    start = dict(NEW)
    texts = shown(start)
    texts |= {"inputs/0/id": "who", "inputs/1/id": "many", "inputs/1/kind": "integer"}
    texts |= {"inputs/1/default": "3", "inputs/1/minimum": "1", "inputs/1/enum": "1\n3"}
    texts |= {"outputs/0/id": "", "outputs/1/id": "table", "outputs/1/path": "*.csv"}
    made = edited(start, texts | {"id": "made", "execute-script": "echo {{who}}\necho {{many}}"})
    assert list(made["inputs"]) == ["who", "many"]
    schema = {"type": "integer", "default": 3, "minimum": 1, "enum": [1, 3]}
    assert made["inputs"]["many"] == {"schema": schema}
    assert made["outputs"] == {"table": {"schema": {"type": "string"}, "x-ccp-path": "*.csv"}}
    method = read_method(made)
    assert method.scripts.execute == "echo {{who}}\necho {{many}}"
    assert there_and_back(made) == made


def test_a_row_without_a_name_is_not_lost() -> None:
    start = dict(NEW)
    made = edited(start, shown(start) | {"inputs/1/title": "Depth"})
    assert made["inputs"][1]["title"] == "Depth"
    assert there_and_back(made) == made
    gone = edited(made, shown(made) | {"inputs/1/title": ""})
    assert [one["id"] for one in gone["inputs"]] == ["name"]
    twice = edited(start, shown(start) | {"inputs/1/id": "name", "inputs/1/title": "Again"})
    assert [one["id"] for one in twice["inputs"]] == ["name", "name"]


def test_faults_are_said_at_their_fields() -> None:
    faults = [
        Fault("/id", "a"), Fault("/inputs/a/schema/default", "b"), Fault("/inputs/1", "c"),
        Fault("/outputs/o/x-ccp-path", "d"), Fault("/execute-script/3", "e"), Fault("", "f"),
        Fault("/inputs/zz/schema", "g"), Fault("/links/0/href", "h"), Fault("/metadata", "i"),
    ]  # fmt: skip
    assert places(ODD, faults) == {
        "id": ["a"], "inputs/0/default": ["b"], "inputs/1/id": ["c"], "outputs/0/path": ["d"],
        "execute-script": ["e"], "": ["f", "g"], "infrastructures": ["h"], "context": ["i"],
    }  # fmt: skip


def test_the_page_is_read() -> None:
    draft = read_draft([("as", "form"), ("base", '{"id": "x"}'), ("do", "publish"),
                        ("context", ""), ("context", "a"), ("context", "b"),
                        ("execute-script", "one\r\ntwo"), ("number", "7")])  # fmt: skip
    made = draft.document()
    assert [one["title"] for one in made["metadata"]] == ["a", "b"]
    assert made["additionalParameters"]["parameters"][0]["value"] == ["one", "two"]
    assert (draft.number, draft.do, draft.public) == (7, "publish", False)
