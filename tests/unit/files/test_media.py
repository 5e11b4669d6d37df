import pytest

from openccp.files.media import extension, fits, guess, sniff


@pytest.mark.parametrize(
    ("name", "head", "media_type"),
    [
        ("count.json", b"{}", "application/json"),
        ("a/b.d/PLOT.PNG", b"", "image/png"),
        ("table.csv", b"a,b", "text/csv"),
        ("README", b"hello", "text/plain"),
        ("README", "é".encode()[:1], "text/plain"),
        ("model", b"\x00\x01", "application/octet-stream"),
        ("model.unknown", b"\xff\xfe", "application/octet-stream"),
        ("empty", b"", "text/plain"),
        ("a.b/c", b"x", "text/plain"),
        ("colour.log.unknown", b"\x1b[31mred\x1b[0m", "text/plain"),
    ],
)
def test_guess(name: str, head: bytes, media_type: str) -> None:
    assert guess(name, head) == media_type


def test_a_character_cut_at_the_end_of_the_head_is_still_text() -> None:
    assert sniff("naïve 数".encode()[:-1]) == "text/plain"


@pytest.mark.parametrize(
    ("name", "found"), [("a.TXT", "txt"), ("a", ""), ("d.x/a", ""), (".x", "x")]
)
def test_extension(name: str, found: str) -> None:
    assert extension(name) == found


def test_fits_ignores_parameters_and_case() -> None:
    assert fits("a.csv", "Text/CSV; header=present")
    assert not fits("a.json", "text/csv")
