"""Process lists that are rendered once for each question, until the catalogue changes."""

import pytest

from openccp.core.method import Revision
from openccp.web import kept_lists
from openccp.web.kept_lists import OVERHEAD, KeptLists
from openccp.web.render import etag

NOBODYS: dict[str, Revision] = {}


def test_who_asks_the_same_again_gets_the_same_bytes() -> None:
    lists = KeptLists()
    catalogue = dict(NOBODYS)
    assert lists.get(catalogue, ("ada",)) is None
    put = lists.put(("ada",), b"[]")
    assert put == (b"[]", etag(b"[]"))
    assert lists.get(catalogue, ("ada",)) is put
    assert lists.get(catalogue, ("bob",)) is None


def test_another_catalogue_makes_every_list_forgotten() -> None:
    lists = KeptLists()
    first, second = dict(NOBODYS), dict(NOBODYS)
    lists.get(first, ("ada",))
    lists.put(("ada",), b"[]")
    assert lists.get(second, ("ada",)) is None
    assert lists.get(first, ("ada",)) is None


def test_the_list_not_asked_for_longest_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_lists, "KEPT_BYTES", 2 * (OVERHEAD + 10))
    lists, catalogue = KeptLists(), dict(NOBODYS)
    lists.get(catalogue, ("first",))
    lists.put(("first",), b"1" * 10)
    lists.put(("second",), b"2" * 10)
    assert lists.get(catalogue, ("first",))
    lists.put(("third",), b"3" * 10)
    assert lists.get(catalogue, ("second",)) is None
    assert lists.get(catalogue, ("first",))
    assert lists.get(catalogue, ("third",))


def test_a_list_too_large_to_keep_is_answered_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_lists, "KEPT_BYTES", OVERHEAD)
    lists, catalogue = KeptLists(), dict(NOBODYS)
    lists.get(catalogue, ("ada",))
    assert lists.put(("ada",), b"long")[0] == b"long"
    assert lists.get(catalogue, ("ada",)) is None
