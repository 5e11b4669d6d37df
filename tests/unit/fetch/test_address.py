"""Addresses are read in one way, or not at all."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openccp.fetch.address import PORTS, BadAddress, read_address


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://example.org", "http://example.org/"),
        ("HTTP://Example.ORG:80/A?b#c", "http://example.org/A?b"),
        ("https://example.org:443/", "https://example.org/"),
        ("https://example.org:8443/", "https://example.org:8443/"),
        ("http://example.org:443/", "http://example.org:443/"),
        ("http://example.org?a=b", "http://example.org/?a=b"),
        ("http://example.org#part", "http://example.org/"),
        ("http://8.8.8.8/x", "http://8.8.8.8/x"),
        ("http://[2606:4700::0:1111]/", "http://[2606:4700::1111]/"),
        ("http://a_b.example.org/", "http://a_b.example.org/"),
        ("http://bücher.example.org/ä?ö", "http://xn--bcher-kva.example.org/%C3%A4?%C3%B6"),
        ("http://BÜCHER.example.org/", "http://xn--bcher-kva.example.org/"),
        ("http://straße.example.org/", "http://xn--strae-oqa.example.org/"),
        ("http://пример.рф/", "http://xn--e1afmkfd.xn--p1ai/"),
        ("http://example.org/a%20b|c\"d'<e>", "http://example.org/a%20b|c\"d'<e>"),
        ("http://example.org//a/../b", "http://example.org//a/../b"),
        ("http://localhost/", "http://localhost/"),
    ],
)
def test_one_spelling(text: str, url: str) -> None:
    assert read_address(text).url == url
    assert read_address(url).url == url


@pytest.mark.parametrize("text", ["ftp://example.org/", "http://a@b.example/", "http://0x7f.1/"])
def test_no_address(text: str) -> None:
    with pytest.raises(BadAddress):
        read_address(text)


PIECES = st.lists(
    st.sampled_from(
        ["http", "https", ":", "//", "/", "@", "#", "?", "\\", "[", "]", "%", ".", "a", "example",
         ".org", "127.0.0.1", "::1", "0x7f", "017", "80", "8080", "xn--", "é", "。", "１", " ",
         "\t", "\r\n", "\0", "\u200b", "localhost", "_", "-", "&a=b"]
    ) | st.characters(),
    max_size=12,
).map("".join)  # fmt: skip
TEXTS = st.text() | PIECES | PIECES.map("http://{}".format) | PIECES.map("https://a.org{}".format)


@given(TEXTS)
def test_what_is_read_means_the_same_to_other_readers(text: str) -> None:
    """The standard library and a second reading agree on who is asked."""
    try:
        address = read_address(text)
    except BadAddress:
        return
    assert read_address(address.url) == address
    parts = urlsplit(address.url)
    assert (parts.scheme, parts.hostname) == (address.scheme, address.host)
    assert (parts.port or PORTS[parts.scheme]) == address.port
    assert parts.username is parts.password is None
    assert address.url.isascii()
    assert address.url.isprintable()
    assert " " not in address.url
