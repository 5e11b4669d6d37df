"""Every resource that is a document is a page too, whichever way one asks for it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import httpx2
import pytest
from tests.acceptance.pages import Page, hrefs, leaves

from openccp.testing.platform import RunningPlatform, User, bash_method
from openccp.web.assets import assets
from openccp.web.operations import OPERATIONS
from openccp.web.operations.shape import HTML, JSON, Operation

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
CHANGING = (
    "/infrastructures", "/infrastructures/{infrastructureID}", "/health", "/deliveries",
    "/deliveries/{deliveryID}",
)  # fmt: skip
OTHERWISE = re.compile(r"[?&]f=(json|html)$")
"""Links to the other representation: a document and its page have each its own."""
OTHER_PAGES = (
    "/sign-in", "/device", "/api", "/processes/{processID}/form", "/editor",
    "/processes/{processID}/editor", "/operator",
)  # fmt: skip
"""Pages that are no representation of a document, or of a document in its own form."""


@dataclass(frozen=True)
class Subject:
    """Somebody with a process, and a job that has ended."""

    user: User
    names: Mapping[str, str]

    def get(self, path: str, **headers: str) -> httpx2.Response:
        address = re.sub(r"\{(\w+)\}", lambda hit: self.names[hit[1]], path)
        return self.user.http.get(address, headers=headers)


@pytest.fixture(scope="session")
def subject(platform: RunningPlatform) -> Iterator[Subject]:
    user = platform.user("reader")
    made = bash_method("readable", "echo words\necho kept >a.txt", description="Says words.")
    assert user.deploy(made).status_code == 201
    told = {"successUri": "https://subscriber.invalid/"}
    user.finish("readable")
    job = str(user.wait(user.run("readable", subscriber=told)["jobID"])["jobID"])
    (delivery,) = user.http.get("/deliveries").json()["deliveries"]
    shared = user.http.post(f"/jobs/{job}/shares", json={"days": 1}).json()
    asset = assets()["style.css"]
    upload = user.http.post("/uploads", content=b"brought").json()
    yield Subject(
        user,
        {
            "processID": "readable",
            "jobID": job,
            "deliveryID": delivery["id"],
            "outputID": "output",
            "index": "0",
            "path": "a.txt",
            "name": "stdout",
            "infrastructureID": "local",
            "share": shared["href"].rpartition("/")[2],
            "attempt": "none",
            "uploadID": upload["id"],
            "stage": "run",
            "digest": asset.digest,
            "asset": "style.css",
        },
    )
    user.close()


def address(operation: Operation) -> str:
    if "/metadata/" in operation.path:
        return operation.path.replace("{name}", "request.json")
    return operation.path


def gets(pages: bool) -> list[object]:
    return [
        pytest.param(operation, id=operation.path)
        for operation in OPERATIONS
        if operation.method == "get"
        and operation.path not in OTHER_PAGES
        and pages == any(HTML in answer.content for answer in operation.answers)
    ]


@pytest.mark.requirement("1/1.0/json/definition")
@pytest.mark.requirement("1/2.0/json/definition")
@pytest.mark.requirement("1/1.0/html/definition")
@pytest.mark.requirement("1/2.0/html/definition")
@pytest.mark.parametrize("operation", gets(pages=True))
def test_both_representations_by_header_and_by_parameter(
    subject: Subject, operation: Operation
) -> None:
    path = address(operation)
    for headers, query, expected in (
        ({}, "", JSON),
        ({"Accept": "*/*"}, "", JSON),
        ({"Accept": JSON}, "", JSON),
        ({"Accept": BROWSER}, "", HTML),
        ({"Accept": BROWSER}, "?f=json", JSON),
        ({"Accept": JSON}, "?f=html", HTML),
        ({"Accept": "text/html;q=0.2, application/json;q=0.9"}, "", JSON),
    ):
        answer = subject.get(path + query, **headers)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].split(";")[0] == expected
        assert "Accept" in answer.headers["vary"]
    assert subject.get(path, Accept="image/png").status_code == 406
    assert subject.get(f"{path}?f=png").status_code == 400


@pytest.mark.requirement("1/1.0/html/content")
@pytest.mark.requirement("1/2.0/html/content")
@pytest.mark.parametrize("operation", gets(pages=True))
def test_a_page_says_all_that_the_document_says(subject: Subject, operation: Operation) -> None:
    document = subject.get(address(operation), Accept=JSON).json()
    answer = subject.get(address(operation), Accept=BROWSER)
    page = Page(answer.text)
    assert not page.faults
    said = page.all
    missing = [t for t in leaves(document) if t not in said and not OTHERWISE.search(t)]
    assert not missing or operation.path in CHANGING, missing
    named = {href for href in hrefs(document) if "://" in href and not OTHERWISE.search(href)}
    assert named <= page.links
    assert page.count("h1") == 1
    assert page.count("main") == 1
    assert ("html", {"lang": "en"}) in page.tags
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert re.search(r"script-src http://[\w.:]+/assets/;", policy)
    assert "unsafe" not in policy


@pytest.mark.parametrize("operation", gets(pages=False))
def test_what_has_one_representation_is_not_asked_for_another(
    subject: Subject, operation: Operation
) -> None:
    if any(parameter.name == "f" for parameter in operation.parameters):
        return
    answer = subject.get(f"{address(operation)}?f=json")
    assert answer.status_code == 400, operation.path
    assert answer.json()["type"].endswith("invalid-query-parameter-value")
    page = subject.get(f"{address(operation)}?f=html", Accept=BROWSER)
    assert page.status_code == 400, operation.path
    assert not Page(page.text).faults


@pytest.mark.parametrize("path", ["/nowhere", "/jobs/none", "/processes/none", "/jobs?limit=x"])
def test_a_refusal_is_a_page_for_a_browser(subject: Subject, path: str) -> None:
    problem = subject.get(path, Accept="application/problem+json").json()
    answer = subject.get(path, Accept=BROWSER)
    page = Page(answer.text)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.status_code == problem["status"]
    assert not page.faults
    assert not [text for text in leaves(problem) if text not in page.all]
    assert json.loads(subject.get(path, Accept=JSON).text) == problem


def test_a_stranger_is_told_how_to_sign_in(platform: RunningPlatform) -> None:
    answer = httpx2.get(f"{platform.url}/jobs", headers={"Accept": BROWSER}, trust_env=False)
    assert answer.status_code == 401
    assert "www-authenticate" in answer.headers
    assert "/sign-in" in Page(answer.text).links
