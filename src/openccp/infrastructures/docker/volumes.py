"""Files of jobs on a daemon elsewhere: in volumes there, and a copy here of what is looked at.

Beside a stage's containers stands one that is never started. It has all their volumes, and the
daemon's archive calls on it bring files in and out, also while the job runs.

    <attempt>-data, -in, -secrets            /v/data, /v/in, /v/secrets
    <attempt>-home-<r>                       /v/home-<r>
    <attempt>-<stage>, <attempt>-<stage>-<r> /v/script, /v/ccp-<r>: the programs and both streams
"""

import asyncio
import contextlib
import io
import os
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from openccp.core.job import Stage, TaskKey
from openccp.core.ports import CannotStart, Task
from openccp.infrastructures.bounded import write_new
from openccp.infrastructures.docker.container import (
    ATTEMPT,
    HOME,
    SCRIPTS,
    Ground,
    labels_of,
    name_of,
)
from openccp.infrastructures.docker.daemon import Daemon, DaemonGone, NameTaken
from openccp.infrastructures.docker.kept import kept_image
from openccp.infrastructures.docker.reference import Image
from openccp.infrastructures.docker.tasks import CLAIM, DockerTask
from openccp.infrastructures.docker.unpack import ENTRY, first_file, room, unpack
from openccp.infrastructures.folders import Replica, StageFolder, attempt_name
from openccp.infrastructures.removal import remove_tree
from openccp.infrastructures.watch import Breach

END = "files"
OFTEN = 0.25
SMALL = 64 << 10
"""The most of marks and progress that is looked at."""


class FilesGone(Exception):
    """What a job left is no more where it was."""


