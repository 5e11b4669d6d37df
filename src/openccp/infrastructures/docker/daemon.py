"""The few things that are asked of a Docker daemon, and what can go wrong with each."""

import re
from base64 import b64decode, urlsafe_b64encode
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import aiodocker
import aiohttp
import orjson
from aiodocker.exceptions import DockerError
from aiohttp.http_exceptions import HttpProcessingError

from openccp.core.ports import CannotStart
from openccp.core.problems import Unavailable
from openccp.infrastructures.docker.connection import Connection, hanging_up
from openccp.infrastructures.docker.credentials import Credentials

ASK_SECONDS = 60.0
PIECE = 256 << 10
LONGEST_LINE = 16 << 20
"""An event repeats all labels of an image, and they may be anything."""
UNTOLD = -1
"""The code of an end where a label of the image stands in its place: it has to be asked for."""
BROKEN_OFF = (aiohttp.ClientError, HttpProcessingError, OSError, orjson.JSONDecodeError)
"""What a stream of lines ends with when it does not end well."""
NO_PATH = re.compile(r"evalSymlinksInScope|lstat |name too long|not a directory")
"""What is said, as if the daemon had failed, of links that a job has made without an end."""
TERM = ("sh", "-c", "kill -TERM -1")
_WORDS = (
    (re.compile(r"toomanyrequests|rate limit", re.I), "the registry limits how often it is asked"),
    (re.compile(r"unauthorized|denied|authentication", re.I), "the registry refused it"),
    (re.compile(r"no space left", re.I), "the disk of the Docker host is full"),
    (re.compile(r"no matching manifest|platform", re.I), "it is not made for this processor"),
    (re.compile(r"not found|manifest unknown|does not exist", re.I), "no registry has it"),
)


class DaemonGone(Unavailable):
    """The Docker daemon does not answer: what was asked of it is asked again later."""


class NameTaken(Exception):
    """There is a container of this name."""


class Overlap(Exception):
    """The addresses asked for are in use."""


