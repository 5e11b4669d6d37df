"""Figures as a table that people read."""

from collections.abc import Mapping
from dataclasses import asdict

from benchmarks.measure import Effort
from benchmarks.table import MACHINE, OURS, PYGEOAPI, ROWS, WRAPTILE, Figures, Row

HEAD = (
    "figure",
    "unit",
    "OpenCCP",
    "pygeoapi",
    "wraptile",
    "ours/pygeoapi",
    "ours/wraptile",
    "target",
    "reached",
)


def report(figures: Figures, effort: Effort) -> str:
    """A Markdown table of every row that was measured: median (lowest-highest) of the rounds."""
    rows = [_cells(row, figures, asdict(effort)) for row in ROWS if _measured(row, figures)]
    lines = [_line(HEAD), _line(["---"] * len(HEAD)), *map(_line, rows)]
    return "\n".join(lines)


def _measured(row: Row, figures: Figures) -> bool:
    return any(key == row.key for key, _ in figures.values)


def _cells(row: Row, figures: Figures, sizes: Mapping[str, object]) -> list[str]:
    ours = MACHINE if (row.key, MACHINE) in figures.values else OURS
    values = [_spread(figures, row.key, platform) for platform in (ours, PYGEOAPI, WRAPTILE)]
    ratios = [_ratio(figures.ratio(row.key, peer)) for peer in (PYGEOAPI, WRAPTILE)]
    return [
        row.title.format(**sizes),
        row.unit,
        *values,
        *ratios,
        row.target,
        _verdict(row, figures),
    ]


def _spread(figures: Figures, key: str, platform: str) -> str:
    found, middle = figures.values.get((key, platform)), figures.median(key, platform)
    if not found or middle is None:
        return "-"
    return f"{_number(middle)} ({_number(min(found))}-{_number(max(found))})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _verdict(row: Row, figures: Figures) -> str:
    outcome = row.reached(figures) if row.reached else None
    return "" if outcome is None else ("yes" if outcome else "NO")


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
