"""Whatever is wrong with a package, it is refused with words, and never a defect."""

from typing import Any

import pytest
from tests.acceptance.packages import SORT, WORKFLOW, band_math, image_package
from tests.unit.core.cwl.mutations import mutations

from openccp.app.deploy import checked
from openccp.app.packages import parsed
from openccp.app.services import Rules
from openccp.app.stage import case, run_of
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
        run_of(case(Revision(method, 1, "ada", False, True, 0.0), request, Rules()))
    except CannotStart:
        return False
    except Problem as problem:
        return problem.status < 500
    return False


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("document", [*CWL, *OGC], ids=range(6))
def test_a_strange_package_is_refused_or_runs(document: Any, seed: int) -> None:
    outcomes = {refused(strange) for strange in mutations(document, seed)}
    assert outcomes == {True, False}
