"""Addresses are read in one way, or not at all."""

import pytest

from openccp.fetch.address import BadAddress, read_address


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
