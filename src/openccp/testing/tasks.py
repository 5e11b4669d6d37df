"""Running tasks on an infrastructure in tests, with words where something does not come."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from openccp.core.job import Stage, TaskKey
from openccp.core.method import Scripts
from openccp.core.ports import Handle, Infrastructure, Limits, Observation, State, Task

PATIENCE = 30
MIB = 1 << 20
MakeTask = Callable[..., Task]
T = TypeVar("T")


def make_task(
    execute: str = "echo hello",
    deploy: str = "",
    *,
    job: str | None = None,
    undeploy: str | None = None,
    **more: Any,
) -> Task:
    """A task with modest limits; `undeploy` makes it one of that stage."""
    stage = Stage.RUN if undeploy is None else Stage.UNDEPLOY
    given: dict[str, Any] = {
        "key": TaskKey(job or uuid.uuid4().hex, 1, stage),
        "image": "bash",
        "scripts": Scripts(deploy, execute, undeploy or ""),
        "values": {},
        "files": {"inputs.json": b"{}"},
        "secrets": {},
        "environment": {},
        "replicas": 1,
        "network": False,
        "limits": Limits(wall_seconds=60, memory_bytes=256 * MIB, pids=64),
    }
    return Task(**{**given, **more})


async def until(
    infrastructure: Infrastructure,
    key: TaskKey,
    handle: Handle,
    seen: Callable[[Observation], bool] = lambda observation: observation.state is State.EXITED,
    patience: float = PATIENCE,
) -> Observation:
    """Observe until something is seen; what an infrastructure tells comes first, then a look."""
    changed = asyncio.Event()
    infrastructure.on_change(lambda told: changed.set() if told == key else None)
    clock = asyncio.get_running_loop().time
    deadline, observation = clock() + patience, None
    while clock() < deadline:
        changed.clear()
        found = await infrastructure.observe({key: handle})
        observation = found.get(key)
        assert observation is not None, f"observe() did not answer for {key}: {dict(found)}"
        if seen(observation):
            return observation
        try:
            await asyncio.wait_for(changed.wait(), 0.05)
        except TimeoutError:
            continue
    streams = await log(infrastructure, handle)
    raise AssertionError(
        f"what was waited for did not come within {patience:g} s; seen last: {observation}; "
        f"its streams: {streams}"
    )


async def eventually(look: Callable[[], Awaitable[T | None]], patience: float = PATIENCE) -> T:
    """What `look` finds, asked again until it finds something."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + patience
    while clock() < deadline:
        found = await look()
        if found:
            return found
        await asyncio.sleep(0.01)
    raise AssertionError(f"{look.__qualname__} found nothing within {patience:g} s")


async def run(infrastructure: Infrastructure, task: Task) -> tuple[Observation, Handle]:
    """Submit, and wait for the end."""
    handle = await infrastructure.submit(task)
    return await until(infrastructure, task.key, handle), handle


async def up(infrastructure: Infrastructure, task: Task) -> Handle:
    """Submit, and wait until the script has said `up`."""
    handle = await infrastructure.submit(task)

    async def is_up() -> bool:
        return b"up\n" in (await log(infrastructure, handle)).get("stdout.0", b"")

    try:
        await eventually(is_up)
    except AssertionError:
        seen = await infrastructure.observe({task.key: handle})
        streams = await log(infrastructure, handle)
        raise AssertionError(f"the script never said `up`: {dict(seen)}, {streams}") from None
    return handle


async def log(
    infrastructure: Infrastructure, handle: Handle, after: Mapping[str, int] | None = None
) -> dict[str, bytes]:
    """Each stream's bytes beyond `after`, by "stdout.0"."""
    streams: dict[str, bytes] = {}
    async for chunk in infrastructure.logs(handle, after or {}):
        name = f"{chunk.stream}.{chunk.replica}"
        streams[name] = streams.get(name, b"") + chunk.content
    return streams


async def output(infrastructure: Infrastructure, task: Task) -> str:
    """Run a task that has to succeed; answers its standard output."""
    observation, handle = await run(infrastructure, task)
    streams = await log(infrastructure, handle)
    assert observation.failure is None, f"it failed: {observation}; its streams: {streams}"
    await infrastructure.reap(handle)
    return streams.get("stdout.0", b"").decode()
