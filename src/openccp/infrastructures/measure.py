"""Which limits really bite here: small jobs that try to break out, and what came of it."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from openccp.core.job import Stage, TaskKey
from openccp.core.method import Scripts
from openccp.core.ports import CannotStart, Handle, Infrastructure, Limits, Observation, State, Task

MIB = 1 << 20
PATIENCE = 12.0
LIMITS = Limits(
    wall_seconds=20, memory_bytes=64 * MIB, pids=24, output_bytes=8 * MIB, output_files=500,
    log_bytes=MIB,
)  # fmt: skip
HOGS = {
    "memory": ("x=x; while :; do x=$x$x; done", "memory"),
    "pids": ("f() { f & f & wait; }; f", "pids"),
    "output": (
        "i=0; while :; do head -c 2097152 /dev/zero >f$i; i=$((i+1)); sleep 0.1; done",
        "disk",
    ),
    "log": ("while :; do echo 0123456789012345678901234567890123456789; done", "log"),
}
PROBES = {
    "user": (
        'while read -r name value rest; do [ "$name" = Uid: ] && echo "$value"; '
        "done </proc/self/status",
        "0",
        "the job's shell is not root",
    ),
    "capabilities": (
        'while read -r name value; do [ "$name" = CapEff: ] && [ "$value" != 0000000000000000 ] '
        "&& echo some; done </proc/self/status",
        "some",
        "no capability is left",
    ),
    "privileges": (
        'while read -r name value; do [ "$name" = NoNewPrivs: ] && [ "$value" = 0 ] && echo new; '
        "done </proc/self/status",
        "new",
        "none can be gained",
    ),
    "system": ("(: >/usr/x) 2>/dev/null && echo written", "written", "the system is read-only"),
    "network": (
        "while read -r name rest; do case $name in Inter*|face*|lo:*) ;; *:*) echo there;; esac; "
        "done </proc/net/dev",
        "there",
        "no network without being asked for",
    ),
}
"""A script, the line it prints if the limit does not hold, and what holds if it does not."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was tried and what came of it."""

    limit: str
    enforced: bool
    how: str
    detail: str


async def measure(infrastructure: Infrastructure) -> list[Measurement]:
    """Try every limit at once; takes a few seconds."""
    health = await infrastructure.check()
    if not health.reachable:
        return [Measurement("sandbox", False, "none", health.detail)]
    tries: list[Awaitable[Measurement]] = [
        *(_hog(infrastructure, name, health.enforced.get(name, "watched")) for name in HOGS),
        *(_probe(infrastructure, name, health.isolation) for name in PROBES),
        _secret_file(infrastructure, health.isolation),
        _other_processes(infrastructure, health.isolation),
        _own_addresses(infrastructure, health.network_policy),
        _stop(infrastructure),
        _cpu(infrastructure, health.enforced.get("cpus", "not limited")),
    ]
    return [
        Measurement(
            "sandbox", not health.isolation.startswith("none"), health.isolation, health.detail
        ),
        *await asyncio.gather(*tries),
    ]


async def _hog(infrastructure: Infrastructure, name: str, how: str) -> Measurement:
    script, reason = HOGS[name]
    seen, _ = await _run(infrastructure, _task(script))
    if seen is None or seen.failure is None:
        return Measurement(name, False, how, "the job was not ended")
    return Measurement(name, seen.failure.reason == reason, how, seen.failure.detail)


async def _probe(infrastructure: Infrastructure, name: str, how: str) -> Measurement:
    script, bad, good = PROBES[name]
    seen, text = await _run(infrastructure, _task(f"{script}; true"))
    held = seen is not None and seen.failure is None and bad not in text.split()
    return Measurement(name, held, how, good if held else f"the job found: {text.strip()[:100]}")


async def _secret_file(infrastructure: Infrastructure, how: str) -> Measurement:
    task = _task("while [ ! -e canary ]; do sleep 0.02; done; cat canary 2>/dev/null; true")
    handle = await infrastructure.submit(task)
    await asyncio.to_thread(_leave_canary, infrastructure.workspace(handle).files)
    seen, text = await _finish(infrastructure, task, handle)
    held = seen is not None and seen.failure is None and "canary" not in text
    detail = "a file of the platform's user is readable only to that user"
    return Measurement("files", held, how, detail if held else "a job reads the platform's files")


