"""What the sandbox's shell reads: values as assignments, scripts as files. Values are data."""

import re
import shlex
from collections.abc import Iterator, Mapping

from openccp.core.job import Stage
from openccp.core.method import Scripts
from openccp.core.ports import CannotStart, Task
from openccp.core.script import variable

EXPORTED = 4096
"""A longer value is not exported: it would make every start of a program fail."""
EXPORTED_TOGETHER = 64 << 10
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")

STREAMS = re.compile(r"/dev/(std|fd)|/proc/[^/\s]+/fd")


def script_files(task: Task, environment: Mapping[str, str]) -> dict[str, bytes]:
    """File name -> content of the folder that the entry sources."""
    files = {"values": values_text(task.values, {**environment, **task.environment})}
    if task.key.stage is Stage.RUN:
        # A last line such as `[ -f x ] && y` must not end deploy when x is not there.
        files["deploy"] = _text(task.scripts.deploy) + b"\n\n:\n"
        files["main"] = _text(task.scripts.execute) + b"\n"
    else:
        files["main"] = _text(task.scripts.undeploy) + b"\n"
    return files


def opens_streams(scripts: Scripts) -> bool:
    """Whether a script names its own output as a file (`>/dev/stderr`)."""
    texts = (scripts.deploy, scripts.execute, scripts.undeploy)
    return any(STREAMS.search(text) for text in texts)


def values_text(values: Mapping[str, str], environment: Mapping[str, str]) -> bytes:
    """Assignments to source; single-quoted, so that no value is ever read as shell."""
    return "".join([*_exports(environment), *_assignments(values)]).encode("utf-8", "surrogatepass")


def _exports(environment: Mapping[str, str]) -> Iterator[str]:
    for name, value in environment.items():
        if not NAME.match(name):
            raise CannotStart(f"{name!r} is not a name for an environment variable")
        yield f"export {name}={_quoted(name, value)}\n"


def _assignments(values: Mapping[str, str]) -> Iterator[str]:
    room = EXPORTED_TOGETHER
    for name, value in values.items():
        size = len(value.encode("utf-8", "surrogatepass"))
        export = size <= min(EXPORTED, room)
        room -= size if export else 0
        yield f"{'export ' if export else ''}{variable(name)}={_quoted(name, value)}\n"


def _quoted(name: str, value: str) -> str:
    if "\0" in value:
        raise CannotStart(f"The value of {name!r} holds a NUL character, which no shell can keep")
    return shlex.quote(value)


def _text(script: str) -> bytes:
    return script.encode("utf-8", "surrogatepass")
