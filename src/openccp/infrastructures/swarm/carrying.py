"""What the platform and the carriers of its jobs tell each other, by a token an attempt.

The token's digest and the node that first used it lie in the attempt's folder: they outlive a
restart of the platform, and are gone with the attempt.
"""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from openccp.core.job import Stage, TaskKey
from openccp.core.problems import BodyTooLarge, MalformedBody, NotFound, Problem
from openccp.infrastructures.attempts import Attempts
from openccp.infrastructures.bounded import read_text
from openccp.infrastructures.folders import StageFolder, attempt_name
from openccp.infrastructures.swarm.arriving import (
    Unpacking,
    keep_log,
    keep_small,
    leaving,
    most_bytes,
)
from openccp.infrastructures.swarm.left import HOME_FILES
from openccp.infrastructures.swarm.tasks import REFUSED, SwarmStage

ATTEMPT = re.compile(r"ccp-([A-Za-z0-9][A-Za-z0-9._-]{0,99})-([1-9][0-9]{0,8})\Z")
STAGED, COLLECTED, OVER = "staged", "collected", "over"
SPOILED = "spoiled"
"""What was brought cannot be what a job left: it would be the same the next time."""
NODE = re.compile(r"[A-Za-z0-9]{1,64}\Z")
MOST_PIECES = 256


