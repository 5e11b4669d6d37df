"""What is not supported is refused by its name and its place."""

from typing import Any

import pytest
from tests.unit.core.cwl.tools import faults, process, tool

from openccp.core.cwl.process import WorkflowNotFound
from openccp.core.cwl.workflow import Workflow

REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"inputs": {"d": "Directory"}}, "/inputs/d/type", "Directory"),
    ({"inputs": {"d": "nothing"}}, "/inputs/d/type", "no type"),
    ({"inputs": [{"id": "d"}]}, "/inputs/0/type", "expected a type"),
    (
        {"inputs": {"r": {"type": {"type": "record", "fields": {"f": "File"}}}}},
        "/inputs/r/type",
        "file",
    ),
    (
        {"inputs": {"f": {"type": "File", "secondaryFiles": [".idx"]}}},
        "/inputs/f/secondaryFiles",
        "one",
    ),
    (
        {"inputs": {"f": {"type": "File", "default": {"class": "File"}}}},
        "/inputs/f/default",
        "default",
    ),
    ({"arguments": ["${return 1}"]}, "/arguments/0/valueFrom", "JavaScript"),
    ({"arguments": ["$(inputs.x + 1)"]}, "/arguments/0/valueFrom", "JavaScript"),
    ({"arguments": ["$(inputs.x)"]}, "/arguments/0/valueFrom", "no inputs.x"),
    ({"arguments": ["$(elsewhere.x)"]}, "/arguments/0/valueFrom", "no elsewhere"),
    ({"stdout": "$(runtime.nothing)"}, "/stdout", "no runtime.nothing"),
    (
        {"requirements": {"ScatterFeatureRequirement": {}}},
        "/requirements/ScatterFeatureRequirement/class",
        "Scatter",
    ),
    ({"requirements": [{"class": "MPIRequirement"}]}, "/requirements/0/class", "MPIRequirement"),
    (
        {"requirements": {"DockerRequirement": {"dockerFile": "FROM x"}}},
        "/requirements/DockerRequirement/dockerPull",
        "image",
    ),
    (
        {"requirements": {"ResourceRequirement": {"ramMin": "$(inputs.x)"}}},
        "/requirements/ResourceRequirement/ramMin",
        "number",
    ),
    (
        {"requirements": {"EnvVarRequirement": {"envDef": {"a b": "c"}}}},
        "/requirements/EnvVarRequirement/envDef/a b/envName",
        "name",
    ),
    (
        {"outputs": {"n": {"type": "int", "outputBinding": {"glob": "n"}}}},
        "/outputs/n/type",
        "File",
    ),
    ({"outputs": {"o": "File"}}, "/outputs/o/outputBinding", "glob"),
    (
        {"outputs": {"o": {"type": "File", "outputBinding": {"glob": "x", "outputEval": "$(1)"}}}},
        "/outputs/o/outputBinding/outputEval",
        "self[0]",
    ),
    ({"baseCommand": []}, "/baseCommand", "no command"),
    ({"successCodes": [700]}, "/successCodes", "255"),
    ({"cwlVersion": "v2.0"}, "/cwlVersion", "v1.2"),
    ({"class": "ExpressionTool"}, "/class", "CommandLineTool"),
]


@pytest.mark.parametrize(("members", "place", "word"), REFUSED)
def test_it_is_refused_by_name(members: dict[str, Any], place: str, word: str) -> None:
    found = faults(tool(**members))
    assert word in found.get(place, ""), found


@pytest.mark.parametrize("declared", ["string", "enum", "string[]", "Any", "File[]"])
def test_no_text_of_a_user_is_read_as_shell(declared: str) -> None:
    kind: Any = {"type": "enum", "symbols": ["a;b"]} if declared == "enum" else declared
    unquoted = {
        "requirements": {"ShellCommandRequirement": {}},
        "inputs": {"x": {"type": kind, "inputBinding": {"shellQuote": False}}, "y": "string"},
        "arguments": [{"valueFrom": "a $(inputs.y)", "shellQuote": False}, "$(inputs.y)"],
    }
    assert faults(tool(**unquoted)).keys() == {"/inputs/x", "/arguments/0"}


