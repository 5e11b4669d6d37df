"""How a daemon is reached: its own socket, TLS with certificates on both sides, or through SSH.

SSH is the system's program: its settings, agent and known hosts hold, and a host whose key is
not known is never asked. One session carries every request, through a socket of ours alone.
"""

import asyncio
import contextlib
import ssl
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiodocker
import aiohttp

from openccp.infrastructures.docker.credentials import Credentials

SOCKET = "/var/run/docker.sock"
OVER = "unix://localhost"
CONNECT_SECONDS = 30
LONGEST_FIELD = 128 << 10
"""Of a header: the daemon tells in one where a link leads, which a job may have made very long."""
CARRY = "echo up; exec cat >/dev/null"
"""Ends with our end of it, however we end: nothing stays behind on either side."""


class Connection:
    """The library's client of a daemon, and what it needs kept alive."""

    def __init__(self, address: str, credentials: Credentials, timeout: float) -> None:
        url, connector = _connector(address, credentials)
        self._session = aiohttp.ClientSession(connector=connector, max_field_size=LONGEST_FIELD)
        self.docker = aiodocker.Docker(
            url,
            connector=connector,
            session=self._session,
            timeout=aiohttp.ClientTimeout(total=timeout),
        )

    async def close(self) -> None:
        """Hang up."""
        await self.docker.connector.close(abort_ssl=True)
        await self.docker.close()
        await self._session.close()


def _connector(address: str, credentials: Credentials) -> tuple[str, aiohttp.BaseConnector]:
    """The address for the library, and who connects to it."""
    scheme = urlsplit(address).scheme
    if scheme == "ssh":
        return OVER, Tunnel(address, credentials)
    if scheme == "tcp":
        context = tls(credentials)
        return address.replace("tcp://", "https://", 1), aiohttp.TCPConnector(ssl=context)
    return OVER, aiohttp.UnixConnector(address.removeprefix("unix://"))


@contextlib.asynccontextmanager
async def hanging_up(answer: aiohttp.ClientResponse) -> AsyncIterator[None]:
    """Also in the middle: at once, since a farewell of TLS waits for all that is still to come."""
    try:
        yield
    finally:
        if answer.connection is not None and answer.connection.transport is not None:
            answer.connection.transport.abort()
        answer.close()


def tls(credentials: Credentials) -> ssl.SSLContext:
    """Trusts that authority only, and shows our certificate."""
    context = ssl.create_default_context(cafile=credentials.ca)
    if credentials.cert is not None:
        context.load_cert_chain(credentials.cert, credentials.key)
    return context


class Tunnel(aiohttp.UnixConnector):
    """A socket here that is the daemon's over there, while somebody asks for it."""

    def __init__(self, address: str, credentials: Credentials) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="openccp-ssh-")
        self._socket = f"{self._folder.name}/docker.sock"
        super().__init__(self._socket)
        self._command = command(address, credentials, self._socket)
        self._session: asyncio.subprocess.Process | None = None
        self._opening = asyncio.Lock()

    async def connect(self, *words: Any, **more: Any) -> aiohttp.connector.Connection:
        """A connection through the session, which is opened if there is none."""
        async with self._opening:
            if self._session is None or self._session.returncode is not None:
                await self._open()
        return await super().connect(*words, **more)

    async def _open(self) -> None:
        pipe = asyncio.subprocess.PIPE
        Path(self._socket).unlink(missing_ok=True)
        errors = Path(self._folder.name) / "errors"
        with errors.open("wb") as stderr:
            session = await asyncio.create_subprocess_exec(
                *self._command, stdin=pipe, stdout=pipe, stderr=stderr
            )
        assert session.stdout is not None
        said = b""
        with contextlib.suppress(TimeoutError):
            said = await asyncio.wait_for(session.stdout.readline(), CONNECT_SECONDS)
        if said != b"up\n":
            with contextlib.suppress(ProcessLookupError):
                session.kill()
            await session.communicate()
            raise ConnectionError(errors.read_text(errors="replace").strip()[-200:])
        self._session = session

    async def _end(self) -> None:
        if self._session is not None and self._session.returncode is None:
            self._session.terminate()
            await self._session.communicate()
        self._folder.cleanup()

    async def close(self, **more: Any) -> None:
        """Hang up, and end the session."""
        await super().close(**more)
        await self._end()


def command(address: str, credentials: Credentials, socket: str) -> list[str]:
    """The SSH client that forwards `ssh://user@host:port/path/of/the.sock` to a socket here."""
    url = urlsplit(address)
    options = ["BatchMode=yes", "ExitOnForwardFailure=yes", "StrictHostKeyChecking=yes"]
    options += ["ServerAliveInterval=15", "ServerAliveCountMax=3", "UpdateHostKeys=no"]
    options += [f"ConnectTimeout={CONNECT_SECONDS}", "ControlPath=none", "StreamLocalBindMask=0177"]
    if credentials.known_hosts is not None:
        options.append(f"UserKnownHostsFile={credentials.known_hosts}")
    words = ["ssh", "-T", "-L", f"{socket}:{url.path.rstrip('/') or SOCKET}"]
    for option in options:
        words += ["-o", option]
    if credentials.key is not None:
        words += ["-i", str(credentials.key), "-o", "IdentitiesOnly=yes"]
    words += ["-p", str(url.port)] if url.port else []
    words += ["-l", url.username] if url.username else []
    return [*words, "--", url.hostname or "", CARRY]
