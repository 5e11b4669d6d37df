"""The rows of the report: what is measured, in what unit, and what is to be reached."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

OURS, PYGEOAPI, WRAPTILE, MACHINE = "OpenCCP", "pygeoapi", "wraptile", "machine"


@dataclass(slots=True)
class Figures:
    """Every value measured, by row and platform."""

    values: dict[tuple[str, str], list[float]] = field(
        default_factory=lambda: defaultdict(list[float])
    )

    def add(self, row: str, platform: str, value: float) -> None:
        self.values[row, platform].append(value)

    def median(self, row: str, platform: str) -> float | None:
        found = self.values.get((row, platform))
        return median(found) if found else None

    def ratio(self, row: str, peer: str) -> float | None:
        """Our figure divided by the peer's."""
        ours, theirs = self.median(row, OURS), self.median(row, peer)
        return ours / theirs if ours is not None and theirs else None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the report."""

    key: str
    title: str
    unit: str
    target: str = ""
    reached: Callable[[Figures], bool | None] | None = None


def _at_least(row: str, factor: float) -> Callable[[Figures], bool | None]:
    def reached(figures: Figures) -> bool | None:
        ratio = figures.ratio(row, PYGEOAPI)
        return None if ratio is None else ratio >= factor

    return reached


def _above_both(row: str) -> Callable[[Figures], bool | None]:
    def reached(figures: Figures) -> bool | None:
        one, other = figures.ratio(row, PYGEOAPI), figures.ratio(row, WRAPTILE)
        return None if one is None or other is None else one >= 5 and other > 1

    return reached


def _sooner(row: str) -> Callable[[Figures], bool | None]:
    def reached(figures: Figures) -> bool | None:
        ratio = figures.ratio(row, PYGEOAPI)
        return None if ratio is None else ratio < 1

    return reached


def _below(row: str, most: float) -> Callable[[Figures], bool | None]:
    def reached(figures: Figures) -> bool | None:
        ours = figures.median(row, OURS)
        return None if ours is None else ours < most

    return reached


def _flat(figures: Figures) -> bool | None:
    few, many = figures.median("list_few", OURS), figures.median("list_many", OURS)
    return None if few is None or many is None else many <= 2 * few and many < 10


FIVE_TIMES = "5 x pygeoapi"
READ = "5 x pygeoapi, above wraptile"
ROWS = (
    Row("processes", "GET /processes", "1/s", READ, _above_both("processes")),
    Row("process", "GET /processes/{{id}}", "1/s", READ, _above_both("process")),
    Row("job", "GET /jobs/{{id}}", "1/s", READ, _above_both("job")),
    Row("held_rate", "submit, dispatch held", "1/s", FIVE_TIMES, _at_least("held_rate", 5)),
    Row("held_p50", "submit p50, dispatch held", "ms"),
    Row("held_p99", "submit p99, dispatch held", "ms"),
    Row(
        "small_rate",
        "submit of the {small:,}, running",
        "1/s",
        FIVE_TIMES,
        _at_least("small_rate", 5),
    ),
    Row("small_p50", "submit p50 of the {small:,}, running", "ms"),
    Row("small_p99", "submit p99 of the {small:,}, running", "ms"),
    Row(
        "small_end",
        "{small:,} hellos to the end",
        "s",
        "sooner than pygeoapi",
        _sooner("small_end"),
    ),
    Row("large_rate", "submit of the {large:,}, running", "1/s"),
    Row("large_p50", "submit p50 of the {large:,}, running", "ms"),
    Row("large_p99", "submit p99 of the {large:,}, running", "ms"),
    Row("large_end", "{large:,} hellos to the end", "s"),
    Row("list_few", "GET /jobs?limit=100, {few:,} stored", "ms"),
    Row("list_many", "GET /jobs?limit=100, {many:,} stored", "ms", "2 x, below 10 ms", _flat),
    Row("list_process", "the same of one process", "ms", "below 10 ms", _below("list_process", 10)),
    Row("list_status", "the same of one status", "ms", "below 10 ms", _below("list_status", 10)),
    Row("list_time", "the same since a time", "ms", "below 10 ms", _below("list_time", 10)),
    Row(
        "list_both",
        "the same of one process and status",
        "ms",
        "below 10 ms",
        _below("list_both", 10),
    ),
    Row("list_duration", "the same of a duration nothing had (bounded)", "ms"),
    Row("list_word", "the same with a word nothing has (bounded)", "ms"),
    Row("list_all", "the same with all filters together", "ms"),
    Row("list_processes", "GET /processes?limit=1000, 1,000 deployed", "1/s"),
    Row("sync_rate", "synchronous echo, 16 at once", "1/s"),
    Row("sync_p50", "synchronous echo p50", "ms"),
    Row("idle", "memory, idle", "MiB", "below 120", _below("idle", 120)),
    Row("used", "memory, after {small:,} jobs", "MiB"),
    Row("start", "start to first answer", "s", "below 1.5", _below("start", 1.5)),
    Row("bare_json", "bare Starlette on uvicorn, JSON", "1/s"),
    Row("bare_commit", "bare SQLite commit, one row", "1/s"),
    Row("bare_sandbox", "bare bubblewrap start, one by one", "1/s"),
)
