"""A CWL document: which of its processes is meant, in one piece, and read."""

import copy
from collections.abc import Mapping
from typing import Any

import orjson

from openccp.core.cwl.source import local
from openccp.core.cwl.tool import Tool, read_tool
from openccp.core.cwl.workflow import Workflow, read_workflow
from openccp.core.descriptor import MAX_DOCUMENT
from openccp.core.fields import Faults, Fields
from openccp.core.method import InvalidMethod
from openccp.core.problems import OGC2, Fault, Problem

VERSIONS = ("v1.0", "v1.1", "v1.2")
MOST_PROCESSES = 100


class WorkflowNotFound(Problem):
    """The package has no workflow of this name."""

    status, type, title = 400, OGC2 + "workflow-not-found", "Workflow not found"


def selected(document: Any, which: str | None) -> dict[str, Any]:
    """The one process of a CWL document that is meant, its steps' tools put in place.

    `which` is the `w` of OGC's requirement deploy-w-param. Of a `$graph`, `main` or the only
    Workflow is meant if nothing is said.
    """
    if not isinstance(document, Mapping):
        raise InvalidMethod("A CWL package is an object.", faults=[Fault("", "not an object")])
    if "$graph" not in document:
        process = dict(document)
        if which is not None and local(str(process.get("id"))) != local(which):
            raise WorkflowNotFound
        return _whole(process, {}, process.get("cwlVersion"))
    processes = _graph(document["$graph"])
    name = local(which) if which is not None else _main(processes)
    if name not in processes:
        raise WorkflowNotFound
    return _whole(dict(processes[name]), processes, document.get("cwlVersion"))


def _graph(graph: Any) -> dict[str, Mapping[str, Any]]:
    if not isinstance(graph, list) or not 0 < len(graph) <= MOST_PROCESSES:
        words = f"expected a list of 1 to {MOST_PROCESSES} processes"
        raise InvalidMethod(f"/$graph: {words}", faults=[Fault("/$graph", words)])
    return {
        local(str(process.get("id"))): process for process in graph if isinstance(process, Mapping)
    }


def _main(processes: Mapping[str, Mapping[str, Any]]) -> str:
    workflows = [name for name, it in processes.items() if it.get("class") == "Workflow"]
    for candidates in (["main"], workflows, list(processes)):
        if len(candidates) == 1 and candidates[0] in processes:
            return candidates[0]
    raise WorkflowNotFound("The package has several workflows: name one with ?w=.")


def _whole(
    process: dict[str, Any], processes: Mapping[str, Mapping[str, Any]], version: Any
) -> dict[str, Any]:
    process.setdefault("cwlVersion", version)
    steps = process.get("steps")
    if process.get("class") != "Workflow" or not isinstance(steps, (list, Mapping)):
        return process
    process["steps"] = copy.deepcopy(steps)
    entries, left = process["steps"], MAX_DOCUMENT
    for step in entries.values() if isinstance(entries, Mapping) else entries:
        if isinstance(step, dict) and isinstance(step.get("run"), str):
            found = processes.get(local(step["run"])) if step["run"].startswith("#") else None
            step["run"] = found if found is not None else step["run"]
            left -= 0 if found is None else len(orjson.dumps(found))
            if left < 0:
                words = f"expected at most {MAX_DOCUMENT} bytes of tools"
                raise InvalidMethod(f"/steps: {words}", faults=[Fault("/steps", words)])
    return process


def read_process(document: Any, pointer: str = "") -> tuple[Tool | Workflow, Fields]:
    """The process, and its fields; InvalidMethod with a fault for each thing wrong."""
    faults = Faults()
    fields = Fields(document if isinstance(document, Mapping) else {}, pointer, faults)
    if fields.members.get("cwlVersion") not in VERSIONS:
        fields.fault("cwlVersion", f"expected one of {', '.join(VERSIONS)}")
    process = _read(fields)
    if faults or process is None:
        raise InvalidMethod(faults.summary, faults=faults.all)
    return process, fields


def _read(fields: Fields) -> Tool | Workflow | None:
    kind = fields.members.get("class")
    if kind == "CommandLineTool":
        return read_tool(fields, {})
    if kind == "Workflow":
        return read_workflow(fields)
    fields.fault("class", "expected CommandLineTool or Workflow")
    return None
