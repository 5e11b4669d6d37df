"""Part 2 of the standard: packages are deployed, replaced, run and removed."""

import base64
import itertools
from typing import Any

import httpx2
import pytest
from tests.acceptance.packages import (
    OGC,
    PART2,
    SORT,
    WORKFLOW,
    YAML,
    band_math,
    cwl,
    encoded,
    image_package,
)

from openccp.client import Client
from openccp.testing.platform import RunningPlatform, User, bash_method

NAMES = (f"package-{number}" for number in itertools.count(1))
pytestmark = pytest.mark.sandbox


def send(user: User, body: str | bytes, media_type: str, **query: str) -> httpx2.Response:
    return user.http.post(
        "/processes", content=body, headers={"Content-Type": media_type}, params=query
    )


def put(
    user: User, name: str, body: str | bytes, media_type: str, **headers: str
) -> httpx2.Response:
    return user.http.put(
        f"/processes/{name}", content=body, headers={"Content-Type": media_type, **headers}
    )


def results(user: User, process: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """The results document of a synchronous execution."""
    answer = user.http.post(
        f"/processes/{process}/execution", json={"inputs": inputs, "response": "document"}
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def job_of(user: User, process: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """The status of an asynchronous execution at its end."""
    answer = user.http.post(
        f"/processes/{process}/execution",
        json={"inputs": inputs},
        headers={"Prefer": "respond-async"},
    )
    assert answer.status_code == 201, answer.text
    return user.wait(answer.json()["jobID"])


def encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def packages(name: str) -> list[tuple[str | bytes, str]]:
    return [
        (cwl(SORT, name), YAML),
        (cwl(SORT, name), "application/cwl"),
        (cwl(WORKFLOW, name), YAML),
        (encoded(band_math(name)), OGC),
        (encoded(band_math(name)), "application/json"),
        (encoded(image_package(name, "bash", wrapped=True, listed=True)), OGC),
        (encoded(bash_method(name, "echo hello")), "application/json"),
    ]


@pytest.mark.requirement("2/1.0/deploy-replace-undeploy/deploy-post-op")
@pytest.mark.requirement("2/1.0/deploy-replace-undeploy/deploy-body")
@pytest.mark.requirement("2/1.0/deploy-replace-undeploy/deploy-content-type")
@pytest.mark.requirement("2/1.0/deploy-replace-undeploy/deploy-response-success")
@pytest.mark.requirement("2/1.0/deploy-replace-undeploy/deploy-response-body")
@pytest.mark.requirement("2/1.0/deploy-replace-undeploy/deploy-response-pid")
@pytest.mark.requirement("2/1.0/deploy-replace-undeploy/deploy-response-duplicate")
@pytest.mark.requirement("2/1.0/deploy-replace-undeploy/package-get-op")
@pytest.mark.requirement("2/1.0/deploy-replace-undeploy/package-response-success")
@pytest.mark.requirement("2/1.0/deploy-replace-undeploy/package-response-body")
@pytest.mark.requirement("2/1.0/deploy-replace-undeploy/replace-put-op")
@pytest.mark.requirement("2/1.0/deploy-replace-undeploy/replace-body")
@pytest.mark.requirement("2/1.0/deploy-replace-undeploy/replace-content-type")
@pytest.mark.requirement("2/1.0/deploy-replace-undeploy/replace-response")
@pytest.mark.requirement("2/1.0/deploy-replace-undeploy/undeploy-delete-op")
@pytest.mark.requirement("2/1.0/deploy-replace-undeploy/undeploy-response")
@pytest.mark.requirement("2/1.0/ogcapppkg/body")
@pytest.mark.requirement("2/1.0/ogcapppkg/deploy-body")
@pytest.mark.requirement("2/1.0/ogcapppkg/replace-body")
@pytest.mark.requirement("2/1.0/ogcapppkg/package-response-body")
@pytest.mark.requirement("2/1.0/cwl/body")
@pytest.mark.requirement("2/1.0/cwl/deploy-body")
@pytest.mark.requirement("2/1.0/cwl/replace-body")
@pytest.mark.requirement("2/1.0/cwl/package-response-body")
@pytest.mark.parametrize("kind", range(7))
def test_a_package_is_deployed_replaced_and_removed(kind: int, user: User) -> None:
    name = next(NAMES)
    body, media_type = packages(name)[kind]
    deployed = send(user, body, media_type)
    assert deployed.status_code == 201, deployed.text
    assert deployed.headers["location"] == f"{user.url}/processes/{name}"
    assert deployed.json()["id"] == name
    assert deployed.json()["mutable"] is True
    again = send(user, body, media_type)
    assert (again.status_code, again.json()["type"]) == (409, f"{PART2}duplicated-process")
    package = user.http.get(f"/processes/{name}/package")
    assert package.content == (body if isinstance(body, bytes) else body.encode())
    assert package.headers["content-type"] == media_type
    replaced = put(user, name, body, media_type)
    assert (replaced.status_code, replaced.content) == (204, b"")
    told = put(user, name, body, media_type, Prefer="return=representation")
    assert (told.status_code, told.json()["id"]) == (200, name)
    assert told.headers["preference-applied"] == "return=representation"
    assert user.http.delete(f"/processes/{name}").status_code == 204
    assert user.http.get(f"/processes/{name}").status_code == 404


@pytest.mark.requirement("2/1.0/deploy-replace-undeploy/deploy-unsupported-media-type")
@pytest.mark.parametrize("media_type", ["text/plain", "text/yaml", "application/xml", ""])
def test_what_is_no_package_is_refused_before_anything_else(media_type: str, user: User) -> None:
    for answer in (send(user, b"", media_type), put(user, "null", b"", media_type)):
        assert answer.status_code == 415
        assert answer.json()["type"] == f"{PART2}unsupported-media-type"


@pytest.mark.requirement("2/1.0/deploy-replace-undeploy/deploy-response-immutable")
@pytest.mark.requirement("2/1.0/deploy-replace-undeploy/static-indicator")
def test_what_ships_cannot_be_changed(user: User) -> None:
    listed = user.http.get("/processes", params={"limit": 1000}).json()["processes"]
    assert all(isinstance(process["mutable"], bool) for process in listed)
    fixed = next(process["id"] for process in listed if not process["mutable"])
    body = cwl(SORT, fixed)
    answers = (
        send(user, body, YAML),
        put(user, fixed, body, YAML),
        user.http.delete(f"/processes/{fixed}"),
    )
    for answer in answers:
        assert answer.status_code == 403
        assert answer.json()["type"] == f"{PART2}immutable-process"


@pytest.mark.requirement("2/1.0/cwl/execution-unit")
def test_a_cwl_tool_runs(user: User) -> None:
    name = next(NAMES)
    assert send(user, cwl(SORT, name), YAML).status_code == 201
    found = results(user, name, {"text": encode("b\na\nb\n"), "reverse": True})
    assert found == {"lines": "b\na\n", "said": "locale C, 6 bytes\n"}


def test_a_workflow_of_tools_runs_in_one_job(user: User) -> None:
    name = next(NAMES)
    assert send(user, cwl(WORKFLOW, name), YAML).status_code == 201
    found = results(user, name, {"text": encode("an\nno\nas\n")})
    assert found == {"count": "2\n", "kept": "an\nas\n"}
    nothing = results(user, name, {"text": encode("an\n"), "pattern": "$(touch canary) 'x"})
    assert nothing == {"count": "0\n", "kept": ""}


@pytest.mark.requirement("2/1.0/cwl/deploy-w-param")
@pytest.mark.requirement("2/1.0/cwl/deploy-exception-workflow-not-found")
def test_a_workflow_of_a_graph_is_chosen(user: User) -> None:
    name = next(NAMES)
    graph = (
        cwl(WORKFLOW, name)
        .replace("id: keep", f"id: {name}-keep")
        .replace('"#keep"', f'"#{name}-keep"')
    )
    missing = send(user, graph, YAML, w="nobody")
    assert (missing.status_code, missing.json()["type"]) == (400, f"{PART2}workflow-not-found")
    chosen = send(user, graph, YAML, w=f"{name}-keep")
    assert (chosen.status_code, chosen.json()["id"]) == (201, f"{name}-keep")
    assert results(user, f"{name}-keep", {"text": encode("ab\nb\n"), "pattern": "a"}) == {
        "lines": "ab\n"
    }


@pytest.mark.requirement("2/1.0/ogcapppkg/schema")
@pytest.mark.requirement("2/1.0/ogcapppkg/process-description")
@pytest.mark.requirement("2/1.0/ogcapppkg/profile-docker")
@pytest.mark.requirement("2/1.0/docker/execution-unit")
@pytest.mark.requirement("2/1.0/docker/schema")
@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize("profile", [True, False])
def test_an_image_with_bindings_runs(wrapped: bool, profile: bool, user: User) -> None:
    name = next(NAMES)
    package = image_package(name, "bash", wrapped=wrapped, listed=profile)
    if profile:
        package["deploymentProfile"] = "http://www.opengis.net/profiles/eoc/dockerizedApplication"
    deployed = send(user, encoded(package), OGC)
    assert deployed.status_code == 201, deployed.text
    found = results(user, name, {"text": "it's $(touch canary)", "times": 3})
    assert found == {"said": "it's $(touch canary)\n" * 3}


def test_an_image_that_is_nowhere_is_told_at_deployment_and_refused_at_execution(
    user: User,
) -> None:
    name = next(NAMES)
    warnings = send(user, encoded(band_math(name)), OGC).json()["warnings"]
    assert "otbtf/4.1.0-cpu" in warnings[0]["detail"]
    refused = user.http.post(
        f"/processes/{name}/execution",
        json={"inputs": {"exp": "im1b1", "il": [{"value": "AAAA", "mediaType": "image/tiff"}]}},
    )
    assert refused.json()["type"] == "urn:openccp:problem:no-such-runtime", refused.text


def test_a_profile_nobody_here_knows_is_refused(user: User) -> None:
    package = {**band_math(next(NAMES)), "deploymentProfile": "http://example.org/hpc"}
    refused = send(user, encoded(package), OGC)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == "/deploymentProfile"


def test_cwl_stands_in_a_package_by_value(user: User) -> None:
    name = next(NAMES)
    unit = {"value": cwl(SORT, name), "mediaType": YAML}
    described = {"id": name, "title": "In our words", "inputs": {"text": {"title": "A text"}}}
    package = {"executionUnit": unit, "processDescription": {"process": described}}
    assert send(user, encoded(package), OGC).status_code == 201
    shown = user.http.get(f"/processes/{name}").json()
    assert (shown["title"], shown["inputs"]["text"]["title"]) == ("In our words", "A text")
    assert results(user, name, {"text": encode("b\na\n")})["lines"] == "a\nb\n"


def test_a_replaced_tool_leaves_old_jobs_as_they_were(
    user: User, platform: RunningPlatform
) -> None:
    name = next(NAMES)
    assert send(user, cwl(SORT, name), YAML).status_code == 201
    job = job_of(user, name, {"text": encode("b\na\n")})
    changed = cwl(SORT, name).replace("valueFrom: -u", "valueFrom: -r")
    assert put(user, name, changed, YAML).status_code == 204
    assert results(user, name, {"text": encode("a\nb\n")})["lines"] == "b\na\n"
    record = user.http.get(f"/executions/{job['jobID']}/metadata/method.json").json()
    assert "-u" in str(record["x-ccp-tool"])


def test_the_client_sends_what_a_package_is(user: User) -> None:
    name = next(NAMES)
    with Client(user.url, user.token) as ccp:
        assert ccp.deploy(cwl(SORT, name))["id"] == name
        assert ccp.deploy(cwl(SORT, name), replace=True)["id"] == name
        assert ccp.deploy(band_math(f"{name}-bands"))["warnings"]
        graph = cwl(WORKFLOW, name).replace("id: keep", f"id: {name}-keep")
        chosen = ccp.deploy(graph.replace("#keep", f"#{name}-keep"), workflow=f"{name}-keep")
        assert chosen["id"] == f"{name}-keep"
