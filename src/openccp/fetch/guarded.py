"""The one guarded way to addresses that others name (security.md C.5)."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urljoin
from weakref import WeakValueDictionary

import h11

from openccp.core.ports import Fetched, NotFetched
from openccp.fetch.address import IP, Address, BadAddress, read_address
from openccp.fetch.exchange import Answer, Ask, exchange
from openccp.fetch.policy import Allowed, Policy

UNREACHABLE = "nothing could be fetched from this address"
"""Said alike of what is forbidden, closed, filtered or unknown, so that nobody learns which."""
MOST_REDIRECTS = 3
MOST_ADDRESSES = 4
CONNECT_SECONDS = 10.0
LARGEST_REPLY = 64 << 10
RESOLVING_THREADS = 8
PARTIAL = 206

Resolve = Callable[[str], Awaitable[Sequence[IP]]]
"""All addresses of a name; OSError where it has none."""


class GuardedFetcher:
    """Fetcher: every hop is read, looked up, judged and connected to anew.

    A name is looked up once a hop; what was judged is what is connected to. No proxy, cookie or
    credential of the platform is ever used.
    """

    def __init__(self, policy: Policy, resolve: Resolve | None = None) -> None:
        self._policy = policy
        self._resolve = resolve or SystemResolver()
        self._tls = ssl.create_default_context()
        self._tls.set_alpn_protocols(["http/1.1"])
        if policy.ca_file is not None:
            self._tls.load_verify_locations(policy.ca_file)
        self._gets = asyncio.Semaphore(policy.at_once)
        self._posts = asyncio.Semaphore(policy.at_once)
        self._own: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def check(self, url: str) -> None:
        """NotFetched for an address that its text alone refuses; asks nobody."""
        self._read(url)

    async def get(
        self, url: str, most: int | None = None, accept: str = "*/*", *, by: str = ""
    ) -> Fetched:
        """A 2xx answer, after at most three redirects; NotFetched for everything else."""
        limit = self._policy.most if most is None else min(most, self._policy.most)
        ask = Ask("GET", {"Accept": accept}, most=limit)
        async with self._turn(by, self._gets):
            address = self._read(url)
            for _ in range(MOST_REDIRECTS + 1):
                answer = await self._asked(address, ask)
                if answer.location is None:
                    return _good(answer.fetched)
                address = self._following(address, answer.location)
            raise NotFetched(f"it redirects more than {MOST_REDIRECTS} times")

    async def post(
        self, url: str, content: bytes, headers: Mapping[str, str], *, by: str = ""
    ) -> Fetched:
        """Any answer, a redirect too; NotFetched if there is none."""
        ask = Ask("POST", headers, content, LARGEST_REPLY, cut=True)
        async with self._turn(by, self._posts):
            return (await self._asked(self._read(url), ask)).fetched

    @asynccontextmanager
    async def _turn(self, by: str, places: asyncio.Semaphore) -> AsyncIterator[None]:
        """A place among those at work, within the time that one fetch may take.

        Callbacks that hang take no place from what is fetched.
        """
        own = self._own.setdefault(by, asyncio.Semaphore(self._policy.at_once_each))
        try:
            async with asyncio.timeout(self._policy.seconds), own, places:
                yield
        except (OSError, h11.RemoteProtocolError):
            raise NotFetched(UNREACHABLE) from None

    def _read(self, url: str) -> Address:
        try:
            address = read_address(url)
        except BadAddress:
            raise NotFetched(UNREACHABLE) from None
        if not self._policy.may_ask(address):
            raise NotFetched(UNREACHABLE)
        return address

    def _following(self, address: Address, location: str) -> Address:
        try:
            following = self._read(urljoin(address.url, location))
        except ValueError:
            raise NotFetched(UNREACHABLE) from None
        if (address.scheme, following.scheme) == ("https", "http"):
            raise NotFetched(UNREACHABLE)
        return following

    async def _asked(self, address: Address, ask: Ask) -> Answer:
        reader, writer = await self._connected(address, await self._judged(address))
        try:
            return await exchange(reader, writer, address.target, address.authority, ask)
        finally:
            writer.transport.abort()

    async def _judged(self, address: Address) -> Sequence[IP]:
        """Every address of the host, if every one of them may be reached."""
        found = [address.literal] if address.literal else await self._resolve(address.host)
        if not found or not all(self._policy.may_reach(address, ip) for ip in found):
            raise NotFetched(UNREACHABLE)
        return found[:MOST_ADDRESSES]

    async def _connected(
        self, address: Address, found: Sequence[IP]
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        secure = address.scheme == "https"
        for ip in found:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    return await asyncio.open_connection(
                        str(ip),
                        address.port,
                        ssl=self._tls if secure else None,
                        server_hostname=address.host if secure else None,
                    )
            except OSError:
                continue
        raise NotFetched(UNREACHABLE)


def _good(fetched: Fetched) -> Fetched:
    whole = 200 <= fetched.status < 300 and fetched.status != PARTIAL
    if not whole:
        raise NotFetched(f"it answered with the status {fetched.status}")
    return fetched


class SystemResolver:
    """The machine's own way to look up names, on few threads of its own."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(RESOLVING_THREADS, "resolve")

    async def __call__(self, host: str) -> Sequence[IP]:
        """All IPv4 and IPv6 addresses of a name; OSError where it has none."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _addresses, host)
        return [ip_address(text) for text in dict.fromkeys(found)]


def _addresses(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(place[0]) for *_, place in found]


def from_settings(
    *,
    allow_hosts: Iterable[str],
    ports: Iterable[int],
    https_only: bool,
    seconds: float,
    bytes: int,
    ca_file: Path | None,
) -> GuardedFetcher:
    """The fetcher as the section `[fetch]` of the settings has it."""
    policy = Policy(
        allowed=Allowed.read(allow_hosts),
        ports=frozenset(ports),
        https_only=https_only,
        seconds=seconds,
        most=bytes,
        ca_file=None if ca_file is None else str(ca_file),
    )
    return GuardedFetcher(policy)
