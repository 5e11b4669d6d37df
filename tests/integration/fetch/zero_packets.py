"""Run alone in a network namespace: asks for every hostile address, and listens to every packet.

Prints one JSON object: address -> [what was said, where packets went].
"""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from tests.integration.fetch.hostile import NAMED, NAMES, PUBLIC, REDIRECTS, REFUSED
from tests.integration.fetch.servers import Server, moved, ok, serving

from openccp.core.ports import NotFetched
from openccp.fetch.address import IP
from openccp.fetch.guarded import GuardedFetcher
from openccp.fetch.policy import Allowed, Policy

START, PORT = "start.example.org", 8443
ETH_P_ALL = 3
SET_UP = """
ip link set lo up
ip link add out type veth peer name far
ip link set out addrgenmode none arp off
ip link set far addrgenmode none arp off
ip link set far up
ip link set out up
ip addr add 198.51.100.7/32 dev out
ip addr add 2001:db8::7/128 dev out nodad
ip route add default dev out
ip -6 route add default dev out
"""


class Sniffer:
    """Every packet of this network namespace."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self._socket.setblocking(False)

    def heard(self) -> list[str]:
        """Where the packets since the last call went."""
        found: set[str] = set()
        while True:
            try:
                packet = self._socket.recv(65536)
            except BlockingIOError:
                return sorted(found)
            found.add(_destination(packet))


def _destination(packet: bytes) -> str:
    if packet[0] >> 4 == 4:
        return str(IPv4Address(packet[16:20]))
    return str(IPv6Address(packet[24:40])) if packet[0] >> 4 == 6 else packet[:16].hex()


class Flipping:
    """A hostile resolver: `flip` is public when first asked, and loopback ever after."""

    def __init__(self) -> None:
        self.flips = iter([PUBLIC])

    async def __call__(self, host: str) -> Sequence[IP]:
        if host == START:
            return [ip_address("127.0.0.1")]
        if host == "flip.example.org":
            return [ip_address(next(self.flips, "127.0.0.1"))]
        if host not in NAMES:
            raise OSError(host)
        return [ip_address(text) for text in NAMES[host]]


async def said(fetcher: GuardedFetcher, url: str) -> str:
    try:
        return (await fetcher.get(url)).content.decode()
    except NotFetched as refusal:
        return str(refusal)


async def ask(sniffer: Sniffer, start: Server) -> dict[str, tuple[str, list[str]]]:
    """Everything once; each with what was said and where packets went."""
    fetcher = GuardedFetcher(Policy(seconds=5), Flipping())
    hasty = GuardedFetcher(Policy(seconds=0.5), Flipping())
    guest = GuardedFetcher(Policy(allowed=Allowed.read([START])), Flipping())
    tasks = [(fetcher, url, url) for url in [*REFUSED, *NAMED]]
    for number, to in enumerate(REDIRECTS):
        start.replies[f"/{number}"] = moved(to)
        tasks.append((guest, f"http://{START}:{PORT}/{number}", f"redirect {to}"))
    start.replies["/good"] = ok(b"good")
    tasks.append((guest, f"http://{START}:{PORT}/good", "allowed"))
    tasks.append((hasty, f"http://{PUBLIC}/", "public"))
    tasks.append((hasty, "http://flip.example.org/", "before the flip"))
    tasks.append((hasty, "http://flip.example.org/", "after the flip"))
    sniffer.heard()
    results: dict[str, tuple[str, list[str]]] = {}
    for asked, url, name in tasks:
        words = await said(asked, url)
        await asyncio.sleep(0)
        results[name] = (words, [] if name in results else sniffer.heard())
    return results


async def main() -> None:
    sniffer = Sniffer()
    async with (
        serving("127.0.0.1", PORT) as start,
        serving("127.0.0.1", 80) as web,
        serving("127.0.0.2", 80) as other,
        serving("127.0.0.2", 443) as secure,
        serving("::1", 80) as six,
    ):
        results = await ask(sniffer, start)
        connected = {"reached": web.connections + other.connections + secure.connections}
        connected["reached"] += six.connections
    sys.stdout.write(json.dumps({"asked": results, **connected}))


if __name__ == "__main__":
    subprocess.run(["sh", "-ec", SET_UP], check=True)
    asyncio.run(main())
