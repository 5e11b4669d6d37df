import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openccp.files.names import escape, unescape

raw_names = st.binary(min_size=1, max_size=60).filter(lambda raw: b"\0" not in raw)


@pytest.mark.parametrize(
    "name",
    [
        "a.txt",
        "100%.csv",
        "50% done/x",
        "données/été.csv",
        "数据.nc",
        "-rf",
        "a b",
        "~",
        "%zz",
        "'\"",
    ],
)
def test_ordinary_names_stay_as_they_are(name: str) -> None:
    assert escape(name) == name
    assert unescape(name) == name


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"a\nb", "a%0Ab"),
        (b"caf\xe9", "caf%E9"),
        (b"..\\..\\x", "..%5C..%5Cx"),
        ("exe\u202ecod.txt".encode(), "exe%E2%80%AEcod.txt"),
        (b"\x1b[31mred", "%1B[31mred"),
        (b"a%41", "a%2541"),
        (b"5%\xff", "5%25%FF"),
        (b"5%/\xff", "5%/%FF"),
    ],
)
def test_what_deceives_or_is_no_text_is_escaped(raw: bytes, shown: str) -> None:
    assert escape(os.fsdecode(raw)) == shown
    assert os.fsencode(unescape(shown)) == raw


@given(raw_names)
def test_every_name_comes_back(raw: bytes) -> None:
    shown = escape(os.fsdecode(raw))
    assert os.fsencode(unescape(shown)) == raw
    assert shown.encode().decode() == shown


@given(st.lists(st.sampled_from([b"%", b"4", b"1", b"\xff", b"A", b"/", b"\n"]), min_size=1))
def test_different_names_never_meet(pieces: list[bytes]) -> None:
    raw = b"".join(pieces)
    assert os.fsencode(unescape(escape(os.fsdecode(raw)))) == raw


@given(raw_names)
def test_nothing_shown_can_break_a_line_or_a_path(raw: bytes) -> None:
    shown = escape(os.fsdecode(raw))
    assert "\\" not in shown
    assert shown.isprintable() or not any(ord(char) < 32 for char in shown)
    assert shown.count("/") == raw.count(b"/")
