"""The runtime that a method fixes without an input."""

import pytest

from openccp.core.descriptor import read_method
from openccp.core.method import InvalidMethod, Method
from openccp.core.problems import InvalidRequest
from openccp.core.validate import read_request

SCRIPT = {"parameters": [{"name": "execute-script", "value": ["true"]}]}


def fixed(**members: object) -> Method:
    return read_method({"id": "fixed", "additionalParameters": SCRIPT, "inputs": {}, **members})


def test_every_job_has_the_runtime_of_its_method() -> None:
    method = fixed(**{"x-ccp-image": "python:3.11"})
    assert read_request(method, {}).image == "python:3.11"
    assert read_request(method, {"inputs": {"ccpimage": "python:3.11"}}).image == "python:3.11"
    with pytest.raises(InvalidRequest, match="runs in"):
        read_request(method, {"inputs": {"ccpimage": "bash"}})


@pytest.mark.parametrize("image", ["", "a b", "-x", 5])
def test_what_is_no_runtime_is_refused(image: object) -> None:
    with pytest.raises(InvalidMethod):
        fixed(**{"x-ccp-image": image})


def test_a_runtime_is_named_once() -> None:
    inputs = {"ccpimage": {"schema": {"type": "string", "default": "bash"}}}
    with pytest.raises(InvalidMethod, match="already"):
        fixed(**{"x-ccp-image": "bash", "inputs": inputs})