@dataclass(frozen=True, slots=True)
class Leaving:
    """A carrier that is to clean its node and go."""

    heard: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class Carrying:
    """The platform's side. `known` finds a stage; `staged` and `collected` are told of."""

    attempts: Attempts
    known: Callable[[TaskKey], SwarmStage | None]
    staged: Callable[[SwarmStage, str], None]
    collected: Callable[[SwarmStage], None]
    leaving: dict[str, Leaving] = field(default_factory=dict)
    """Attempts whose carriers are to leave."""

    def new_token(self, key: TaskKey) -> str:
        """A token that only the attempt's carrier gets; an older one is worth nothing from now."""
        token, path = secrets.token_urlsafe(32), self._path(key, "carrier")
        building = f"{path}.{secrets.token_hex(8)}"
        with open(building, "w", opener=_private) as file:
            file.write(_digest(token))
        os.rename(building, path)
        return token

    def inputs(self, attempt: str, stage: str, token: str) -> Iterator[bytes]:
        """What a stage needs, until it is there; NotFound for whoever may not have it."""
        one = self._stage(self._checked(attempt, token), stage)
        if one is None or one.happened(STAGED):
            raise NotFound
        return leaving(one.folder, one.plan, first=one.folder.key.stage is Stage.RUN)

    def admit(self, attempt: str, token: str) -> None:
        """NotFound unless the token is the attempt's."""
        self._checked(attempt, token)

    def node(self, key: TaskKey) -> str:
        """The node that the attempt's files are on; "" before that is known."""
        return read_text(self._path(key, "node"), 64)

    async def told(self, attempt: str, token: str, news: Mapping[str, Any]) -> dict[str, Any]:
        """Take in what a carrier tells; answers what it has to do."""
        key = self._checked(attempt, token)
        node = news.get("node")
        if not isinstance(node, str) or not NODE.match(node) or not self._claims(key, node):
            raise NotFound
        if attempt in self.leaving:
            self.leaving[attempt].heard.set()
            if news.get("left") is True:
                self.leaving[attempt].gone.set()
            return {"leave": True}
        stages = [one for stage in Stage if (one := self._stage(key, stage)) is not None]
        for one in stages:
            try:
                self._take_in(one, node, news)
            except (TypeError, ValueError, KeyError, AttributeError) as error:
                raise MalformedBody("These are no news of a job.") from error
        return {
            "stage": [str(one.folder.key.stage) for one in stages if not one.happened(STAGED)],
            "collect": [str(one.folder.key.stage) for one in stages if _is_due(one)],
            "live": sorted(self.attempts.names()),
        }

    def _take_in(self, one: SwarmStage, node: str, news: Mapping[str, Any]) -> None:
        stage = str(one.folder.key.stage)
        if stage in news.get("staged", ()) and not one.happened(REFUSED):
            one.note(STAGED)
            self.staged(one, node)
        if one.happened(COLLECTED):
            return
        for name, piece in list(news.get("logs", {}).items())[:MOST_PIECES]:
            if not name.startswith(f"{stage}."):
                continue
            keep_log(one.folder, one.plan, name, int(piece["at"]), _decoded(piece["more"]))
            if int(piece["size"]) > one.plan.limits.log_bytes:
                one.convict("log", f"{one.plan.limits.log_bytes} bytes are kept")
        for name, text in list(news.get("small", {}).items())[:MOST_PIECES]:
            keep_small(one.folder, one.plan, name, _decoded(text))
        _judge(one, *map(int, news.get("used", (0, 0, 0, 0))))

    async def results(
        self, attempt: str, stage: str, token: str, content: AsyncIterator[bytes]
    ) -> None:
        """Take in what a stage left, once: NotFound afterwards and for whoever may not send it."""
        one = self._stage(self._checked(attempt, token), stage)
        if one is None or one.happened(COLLECTED) or not one.happened(STAGED):
            raise NotFound
        path = f"{one.folder.data}.large.{secrets.token_hex(8)}.tar"
        try:
            await _streamed(content, path, most_bytes(one.plan))
            await asyncio.to_thread(Unpacking(one.folder, one.plan).unpack, path)
        except Problem:
            one.note(SPOILED)
            self.collected(one)
            raise
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        one.note(COLLECTED)
        self.collected(one)

    def send_away(self, key: TaskKey) -> Leaving:
        """Have the carrier remove what it has on its node; what it says of that."""
        return self.leaving.setdefault(attempt_name(key), Leaving())

    def forget(self, key: TaskKey) -> None:
        """The attempt is over."""
        self.leaving.pop(attempt_name(key), None)

    def _checked(self, attempt: str, token: str) -> TaskKey:
        """The attempt's key, if this is its token."""
        found = ATTEMPT.match(attempt)
        key = TaskKey(found[1], int(found[2]), Stage.RUN) if found else None
        digest = read_text(self._path(key, "carrier"), 64) if key else ""
        if not hmac.compare_digest(digest or "-", _digest(token)) or key is None:
            raise NotFound
        return key

    def _claims(self, key: TaskKey, node: str) -> bool:
        """The first node that asks is the attempt's; files are on one node only."""
        path = self._path(key, "node")
        with contextlib.suppress(FileExistsError), open(path, "x", opener=_private) as file:
            file.write(node)
        return self.node(key) == node

    def _stage(self, key: TaskKey, stage: str) -> SwarmStage | None:
        if stage not in list(Stage):
            return None
        return self.known(TaskKey(key.job, key.attempt, Stage(stage)))

    def _path(self, key: TaskKey, name: str) -> str:
        return f"{StageFolder(self.attempts.ground, key).attempt}/{name}"


def _judge(one: SwarmStage, size: int, count: int, home_size: int, home_count: int) -> None:
    """Have it ended if it has more on disk than it may."""
    limits = one.plan.limits
    if size + home_size > limits.output_bytes:
        one.convict("disk", f"more than {limits.output_bytes} bytes")
    elif count > limits.output_files or home_count > limits.output_files * HOME_FILES:
        one.convict("files", f"more than {limits.output_files} files")


def _is_due(one: SwarmStage) -> bool:
    return one.happened(STAGED) and one.happened(OVER) and not one.happened(COLLECTED)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _decoded(text: Any) -> bytes:
    if not isinstance(text, str):
        raise TypeError("no text")
    return base64.b64decode(text, validate=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


async def _streamed(content: AsyncIterator[bytes], path: str, most: int) -> None:
    size, file = 0, await asyncio.to_thread(open, path, "xb", opener=_private)
    with file:
        async for chunk in content:
            size += len(chunk)
            if size > most:
                raise BodyTooLarge
            await asyncio.to_thread(file.write, chunk)
