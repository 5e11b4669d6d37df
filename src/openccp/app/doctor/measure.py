"""Everything about one infrastructure, within a bound in time."""

import asyncio
from collections.abc import Coroutine, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from openccp.app.doctor import isolation, limits
from openccp.app.doctor.limits import Found, Inquiry
from openccp.app.doctor.probe import Prober
from openccp.core.ports import Clock, Health, Infrastructure
from openccp.core.promises import BY_CONTRACT, PROMISES, Measured, Measurement

AT_ONCE = 4
SECONDS = 120.0
REACHABLE = "reachable"


async def measure(
    infrastructure: Infrastructure,
    folder: Path,
    clock: Clock,
    *,
    image: str | None = None,
    seconds: float = SECONDS,
) -> Measured:
    """Try every promise. `folder`: one that jobs must not see. `image`: what the tasks run in."""
    health = await infrastructure.check()
    chosen = image or _image(infrastructure, health)
    if not health.reachable or chosen is None:
        words = health.detail if chosen else "no image is named that could be tried"
        return Measured(clock(), health.version, (Measurement(REACHABLE, False, "asked", words),))
    at_once = min(AT_ONCE, max(2, infrastructure.slots))
    prober = Prober(infrastructure, chosen, at_once, takes_secrets="paths" not in health.lacks)
    found, failed = await _all(_inquiries(prober, folder), seconds)
    late = f"it was not tried to its end within {seconds:g} s"
    untried = {name: failed.get(name, late) for name in PROMISES if name not in found}
    rows = (_row(name, found, untried, health) for name in PROMISES)
    return Measured(clock(), health.version, tuple(rows))


def _image(infrastructure: Infrastructure, health: Health) -> str | None:
    """`bash`, or the first that is named outright: what a pattern stands for is not known."""
    if "bash" in health.runtimes:
        return "bash"
    named = (name for name in health.runtimes if not set(name) & set("*?["))
    return next(named, "bash" if infrastructure.has_runtime("bash") else None)


def _inquiries(prober: Prober, folder: Path) -> dict[tuple[str, ...], Coroutine[Any, Any, Found]]:
    hogs: dict[tuple[str, ...], Inquiry] = {(name,): limits.hog(name) for name in limits.HOGS}
    every: dict[tuple[str, ...], Inquiry] = {
        isolation.SEEN: partial(isolation.look, folder=folder),
        ("jobs", "processes"): isolation.neighbours,
        ("private",): isolation.private,
        ("time",): limits.time,
        ("cpus",): limits.cpus,
        **hogs,
    }
    return {names: _started(inquiry, prober) for names, inquiry in every.items()}


async def _started(inquiry: Inquiry, prober: Prober) -> Found:
    return await inquiry(prober)


async def _all(
    inquiries: dict[tuple[str, ...], Coroutine[Any, Any, Found]], seconds: float
) -> tuple[Found, dict[str, str]]:
    """What each found, and why others could not be tried: one that fails hinders no other."""
    tasks = {asyncio.ensure_future(one): names for names, one in inquiries.items()}
    done, late = await asyncio.wait(tasks, timeout=seconds)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    found: Found = {}
    failed: dict[str, str] = {}
    for task in done:
        error = task.exception()
        if error is None:
            found |= task.result()
        else:
            words = f"it could not be tried: {type(error).__name__}: {error}"
            failed |= dict.fromkeys(tasks[task], words)
    return found, failed


def _row(name: str, found: Found, untried: Mapping[str, str], health: Health) -> Measurement:
    excused = name == "secrets" and "paths" in health.lacks
    owed = name in BY_CONTRACT and not excused
    how = health.enforced.get(name, "by contract" if owed else "")
    if name in untried:
        return Measurement(name, False, how, untried[name], tried=False)
    holds, detail = found[name]
    return Measurement(name, holds, how, detail)
