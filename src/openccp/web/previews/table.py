"""CSV and TSV as a table, with the range of each column of numbers and a plot of them."""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from openccp.web.previews.source import Source, seen

MOST_ROWS = 200
"""That are shown; numbers are taken from `MOST_COUNTED`."""
MOST_COUNTED = 5_000
MOST_COLUMNS = 40
MOST_PLOTTED = 4
MOST_TEXT = 200
WIDTH, HEIGHT = 600, 200
_DELIMITERS = ",;\t|"
_SAMPLE = 10


def table(source: Source) -> dict[str, Any] | None:
    """The first rows and columns of a table."""
    if not source.is_text:
        return None
    text = source.text if source.whole else source.text.rpartition("\n")[0]
    try:
        rows = list(islice(_rows(text, _delimiter(source, text)), MOST_COUNTED + 1))
    except csv.Error:
        return None
    if not rows:
        return None
    wide = max(map(len, rows))
    numbers = list(_columns(rows, min(wide, MOST_COLUMNS)))
    return {
        "kind": "table",
        "encoding": source.encoding,
        "header": _shown(rows[0]),
        "rows": [_shown(row) for row in rows[1 : MOST_ROWS + 1]],
        "numberOfColumns": wide,
        "numberOfRows": len(rows) - 1 if source.whole and len(rows) <= MOST_COUNTED else None,
        "numbers": [_measured(name, values) for name, values in numbers],
        "plot": [_line(name, values) for name, values in numbers[:MOST_PLOTTED]],
    }


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return (row for row in reader if row)


def _delimiter(source: Source, text: str) -> str:
    if source.media_type == "text/tab-separated-values":
        return "\t"
    lines = text[: 64 << 10].splitlines()[:_SAMPLE]
    return max(_DELIMITERS, key=lambda one: min((line.count(one) for line in lines), default=0))


def _shown(row: Sequence[str]) -> list[str]:
    return [seen(cell[:MOST_TEXT]) for cell in row[:MOST_COLUMNS]]


def _columns(rows: Sequence[Sequence[str]], count: int) -> Iterator[tuple[str, list[float]]]:
    for index in range(count):
        cells = [row[index] for row in rows[1:] if len(row) > index and row[index].strip()]
        values = [number for cell in cells if (number := _number(cell)) is not None]
        if values and len(values) == len(cells):
            name = rows[0][index] if len(rows[0]) > index else ""
            yield seen(name[:MOST_TEXT]), values


def _number(cell: str) -> float | None:
    try:
        number = float(cell[:MOST_TEXT])
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _measured(name: str, values: Sequence[float]) -> dict[str, Any]:
    mean = math.fsum(value / len(values) for value in values)
    return {"name": name, "minimum": min(values), "mean": mean, "maximum": max(values)}


def _line(name: str, values: Sequence[float]) -> dict[str, str]:
    """A line within WIDTH x HEIGHT, from its lowest to its highest value."""
    step = max(1, len(values) // WIDTH)
    kept, low, high = values[::step], min(values), max(values)
    scale = (high / 2 - low / 2) or 1.0
    across = WIDTH / max(1, len(kept) - 1)
    points = (
        f"{n * across:.1f},{HEIGHT - (value / 2 - low / 2) / scale * HEIGHT:.1f}"
        for n, value in enumerate(kept)
    )
    return {"name": name, "points": " ".join(points)}