class Volumes:
    """Brings files to a daemon and back."""

    def __init__(self, daemon: Daemon, ground: Ground) -> None:
        self._daemon, self._ground = daemon, ground
        self._next: dict[TaskKey, float] = {}
        self._locks: dict[TaskKey, asyncio.Lock] = {}

    def parts(self, task: Task, started: DockerTask, index: int) -> Mapping[str, Any]:
        """How its files reach a replica."""
        shown = {f"home-{index}": HOME, f"ccp-{index}": "/ccp", "data": "/ccp_data"}
        fixed = {"in": "/ccp_in", "script": "/run/ccp/script"}
        fixed |= {"secrets": "/run/secrets"} if task.secrets else {}
        key = started.folder.key
        return {
            "Mounts": [
                *(self._mount(key, what, place) for what, place in shown.items()),
                *(self._mount(key, what, place, fixed=True) for what, place in fixed.items()),
            ]
        }

    async def bring(self, task: Task, started: DockerTask, image: Image) -> None:
        """All that its containers need; repeated until the first of them is there."""
        if await self._daemon.inspect(name_of(task.key, 0)) is not None:
            return
        await self._make_keeper(started, image)
        await self._daemon.put(_keeper(task.key), await asyncio.to_thread(_packed, started))

    async def _make_keeper(self, started: DockerTask, image: Image) -> None:
        """With its volumes, where they are not there."""
        key = started.folder.key
        labels = labels_of(self._ground, key)
        config = {
            "Image": image.id,
            "Healthcheck": {"Test": ["NONE"]},
            "Entrypoint": ["/never-started"],
            "Labels": labels,
            "HostConfig": {
                "NetworkMode": "none",
                "LogConfig": {"Type": "none"},
                "Mounts": [self._mount(key, what, f"/v/{what}") for what in _whats(started)],
            },
        }
        with contextlib.suppress(NameTaken):
            await self._daemon.create(_keeper(key), config)
        found = await self._daemon.inspect(_keeper(key))
        if found is None or found.labels.get(ATTEMPT) != labels[ATTEMPT]:
            raise CannotStart(f"The name {_keeper(key)} is taken by somebody else")

    async def _find_keeper(self, started: DockerTask) -> None:
        """One that somebody removed is made again, if all that it kept is there."""
        key, image = started.folder.key, kept_image(started.folder)
        if await self._daemon.inspect(_keeper(key)) is not None:
            return
        labels = labels_of(self._ground, key).items()
        there = await self._daemon.volumes(*(f"{name}={value}" for name, value in labels))
        if image is None or not there.keys() >= {_volume(key, one) for one in _whats(started)}:
            raise FilesGone(key.name)
        try:
            await self._make_keeper(started, image)
        except CannotStart as error:
            raise FilesGone(key.name) from error

    async def forbid(self, started: DockerTask) -> None:
        """What has not begun does nothing when it is started."""
        tar = io.BytesIO()
        with tarfile.open(fileobj=tar, mode="w") as archive:
            for replica in started.replicas:
                _file(archive, f"v/home-{replica.index}/{CLAIM}{replica.stage}", b"", 0, 0, 0o600)
        with contextlib.suppress(CannotStart):
            await self._daemon.put(_keeper(started.folder.key), tar.getvalue())

    def is_due(self, started: DockerTask) -> bool:
        """Whether it is time to look again: a tenth of the time is spent on it at most."""
        return time.monotonic() >= self._next.get(started.folder.key, 0)

    async def look(self, started: DockerTask, *, last: bool = False) -> None:
        """Copy what its shells have marked and printed, unless that was just done.

        FilesGone if it cannot be had any more.
        """
        key = started.folder.key
        async with self._locks.setdefault(key, asyncio.Lock()):
            if not last and not self.is_due(started):
                return
            begin = time.monotonic()
            await self._find_keeper(started)
            for replica in started.replicas:
                await self._look(started, replica)
            now = time.monotonic()
            self._next[key] = now + max(OFTEN, 10 * (now - begin))

    async def _look(self, started: DockerTask, replica: Replica) -> None:
        home, ccp = f"/v/home-{replica.index}", f"/v/ccp-{replica.index}"
        for path in (replica.marks, replica.progress):
            content = await self._start_of(started, f"{home}/{os.path.basename(path)}", SMALL)
            await _whole(_replace, path, content)
            if content:
                Path(f"{replica.home}/{CLAIM}{replica.stage}").touch()
        for name, path in (("stdout", replica.stdout), ("stderr", replica.stderr)):
            have = os.stat(path).st_size
            size = await self._daemon.size(_keeper(started.folder.key), f"{ccp}/{name}")
            most = started.plan.limits.log_bytes + 1
            if have < min(size, most):
                content = await self._start_of(started, f"{ccp}/{name}", most)
                await _whole(_append, path, content[have:])

    async def _start_of(self, started: DockerTask, path: str, most: int) -> bytes:
        content = bytearray()
        pieces = self._daemon.get(_keeper(started.folder.key), path)
        async with contextlib.aclosing(pieces):
            async for piece in pieces:
                content += piece
                if len(content) > most + ENTRY:
                    break
        return first_file(bytes(content), most)

    async def fetch(self, started: DockerTask) -> None:
        """What the job left, to where it would lie had it run here. Whole, or again."""
        await self.look(started, last=True)
        folder = started.folder
        await _whole(clear, folder)
        try:
            await self._unpack(started)
            await _whole(_settle, folder)
        finally:
            await _whole(clear, folder)

    async def _unpack(self, started: DockerTask) -> None:
        limits, (tar, building) = started.plan.limits, _coming(started.folder)
        try:
            await self._spool(_keeper(started.folder.key), tar, room(limits))
            await _whole(unpack, Path(tar), building, limits)
        except Breach as breach:
            started.sentence(breach.reason, breach.detail)
            await _whole(remove_tree, building)
            os.mkdir(building, 0o700)
        except tarfile.TarError as error:
            raise DaemonGone("the Docker daemon broke off in the middle of results") from error

    async def _spool(self, name: str, tar: str, most: int) -> None:
        size = 0
        await _whole(Path(tar).write_bytes, b"")
        async with contextlib.aclosing(self._daemon.get(name, "/v/data")) as pieces:
            async for piece in pieces:
                await _whole(_append, tar, piece)
                size += len(piece)
                if size > most:
                    raise Breach("disk", "more than may be kept")

    async def forget(self, key: TaskKey) -> None:
        """Containers, then volumes: one that is in use stays."""
        for stage in Stage:
            one = TaskKey(key.job, key.attempt, stage)
            self._next.pop(one, None)
            self._locks.pop(one, None)
        labels = labels_of(self._ground, key)
        mine = [f"{name}={value}" for name, value in labels.items()]
        for container in await self._daemon.listed(mine[0]):
            if container.labels.get(ATTEMPT) == labels[ATTEMPT]:
                await self._daemon.remove(container.name)
        for volume in await self._daemon.volumes(*mine):
            await self._daemon.remove_volume(volume)

    async def attempts(self) -> set[str]:
        """The names of attempts that have a volume."""
        found = await self._daemon.volumes(self._ground.label)
        return {f"ccp-{labels[ATTEMPT]}" for labels in found.values() if ATTEMPT in labels}

    def _mount(
        self, key: TaskKey, what: str, place: str, *, fixed: bool = False
    ) -> Mapping[str, Any]:
        return {
            "Type": "volume",
            "Source": _volume(key, what),
            "Target": place,
            "ReadOnly": fixed,
            "VolumeOptions": {"NoCopy": True, "Labels": labels_of(self._ground, key)},
        }


