"""Landing page, conformance, process list and descriptions, against the official schemas."""

from typing import Any

import httpx2
import pytest
from tests.acceptance import official

from openccp.core.problems import OGC1
from openccp.testing.platform import RunningPlatform, User, bash_method
from openccp.web.conformance import CLASSES, PART1_1, PART1_2
from openccp.web.documents import REL

VERSIONS = ("part1-1.0", "part1-2.0")
both = pytest.mark.parametrize("version", VERSIONS)
SHIPPED = ("count-words", "csv-summary", "echo", "hello-bash", "r-regression", "sleeper")
PROFILES = "https://www.opengis.net/def/profile/OGC/0/"


def check_description(document: dict[str, Any], version: str) -> None:
    """By the official schema; the draft of 2.0 has a wrong file for `schema`: of features."""
    if version == "part1-1.0":
        official.validate(document, version, "process")
        return
    feature = {"type": "object", "properties": {}}
    plain = {
        group: {name: {**put, "schema": feature} for name, put in document[group].items()}
        for group in ("inputs", "outputs")
    }
    official.validate({**document, **plain}, version, "processes-core/process")


def rels(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {link["rel"]: link for link in document["links"]}


@pytest.mark.requirement("1/1.0/core/landingpage-op")
@pytest.mark.requirement("1/1.0/core/landingpage-success")
@pytest.mark.requirement("1/2.0/core/landingpage-op")
@pytest.mark.requirement("1/2.0/core/landingpage-success")
@both
def test_the_landing_page_leads_everywhere(platform: RunningPlatform, version: str) -> None:
    answer = httpx2.get(f"{platform.url}/", trust_env=False)
    assert answer.status_code == 200
    official.validate(answer.json(), version, "landingPage")
    links = rels(answer.json())
    for rel in ("service-desc", "service-doc", f"{REL}conformance", f"{REL}processes"):
        assert links[rel]["href"].startswith(platform.url)
    assert f"{REL}job-list" in links


@pytest.mark.requirement("1/1.0/core/conformance-op")
@pytest.mark.requirement("1/1.0/core/conformance-success")
@pytest.mark.requirement("1/2.0/core/conformance-op")
@pytest.mark.requirement("1/2.0/core/conformance-success")
@both
def test_the_conformance_classes_are_declared(platform: RunningPlatform, version: str) -> None:
    answer = httpx2.get(f"{platform.url}/conformance", trust_env=False)
    assert answer.status_code == 200
    official.validate(answer.json(), version, "confClasses")
    declared = answer.json()["conformsTo"]
    assert len(set(declared)) == len(declared) == sum(map(len, CLASSES.values()))
    for part in (PART1_1, PART1_2):
        assert f"{part}core" in declared


@pytest.mark.requirement("1/1.0/core/process-list")
@pytest.mark.requirement("1/1.0/core/process-list-success")
@pytest.mark.requirement("1/1.0/core/pl-links")
@pytest.mark.requirement("1/2.0/core/process-list-op")
@pytest.mark.requirement("1/2.0/core/process-list-success")
@pytest.mark.requirement("1/2.0/core/pl-links")
@pytest.mark.requirement("1/2.0/core/process-summary-links")
@both
def test_the_list_of_processes(user: User, version: str) -> None:
    answer = user.http.get("/processes")
    assert answer.status_code == 200
    official.validate(answer.json(), version, "processList")
    assert {"self", "alternate"} <= rels(answer.json()).keys()
    assert f'<{PROFILES}ogc-process-list>; rel="profile"' in answer.headers["link"]
    for summary in answer.json()["processes"]:
        links = rels(summary)
        assert user.http.get(links["self"]["href"]).json()["id"] == summary["id"]
        alternate = user.http.get(
            links["alternate"]["href"], headers={"Accept": links["alternate"]["type"]}
        )
        assert alternate.headers["content-type"].startswith("text/html")


@pytest.mark.requirement("1/1.0/core/pl-limit-definition")
@pytest.mark.requirement("1/1.0/core/pl-limit-response")
@pytest.mark.requirement("1/2.0/core/pl-limit-definition")
@pytest.mark.requirement("1/2.0/core/pl-limit-response")
def test_limit_bounds_the_list_and_next_leads_on(user: User) -> None:
    everything = [p["id"] for p in user.http.get("/processes?limit=10000").json()["processes"]]
    paged: list[str] = []
    address: str | None = "/processes?limit=2"
    while address is not None:
        page = user.http.get(address).json()
        assert len(page["processes"]) <= 2
        paged += [process["id"] for process in page["processes"]]
        address = rels(page).get("next", {}).get("href")
    assert paged == everything
    assert set(SHIPPED) <= set(everything)
    for wrong in ("0", "-1", "many"):
        assert user.http.get(f"/processes?limit={wrong}").status_code == 400
    document = user.http.get("/api").json()
    (limit,) = (
        parameter["schema"]
        for parameter in document["paths"]["/processes"]["get"]["parameters"]
        if parameter["name"] == "limit"
    )
    assert (limit["minimum"], limit["maximum"], limit["default"]) == (1, 10_000, 10)


@pytest.mark.requirement("1/1.0/core/process")
@pytest.mark.requirement("1/1.0/core/process-success")
@pytest.mark.requirement("1/2.0/core/process-description-op")
@pytest.mark.requirement("1/2.0/core/process-description-success")
@pytest.mark.requirement("1/1.0/ogc-process-description/json-encoding")
@pytest.mark.requirement("1/1.0/ogc-process-description/inputs-def")
@pytest.mark.requirement("1/1.0/ogc-process-description/outputs-def")
@pytest.mark.requirement("1/1.0/ogc-process-description/input-def")
@pytest.mark.requirement("1/1.0/ogc-process-description/output-def")
@pytest.mark.requirement("1/2.0/ogc-process-description/json-encoding")
@pytest.mark.requirement("1/2.0/ogc-process-description/inputs-def")
@pytest.mark.requirement("1/2.0/ogc-process-description/outputs-def")
@pytest.mark.requirement("1/2.0/ogc-process-description/input-def")
@pytest.mark.requirement("1/2.0/ogc-process-description/output-def")
@pytest.mark.requirement("1/2.0/ogc-process-description/links")
@pytest.mark.parametrize("process", SHIPPED)
@both
def test_every_process_is_described(user: User, process: str, version: str) -> None:
    answer = user.http.get(f"/processes/{process}")
    assert answer.status_code == 200
    document = answer.json()
    check_description(document, version)
    assert f'<{PROFILES}ogc-process-description>; rel="profile"' in answer.headers["link"]
    assert {"self", "alternate"} <= rels(document).keys()
    for group in ("inputs", "outputs"):
        for described in document[group].values():
            official.validate(described["schema"], "part1-1.0", "schema")


RICH: dict[str, dict[str, Any]] = {
    "mixed": {"schema": {"oneOf": [{"type": "string"}, {"type": "object"}]}},
    "picture": {
        "schema": {"type": "string", "contentEncoding": "base64", "contentMediaType": "image/png"}
    },
    "tiles": {
        "schema": {"type": "object"},
        "dataClasses": ["https://example.org/classes/imagery"],
        "dataAccessAPIs": ["ogc-api-coverages"],
        "executionUnitRequirements": {"remote-access": True, "staging": "local-file"},
    },
}


@pytest.mark.requirement("1/1.0/ogc-process-description/input-mixed-type")
@pytest.mark.requirement("1/1.0/ogc-process-description/output-mixed-type")
@pytest.mark.requirement("1/1.0/ogc-process-description/input-binary")
@pytest.mark.requirement("1/2.0/ogc-process-description/input-multiple-types")
@pytest.mark.requirement("1/2.0/ogc-process-description/output-multiple-types")
@pytest.mark.requirement("1/2.0/ogc-process-description/value-passing")
@pytest.mark.requirement("1/2.0/ogc-process-description/data-classes")
@pytest.mark.requirement("1/2.0/ogc-process-description/data-access-apis")
@pytest.mark.requirement("1/2.0/ogc-process-description/execution-unit-requirements")
def test_a_description_says_what_the_descriptor_does(user: User) -> None:
    outputs = {"mixed": {"schema": RICH["mixed"]["schema"]}}
    method = bash_method("richly-described", "true", inputs=RICH, outputs=outputs)
    assert user.deploy(method).status_code == 201
    described = user.http.get("/processes/richly-described").json()
    for version in VERSIONS:
        check_description(described, version)
    inputs = described["inputs"]
    assert len(inputs["mixed"]["schema"]["oneOf"]) == 2
    assert len(described["outputs"]["mixed"]["schema"]["oneOf"]) == 2
    assert inputs["picture"]["schema"]["contentEncoding"] == "base64"
    assert inputs["picture"]["schema"]["contentMediaType"] == "image/png"
    assert inputs["picture"]["valuePassing"] == ["byValue", "byReference"]
    for word in ("dataClasses", "dataAccessAPIs", "executionUnitRequirements"):
        assert inputs["tiles"][word] == RICH["tiles"][word]


@pytest.mark.requirement("1/1.0/core/process-exception/no-such-process")
@pytest.mark.requirement("1/2.0/core/process-exception/no-such-process")
@both
def test_there_may_be_no_such_process(user: User, version: str) -> None:
    answer = user.http.get("/processes/never-deployed")
    assert answer.status_code == 404
    assert answer.json()["type"] == f"{OGC1}no-such-process"
    official.validate(answer.json(), version, "exception")


@pytest.mark.requirement("1/1.0/core/test-process")
@pytest.mark.requirement("1/2.0/core/test-process")
def test_there_is_a_process_to_test_with(user: User) -> None:
    echo = user.http.get("/processes/echo").json()
    assert echo["inputs"].keys() - {"ccpimage"} == echo["outputs"].keys()
    assert {"sync-execute", "async-execute"} <= set(echo["jobControlOptions"])


@pytest.mark.requirement("1/1.0/json/definition")
@pytest.mark.requirement("1/2.0/json/definition")
@pytest.mark.parametrize("path", ["/", "/conformance", "/processes", "/processes/echo", "/jobs"])
def test_documents_are_json_unless_something_else_is_asked_for(user: User, path: str) -> None:
    for accept in ("application/json", "*/*"):
        answer = user.http.get(path, headers={"Accept": accept})
        assert answer.headers["content-type"] == "application/json"