@dataclass(frozen=True, slots=True)
class Container:
    """What the daemon says of a container. `state`: created, running, exited, ..."""

    name: str
    state: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a container ended, as the daemon recorded it."""

    code: int
    out_of_memory: bool
    words: str


@dataclass(frozen=True, slots=True)
class News:
    """What a container met: it ended with a code, or (None) one of its processes lacked memory."""

    name: str
    code: int | None


class Daemon:
    """A Docker daemon at an address: `unix:///...`, `tcp://...` or `ssh://...`."""

    def __init__(self, address: str, credentials: Credentials | None = None) -> None:
        self._address = address
        self._credentials = credentials or Credentials()
        self._opened: Connection | None = None

    @property
    def _docker(self) -> aiodocker.Docker:
        if self._opened is None:
            self._opened = Connection(self._address, self._credentials, ASK_SECONDS)
        return self._opened.docker

    async def version(self) -> str:
        """Its version."""
        return str((await self._asked(self._docker.version()))["Version"])

    async def processor(self) -> str:
        """What programs its host runs, as images say it: `linux/amd64`."""
        found = await self._asked(self._docker.version())
        return f"{found['Os']}/{found['Arch']}"

    async def image(self, name: str) -> Mapping[str, Any] | None:
        """What the daemon says of an image that the host has."""
        try:
            found = await self._asked(self._docker.images.inspect(name))
        except DockerError as error:
            if error.status == 404:
                return None
            raise
        return dict(found)

    async def pull(
        self, name: str, login: Mapping[str, str] | None = None
    ) -> AsyncIterator[Mapping[str, Any]]:
        """Bring an image to the host; what the daemon tells meanwhile, `error` in the last line."""
        tagged = "@" in name or ":" in name.rpartition("/")[2]
        params = {"fromImage": name, **({} if tagged else {"tag": "latest"})}
        headers = {}
        if login is not None:
            headers["X-Registry-Auth"] = urlsafe_b64encode(orjson.dumps(dict(login))).decode()
        endless = aiohttp.ClientTimeout(total=None, sock_connect=ASK_SECONDS)
        try:
            async with (
                self._docker._query(
                    "images/create", "POST", params=params, headers=headers, timeout=endless
                ) as answer,
                answer,
            ):
                async for line in _lines(answer):
                    yield orjson.loads(line)
        except DockerError as error:
            if error.status == 900:
                raise DaemonGone(f"the Docker daemon at {self._address} is not there") from error
            yield {"error": str(error.message)}
        except BROKEN_OFF as error:
            raise DaemonGone(f"the Docker daemon at {self._address} went away") from error

    async def networks(self, **filters: str) -> Mapping[str, Mapping[str, str]]:
        """Networks by name, with their labels; `name` is a pattern, `label` one of theirs."""
        wanted = {kind: [value] for kind, value in filters.items()}
        found = await self._asked(self._docker.networks.list(filters=wanted))
        return {one["Name"]: one["Labels"] or {} for one in found}

    async def make_network(self, name: str, config: Mapping[str, Any]) -> None:
        """Make a network; Overlap if its addresses are used."""
        try:
            await self._asked(self._docker.networks.create({"Name": name, **config}))
        except DockerError as error:
            if "overlap" in str(error.message).lower():
                raise Overlap(name) from error
            raise CannotStart(f"The network could not be made: {in_words(error)}") from error

    async def remove_network(self, name: str) -> None:
        """Remove a network; nothing if it is not there, or in use."""
        network: Any = aiodocker.networks.DockerNetwork
        await self._lenient(network(self._docker, name).delete(), 403)

    async def create(self, name: str, config: dict[str, Any]) -> None:
        """Make a container; NameTaken if there is one of this name."""
        try:
            await self._asked(self._docker.containers.create(config, name=name))
        except DockerError as error:
            if error.status == 409:
                raise NameTaken(name) from error
            raise CannotStart(f"The container could not be made: {in_words(error)}") from error

    async def update(self, name: str, limits: Mapping[str, Any]) -> None:
        """Give a running container other limits."""
        try:
            await self._asked(
                self._docker._query_json(f"containers/{name}/update", method="POST", data=limits)
            )
        except DockerError as error:
            raise CannotStart(f"The limits could not be set: {in_words(error)}") from error

    async def start(self, name: str) -> None:
        """Start a container that was made; one that runs already is left alone."""
        try:
            await self._asked(self._docker.containers.container(name).start())
        except DockerError as error:
            raise CannotStart(f"The container could not be started: {in_words(error)}") from error

    async def inspect(self, name: str) -> Container | None:
        """One container."""
        found = await self._shown(name)
        if found is None:
            return None
        return Container(name, found["State"]["Status"], found["Config"]["Labels"] or {})

    async def ended(self, name: str) -> Ended | None:
        """How a container ended; None while it has not, or if it is not there."""
        found = await self._shown(name)
        if found is None or found["State"]["Status"] not in ("exited", "dead"):
            return None
        state = found["State"]
        return Ended(state["ExitCode"], state["OOMKilled"], state.get("Error") or "")

    async def first_process(self, name: str) -> int:
        """The first process of a running container, as its host numbers it; 0 if none runs."""
        found = await self._shown(name)
        return int(found["State"]["Pid"]) if found else 0

    async def listed(self, label: str, prefix: str = "") -> list[Container]:
        """All containers with a label, and a name that begins so, in one call."""
        filters = {"label": [label], **({"name": [f"^{prefix}"]} if prefix else {})}
        found = await self._asked(self._docker.containers.list(all=True, filters=filters))
        return [
            Container(one["Names"][0].lstrip("/"), one["State"], one["Labels"]) for one in found
        ]

    async def kill(self, name: str) -> None:
        """KILL to all of it; nothing if it does not run."""
        await self._lenient(self._docker.containers.container(name).kill(signal="KILL"))

    async def terminate(self, name: str) -> None:
        """TERM to every process of a running container; nothing if it does not run.

        Where no process can be added to it, as at its very end, its first process is told.
        """

        async def run() -> None:
            made = await self._docker.containers.container(name).exec(list(TERM))
            await made.start(detach=True)

        try:
            await self._asked(run())
        except DockerError:
            await self._lenient(self._docker.containers.container(name).kill(signal="TERM"))

    async def remove(self, name: str) -> None:
        """End and remove a container with its volumes; nothing if it is not there."""
        await self._lenient(self._docker.containers.container(name).delete(force=True, v=True))

    async def news(self, label: str) -> AsyncIterator[News | None]:
        """What containers with a label meet, as it comes; None first, once that is listened to.

        It ends when the daemon goes away.
        """
        wanted = {"type": ["container"], "event": ["die", "oom"], "label": [label]}
        params = {"filters": orjson.dumps(wanted).decode()}
        endless = aiohttp.ClientTimeout(total=None, sock_connect=ASK_SECONDS)
        try:
            async with (
                self._docker._query("events", params=params, timeout=endless) as answer,
                hanging_up(answer),
            ):
                yield None
                async for line in _lines(answer):
                    yield _news(orjson.loads(line))
        except (*BROKEN_OFF, DockerError) as error:
            raise DaemonGone(f"the Docker daemon at {self._address} went away") from error

    async def volumes(self, *labels: str) -> Mapping[str, Mapping[str, str]]:
        """Volumes that have all of these labels, by name, with their labels."""
        filters = orjson.dumps({"label": labels}).decode()
        found = await self._asked(self._docker._query_json("volumes", params={"filters": filters}))
        return {one["Name"]: one["Labels"] or {} for one in found["Volumes"] or ()}

    async def remove_volume(self, name: str) -> None:
        """Remove a volume; nothing if it is not there, or in use."""
        volume: Any = aiodocker.volumes.DockerVolume
        await self._lenient(volume(self._docker, name).delete())

    async def put(self, name: str, tar: bytes) -> None:
        """Unpack a tar at the root of a container, whose mounts are seen."""
        container: Any = self._docker.containers.container(name)
        try:
            await self._asked(container.put_archive("/", BytesIO(tar)))
        except DockerError as error:
            raise CannotStart(f"The files could not be brought: {in_words(error)}") from error

    async def get(self, name: str, path: str) -> AsyncGenerator[bytes, None]:
        """The pieces of a tar of a path in a container; none if it leads nowhere."""
        where = f"containers/{name}/archive"
        patient = aiohttp.ClientTimeout(total=None, sock_read=ASK_SECONDS)
        try:
            async with (
                self._docker._query(where, params={"path": path}, timeout=patient) as answer,
                hanging_up(answer),
            ):
                async for piece in answer.content.iter_chunked(PIECE):
                    yield piece
        except (TimeoutError, *BROKEN_OFF) as error:
            raise DaemonGone(f"the Docker daemon at {self._address} does not answer") from error
        except DockerError as error:
            if error.status != 404 and not NO_PATH.search(str(error.message)):
                raise DaemonGone(f"the Docker daemon refused it: {in_words(error)}") from error

    async def size(self, name: str, path: str) -> int:
        """How long a file in a container is; 0 if it is not there."""
        where = f"containers/{name}/archive"

        async def ask() -> str:
            query = self._docker._query(where, method="HEAD", params={"path": path})
            async with query as answer:
                return str(answer.headers["X-Docker-Container-Path-Stat"])

        try:
            return int(orjson.loads(b64decode(await self._asked(ask())))["size"])
        except (DockerError, ValueError):
            return 0

    async def close(self) -> None:
        """Hang up."""
        if self._opened is not None:
            await self._opened.close()
            self._opened = None

    async def _shown(self, name: str) -> Any:
        try:
            return await self._asked(self._docker.containers.container(name).show())
        except DockerError as error:
            if error.status == 404:
                return None
            raise

    async def _lenient(self, asking: Any, *also: int) -> None:
        """What is gone, or ends already, needs no ending."""
        try:
            await self._asked(asking)
        except DockerError as error:
            if error.status not in (404, 409, *also):
                raise

    async def _asked(self, asking: Any) -> Any:
        try:
            return await asking
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise DaemonGone(f"the Docker daemon at {self._address} does not answer") from error
        except DockerError as error:
            if error.status == 900:
                raise DaemonGone(f"the Docker daemon at {self._address} is not there") from error
            raise


def _news(event: Mapping[str, Any]) -> News:
    about = event["Actor"]["Attributes"]
    if event["Action"] != "die":
        return News(about["name"], None)
    code = about["exitCode"]
    return News(about["name"], int(code) if code.isdecimal() else UNTOLD)


async def _lines(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """One by one, as they come."""
    while line := await answer.content.readline(max_line_length=LONGEST_LINE):
        yield line


def in_words(error: DockerError) -> str:
    """What a daemon's refusal means, and its own words."""
    text = str(error.message)
    meaning = next((words for pattern, words in _WORDS if pattern.search(text)), None)
    return f"{meaning} ({text[:200]})" if meaning else text[:300]
