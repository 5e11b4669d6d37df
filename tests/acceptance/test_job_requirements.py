"""Executing, watching and dismissing a job, requirement by requirement."""

import pytest
from tests.acceptance.official import validate

from openccp.testing.platform import User, bash_method

pytestmark = pytest.mark.sandbox
NO_SUCH_JOB = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/no-such-job"
ENDLESS = bash_method("endless-wait", "sleep 600")


@pytest.mark.requirement("1/1.0/core/process-execute-op")
@pytest.mark.requirement("1/2.0/core/process-execute-op")
def test_execution_is_a_post_below_the_process(user: User) -> None:
    answer = user.http.post("/processes/hello-bash/execution", json={"inputs": {"name": "Ada"}})
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{user.url}/jobs/{answer.json()['jobID']}"


@pytest.mark.requirement("1/1.0/core/process-execute-request")
@pytest.mark.requirement("1/2.0/core/process-execute-request")
def test_the_body_is_an_execute_request(user: User) -> None:
    whole = {
        "inputs": {"message": "hello", "numbers": [1, 2], "pause": 0},
        "outputs": {"message": {"transmissionMode": "value"}, "numbers": {}},
        "response": "document",
    }
    validate(whole, "part1-1.0", "execute")
    answer = user.http.post("/processes/echo/execution", json=whole)
    assert answer.json() == {"message": "hello", "numbers": [1, 2]}
    assert user.http.post("/processes/echo/execution", json=[1]).status_code == 400


@pytest.mark.requirement("1/1.0/core/job")
@pytest.mark.requirement("1/1.0/core/job-success")
@pytest.mark.requirement("1/2.0/core/job-op")
@pytest.mark.requirement("1/2.0/core/job-success")
def test_a_job_has_a_status(user: User) -> None:
    job = user.run("hello-bash", {"name": "Ada"})["jobID"]
    user.wait(job)
    answer = user.http.get(f"/jobs/{job}")
    assert answer.status_code == 200
    validate(answer.json(), "part1-1.0", "statusInfo")
    validate(answer.json(), "part1-2.0", "processes-core/statusInfo")
    assert (answer.json()["jobID"], answer.json()["status"]) == (job, "successful")


@pytest.mark.requirement("1/1.0/core/job-exception-no-such-job")
@pytest.mark.requirement("1/2.0/core/job-exception-no-such-job")
def test_no_such_job_is_an_exception_of_that_type(user: User) -> None:
    for path in ("/jobs/nobody", "/jobs/00000000-0000-0000-0000-000000000000"):
        answer = user.http.get(path)
        assert (answer.status_code, answer.json()["type"]) == (404, NO_SUCH_JOB)
        validate(answer.json(), "part1-1.0", "exception")


@pytest.mark.requirement("1/1.0/dismiss/job-dismiss-op")
@pytest.mark.requirement("1/1.0/dismiss/job-dismiss-success")
@pytest.mark.requirement("1/2.0/dismiss/job-dismiss-op")
@pytest.mark.requirement("1/2.0/dismiss/job-dismiss-success")
def test_a_running_job_is_dismissed(user: User) -> None:
    assert user.deploy(ENDLESS).status_code == 201
    job = user.run("endless-wait")["jobID"]
    user.until(job, "executing")
    answer = user.http.delete(f"/jobs/{job}")
    assert answer.status_code == 200
    validate(answer.json(), "part1-1.0", "statusInfo")
    validate(answer.json(), "part1-2.0", "processes-core/statusInfo")
    assert answer.json()["status"] == "dismissed"
    assert user.wait(job)["status"] == "dismissed"


@pytest.mark.requirement("1/2.0/dismiss/job-dismiss-status")
def test_dismissing_an_ended_job_removes_it(user: User) -> None:
    job = user.run("hello-bash", {"name": "Ada"})["jobID"]
    user.wait(job)
    assert user.http.delete(f"/jobs/{job}").json()["status"] == "dismissed"
    answer = user.http.get(f"/jobs/{job}")
    assert (answer.status_code, answer.json()["type"]) == (404, NO_SUCH_JOB)
