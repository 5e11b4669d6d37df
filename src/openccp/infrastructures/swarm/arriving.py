"""Tar streams between the platform and a node: what a stage needs, and what it left.

What a node sends is nobody's word: regular files and folders only, below two folders, bounded.
"""

import contextlib
import errno
import io
import json
import os
import re
import secrets
import stat
import tarfile
from collections.abc import Iterator
from typing import BinaryIO

from openccp.core.problems import BodyTooLarge, MalformedBody, Problem
from openccp.infrastructures.folders import Plan, StageFolder
from openccp.infrastructures.removal import remove_tree
from openccp.infrastructures.swarm.left import DEEPEST, SOCKET, TOO_LARGE

BLOCK = 512
CHUNK = 256 << 10
SMALL = 16_384
LOG_SLACK = 4096
EACH = 2048
"""What a file costs in a tar beside its bytes."""
NOWHERE = "a-link-that-is-not-followed"
OF_ITSELF = {errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EILSEQ}
"""Errors that the same names would give again."""
LOG = re.compile(r"(run|undeploy)\.(\d{1,4})\.(stdout|stderr)\Z")
HOME = re.compile(r"home\.(\d{1,4})/(\.ccp-(?:marks|ended)-(?:run|undeploy)|\.ccp-progress)\Z")


def leaving(folder: StageFolder, plan: Plan, *, first: bool) -> Iterator[bytes]:
    """What a stage needs on a node: its plan, its inputs if it is the first, and its scripts."""
    limits = plan.limits
    told = {
        "uid": plan.uid,
        "replicas": plan.replicas,
        "log_bytes": limits.log_bytes,
        "output_bytes": limits.output_bytes,
        "output_files": limits.output_files,
    }
    content = json.dumps(told).encode()
    yield from _entry("plan", io.BytesIO(content), len(content))
    yield from _folder("in", f"{folder.attempt}/in" if first else None)
    yield from _folder(f"{folder.key.stage}.script", f"{folder.path}/script")
    yield bytes(2 * BLOCK)


def _folder(name: str, path: str | None) -> Iterator[bytes]:
    made = tarfile.TarInfo(name + "/")
    made.type = tarfile.DIRTYPE
    yield made.tobuf()
    for file in sorted(os.listdir(path)) if path else ():
        with open(f"{path}/{file}", "rb") as content:
            yield from _entry(f"{name}/{file}", content, os.fstat(content.fileno()).st_size)


def _entry(name: str, content: BinaryIO, size: int) -> Iterator[bytes]:
    made = tarfile.TarInfo(name)
    made.size = size
    yield made.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    while chunk := content.read(CHUNK):
        yield chunk
    yield bytes(-size % BLOCK)


def most_bytes(plan: Plan) -> int:
    """The longest stream that a stage may send."""
    limits = plan.limits
    logs = 2 * plan.replicas * (limits.log_bytes + LOG_SLACK + EACH)
    return limits.output_bytes + (limits.output_files + 16) * EACH * 4 + logs + (1 << 20)


