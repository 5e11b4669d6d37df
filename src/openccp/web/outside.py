"""How the outside sees a request: below a path of the public address, and through proxies.

A proxy is believed only where the operator trusts its address; from anybody else the headers
`Forwarded` and `X-Forwarded-*` are just text (RFC 7239, 8.1).
"""

import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from starlette.types import Scope

from openccp.core.identity import Recent

HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?", re.ASCII)
_PAIR = re.compile(r'\s*(for|proto|host)\s*=\s*(?:"([^"\\]*)"|([^\s";,]*))\s*', re.IGNORECASE)
_PORT = re.compile(r"(?:\[([^\]]+)\]|(\d+\.\d+\.\d+\.\d+))(?::\w+)?")
MOST_HOPS = 20
Hop = dict[str, str]


class Outside:
    """Turns a request as it arrived into the request that was sent."""

    def __init__(self, public_url: str | None, trusted: Sequence[str]) -> None:
        self._prefix = urlsplit(public_url or "").path.rstrip("/")
        self._raw_prefix = self._prefix.encode()
        self._trusted: list[IPv4Network | IPv6Network] = [ip_network(one) for one in trusted]
        self._known: Recent[str, bool] = Recent(1000)

    def seen(self, scope: Scope) -> Scope:
        """The same request, without the prefix and as the client sent it to the first proxy."""
        if self._prefix and f"{scope['path']}/".startswith(f"{self._prefix}/"):
            scope = self._below(scope)
        if self._trusted and self._trusts((scope.get("client") or ("",))[0]):
            scope = self._through(scope)
        return scope

    def _below(self, scope: Scope) -> Scope:
        path = scope["path"].removeprefix(self._prefix) or "/"
        raw = scope["raw_path"].removeprefix(self._raw_prefix) or b"/"
        return {**scope, "path": path, "raw_path": raw}

    def _trusts(self, address: str) -> bool:
        """Whether it is a proxy of ours."""
        known = self._known.get(address, 0)
        if known is None:
            known = self._is_trusted(address)
            self._known.put(address, known, 1)
        return known

    def _is_trusted(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        mapped = getattr(parsed, "ipv4_mapped", None) or parsed
        return any(mapped in network for network in self._trusted)

    def _through(self, scope: Scope) -> Scope:
        """What the hop before our first proxy tells: hops are read from ours outwards."""
        found: Hop = {}
        for hop in reversed(_hops(scope)[-MOST_HOPS:]):
            found = {**found, **hop}
            if not self._trusts(hop.get("for", "")):
                break
        changed = {**scope}
        if found.get("for"):
            changed["client"] = (found["for"], 0)
        if found.get("proto") in ("http", "https"):
            changed["scheme"] = found["proto"]
        if HOST.fullmatch(found.get("host", "")):
            others = [pair for pair in scope["headers"] if pair[0] != b"host"]
            changed["headers"] = [(b"host", found["host"].encode()), *others]
        return changed


def _hops(scope: Scope) -> list[Hop]:
    """What each proxy told, the one nearest to us last; nothing where two headers disagree."""
    told: dict[bytes, str] = {}
    for name, value in scope["headers"]:
        if name == b"forwarded" or name.startswith(b"x-forwarded-"):
            before = f"{told[name]}," if name in told else ""
            told[name] = before + value.decode("latin-1")
    older = _older(told)
    if b"forwarded" not in told:
        return older
    hops = [_hop(element) for element in told[b"forwarded"].split(",")]
    return hops if _agree(hops, older) else []


def _agree(hops: list[Hop], older: list[Hop]) -> bool:
    """Whether both name one sender: a proxy writes one of the two and lets strangers' others by."""
    names = [told[-1]["for"] for told in (hops, older) if told and "for" in told[-1]]
    return len(set(names)) <= 1


def _hop(element: str) -> Hop:
    pairs = [_PAIR.fullmatch(pair) for pair in element.split(";")]
    hop = {pair[1].lower(): pair[2] or pair[3] or "" for pair in pairs if pair}
    return _with_address(hop)


def _older(told: dict[bytes, str]) -> list[Hop]:
    """X-Forwarded-For, -Proto and -Host: lists of their own, aligned at our end."""
    columns = {
        key: [value.strip() for value in told.get(name, "").split(",") if value.strip()]
        for key, name in (
            ("for", b"x-forwarded-for"),
            ("proto", b"x-forwarded-proto"),
            ("host", b"x-forwarded-host"),
        )
    }
    hops: list[Hop] = [{} for _ in range(max(len(column) for column in columns.values()))]
    for key, column in columns.items():
        for hop, value in zip(reversed(hops), reversed(column), strict=False):
            hop[key] = value
    return [_with_address(hop) for hop in hops]


def _with_address(hop: Hop) -> Hop:
    """The same with a plain address in `for`, or none: `unknown` and `_hidden` tell nothing."""
    text = hop.get("for", "")
    if port := _PORT.fullmatch(text):
        text = port[1] or port[2]
    try:
        return {**hop, "for": str(ip_address(text))}
    except ValueError:
        return {name: value for name, value in hop.items() if name != "for"}
