"""Who sent a request, through proxies that are trusted and through others."""

from typing import Any

import pytest

from openccp.web.outside import HOST, Outside

Told = list[tuple[str, str]]
PROXY = ("10.0.0.0/8", "127.0.0.1", "fd00::/8")
FOR, PROTO, AT = "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"


def seen(
    told: Told,
    peer: str = "10.0.0.1",
    trusted: tuple[str, ...] = PROXY,
    path: str = "/jobs",
    public_url: str | None = None,
) -> dict[str, Any]:
    headers = [(b"host", b"inside:8080")]
    headers += [(name.lower().encode(), value.encode()) for name, value in told]
    scope = {
        "type": "http",
        "scheme": "http",
        "client": (peer, 4711),
        "headers": headers,
        "path": path,
        "raw_path": path.encode(),
    }
    return dict(Outside(public_url, trusted).seen(scope))


def sender(scope: dict[str, Any]) -> tuple[str, str, str]:
    return scope["client"][0], scope["scheme"], dict(scope["headers"])[b"host"].decode()


UNTOUCHED = ("10.0.0.1", "http", "inside:8080")


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([], UNTOUCHED),
        ([(FOR, "203.0.113.7")], ("203.0.113.7", "http", "inside:8080")),
        ([(FOR, "203.0.113.7"), (PROTO, "https")], ("203.0.113.7", "https", "inside:8080")),
        ([(FOR, "1.1.1.1, 203.0.113.7"), (PROTO, "https"), (AT, "ccp.example")],
         ("203.0.113.7", "https", "ccp.example")),
        ([(FOR, "1.1.1.1, 203.0.113.7, 10.9.9.9")], ("203.0.113.7", "http", "inside:8080")),
        ([(FOR, "1.1.1.1"), (FOR, "203.0.113.7")], ("203.0.113.7", "http", "inside:8080")),
        ([(FOR, "[2001:db8::1]:4711")], ("2001:db8::1", "http", "inside:8080")),
        ([(FOR, "203.0.113.7:4711")], ("203.0.113.7", "http", "inside:8080")),
        ([("Forwarded", "for=203.0.113.7;proto=https;host=ccp.example")],
         ("203.0.113.7", "https", "ccp.example")),
        ([("Forwarded", 'for="[2001:db8::1]:80" ; Proto = https')],
         ("2001:db8::1", "https", "inside:8080")),
        ([("Forwarded", "for=1.1.1.1, for=203.0.113.7;host=a.example, for=10.1.1.1;proto=https")],
         ("203.0.113.7", "https", "a.example")),
        ([("Forwarded", "for=203.0.113.7;proto=https"), (FOR, "1.1.1.1, 203.0.113.7")],
         ("203.0.113.7", "https", "inside:8080")),
        ([("Forwarded", "for=1.1.1.1;host=evil.example"), (FOR, "203.0.113.7")], UNTOUCHED),
        ([("Forwarded", "for=203.0.113.7"), (FOR, "1.1.1.1"), (AT, "evil.example")], UNTOUCHED),
        ([("Forwarded", "for=203.0.113.7"), (PROTO, "https")],
         ("203.0.113.7", "http", "inside:8080")),
        ([("Forwarded", "for=unknown;proto=https")], ("10.0.0.1", "https", "inside:8080")),
        ([("Forwarded", "for=_hidden")], UNTOUCHED),
        ([("Forwarded", "for=1.1.1.1, for=unknown")], UNTOUCHED),
        ([("Forwarded", ';;=,for="x;y",proto=gopher')], UNTOUCHED),
        ([(FOR, "not an address"), (PROTO, "javascript"), (AT, "a b\r\nx: y")], UNTOUCHED),
        ([(AT, 'x"><script>')], UNTOUCHED),
        ([(FOR, "10.2.2.2, 10.3.3.3")], ("10.2.2.2", "http", "inside:8080")),
    ],
)  # fmt: skip
def test_a_trusted_proxy_is_believed(told: Told, expected: tuple[str, str, str]) -> None:
    assert sender(seen(told)) == expected


@pytest.mark.parametrize("peer", ["203.0.113.9", "", "::1", "11.0.0.1"])
@pytest.mark.parametrize("trusted", [PROXY, ()])
def test_a_stranger_is_not(peer: str, trusted: tuple[str, ...]) -> None:
    told = [(FOR, "1.1.1.1"), (PROTO, "https"), (AT, "evil.example"), ("Forwarded", "for=1.1.1.1")]
    assert sender(seen(told, peer, trusted)) == (peer, "http", "inside:8080")


def test_proxies_by_ipv6_and_by_mapped_addresses() -> None:
    for peer in ("fd00::1", "::ffff:10.1.2.3"):
        assert sender(seen([(FOR, "203.0.113.7")], peer))[0] == "203.0.113.7"


@pytest.mark.parametrize(
    ("public_url", "path", "inside"),
    [
        ("https://example.org/ccp", "/ccp/jobs/1", "/jobs/1"),
        ("https://example.org/ccp", "/jobs/1", "/jobs/1"),
        ("https://example.org/ccp/", "/ccp", "/"),
        ("https://example.org/ccp", "/ccp/", "/"),
        ("https://example.org/ccp", "/ccpx/jobs", "/ccpx/jobs"),
        ("https://example.org/a/b", "/a/b/jobs", "/jobs"),
        ("https://example.org/a/b", "/a/jobs", "/a/jobs"),
        ("https://example.org", "/ccp/jobs", "/ccp/jobs"),
        (None, "/ccp/jobs", "/ccp/jobs"),
    ],
)
def test_the_path_of_the_public_address_is_taken_away_once(
    public_url: str | None, path: str, inside: str
) -> None:
    scope = seen([], path=path, public_url=public_url)
    assert (scope["path"], scope["raw_path"]) == (inside, inside.encode())


@pytest.mark.parametrize("host", ["a.example", "a.example:8080", "[::1]:80", "127.0.0.1"])
def test_hosts(host: str) -> None:
    assert HOST.fullmatch(host)


@pytest.mark.parametrize("host", ["", "a b", "a/b", "u@h", 'x"', "a:b", "[::1", "a\n", "é.example"])
def test_no_hosts(host: str) -> None:
    assert not HOST.fullmatch(host)
