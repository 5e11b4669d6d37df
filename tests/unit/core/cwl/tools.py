"""Small tools for tests."""

from typing import Any

from openccp.core.cwl.compile import Given, Process, Run, compiled
from openccp.core.cwl.process import read_process, selected
from openccp.core.method import InvalidMethod
from openccp.core.ports import Limits

LINE = 2
"""Where the command stands in the script of a tool without a working folder of its own."""


def tool(**members: Any) -> dict[str, Any]:
    """A tool that takes a text and a number, with other members."""
    return {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "id": "it",
        "baseCommand": ["run"],
        "inputs": {},
        "outputs": {},
        **members,
    }


def process(document: dict[str, Any], which: str | None = None) -> Process:
    return read_process(selected(document, which))[0]


def compile_tool(values: dict[str, Any], limits: Limits | None = None, **members: Any) -> Run:
    files = {name: b"hello" for name in ("text", "0.texts", "1.texts")}
    given = Given(values, files, limits or Limits())
    return compiled(process(tool(**members)), given)


def command(values: dict[str, Any], inputs: dict[str, Any], **members: Any) -> str:
    """The command line as the script has it."""
    script = compile_tool(values, inputs=inputs, **members).script
    return script.splitlines()[LINE].removeprefix("exec ")


def faults(document: dict[str, Any], which: str | None = None) -> dict[str, str]:
    """What is refused, by place."""
    try:
        process(document, which)
    except InvalidMethod as refused:
        return {fault.pointer: fault.detail for fault in refused.faults}
    return {}
