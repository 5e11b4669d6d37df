"""Whatever is wrong with a package, it is refused with words, and never a defect."""

from typing import Any

import pytest
from tests.acceptance.packages import SORT, WORKFLOW, band_math, image_package
from tests.unit.core.cwl.mutations import mutations
from tests.unit.core.cwl.tools import compile_tool, faults, tool

from openccp.app.deploy import checked
from openccp.app.packages import parsed
from openccp.app.services import Rules
from openccp.app.stage import LEAST_MEMORY, case, run_of
from openccp.core.cwl.process import selected
from openccp.core.method import Revision
from openccp.core.packages.cwl import describe_cwl
from openccp.core.packages.ogc import (
    Container,
    Link,
    Text,
    describe_container,
    describe_unit,
    read_package,
)
from openccp.core.ports import CannotStart
from openccp.core.problems import Problem
from openccp.core.validate import read_request

CWL = [parsed(text.encode(), "application/cwl+yaml") for text in (SORT, WORKFLOW)]
OGC = [
    band_math("bands"),
    image_package("said", "bash", wrapped=True, listed=True),
    {"executionUnit": {"value": CWL[0], "mediaType": "application/cwl+json"}},
    {"executionUnit": {"href": "http://example.org/tool.cwl", "type": "application/cwl"}},
]


def as_method(document: Any) -> Any:
    """What `app.packages` makes of a document without a network."""
    if not isinstance(document, dict) or "executionUnit" not in document:
        return describe_cwl(selected(document, None))
    package = read_package(document)
    if isinstance(package.unit, Container):
        return describe_container(package)
    if isinstance(package.unit, Text):
        return describe_unit(package, selected(package.unit.value, None))
    assert isinstance(package.unit, Link)
    return describe_unit(package, selected(CWL[0], None))


INPUTS = {
    "text": "aGVsbG8=",
    "times": 2,
    "pattern": "a",
    "exp": "b",
    "il": [{"value": "AAAA", "mediaType": "image/png"}],
}


def refused(strange: Any) -> bool:
    """Whether there is a problem with a package; one that has none can be run."""
    try:
        method = checked(as_method(strange))
        given = {name: value for name, value in INPUTS.items() if name in method.inputs}
        request = read_request(method, {"inputs": given})
        run_of(case(Revision(method, 1, "ada", False, True, 0.0), request, Rules(), "local"))
    except CannotStart:
        return False
    except Problem as problem:
        return problem.status < 500
    return False


def test_types_that_name_each_other_cost_no_more_than_they_are() -> None:
    types = [
        {"name": f"t{i}", "type": "record", "fields": {f"f{j}": f"t{i + 1}" for j in range(10)}}
        for i in range(5)
    ]
    ends = [*types, {"name": "t5", "type": "enum", "symbols": ["a"]}]
    found = faults(tool(requirements={"SchemaDefRequirement": {"types": ends}}, inputs={"x": "t0"}))
    assert any("more than 1000 types" in words for words in found.values())


def test_a_large_tool_is_not_put_into_many_steps() -> None:
    steps = {f"s{i}": {"in": {}, "out": [], "run": "#it"} for i in range(200)}
    main = {"class": "Workflow", "id": "main", "inputs": {}, "outputs": {}, "steps": steps}
    graph = {"cwlVersion": "v1.2", "$graph": [tool(doc="d" * 10_000), main]}
    assert list(faults(graph)) == ["/steps"]


MANY = {"listing": [{"entry": "$(inputs.x)", "entryname": f"f{i}"} for i in range(200)]}


@pytest.mark.parametrize(
    "members",
    [
        {"arguments": ["$(inputs.x)" * 20]},
        {"arguments": ["$(inputs.x)"] * 20},
        {"requirements": {"InitialWorkDirRequirement": MANY}},
    ],
)
def test_a_value_is_not_repeated_until_the_memory_is_full(members: dict[str, Any]) -> None:
    with pytest.raises(CannotStart, match="more than"):
        compile_tool({"x": "a" * 500_000}, inputs={"x": "string"}, **members)


def test_a_package_cannot_ask_for_so_little_memory_that_it_is_no_limit() -> None:
    method = checked(describe_cwl(tool(requirements={"ResourceRequirement": {"ramMax": 1e-9}})))
    it = case(
        Revision(method, 1, "ada", False, True, 0.0), read_request(method, {}), Rules(), "local"
    )
    assert it.limits.memory_bytes == LEAST_MEMORY


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("document", [*CWL, *OGC], ids=range(6))
def test_a_strange_package_is_refused_or_runs(document: Any, seed: int) -> None:
    outcomes = {refused(strange) for strange in mutations(document, seed)}
    assert outcomes == {True, False}