def is_fetched(folder: StageFolder) -> bool:
    """Whether a stage's results are here."""
    return os.path.exists(f"{folder.path}/fetched")


def clear(folder: StageFolder) -> None:
    """Remove what is here of results that never came whole."""
    for path in _coming(folder):
        remove_tree(path)


def _coming(folder: StageFolder) -> tuple[str, str]:
    """Where results are on their way: as a tar, and unpacked."""
    return f"{folder.data}.large.tar", f"{folder.data}.large.results"


async def _whole(do: Callable[..., object], *words: Any) -> None:
    """On a thread, which nobody can end: whoever is cancelled waits for it."""
    doing = asyncio.ensure_future(asyncio.to_thread(do, *words))
    try:
        await asyncio.shield(doing)
    finally:
        await asyncio.wait([doing])


def _whats(started: DockerTask) -> list[str]:
    """The volumes of a stage."""
    has_secrets = os.path.isdir(f"{started.folder.attempt}/secrets")
    whats = ["data", "in", "script", *(["secrets"] if has_secrets else [])]
    for replica in started.replicas:
        whats += [f"home-{replica.index}", f"ccp-{replica.index}"]
    return whats


def _keeper(key: TaskKey) -> str:
    """The container that is never started."""
    return f"{key.name}-{END}"


def _volume(key: TaskKey, what: str) -> str:
    if what.startswith(("script", "ccp")):
        return f"{attempt_name(key)}-{key.stage}{what.removeprefix('script').removeprefix('ccp')}"
    return f"{attempt_name(key)}-{what}"


def _packed(started: DockerTask) -> bytes:
    """All that was made ready here, as a tar whose owners and modes are those of here."""
    folder, uid, tar = started.folder, started.plan.uid, io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        _folder(archive, "v/data", uid, uid, 0o700)
        for what, place in (("in", folder.attempt), ("secrets", folder.attempt)):
            _tree(archive, f"v/{what}", f"{place}/{what}")
        _tree(archive, "v/script", f"{folder.path}/script")
        for replica in started.replicas:
            _folder(archive, f"v/home-{replica.index}", uid, uid, 0o700)
            ccp = f"v/ccp-{replica.index}"
            _folder(archive, ccp, 0, 0, 0o755)
            for script in SCRIPTS:
                _file(archive, f"{ccp}/{script.name}", script.read_bytes(), 0, 0, 0o644)
            for stream in ("stdout", "stderr"):
                _file(archive, f"{ccp}/{stream}", b"", uid, uid, 0o600)
    return tar.getvalue()


def _tree(archive: tarfile.TarFile, name: str, path: str) -> None:
    """A flat folder of ours; nothing if there is none."""
    if not os.path.isdir(path):
        return
    found = os.stat(path)
    _folder(archive, name, found.st_uid, found.st_gid, found.st_mode & 0o777)
    for entry in _entries(path):
        one = os.stat(entry)
        content = Path(entry).read_bytes()
        mode = one.st_mode & 0o777
        _file(archive, f"{name}/{os.path.basename(entry)}", content, one.st_uid, one.st_gid, mode)


def _entries(path: str) -> Iterator[str]:
    return (f"{path}/{name}" for name in sorted(os.listdir(path)))


def _folder(archive: tarfile.TarFile, name: str, uid: int, gid: int, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.uid, entry.gid, entry.mode = tarfile.DIRTYPE, uid, gid, mode
    archive.addfile(entry)


def _file(
    archive: tarfile.TarFile, name: str, content: bytes, uid: int, gid: int, mode: int
) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.uid, entry.gid, entry.mode = len(content), uid, gid, mode
    archive.addfile(entry, io.BytesIO(content))


def _replace(path: str, content: bytes) -> None:
    """At once, for whoever reads it meanwhile."""
    new = f"{path}.new"
    Path(new).write_bytes(content)
    os.replace(new, path)


def _append(path: str, content: bytes) -> None:
    """To a file that is there."""
    with open(path, "r+b") as file:
        file.seek(0, os.SEEK_END)
        file.write(content)


def _settle(folder: StageFolder) -> None:
    """In place of what lay there; the mark comes last."""
    remove_tree(folder.data)
    os.rename(_coming(folder)[1], folder.data)
    write_new(f"{folder.path}/fetched", b"")
