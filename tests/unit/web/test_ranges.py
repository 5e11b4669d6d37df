import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openccp.core.problems import RangeNotSatisfiable
from openccp.web.ranges import content_disposition, not_modified, select

ETAG = '"abc"'


@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-", 0, 10),
        ("bytes=3-5", 3, 6),
        ("bytes=3-99", 3, 10),
        ("bytes=9-99999999999999999999999999", 9, 10),
        ("bytes=-3", 7, 10),
        ("bytes=-99", 0, 10),
        ("Bytes = 1-2 ", 1, 3),
        ("bytes=0000000000000000000000001-2", 1, 3),
    ],
)
def test_a_range(header: str, start: int, stop: int) -> None:
    part = select(header, None, 10, ETAG)
    assert (part.start, part.stop, part.status) == (start, stop, 206)
    assert part.headers(ETAG) == {
        "accept-ranges": "bytes",
        "content-length": str(stop - start),
        "content-range": f"bytes {start}-{stop - 1}/10",
        "etag": ETAG,
    }


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=5-3",
        "bytes=0-1,3-4",
        "lines=0-1",
        "bytes=１-２",
        "bytes=1-2-3",
        "bytes=0x1-",
    ],
)
def test_what_is_no_single_range_gives_everything(header: str | None) -> None:
    everything = select(header, None, 10, ETAG)
    assert (everything.start, everything.stop, everything.status) == (0, 10, 200)
    assert "content-range" not in everything.headers(ETAG)


@pytest.mark.parametrize(
    ("header", "length"),
    [
        ("bytes=10-", 10),
        ("bytes=10-20", 10),
        ("bytes=-0", 10),
        ("bytes=0-", 0),
        ("bytes=-1", 0),
        ("bytes=" + "9" * 10_000 + "-", 10),
    ],
)
def test_a_range_outside_is_refused_with_the_length(header: str, length: int) -> None:
    with pytest.raises(RangeNotSatisfiable) as refusal:
        select(header, None, length, ETAG)
    assert refusal.value.headers == {"content-range": f"bytes */{length}"}


@pytest.mark.parametrize(
    ("if_range", "partial"),
    [
        (ETAG, True),
        (f" {ETAG} ", True),
        ('"other"', False),
        (f"W/{ETAG}", False),
        ("Wed, 21 Oct 2015 07:28:00 GMT", False),
    ],
)
def test_if_range_resumes_only_the_same_content(if_range: str, *, partial: bool) -> None:
    assert select("bytes=1-", if_range, 10, ETAG).partial is partial


def test_a_stale_if_range_gives_everything_even_where_the_range_lies_outside() -> None:
    assert select("bytes=50-", '"old"', 10, ETAG).status == 200


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, False),
        ("", False),
        ("*", True),
        (ETAG, True),
        (f"W/{ETAG}", True),
        (f'"x", {ETAG} ,"y"', True),
        ('"x,abc"', False),
        ("abc", False),
    ],
)
def test_if_none_match(header: str | None, *, expected: bool) -> None:
    assert not_modified(header, ETAG) is expected


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a.csv", 'attachment; filename="a.csv"'),
        ("d/e/a b.csv", 'attachment; filename="a b.csv"'),
        ("é.csv", "attachment; filename=\"_.csv\"; filename*=UTF-8''%C3%A9.csv"),
        ('a"b', "attachment; filename=\"a_b\"; filename*=UTF-8''a%22b"),
        (
            "a\r\nSet-Cookie: x",
            "attachment; filename=\"a__Set-Cookie_ x\"; filename*=UTF-8''a__Set-Cookie%3A%20x",
        ),
        ("..\\..\\evil.exe", 'attachment; filename="evil.exe"'),
        ("d/", 'attachment; filename="file"'),
        ("", 'attachment; filename="file"'),
        ("100%.txt", "attachment; filename=\"100_.txt\"; filename*=UTF-8''100%25.txt"),
    ],
)
def test_content_disposition(name: str, header: str) -> None:
    assert content_disposition(name) == header


def test_inline() -> None:
    assert content_disposition("a.png", inline=True) == 'inline; filename="a.png"'


@given(st.text())
def test_no_name_breaks_out_of_the_header(name: str) -> None:
    header = content_disposition(name)
    header.encode("ascii")
    assert re.fullmatch(
        r'attachment; filename="[^"\\\x00-\x1f\x7f]+"(; filename\*=UTF-8\'\'[\w!#$&+.^`|~%-]+)?',
        header,
    )
    if "filename*" in header:
        decoded = unquote(header.rpartition("''")[2], errors="strict")
        assert not set(decoded) & set("\r\n\0\u202e")
