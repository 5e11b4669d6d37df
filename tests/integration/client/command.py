"""The command line as a program of its own, and as a function."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

import click
from click.testing import CliRunner, Result

from openccp.cli.client_commands import COMMANDS

PROGRAM = (
    # whoever runs the tests in the background has us ignore Ctrl-C; a person at a terminal does not
    "import signal\n"
    "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "import click\n"
    "from openccp.cli.client_commands import COMMANDS\n"
    "click.Group('ccp', {c.name: c for c in COMMANDS})(prog_name='ccp')\n"
)


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


def call(*arguments: str, typed: str | bytes = "", **environment: str) -> Done:
    """In this process, with what it printed; the way a pipe sees it."""
    group = click.Group("ccp", {command.name or "": command for command in COMMANDS})
    result: Result = CliRunner().invoke(group, arguments, input=typed, env=environment)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stdout, result.stderr)


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """As a program behind pipes."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


class Terminal:
    """A program on a terminal of its own, with somebody who reads and types."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self.pid, self._descriptor = pty.fork()
        if self.pid == 0:
            command = [sys.executable, "-c", PROGRAM, *arguments]
            os.execve(sys.executable, command, {**os.environ, **environment})
        self.seen = ""

    def until(self, text: str, seconds: float = 15) -> None:
        """Read until this has appeared."""
        end = time.monotonic() + seconds
        while text not in self.seen:
            ready, _, _ = select.select([self._descriptor], [], [], end - time.monotonic())
            assert ready, f"{text!r} did not appear in {self.seen!r}"
            self.seen += os.read(self._descriptor, 4096).decode()

    def type(self, text: str) -> None:
        """Press keys; \\x03 is Ctrl-C."""
        os.write(self._descriptor, text.encode())

    def end(self, pressing: str = "", seconds: float = 15) -> int:
        """Press a key (again as long as nothing comes), read to the end; the exit code."""
        end = time.monotonic() + seconds
        self.type(pressing)
        try:
            while time.monotonic() < end:
                if select.select([self._descriptor], [], [], 2.0)[0]:
                    self.seen += os.read(self._descriptor, 4096).decode()
                else:
                    self.type(pressing)
            os.kill(self.pid, signal.SIGKILL)
        except OSError:
            pass
        os.close(self._descriptor)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
