import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openccp.core.problems import MalformedBody
from openccp.core.strict_json import MAX_DEPTH, loads

KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(JSON_VALUES, st.booleans())
def test_whatever_is_json_is_read(value: Any, escaped: bool) -> None:
    assert loads(json.dumps(value, ensure_ascii=escaped).encode()) == value


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b'{"a":1,}', "not JSON"),
        (b'{"a":1} x', "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        ('{"a":"é"}'.encode("utf-16"), "not UTF-8"),
        (b"NaN", "NaN"),
        (b"[Infinity]", "Infinity"),
        (b"[-Infinity]", "-Infinity"),
        (b"1e999999", "too large"),
        (b"-1e400", "too large"),
        (b"9" * 10_000, "64 bits"),
        (b"18446744073709551616", "64 bits"),
        (b"-9223372036854775809", "64 bits"),
        (b'{"a":1,"b":2,"a":1}', 'member "a" twice'),
        (b'{"x":{"\\u0061":1,"a":2}}', 'member "a" twice'),
        (b'"\\ud800"', "surrogate"),
        (b'{"\\udc00":1}', "surrogate"),
        (b'["\\u0000"]', "NUL"),
        (b'{"\\u0000":1}', "NUL"),
        (b'"\x00"', "not JSON"),
        (b"[" * 65 + b"]" * 65, "levels deep"),
        (b"[" * 100_000, "levels deep"),
        (b'{"a":' * 100_000, "levels deep"),
        (b"[" * 100_000 + b"]" * 100_000, "levels deep"),
    ],
)
def test_refused(body: bytes, words: str) -> None:
    started = time.perf_counter()
    with pytest.raises(MalformedBody, match=words):
        loads(body)
    assert time.perf_counter() - started < 0.1


def test_the_deepest_that_is_read() -> None:
    assert loads(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    assert loads(b"[" + b",".join([b"[]"] * 1000) + b"]")


def test_an_escaped_backslash_before_u0000_is_no_nul() -> None:
    assert loads(b'"\\\\u0000"') == "\\u0000"


def test_the_words_do_not_repeat_the_body() -> None:
    with pytest.raises(MalformedBody) as refused:
        loads(b'{"secret-value": hunter2}')
    assert "hunter2" not in refused.value.detail
    assert "secret-value" not in refused.value.detail


def test_a_long_or_unprintable_name_is_shortened() -> None:
    name = "\x1b[31m" + "n" * 5000
    with pytest.raises(MalformedBody) as refused:
        loads(json.dumps([name])[1:-1].join(["{", ":1,", ":2}"]).encode())
    assert len(refused.value.detail) < 150
    assert "\x1b" not in refused.value.detail