def step(**members: Any) -> dict[str, Any]:
    run = tool(
        inputs={"f": {"type": "File?"}},
        outputs={"o": {"type": "File", "outputBinding": {"glob": "o.txt"}}},
    )
    return {"run": run, "in": {"f": "f"}, "out": ["o"], **members}


def workflow(**steps: Any) -> dict[str, Any]:
    last = next(iter(steps), "none")
    return {
        "cwlVersion": "v1.2",
        "class": "Workflow",
        "inputs": {"f": "File"},
        "outputs": {"o": {"type": "File", "outputSource": f"{last}/o"}},
        "steps": steps,
    }


MANY = tool(outputs={"o": {"type": "File[]", "outputBinding": {"glob": "*"}}})
OTHER = tool(
    requirements={"DockerRequirement": {"dockerPull": "x"}},
    outputs={"o": {"type": "File", "outputBinding": {"glob": "o"}}},
)
WORKFLOWS: list[tuple[dict[str, Any], str, str]] = [
    (workflow(a=step(scatter="f")), "/steps/a/scatter", "scatter"),
    (workflow(a=step(when="$(inputs.f)")), "/steps/a/when", "when"),
    (workflow(a=step(run="other.cwl")), "/steps/a/run", "all its parts"),
    (workflow(a=step(run=workflow(b=step()))), "/steps/a/run/class", "Workflow"),
    (workflow(a=step(**{"in": {"f": "nobody"}})), "/steps/a/in/f", "no input"),
    (workflow(a=step(**{"in": {"f": "b/x"}}), b=step()), "/steps/a/in/f", "no output"),
    (workflow(a=step(**{"in": {"f": "b/o"}}), b=step(run=MANY)), "/steps/a/in/f", "one file"),
    (workflow(a=step(), b=step(run=OTHER)), "/steps", "same image"),
    (workflow(a=step(**{"in": {"f": "b/o"}}), b=step(**{"in": {"f": "a/o"}})), "/steps", "wait"),
    (workflow(), "/steps", "no steps"),
    (workflow(**{"..": step()}), "/steps/../id", "folder"),
]


@pytest.mark.parametrize(("document", "place", "word"), WORKFLOWS)
def test_a_workflow_is_refused_by_name(document: dict[str, Any], place: str, word: str) -> None:
    found = faults(document)
    assert word in found.get(place, ""), found


def test_steps_run_in_the_order_of_what_they_need() -> None:
    document = workflow(a=step(**{"in": {"f": "b/o"}}), b=step(**{"in": {"f": "c/o"}}), c=step())
    found = process(document)
    assert isinstance(found, Workflow)
    assert [one.id for one in found.steps] == ["c", "b", "a"]


GRAPH: list[dict[str, Any]] = [
    {"id": "#main", **workflow(a=step(run="#t"))},
    {"id": "#side", **workflow(a=step())},
    {**step()["run"], "id": "#t"},
]


def test_a_graph_means_main_or_its_only_workflow_or_what_is_named() -> None:
    graph = {"cwlVersion": "v1.2", "$graph": GRAPH}
    assert isinstance(process(graph), Workflow)
    assert not isinstance(process(graph, "t"), Workflow)
    assert isinstance(process({**graph, "$graph": GRAPH[1:]}), Workflow)
    with pytest.raises(WorkflowNotFound):
        process({**graph, "$graph": [*GRAPH[1:], {**GRAPH[0], "id": "other"}]})
    for which in ("nobody", ""):
        with pytest.raises(WorkflowNotFound):
            process(graph, which)
    with pytest.raises(WorkflowNotFound):
        process(tool(), "other")
    assert process(tool(), "it")
