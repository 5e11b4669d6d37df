"""How each group of figures is taken. Rounds alternate between the platforms."""

import asyncio
import http.client
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.load import Answers, Call, hammer
from benchmarks.platforms import Platform, job_ids
from benchmarks.processes import memory_mib
from benchmarks.table import OURS, Figures

FINAL = frozenset({"successful", "failed", "dismissed"})
LAST = 16
CREATED = 201


@dataclass(frozen=True, slots=True)
class Effort:
    """How long and how often to measure."""

    rounds: int = 5
    seconds: float = 3.0
    clients: int = 16
    small: int = 500
    large: int = 5000
    few: int = 10_000
    many: int = 1_000_000
    give_up: float = 300.0


class NotFinished(Exception):
    """A job did not end well in time."""


def reads(figures: Figures, platforms: Mapping[str, Platform], effort: Effort) -> None:
    """Answers a second to the three reads that clients repeat most."""
    calls = {
        column: {
            "processes": platform.get("/processes"),
            "process": platform.get(f"/processes/{platform.process}"),
            "job": platform.get(f"/jobs/{_finished_job(platform, effort)}"),
        }
        for column, platform in platforms.items()
    }
    for row in ("processes", "process", "job"):
        for number in range(effort.rounds + 1):
            for column, platform in platforms.items():
                answers = _hammer(platform, calls[column][row], effort, seconds=effort.seconds)
                if number:
                    figures.add(row, column, answers.rate)


def submits(figures: Figures, platforms: Mapping[str, Platform], effort: Effort) -> None:
    """Accepted jobs a second; the next round begins when the peers' jobs have ended."""
    for _ in range(effort.rounds):
        for column, platform in platforms.items():
            answers = _submit(platform, effort, effort.small)
            _record_submit(figures, "held", column, answers)
            if not platform.held:
                await_ends(platform, job_ids(answers), effort.give_up)


def hellos(figures: Figures, platforms: Mapping[str, Platform], effort: Effort, size: str) -> None:
    """From the first submit to the end of the last of many hello jobs."""
    count, rounds = (effort.small, effort.rounds) if size == "small" else (effort.large, 1)
    for number in range(rounds):
        for column, platform in platforms.items():
            started = time.perf_counter()
            answers = _submit(platform, effort, count)
            ended = await_ends(platform, job_ids(answers), effort.give_up)
            _record_submit(figures, size, column, answers)
            figures.add(f"{size}_end", column, ended - started)
            if size == "small" and number == 0:
                figures.add("used", column, memory_mib(platform.running.pid))


def lists(
    figures: Figures, platforms: Mapping[str, Mapping[str, Platform]], effort: Effort
) -> None:
    """The time of one page of jobs, for a single client, by row and platform."""
    for number in range(effort.rounds + 1):
        for row, columns in platforms.items():
            for column, platform in columns.items():
                call, port = platform.get("/jobs?limit=100"), platform.running.port
                answers = asyncio.run(hammer(port, call, clients=1, seconds=effort.seconds / 3))
                if number:
                    figures.add(row, column, answers.percentile(50))


FILTERS = {
    "list_process": "processID=hello-bash",
    "list_status": "status=failed",
    "list_time": "datetime=2026-05-01T00:00:00Z/..",
    "list_both": "processID=hello-bash&status=failed",
    "list_duration": "minDuration=3600",
    "list_word": "q=nowhere",
    "list_all": "processID=hello-bash&status=failed,successful&maxDuration=5&q=done",
}


def filtered_lists(figures: Figures, platforms: Mapping[str, Platform], effort: Effort) -> None:
    """The time of one page of jobs under each filter, for a single client."""
    for number in range(effort.rounds + 1):
        for row, query in FILTERS.items():
            for column, platform in platforms.items():
                call, port = platform.get(f"/jobs?limit=100&{query}"), platform.running.port
                answers = asyncio.run(hammer(port, call, clients=1, seconds=effort.seconds / 3))
                if number:
                    figures.add(row, column, answers.percentile(50))


def process_lists(figures: Figures, platform: Platform, effort: Effort) -> None:
    """Answers a second to a list of all of many processes."""
    for number in range(effort.rounds + 1):
        call = platform.get("/processes?limit=1000")
        answers = _hammer(platform, call, effort, seconds=effort.seconds)
        if number:
            figures.add("list_processes", OURS, answers.rate)


def sync_echoes(figures: Figures, platforms: Mapping[str, Platform], effort: Effort) -> None:
    """Executions a second whose results come with the answer, and the time of each."""
    for number in range(effort.rounds + 1):
        for column, platform in platforms.items():
            answers = _hammer(platform, platform.echo, effort, seconds=effort.seconds)
            if number:
                figures.add("sync_rate", column, answers.rate)
                figures.add("sync_p50", column, answers.percentile(50))


def submitted(platform: Platform, count: int, effort: Effort) -> None:
    """Make a platform that cannot be filled otherwise run so many jobs."""
    await_ends(platform, job_ids(_submit(platform, effort, count)), effort.give_up)


def await_ends(platform: Platform, ids: Sequence[str], give_up: float) -> float:
    """When the last job was seen to have ended: the last ones are watched, then all are checked."""
    connection = http.client.HTTPConnection("127.0.0.1", platform.running.port, timeout=60)
    deadline = time.perf_counter() + give_up
    seen = time.perf_counter()
    for job in (*ids[-LAST:], *ids[:-LAST]):
        while (status := _status(connection, platform, job)) not in FINAL:
            if time.perf_counter() > deadline:
                raise NotFinished(f"{platform.name}: {job} is still {status}")
            time.sleep(0.01)
            seen = time.perf_counter()
        if status != "successful":
            raise NotFinished(f"{platform.name}: {job} ended as {status}")
    connection.close()
    return seen


def _status(connection: http.client.HTTPConnection, platform: Platform, job: str) -> str:
    call = platform.get(f"/jobs/{job}")
    connection.request("GET", call.path, headers=dict(call.headers))
    return str(json.loads(connection.getresponse().read())["status"])


def _finished_job(platform: Platform, effort: Effort) -> str:
    answers = asyncio.run(
        hammer(
            platform.running.port, platform.submit, clients=1, count=1, keep=True, expect=CREATED
        )
    )
    ids = job_ids(answers)
    await_ends(platform, ids, effort.give_up)
    return ids[0]


def _submit(platform: Platform, effort: Effort, count: int) -> Answers:
    return asyncio.run(
        hammer(
            platform.running.port,
            platform.submit,
            clients=effort.clients,
            count=count,
            keep=True,
            expect=CREATED,
        )
    )


def _hammer(platform: Platform, call: Call, effort: Effort, seconds: float) -> Answers:
    return asyncio.run(hammer(platform.running.port, call, clients=effort.clients, seconds=seconds))


def _record_submit(figures: Figures, row: str, column: str, answers: Answers) -> None:
    figures.add(f"{row}_rate", column, answers.rate)
    figures.add(f"{row}_p50", column, answers.percentile(50))
    figures.add(f"{row}_p99", column, answers.percentile(99))
