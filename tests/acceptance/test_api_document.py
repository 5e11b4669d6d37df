"""The API document of a running platform: both versions, with and without processes."""

import json
import re
from typing import Any

import httpx2
import pytest
from openapi_spec_validator import validate

from openccp.testing.platform import RunningPlatform, User, bash_method

FORMS = {"json": "3.0", "json31": "3.1"}
ECHO = "/processes/echo/execution"


def fetch(user: User | None, url: str, **more: Any) -> httpx2.Response:
    if user is not None:
        return user.http.get("/api", **more)
    return httpx2.get(f"{url}/api", trust_env=False, **more)


@pytest.mark.requirement("1/1.0/core/api-definition-op")
@pytest.mark.requirement("1/1.0/core/api-definition-success")
@pytest.mark.requirement("1/2.0/core/api-definition-op")
@pytest.mark.requirement("1/2.0/core/api-definition-success")
def test_the_landing_page_leads_to_the_api_document(platform: RunningPlatform) -> None:
    landing = httpx2.get(platform.url, trust_env=False).json()
    links = [link for link in landing["links"] if link["rel"] in ("service-desc", "service-doc")]
    assert {link["rel"] for link in links} == {"service-desc", "service-doc"}
    for link in links:
        answer = httpx2.get(link["href"], trust_env=False)
        assert answer.status_code == 200
        assert answer.headers["content-type"].replace(" ", "") == link["type"].replace(" ", "")


@pytest.mark.requirement("1/2.0/oas/definition")
@pytest.mark.requirement("1/1.0/oas30/oas-definition-1")
@pytest.mark.requirement("1/1.0/oas30/oas-definition-2")
@pytest.mark.requirement("1/2.0/oas30/oas-definition")
@pytest.mark.requirement("1/2.0/oas31/oas-definition")
@pytest.mark.parametrize("signed_in", [True, False])
@pytest.mark.parametrize("form", FORMS)
def test_it_is_a_valid_document(
    user: User, platform: RunningPlatform, form: str, signed_in: bool
) -> None:
    answer = fetch(user if signed_in else None, platform.url, params={"f": form})
    version = FORMS[form]
    assert answer.headers["content-type"] == f"application/vnd.oai.openapi+json;version={version}"
    document = answer.json()
    assert document["openapi"].startswith(version)
    assert (ECHO in document["paths"]) is signed_in
    validate(document)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/vnd.oai.openapi+json;version=3.1", "3.1"),
        ("application/vnd.oai.openapi+json;version=3.0", "3.0"),
        ("application/vnd.oai.openapi+json", "3.0"),
        ("application/json", "3.0"),
        ("*/*", "3.0"),
    ],
)
def test_accept_chooses_the_version(platform: RunningPlatform, accept: str, kind: str) -> None:
    answer = fetch(None, platform.url, headers={"Accept": accept})
    assert answer.json()["openapi"].startswith(kind)


def test_it_names_only_what_one_may_see(user: User, other: User, platform: RunningPlatform) -> None:
    secret = "only-for-me-to-see"
    assert user.deploy(bash_method(secret, "echo hello")).status_code == 201
    assert f"/processes/{secret}/execution" in fetch(user, "").json()["paths"]
    for curious in (other, None):
        assert secret not in fetch(curious, platform.url).text
    wrong = fetch(None, platform.url, headers={"Authorization": "Bearer wrong"})
    assert wrong.status_code == 401
    left = fetch(None, platform.url, headers={"Cookie": "ccp-session=ended"})
    assert left.status_code == 200


def test_it_is_sent_once(user: User) -> None:
    answer = fetch(user, "")
    again = fetch(user, "", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "Authorization" in answer.headers["vary"]


@pytest.mark.requirement("1/1.0/oas30/security")
@pytest.mark.requirement("1/2.0/oas/security")
def test_every_way_to_sign_in_is_described(platform: RunningPlatform) -> None:
    document = fetch(None, platform.url).json()
    schemes = document["components"]["securitySchemes"]
    assert {scheme["type"] for scheme in schemes.values()} == {
        "http",
        "oauth2",
        "openIdConnect",
        "apiKey",
    }
    flows = schemes["oauth2"]["flows"]
    assert {flow["tokenUrl"] for flow in flows.values()} == {f"{platform.url}/token"}
    assert httpx2.get(schemes["openId"]["openIdConnectUrl"], trust_env=False).status_code == 200


@pytest.mark.requirement("1/1.0/oas30/completeness")
@pytest.mark.requirement("1/1.0/oas30/exceptions-codes")
@pytest.mark.requirement("1/2.0/oas/completeness")
@pytest.mark.requirement("1/2.0/oas/exceptions-codes")
def test_every_operation_says_what_can_go_wrong(user: User) -> None:
    document = fetch(user, "").json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            codes = operation["responses"].keys()
            assert "500" in codes, (method, path)
            assert "401" in codes or operation.get("security") == [], (method, path)
    for name, answer in document["components"]["responses"].items():
        assert "application/problem+json" in answer["content"], name


def test_a_process_has_typed_inputs_outputs_and_an_example(user: User) -> None:
    operation = fetch(user, "", params={"f": "json31"}).json()["paths"][ECHO]["post"]
    body = operation["requestBody"]["content"]["application/json"]
    inputs = body["schema"]["properties"]["inputs"]
    assert inputs["required"] == ["message"]
    pause, *_ = inputs["properties"]["pause"]["anyOf"]
    assert (pause["type"], pause["minimum"], pause["default"]) == ("number", 0, 0)
    assert "ccpimage" not in inputs["properties"]
    (example, *_) = body["examples"].values()
    answer = user.http.post(ECHO, json=example["value"], headers={"Prefer": "wait=30"})
    assert answer.status_code == 200, answer.text
    outputs = operation["responses"]["200"]["content"]["application/json"]["schema"]["anyOf"][0]
    assert outputs["properties"]["numbers"]["anyOf"][0]["type"] == "array"


def test_new_revisions_are_shown(user: User) -> None:
    method = bash_method("changing", "echo hello")
    assert user.deploy(method).status_code == 201
    before = fetch(user, "")
    method["inputs"]["size"] = {"schema": {"type": "integer", "maximum": 7}}
    assert user.http.put("/processes/changing", json=method).status_code in (200, 204)
    after = fetch(user, "")
    assert before.headers["etag"] != after.headers["etag"]
    shown = after.json()["paths"]["/processes/changing/execution"]["post"]
    assert '"maximum": 7' in json.dumps(shown)


@pytest.mark.requirement("1/2.0/oas/definition")
@pytest.mark.requirement("1/1.0/oas30/oas-definition-1")
def test_the_page_needs_no_script_and_loads_nothing_from_elsewhere(
    platform: RunningPlatform,
) -> None:
    page = fetch(None, platform.url, headers={"Accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "/processes/{processID}/execution" in page.text
    addresses = re.findall(r'(?:src|href)="([^"]*)"', page.text)
    assert all(it.startswith(("/", "#", platform.url)) for it in addresses)
    for address in addresses:
        if "/assets/" in address:
            assert httpx2.get(platform.url + address, trust_env=False).status_code == 200


def test_swagger_ui_comes_with_the_service(platform: RunningPlatform) -> None:
    page = fetch(None, platform.url, params={"f": "html"}).text
    assert re.search(r'src="/assets/[0-9a-f]+/swagger-ui-bundle.js"', page)
    assert re.search(r'src="/assets/[0-9a-f]+/api.js"', page)
