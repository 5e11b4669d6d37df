"""A notebook of a Python program: what one may want to change in cells of its own."""

import json
import re
from typing import Any

from openccp.codegen.program import Program

INTRODUCTION = (
    "Change the values below, then run all cells. Sign in with CCP_TOKEN, or CCP_USER and "
    "CCP_PASSWORD, in the environment; without them a link to sign in with a browser is shown."
)
_PARTS = re.compile(
    r"\n\n\n(?=def main\(\))|\n\n\n(?=if __name__)|\n\n(?=SERVER = )|\n\n\n(?=def request)"
)


def notebook(text: str, program: Program) -> str:
    """The program in nbformat 4.5, cut at its main places."""
    source = [part.strip("\n") for part in _PARTS.split(text)]
    cells = [_cell("markdown", 0, INTRODUCTION)]
    cells += [_cell("code", n, part) for n, part in enumerate(source, 1)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    document = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "cells": cells,
    }
    return json.dumps(document, indent=1) + "\n"


def _cell(kind: str, number: int, text: str) -> dict[str, Any]:
    cell = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": text}
    return cell if kind == "markdown" else {**cell, "execution_count": None, "outputs": []}
