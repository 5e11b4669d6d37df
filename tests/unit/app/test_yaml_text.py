"""YAML from outside has one meaning, and costs no more than its size."""

import time
from typing import Any

import pytest

from openccp.app.yaml_text import loads
from openccp.core.problems import MalformedBody

MEANINGS: list[tuple[str, Any]] = [
    (
        "a: yes\nb: no\nc: 2001-01-01\nd: 12:30:00",
        {"a": "yes", "b": "no", "c": "2001-01-01", "d": "12:30:00"},
    ),
    (
        "[true, False, ~, null, '', 1, -2, 0x1F, 010, 1.5, 1e3, .5, 1_000]",
        [True, False, None, None, "", 1, -2, "0x1F", 10, 1.5, 1000.0, 0.5, "1_000"],
    ),
    ("a: &x {b: 1}\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}),
    ("'1': '2'\n3: !!str 4", {"1": "2", "3": "4"}),
    ("a: |\n  one\n  two\n", {"a": "one\ntwo\n"}),
    ("a:", {"a": None}),
    ("", None),
]
REFUSED = [
    "a: 1\na: 2",
    "a: !!python/object:os.system x",
    "a: !!timestamp 2001-01-01",
    "--- 1\n--- 2",
    "a: *nobody",
    "a: &x [*x]",
    "<<: {a: 1}",
    "? [a]\n: 1",
    "a: [",
    "a: \x01",
    'a: "\\0"',
    "a: 99999999999999999999",
    "a: 1e999",
    "[" * 70 + "]" * 70,
]


@pytest.mark.parametrize(("text", "value"), MEANINGS)
def test_it_is_read_as_json_would_be(text: str, value: Any) -> None:
    assert loads(text.encode()) == value


@pytest.mark.parametrize("text", REFUSED)
def test_it_is_refused_with_words(text: str) -> None:
    with pytest.raises(MalformedBody) as refused:
        loads(text.encode())
    assert "YAML" in refused.value.detail


def test_it_is_utf8() -> None:
    with pytest.raises(MalformedBody):
        loads(b"\xff\xfe")


def test_bombs_do_not_go_off() -> None:
    laughs = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    laughs += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    bombs = ("\n".join(laughs), "[" * 100_000, "{a: " * 50_000, "- x\n" * 60_000, "x" * (2 << 20))
    began = time.monotonic()
    for bomb in bombs:
        with pytest.raises(MalformedBody):
            loads(bomb.encode())
    assert time.monotonic() - began < 20


def test_a_long_text_is_not_repeated_by_aliases() -> None:
    text = "a: &a " + "x" * 100_000 + "\nb: [" + "*a," * 20_000 + "]"
    with pytest.raises(MalformedBody, match="aliases"):
        loads(text.encode())
    inside = "a: &a [" + "x" * 100_000 + "]\nb: &b [" + "*a," * 9 + "]\nc: [*b, *b]"
    with pytest.raises(MalformedBody, match="aliases"):
        loads(inside.encode())
