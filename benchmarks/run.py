"""Measure OpenCCP beside its peers, all started here and now: `python -m benchmarks.run`."""

import argparse
import asyncio
import json
import platform as machine
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop

from benchmarks import bare, measure
from benchmarks.load import UnexpectedStatus
from benchmarks.measure import Effort, NotFinished
from benchmarks.ours import openccp
from benchmarks.peers.environments import CACHE
from benchmarks.peers.pygeoapi import pygeoapi
from benchmarks.peers.wraptile import wraptile
from benchmarks.platforms import Platform
from benchmarks.processes import memory_mib
from benchmarks.report import report
from benchmarks.table import MACHINE, OURS, PYGEOAPI, WRAPTILE, Figures

Maker = Callable[[Path], AbstractContextManager[Platform]]
Platforms = Mapping[str, Platform]
SETTLED = 1.0
QUICK = Effort(rounds=2, seconds=1, large=0, many=100_000)


class Bench:
    """The makers of the platforms, and what is found."""

    def __init__(self, cache: Path, effort: Effort) -> None:
        self.effort = effort
        self.figures = Figures()
        self.makers: dict[str, Maker] = {
            OURS: openccp,
            PYGEOAPI: lambda folder: pygeoapi(cache, folder),
            WRAPTILE: lambda folder: wraptile(cache, folder),
        }

    @contextmanager
    def platforms(self, ours: Maker = openccp) -> Iterator[Platforms]:
        """All of them running, each in a folder of its own."""
        with ExitStack() as stack:
            yield {
                column: stack.enter_context(_in_a_folder(maker))
                for column, maker in (self.makers | {OURS: ours}).items()
            }

    def start(self) -> None:
        for number in range(self.effort.rounds):
            for column, maker in self.makers.items():
                with _in_a_folder(maker) as platform:
                    self.figures.add("start", column, platform.running.start_seconds)
                    if number == 0:
                        time.sleep(SETTLED)
                        self.figures.add("idle", column, memory_mib(platform.running.pid))

    def reads(self) -> None:
        with self.platforms() as platforms:
            measure.reads(self.figures, platforms, self.effort)

    def submit(self) -> None:
        with self.platforms(lambda folder: openccp(folder, hold=True)) as platforms:
            measure.submits(self.figures, platforms, self.effort)

    def jobs(self) -> None:
        with self.platforms() as platforms:
            measure.hellos(self.figures, platforms, self.effort, "small")
            if self.effort.large:
                measure.hellos(self.figures, platforms, self.effort, "large")

    def list(self) -> None:
        """The peers answer all jobs whatever the limit, so a million is for ours alone."""
        few, many = self.effort.few, self.effort.many
        with self.platforms(lambda folder: openccp(folder, stored=few)) as platforms:
            for platform in platforms.values():
                if platform.fill is not None:
                    platform.fill(few)
            measure.submitted(platforms[WRAPTILE], few, self.effort)
            with _in_a_folder(lambda folder: openccp(folder, stored=many)) as million:
                measure.lists(
                    self.figures,
                    {"list_few": platforms, "list_many": {OURS: million}},
                    self.effort,
                )
                measure.filtered_lists(self.figures, {OURS: million}, self.effort)

    def sync(self) -> None:
        """wraptile has no synchronous execution."""
        with self.platforms() as platforms:
            sync = {name: one for name, one in platforms.items() if name != WRAPTILE}
            measure.sync_echoes(self.figures, sync, self.effort)

    def catalogue(self) -> None:
        with _in_a_folder(lambda folder: openccp(folder, deployed=1_000)) as platform:
            measure.process_lists(self.figures, platform, self.effort)

    def limits(self) -> None:
        with TemporaryDirectory(prefix="openccp-benchmark-") as place:
            folder = Path(place)
            for _ in range(self.effort.rounds):
                rate = bare.json_rate(folder, self.effort.clients, self.effort.seconds)
                self.figures.add("bare_json", MACHINE, rate)
                self.figures.add("bare_commit", MACHINE, bare.commit_rate(folder))
                self.figures.add("bare_sandbox", MACHINE, bare.sandbox_rate(folder))


GROUPS: Mapping[str, Callable[[Bench], None]] = {
    "limits": Bench.limits,
    "start": Bench.start,
    "reads": Bench.reads,
    "submit": Bench.submit,
    "jobs": Bench.jobs,
    "list": Bench.list,
    "sync": Bench.sync,
    "catalogue": Bench.catalogue,
}


@contextmanager
def _in_a_folder(maker: Maker) -> Iterator[Platform]:
    with (
        TemporaryDirectory(prefix="openccp-benchmark-", ignore_cleanup_errors=True) as folder,
        maker(Path(folder)) as platform,
    ):
        yield platform


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--only", choices=GROUPS, action="append", help="a group of figures")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--rounds", type=int, help="rounds of each figure")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where the peers are installed")
    parser.add_argument("--json", type=Path, help="write every value to this file too")
    return parser.parse_args()


def _measure(bench: Bench, name: str, failed: list[str]) -> None:
    """One group; what was measured before a platform failed stays in the report."""
    print(f"measuring {name} ...", file=sys.stderr, flush=True)
    try:
        GROUPS[name](bench)
    except (NotFinished, UnexpectedStatus, OSError, TimeoutError) as error:
        failed.append(f"{name} was cut short: {type(error).__name__}: {error}")


def main() -> None:
    arguments = _arguments()
    effort = QUICK if arguments.quick else Effort()
    effort = replace(effort, rounds=arguments.rounds) if arguments.rounds else effort
    bench = Bench(arguments.cache, effort)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    failed: list[str] = []
    for name in arguments.only or GROUPS:
        _measure(bench, name, failed)
    if arguments.json:
        values = [[*key, found] for key, found in bench.figures.values.items()]
        arguments.json.write_text(json.dumps(values, indent=1))
    print(f"Python {machine.python_version()}, {machine.machine()}, {effort}\n")
    print(report(bench.figures, effort))
    if failed:
        sys.exit("\n" + "\n".join(failed))


if __name__ == "__main__":
    main()
