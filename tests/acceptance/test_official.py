"""The tool for official schemas judges as the schemas mean."""

import pytest
from tests.acceptance.official import is_valid, needs_schemas, validate

pytestmark = needs_schemas

STATUS = {
    "jobID": "1",
    "id": "1",
    "status": "accepted",
    "type": "process",
    "processingEntityType": "ogc-api-processes",
    "links": [{"href": "http://example.org/jobs/1", "rel": "self"}],
}


@pytest.mark.parametrize("version", ["part1-1.0", "part1-2.0"])
def test_good_documents_are_valid(version: str) -> None:
    validate(STATUS, version, "statusInfo")
    validate({"jobs": [STATUS], "links": []}, version, "jobList")
    validate({"n": 1, "t": "x", "box": {"bbox": [1, 2, 3, 4]}}, version, "results")
    validate({"v": {"value": {"a": 1}, "mediaType": "application/json"}}, version, "results")


@pytest.mark.parametrize("version", ["part1-1.0", "part1-2.0"])
def test_bad_documents_are_not(version: str) -> None:
    assert not is_valid({**STATUS, "status": "done"}, version, "statusInfo")
    assert not is_valid({**STATUS, "progress": 101}, version, "statusInfo")
    assert not is_valid({"a": {"bare": "object"}}, version, "results")
    with pytest.raises(AssertionError, match=r"status.*done"):
        validate({**STATUS, "status": "done"}, version, "statusInfo")


def test_each_version_wants_its_own_members() -> None:
    assert not is_valid(
        {k: v for k, v in STATUS.items() if k != "jobID"}, "part1-1.0", "statusInfo"
    )
    assert not is_valid({k: v for k, v in STATUS.items() if k != "id"}, "part1-2.0", "statusInfo")


def test_a_schema_in_a_folder_is_named_with_it() -> None:
    created = {**STATUS, "status": "created"}
    assert is_valid(created, "part1-2.0", "processes-job-management/statusInfo")
    assert not is_valid(created, "part1-2.0", "statusInfo")
