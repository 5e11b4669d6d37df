"""A process that lends a task a container that waits, and dies by SIGKILL: ROOT ADDRESS JOB STEP.

It dies just before a step of `STEPS`; `rung` is just after the bell.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from openccp.core.job import Stage, TaskKey
from openccp.core.ports import Limits, Task
from openccp.infrastructures.attempts import Attempts
from openccp.infrastructures.docker import waiting
from openccp.infrastructures.docker.infrastructure import DockerInfrastructure
from openccp.infrastructures.docker.warm import WarmPool
from openccp.infrastructures.users import Users
from openccp.testing.infrastructure import MIB, eventually, make_task

LIMITS = Limits(wall_seconds=60, memory_bytes=256 * MIB, pids=64)
STEPS: Mapping[str, tuple[Any, str]] = {
    "fill": (waiting, "_fill"),
    "secrets": (Attempts, "add_secrets"),
    "user": (Users, "hand_over"),
    "rename": (os, "rename"),
    "begin": (WarmPool, "begin"),
    "rung": (DockerInfrastructure, "_follow"),
}


def warm(root: Path, address: str, count: int = 2) -> DockerInfrastructure:
    """So many containers of `bash` wait in it."""
    return DockerInfrastructure(
        root,
        slots=4,
        address=address,
        images=("bash", "python:*"),
        warm={"bash": count} if count else {},
        limits=LIMITS,
    )


async def ready(infrastructure: DockerInfrastructure, count: int = 2) -> None:
    """Return once so many wait."""
    await infrastructure.check()

    async def full() -> bool:
        return infrastructure._warm.count()["bash"] == count

    await eventually(full)


def task_of(job: str) -> Task:
    """It writes down that it begins."""
    task = make_task("echo start >>starts; sleep 1; echo end >>starts", secrets={"t": "x"})
    return replace(task, key=TaskKey(job, 1, Stage.RUN))


def die(*_: Any, **__: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


async def lend(root: Path, address: str, job: str, step: str) -> None:
    docker = warm(root, address)
    await ready(docker)
    with patch.object(*STEPS[step], die):
        await docker.submit(task_of(job))


if __name__ == "__main__":
    asyncio.run(lend(Path(sys.argv[1]), *sys.argv[2:5]))