class Unpacking:
    """Puts what a stage left where the platform looks for it, its files whole or not at all."""

    def __init__(self, folder: StageFolder, plan: Plan) -> None:
        self._folder, self._plan = folder, plan
        self._building = f"{folder.data}.large.{secrets.token_hex(8)}"
        self._count = 0
        self._links: list[str] = []

    def unpack(self, path: str) -> None:
        """MalformedBody for what nobody of ours would send; then nothing has changed."""
        os.mkdir(self._building, 0o700)
        try:
            self._build(path)
            old = f"{self._building}.old"
            with contextlib.suppress(FileNotFoundError):  # killed between the two, the last time
                os.rename(self._folder.data, old)
            os.rename(self._building, self._folder.data)
            remove_tree(old)
        except (Problem, OSError):
            remove_tree(self._building)
            raise

    def _build(self, path: str) -> None:
        try:
            with tarfile.open(path, "r:") as arrived:
                for member in arrived:
                    self._place(arrived, member)
            for link in self._links:  # last: nothing goes through them
                os.symlink(NOWHERE, link)
        except (tarfile.TarError, ValueError, OverflowError) as error:
            raise MalformedBody("This is no tar of a job's files.") from error
        except OSError as error:
            if error.errno not in OF_ITSELF:
                raise
            raise MalformedBody("These names cannot stand side by side.") from error

    def _place(self, arrived: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        if member.name.startswith("data/"):
            self._place_file(arrived, member, self._path(member.name.removeprefix("data/")))
            return
        content, target = _content(arrived, member), _target(self._folder, self._plan, member.name)
        if target is None or content is None:
            raise MalformedBody(f"{member.name!r} is nothing that a job leaves.")
        most = SMALL if member.name.startswith("home.") else self._plan.limits.log_bytes + LOG_SLACK
        _rewrite(target, content.read(most))

    def _path(self, name: str) -> str:
        parts = name.rstrip("/").split("/")
        self._count += 1
        if self._count > 2 * (self._plan.limits.output_files + 1):
            raise BodyTooLarge
        if len(parts) > DEEPEST or any(part in ("", ".", "..") or "\0" in part for part in parts):
            raise MalformedBody(f"{name!r} is no path below /ccp_data.")
        return "/".join([self._building, *parts])

    def _place_file(self, arrived: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> None:
        """What may not be kept is made as it was, so that the collector says why it is not."""
        os.makedirs(path if member.isdir() else os.path.dirname(path), 0o755, exist_ok=True)
        if member.type == tarfile.SYMTYPE:
            self._links.append(path)
        elif member.type == tarfile.FIFOTYPE:
            os.mkfifo(path, 0o600)
        elif member.type == SOCKET:
            os.mknod(path, stat.S_IFSOCK | 0o600)
        elif member.type == TOO_LARGE:
            with open(path, "xb") as file:
                file.truncate(self._plan.limits.output_bytes + 1)
        elif not member.isdir():
            _copy(_content(arrived, member), path, member)


def _content(arrived: tarfile.TarFile, member: tarfile.TarInfo) -> BinaryIO | None:
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.sparse is not None:
        return None
    return arrived.extractfile(member)  # type: ignore[return-value]


def _copy(content: BinaryIO | None, path: str, member: tarfile.TarInfo) -> None:
    if content is None:
        raise MalformedBody(f"{member.name!r} is nothing that a job leaves.")
    with open(path, "xb") as file:
        while chunk := content.read(CHUNK):
            file.write(chunk)
    os.utime(path, (member.mtime, member.mtime))


def _target(folder: StageFolder, plan: Plan, name: str) -> str | None:
    """Where a log or a word of the job belongs; None if there is no such thing."""
    log, home = LOG.match(name), HOME.match(name)
    index = int(log[2]) if log else int(home[1]) if home else plan.replicas
    if index >= plan.replicas:
        return None
    if home:
        return f"{folder.replica(index).home}/{home[2]}"
    if log and log[1] == str(folder.key.stage):
        replica = folder.replica(index)
        return replica.stdout if log[3] == "stdout" else replica.stderr
    return None


def _rewrite(path: str, content: bytes) -> None:
    """Change what is there in place: somebody may be reading it."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        os.ftruncate(descriptor, len(content))
        _write(descriptor, content, 0)
    finally:
        os.close(descriptor)


def keep_small(folder: StageFolder, plan: Plan, name: str, content: bytes) -> None:
    """What the job says of itself while it runs."""
    target = _target(folder, plan, name) if HOME.match(name) else None
    if target is not None:
        _rewrite(target, content[:SMALL])


def keep_log(folder: StageFolder, plan: Plan, name: str, at: int, more: bytes) -> None:
    """The next piece of a log; one that leaves a hole, or is too much, is not kept."""
    target = _target(folder, plan, name) if LOG.match(name) else None
    if target is None or at < 0 or at + len(more) > plan.limits.log_bytes + LOG_SLACK:
        return
    with contextlib.suppress(FileNotFoundError):
        descriptor = os.open(target, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if at <= os.fstat(descriptor).st_size:
                _write(descriptor, more, at)
        finally:
            os.close(descriptor)


def _write(descriptor: int, content: bytes, at: int) -> None:
    view = memoryview(content)
    while view:
        written = os.pwrite(descriptor, view, at)
        view, at = view[written:], at + written