def _leave_canary(folder: Path) -> None:
    new = folder / "new"
    new.touch(0o600)
    new.write_text("canary")
    new.rename(folder / "canary")


async def _own_addresses(infrastructure: Infrastructure, how: str) -> Measurement:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    script = f"(: >/dev/tcp/127.0.0.1/{port}) 2>/dev/null && echo connected; true"
    async with server:
        seen, text = await _run(infrastructure, replace(_task(script), network=True))
    held = seen is not None and seen.failure is None and "connected" not in text
    detail = "not to be reached" if held else "a job with network reaches this machine's services"
    return Measurement("own addresses", held, how, detail)


async def _other_processes(infrastructure: Infrastructure, how: str) -> Measurement:
    script = "for p in /proc/[0-9]*/comm; do read -r c <$p; echo $c; done 2>/dev/null; true"
    seen, text = await _run(infrastructure, _task(script))
    names = text.split()
    held = seen is not None and seen.failure is None and len(names) < 8
    return Measurement("processes", held, how, f"the job sees {len(names)} processes")


async def _stop(infrastructure: Infrastructure) -> Measurement:
    task = _task("trap '' TERM; while :; do sleep 1; done")
    handle = await infrastructure.submit(task)
    await _until(infrastructure, task.key, handle, lambda o: o.state is State.RUNNING)
    await infrastructure.stop(handle, 0.3)
    seen = await _until(infrastructure, task.key, handle, _ended)
    await infrastructure.reap(handle)
    detail = "a job that ignores TERM was ended" if seen else "a job that ignores TERM goes on"
    return Measurement("stop", seen is not None, "KILL after TERM", detail)


async def _cpu(infrastructure: Infrastructure, how: str) -> Measurement:
    script = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; times"
    task = replace(_task(script), limits=replace(LIMITS, cpus=0.1))
    loop = asyncio.get_running_loop()
    begun = loop.time()
    seen, text = await _run(infrastructure, task)
    took = loop.time() - begun
    used = _seconds(text)
    held = seen is not None and used > 0.02 and used / took < 0.5
    return Measurement("cpus", held, how, f"{used:.2f} s of processor in {took:.2f} s at 0.1 cores")


def _seconds(times: str) -> float:
    """The shell's own user and system time from the first line of `times`."""
    total = 0.0
    for word in (times.splitlines() or [""])[0].split():
        minutes, _, seconds = word.rstrip("s").replace(",", ".").partition("m")
        total += float(minutes) * 60 + float(seconds or 0)
    return total


def _task(script: str) -> Task:
    key = TaskKey(f"measure-{secrets.token_hex(8)}", 1, Stage.RUN)
    return Task(
        key, "bash", Scripts("", script, ""), {}, {"inputs.json": b"{}"}, {}, {}, 1, False, LIMITS
    )


async def _run(infrastructure: Infrastructure, task: Task) -> tuple[Observation | None, str]:
    try:
        handle = await infrastructure.submit(task)
    except CannotStart as error:
        return None, str(error)
    return await _finish(infrastructure, task, handle)


async def _finish(
    infrastructure: Infrastructure, task: Task, handle: Handle
) -> tuple[Observation | None, str]:
    seen = await _until(infrastructure, task.key, handle, _ended)
    log = infrastructure.workspace(handle).logs.get("stdout")
    text = await asyncio.to_thread(_head, log) if log else ""
    await infrastructure.reap(handle)
    return seen, text


def _head(path: Path) -> str:
    try:
        with path.open("rb") as log:
            return log.read(4096).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


def _ended(observation: Observation) -> bool:
    return observation.state in (State.EXITED, State.LOST)


async def _until(
    infrastructure: Infrastructure,
    key: TaskKey,
    handle: Handle,
    wanted: Callable[[Observation], bool],
) -> Observation | None:
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while asyncio.get_running_loop().time() < deadline:
        seen = (await infrastructure.observe({key: handle}))[key]
        if wanted(seen):
            return seen
        await asyncio.sleep(0.02)
    return None
