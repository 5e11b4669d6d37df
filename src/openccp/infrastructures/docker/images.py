"""The images of a daemon: what a name stands for there, and one pull of it for all who wait."""

import asyncio
from collections.abc import Mapping
from typing import Any

from openccp.infrastructures.docker.daemon import Daemon
from openccp.infrastructures.docker.pulling import (
    Progress,
    no_image,
    other_processor,
    too_slow,
)
from openccp.infrastructures.docker.reference import Image, Login, is_reference, registry_of

PULLS = 4
"""At a time: each takes the network and the disk for itself."""


class Images:
    """Resolves and brings images. NoImage says why one cannot be had."""

    def __init__(self, daemon: Daemon, logins: Mapping[str, Login], seconds: float) -> None:
        self._daemon, self._logins, self._seconds = daemon, logins, seconds
        self._pulls: dict[str, tuple[Progress, asyncio.Task[Image]]] = {}
        self._room = asyncio.Semaphore(PULLS)
        self._processor = ""

    async def here(self, name: str) -> Image | None:
        """What a name stands for on the host now; None if it must be brought."""
        if not is_reference(name):
            raise no_image(name, "invalid reference")
        found = await self._daemon.image(name)
        return None if found is None else await self._fit(name, found)

    async def brought(self, name: str) -> Image:
        """Pull it, or wait for the pull that is under way; who stops waiting ends no pull."""
        if name not in self._pulls:
            progress = Progress(name)
            pulling = asyncio.ensure_future(self._pull(progress))
            self._pulls[name] = progress, pulling
            pulling.add_done_callback(lambda _: self._pulls.pop(name, None))
        return await asyncio.shield(self._pulls[name][1])

    def words(self, name: str) -> str:
        """How far it is, for people."""
        progress, _ = self._pulls.get(name, (Progress(name), None))
        return progress.words

    async def close(self) -> None:
        """End the pulls; what they brought stays with the daemon."""
        pulls = [pulling for _, pulling in self._pulls.values()]
        for pulling in pulls:
            pulling.cancel()
        await asyncio.gather(*pulls, return_exceptions=True)

    async def _pull(self, progress: Progress) -> Image:
        name = progress.name
        async with self._room:
            if (found := await self.here(name)) is not None:
                return found
            try:
                async with asyncio.timeout(self._seconds):
                    async for line in self._daemon.pull(name, self._login(name)):
                        progress.hear(line)
            except TimeoutError:
                raise too_slow(name, self._seconds) from None
            found = await self.here(name)
        if found is None:
            raise no_image(name, "it ended unseen")
        return found

    def _login(self, name: str) -> Mapping[str, str] | None:
        login = self._logins.get(registry_of(name))
        if login is None:
            return None
        try:
            return {"username": login.username, "password": login.password()}
        except OSError:
            raise no_image(name, "no basic auth") from None

    async def _fit(self, name: str, found: Mapping[str, Any]) -> Image:
        """The image, if this machine's processor can run it."""
        self._processor = self._processor or await self._daemon.processor()
        made_for = f"{found.get('Os')}/{found.get('Architecture')}"
        if made_for != self._processor:
            raise other_processor(name)
        digests = found.get("RepoDigests") or [""]
        config = found.get("Config") or {}
        volumes, labels = (tuple(config.get(what) or ()) for what in ("Volumes", "Labels"))
        return Image(name, str(found["Id"]), str(digests[0]), volumes, labels)
