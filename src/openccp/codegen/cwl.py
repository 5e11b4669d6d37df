"""A CWL tool around a Python program: the inputs are the tool's, so that a workflow gives them."""

import json
import re
from collections.abc import Mapping
from typing import Any

from openccp.codegen.program import LocalFile, Program, Secret

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
TAKEN = ("program", "id", "class")


def tool(text: str, program: Program) -> str:
    """CommandLineTool of CWL v1.2, as JSON.

    The program is the default of an input, for in any other place CWL would read `$(...)` in it.
    """
    inputs = program.body.get("inputs", {})
    given = {
        name: _parameter(value) for name, value in inputs.items() if _is_parameter(name, value)
    }
    listing = [
        {"entryname": "program.py", "entry": "$(inputs.program)"},
        {"entryname": "inputs.json", "entry": "$(inputs)"},
    ]
    document = {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "label": program.label,
        "requirements": {
            "InitialWorkDirRequirement": {"listing": listing},
            "NetworkAccess": {"networkAccess": True},
        },
        "baseCommand": ["python3", "program.py", "inputs.json"],
        "inputs": {"program": {"type": "string", "default": text}, **given},
        "outputs": {
            "record": {"type": "Directory", "outputBinding": {"glob": f"{program.label}-*"}}
        },
    }
    return json.dumps(document, indent=2) + "\n"


def _is_parameter(name: str, value: Any) -> bool:
    """Names that CWL takes; secrets come from the environment, and what is null has no type."""
    fits = NAME.fullmatch(name) and name not in TAKEN
    return bool(fits) and value is not None and not isinstance(value, Secret)


def _parameter(value: Any) -> Mapping[str, Any]:
    match value:
        case LocalFile():
            return {"type": "File", "default": {"class": "File", "path": value.path}}
        case bool():
            return {"type": "boolean", "default": value}
        case str():
            return {"type": "string", "default": value}
        case _:
            return {"type": "Any", "default": value}
