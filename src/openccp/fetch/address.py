"""One strict reader of addresses: what can be read in two ways is refused."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import quote

import idna

LONGEST = 4096
PORTS = {"http": 80, "https": 443}
_SHAPE = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>\[[0-9a-f:.]{2,45}\]|[^\s/?#@:\[\]\\%]{1,255})"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<target>[/?][^\s#\\]*)?"
    r"(?:#[^\s\\]*)?",
    re.IGNORECASE,
)
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)
_TOP = re.compile(r"[a-z]+|xn--[a-z0-9-]+", re.ASCII)
_DOTTED = re.compile(r"[0-9.]+", re.ASCII)
_OTHER_DOTS = "\u3002\uff0e\uff61"
_KEPT = "".join(map(chr, range(0x21, 0x7F)))

IP = IPv4Address | IPv6Address


class BadAddress(ValueError):
    """The text is no address that is ever fetched."""


@dataclass(frozen=True, slots=True)
class Address:
    """An address taken apart. `host` is a name in ASCII, or the text of `literal`."""

    scheme: str
    host: str
    port: int
    target: str
    literal: IP | None

    @property
    def authority(self) -> str:
        """Host and port as the header Host has them."""
        host = f"[{self.host}]" if isinstance(self.literal, IPv6Address) else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The address in its one spelling."""
        return f"{self.scheme}://{self.authority}{self.target}"


def read_address(text: str) -> Address:
    """Take an address apart; BadAddress for all but plain http and https ones.

    No user name, no other spelling of an IP address than the usual one, no percent signs in the
    host, no white space, backslash or invisible character anywhere. A fragment is dropped.
    """
    matched = _SHAPE.fullmatch(text) if len(text) <= LONGEST and text.isprintable() else None
    if matched is None:
        raise BadAddress
    scheme, port = matched["scheme"].lower(), int(matched["port"] or 0)
    if port > 65535:
        raise BadAddress
    literal = _literal(matched["host"])
    host = _name(matched["host"]) if literal is None else str(literal)
    target = quote(matched["target"] or "/", safe=_KEPT)
    target = target if target.startswith("/") else f"/{target}"
    return Address(scheme, host, port or PORTS[scheme], target, literal)


def _literal(host: str) -> IP | None:
    try:
        if host.startswith("["):
            return IPv6Address(host[1:-1])
        return IPv4Address(host) if _DOTTED.fullmatch(host) else None
    except ValueError:
        raise BadAddress from None


def _name(host: str) -> str:
    name = host.lower()
    if not name.isascii():
        name = _in_ascii(name)
    if len(name) > 253 or not _NAME.fullmatch(name) or not _TOP.fullmatch(name.rsplit(".")[-1]):
        raise BadAddress
    return name


def _in_ascii(name: str) -> str:
    if any(dot in name for dot in _OTHER_DOTS):
        raise BadAddress
    try:
        return idna.encode(name).decode("ascii")
    except UnicodeError:
        raise BadAddress from None
