"""Definitions of jobs: markers for secrets, merge patches, and which process is meant."""

from typing import Any

import pytest

from openccp.core.definition import (
    SECRET,
    marked,
    merged,
    process_named,
    with_secrets,
    without_keys,
    without_secrets,
)
from openccp.core.problems import InvalidRequest

ROOT = "https://ccp.example/base"


def test_secrets_leave_and_come_back() -> None:
    body = {"process": "p", "inputs": {"key": {"value": "s"}, "word": "w"}}
    shown = without_secrets(body, {"key", "other"})
    assert shown == {"process": "p", "inputs": {"key": SECRET, "word": "w"}}
    assert marked(shown) == ["key"]
    assert with_secrets(shown, {"key": "s", "other": "o"})["inputs"] == {"key": "s", "word": "w"}
    qualified = {"inputs": {"key": {"value": SECRET}}}
    assert with_secrets(qualified, {"key": "s"}) == {"inputs": {"key": "s"}}
    for odd in ({}, {"inputs": None}, {"inputs": [SECRET]}):
        assert without_secrets(odd, {"key"}) == with_secrets(odd, {"key": "s"}) == odd
        assert marked(odd) == []


def test_addresses_lose_their_keys() -> None:
    signed = {"href": "https://u:p@h/x?sig=abc&page=2#f", "type": "text/csv"}
    shown = without_keys({"inputs": {"a": signed, "b": [signed, 1], "c": "text", "d": {"href": 1}}})
    bare = {"href": "https://h/x?sig=***&page=2", "type": "text/csv"}
    assert shown["inputs"] == {"a": bare, "b": [bare, 1], "c": "text", "d": {"href": 1}}


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [  # RFC 7396, appendix A
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [1, 2]}, {"a": [1]}, {"a": [1]}),
        (["a"], ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patches(target: Any, patch: Any, result: Any) -> None:
    assert merged(target, patch) == result


@pytest.mark.parametrize(
    "named", ["p", "./p", "../processes/p", "/base/processes/p", f"{ROOT}/processes/p"]
)
def test_a_process_of_this_service(named: str) -> None:
    assert process_named({"process": named}, ROOT) == "p"


@pytest.mark.parametrize(
    "named", ["", None, 1, "/processes/p", "http://x/", "//[", f"{ROOT}/processes/", "a/b", "../p"]
)
def test_no_process_of_this_service(named: Any) -> None:
    with pytest.raises(InvalidRequest):
        process_named({"process": named}, ROOT)
    with pytest.raises(InvalidRequest):
        process_named([named], ROOT)
