"""The platform's side of the process that starts sandboxes."""

import asyncio
import json
import os
import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from openccp.core.ports import CannotStart

PROGRAM = Path(__file__).with_name("spawn_loop.py")


@dataclass(frozen=True, slots=True)
class Start:
    """One process to start: `files` are standard output, error, and the sandbox's status."""

    pid: str
    files: tuple[str, str, str]
    groups: tuple[str, ...]
    bounds: Mapping[str, int]
    uid: int | None
    command: list[str]
    variables: Mapping[str, str]


NAMES = tuple(field.name for field in fields(Start))


class Spawner:
    """Starts processes that are nobody's children to wait for; starts itself when needed."""

    def __init__(self) -> None:
        self._pid: int | None = None
        self._requests = -1
        self._answers = -1
        self._unsent = bytearray()
        self._unread = b""
        self._waiting: deque[asyncio.Future[int]] = deque()

    async def start(self, start: Start) -> int:
        """The new process; CannotStart if the machine has none left."""
        if self._pid is None:
            self._open()
        answer = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        self._send(_request(start))
        pid: int = await answer
        if pid < 0:
            raise CannotStart("The machine cannot start another process")
        return pid

    def bury(self, pid: int) -> None:
        """A process that was started has ended: its pid may be used again."""
        if self._pid is not None:
            self._send({"bury": pid})

    def close(self) -> None:
        """Let it go; what it started goes on."""
        if self._pid is None:
            return
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._answers)
        loop.remove_writer(self._requests)
        os.close(self._answers)
        os.close(self._requests)
        os.waitpid(self._pid, 0)
        self._pid = None
        self._unsent.clear()
        self._unread = b""
        while self._waiting:
            self._waiting.popleft().set_exception(CannotStart("The platform is being stopped"))

    def _open(self) -> None:
        theirs_in, self._requests = os.pipe()
        self._answers, theirs_out = os.pipe()
        os.set_blocking(self._requests, False)
        os.set_blocking(self._answers, False)
        try:
            self._pid = os.posix_spawn(
                sys.executable,
                [sys.executable, "-I", "-S", str(PROGRAM)],
                {},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, theirs_in, 0),
                    (os.POSIX_SPAWN_DUP2, theirs_out, 1),
                    *((os.POSIX_SPAWN_CLOSE, fd) for fd in _inheritable()),
                ],
                setsid=True,
                setsigmask=(),
            )
        finally:
            os.close(theirs_in)
            os.close(theirs_out)
        asyncio.get_running_loop().add_reader(self._answers, self._read)

    def _send(self, request: Mapping[str, object]) -> None:
        self._unsent += json.dumps(request).encode() + b"\n"
        self._write()

    def _write(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            del self._unsent[: os.write(self._requests, self._unsent)]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            self.close()
            return
        if self._unsent:
            loop.add_writer(self._requests, self._write)
        else:
            loop.remove_writer(self._requests)

    def _read(self) -> None:
        content = os.read(self._answers, 4096)
        if not content:
            self.close()
            return
        *lines, self._unread = (self._unread + content).split(b"\n")
        for line in lines:
            answer = self._waiting.popleft()
            if not answer.done():
                answer.set_result(int(line))


def _request(start: Start) -> dict[str, object]:
    return {name: getattr(start, name) for name in NAMES}


def _inheritable() -> list[int]:
    """Descriptors that whoever started the platform left open: no job may have them."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            if int(name) > 2 and os.get_inheritable(int(name)):
                found.append(int(name))
        except OSError:
            continue
    return found
