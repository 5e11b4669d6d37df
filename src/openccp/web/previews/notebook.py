"""A Jupyter notebook to read: its cells and the text they printed."""

import json
from itertools import islice
from typing import Any

from openccp.web.previews.source import Source, seen

MOST_CELLS = 100
MOST_OUTPUTS = 10
MOST_TEXT = 8_000


def notebook(source: Source) -> dict[str, Any] | None:
    """The first cells; HTML, scripts and pictures among the outputs are left out."""
    if not source.whole:
        return None
    try:
        document = json.loads(source.text)
    except (ValueError, RecursionError):
        return None
    match document:
        case {"cells": list() as cells}:
            shown = [_cell(one) for one in islice(cells, MOST_CELLS) if isinstance(one, dict)]
            return {"kind": "notebook", "cells": shown, "numberOfCells": len(cells)}
    return None


def _cell(cell: dict[str, Any]) -> dict[str, Any]:
    outputs = cell.get("outputs")
    some = outputs[:MOST_OUTPUTS] if isinstance(outputs, list) else []
    return {
        "code": cell.get("cell_type") == "code",
        "text": _joined(cell.get("source")),
        "outputs": [said for one in some if (said := _output(one))],
    }


def _output(output: Any) -> str:
    match output:
        case {"text": printed}:
            return _joined(printed)
        case {"data": {"text/plain": printed}}:
            return _joined(printed)
        case {"ename": str() as name, "evalue": str() as value}:
            return _joined(f"{name}: {value}")
    return ""


def _joined(lines: Any) -> str:
    if isinstance(lines, list):
        lines = "".join(line for line in lines if isinstance(line, str))
    return seen(lines[:MOST_TEXT]) if isinstance(lines, str) else ""
