"""Methods are found by what they do, with typos forgiven; facets say what each filter leaves."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openccp.app.search import FACETS, Search, SearchIndex, allowed_typos, folded
from openccp.core.access import Who
from openccp.core.descriptor import read_method
from openccp.core.method import Revision
from openccp.testing.platform import bash_method

ADA = Who("ada", "ada", frozenset({"default", "/vre/sea"}))


def revision(
    name: str, owner: str = "ada", contexts: tuple[str, ...] = (), **more: Any
) -> Revision:
    document = {**bash_method(name, "true"), **more}
    return Revision(read_method(document), 1, owner, False, True, float(len(name)), contexts)


def of(*revisions: Revision) -> SearchIndex:
    return SearchIndex({one.method.id: one for one in revisions})


def people(category: str, author: str) -> list[dict[str, str]]:
    return [{"role": "category", "title": category}, {"role": "author", "title": author}]


SHELF = of(
    revision("drift", title="Ocean drift", keywords=["sea"], metadata=people("Ocean", "Ada")),
    revision("stock", title="Stock assessment", keywords=["sea"], metadata=people("Fish", "Bo")),
    revision(
        "tide", title="Tides", description="How the ocean rises", metadata=people("Ocean", "Bo")
    ),
    revision("theirs", owner="bo", title="Ocean secret"),
    revision("shared", owner="bo", contexts=("/vre/sea", "/vre/air"), title="Shared"),
)


def ids(wanted: Search, who: Who = ADA) -> list[str]:
    return [one.method.id for one in SHELF.search(who, wanted).methods]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("ocean", ["drift", "tide"]),
        ("OCÉAN", ["drift", "tide"]),
        ("oce", ["drift", "tide"]),
        ("ocaen", ["drift", "tide"]),
        ("asessment", ["stock"]),
        ("assesment stok", ["stock"]),
        ("ocean bo", ["tide"]),
        ("ocean fish", []),
        ("xyzzy", []),
    ],
)
def test_words_find_methods(words: str, found: list[str]) -> None:
    assert ids(Search(words)) == found


def test_what_says_more_comes_first() -> None:
    assert ids(Search("sea", order="relevance"))[0] in ("drift", "stock")
    assert ids(Search(order="newest"))[0] == "shared"
    assert ids(Search(order="title")) == ["drift", "shared", "stock", "tide"]


def test_what_one_may_not_see_is_neither_found_nor_counted() -> None:
    found = SHELF.search(ADA, Search())
    assert "theirs" not in [one.method.id for one in found.methods]
    assert dict(found.facets["context"]) == {"/vre/sea": 1}
    assert dict(found.facets["category"]) == {"Ocean": 2, "Fish": 1}


def test_a_facet_says_what_the_others_leave() -> None:
    found = SHELF.search(ADA, Search(only={"author": "Bo"}))
    assert [one.method.id for one in found.methods] == ["stock", "tide"]
    assert dict(found.facets["category"]) == {"Fish": 1, "Ocean": 1}
    assert dict(found.facets["author"]) == {"Bo": 2, "Ada": 1}


def test_odd_metadata_do_no_harm() -> None:
    odd = of(revision("odd", metadata=[{"role": "author"}, {}]))
    assert [one.method.id for one in odd.search(ADA, Search("odd")).methods] == ["odd"]


@given(st.text(max_size=60))
def test_any_text_may_be_searched_for(words: str) -> None:
    found = SHELF.search(ADA, Search(words))
    assert set(found.facets) == set(FACETS)
    if not folded(words):
        assert len(found.methods) == 4


@given(st.sampled_from(["assessment", "ocean", "drift", "stock"]), st.data())
def test_one_typo_in_a_word_of_some_length_is_forgiven(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(st.sampled_from("aeiouxyz"))
    wrong = data.draw(st.sampled_from([word[:at] + word[at + 1 :], word[:at] + letter + word[at:]]))
    right = set(ids(Search(word)))
    assert allowed_typos(wrong)
    assert right <= set(ids(Search(wrong)))


def test_what_is_shared_among_others_cannot_be_guessed() -> None:
    found = SHELF.search(ADA, Search(only={"context": "/vre/air"}))
    assert list(found.methods) == []
    assert ids(Search(only={"context": "/vre/sea"})) == ["shared"]
