"""Which addresses may be reached at all (security.md C.5)."""

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_network

from openccp.fetch.address import IP, Address

Network = IPv4Network | IPv6Network
USUAL_PORTS = frozenset({80, 443, 8443})
_INNER_NAMES = (
    "localhost", "local", "internal", "intranet", "lan", "home", "corp", "private", "home.arpa",
    "onion",
)  # fmt: skip
_NEVER = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32",
        "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
        "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
        "240.0.0.0/4", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    )
)  # fmt: skip
_UNICAST_6 = IPv6Network("2000::/3")
"""All that is given out for the public; mapped, NAT64, local and multicast lie outside of it."""
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})


def is_public(ip: IP) -> bool:
    """Whether an address belongs to the public network and hides no other address."""
    if any(ip in network for network in _NEVER if network.version == ip.version):
        return False
    if isinstance(ip, IPv4Address):
        return ip.is_global
    return ip in _UNICAST_6 and ip.is_global and (int(ip) >> 32) & 0xFFFFFFFF not in _ISATAP


def is_own(ip: IP) -> bool:
    """Whether an address is this machine's own, as its routing table says; sends nothing."""
    family = socket.AF_INET if ip.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(ip), 9))
            return str(probe.getsockname()[0]) == str(ip)
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class Allowed:
    """What an operator lets fetches reach besides the public network."""

    names: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()

    @classmethod
    def read(cls, entries: Iterable[str]) -> "Allowed":
        """Names (`data.lan`, `*.example.org`), addresses and networks (`10.1.0.0/16`)."""
        names: list[str] = []
        networks: list[Network] = []
        for entry in entries:
            try:
                networks.append(ip_network(entry))
            except ValueError:
                names.append(entry.lower())
        return cls(tuple(names), tuple(networks))

    def has_name(self, address: Address) -> bool:
        """Whether the operator named this host: then its addresses are not judged."""
        return address.literal is None and any(fnmatchcase(address.host, n) for n in self.names)

    def has_address(self, ip: IP) -> bool:
        """Whether the operator named this address."""
        return any(ip in network for network in self.networks if network.version == ip.version)


@dataclass(frozen=True, slots=True)
class Policy:
    """The operator's word on fetching. `most` in bytes; `ca_file` adds to the known authorities."""

    allowed: Allowed = Allowed()
    ports: frozenset[int] = USUAL_PORTS
    https_only: bool = False
    seconds: float = 30.0
    most: int = 32 << 20
    ca_file: str | None = None
    at_once: int = 32
    at_once_each: int = 4

    def may_ask(self, address: Address) -> bool:
        """What the text of an address alone decides; no name is looked up for a refused one."""
        if address.port not in self.ports or (self.https_only and address.scheme != "https"):
            return False
        if address.literal is not None:
            return self.may_reach(address, address.literal)
        return self.allowed.has_name(address) or not _is_inner(address.host)

    def may_reach(self, address: Address, ip: IP) -> bool:
        """Whether this very IP address may be connected to on behalf of the address."""
        if self.allowed.has_name(address) or self.allowed.has_address(ip):
            return True
        return is_public(ip) and not is_own(ip)


def _is_inner(host: str) -> bool:
    return "." not in host or any(host.endswith(f".{name}") for name in _INNER_NAMES)
