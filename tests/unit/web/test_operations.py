"""The operations that are described are those the application has, both ways."""

import re

import pytest
from openapi_spec_validator import validate
from starlette.routing import Route

from openccp.web.app import ROUTES
from openccp.web.openapi.document import VERSIONS, frame, paths
from openccp.web.operations import OPERATIONS

PLACE = re.compile(r"\{(\w+)(?::\w+)?\}")
NOT_DESCRIBED = {"HEAD", "OPTIONS"}


def shape(path: str) -> str:
    """A path whatever its places are called."""
    return PLACE.sub("{}", path)


def test_every_route_is_described_and_no_other() -> None:
    routed = {
        (method, shape(route.path))
        for route in ROUTES
        if isinstance(route, Route)
        for method in (route.methods or set()) - NOT_DESCRIBED
    }
    described = {(o.method.upper(), shape(o.path)) for o in OPERATIONS}
    assert described == routed


def test_operations_have_ids_of_their_own() -> None:
    assert len({operation.id for operation in OPERATIONS}) == len(OPERATIONS)


@pytest.mark.parametrize("version", VERSIONS)
def test_both_versions_are_valid(version: str) -> None:
    validate({**frame("https://ccp.example", version), "paths": paths()})
