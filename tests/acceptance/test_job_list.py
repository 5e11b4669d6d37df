"""/jobs: every filter of the standard, pages in both directions, refusals in words."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx2
import pytest
from tests.acceptance.official import validate

from openccp.client import Client
from openccp.core.job import Status
from openccp.testing.platform import CCP, RunningPlatform, User, bash_method

WELL, BADLY = "listed-well", "listed-badly"
NUMBERS = ("zero", "one", "two", "three", "four")
INVALID = (
    "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/invalid-query-parameter-value"
)
Document = dict[str, Any]


@dataclass
class Lister:
    """Somebody with five jobs, oldest first: two ended badly after a second, three well."""

    user: User
    jobs: list[Document]

    def get(self, path: str = "/jobs", **query: Any) -> Document:
        answer = self.user.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        document: Document = answer.json()
        return document

    def listed(self, **query: Any) -> list[int]:
        """Which of the five jobs a list holds, by their numbers, in its order."""
        numbers = {job["jobID"]: number for number, job in enumerate(self.jobs)}
        return [numbers[job["jobID"]] for job in self.get(**query)["jobs"]]


@pytest.fixture(scope="session")
def lister(platform: RunningPlatform) -> Iterator[Lister]:
    user = platform.user("job-lister")
    for method, script, title in ((WELL, "true", "Été"), (BADLY, "sleep 1.1; exit 3", "Breaks")):
        deployed = user.deploy({**bash_method(method, script), "title": title})
        assert deployed.status_code == 201
    order = (WELL, BADLY, WELL, BADLY, WELL)
    jobs = [
        user.wait(user.run(method, {"ccpnote": f"Number {number} of 50%"})["jobID"])
        for number, method in zip(NUMBERS, order, strict=True)
    ]
    yield Lister(user, jobs)
    user.close()


def linked(document: Document, rel: str) -> str | None:
    found = [link["href"] for link in document["links"] if link["rel"] == rel]
    assert len(found) <= 1
    return found[0] if found else None


def refused(answer: httpx2.Response) -> str:
    assert (answer.status_code, answer.json()["type"]) == (400, INVALID)
    return str(answer.json()["detail"])


@pytest.mark.requirement("1/1.0/job-list/job-list-op")
@pytest.mark.requirement("1/2.0/job-list/job-list-op")
@pytest.mark.requirement("1/1.0/job-list/job-list-success")
@pytest.mark.requirement("1/2.0/job-list/job-list-success")
@pytest.mark.requirement("1/1.0/job-list/processID-mandatory")
@pytest.mark.requirement("1/2.0/job-list/processID-mandatory")
@pytest.mark.parametrize("version", ["part1-1.0", "part1-2.0"])
def test_the_list_is_as_the_standard_has_it(lister: Lister, version: str) -> None:
    document = lister.get()
    validate(document, version, "jobList")
    assert lister.listed() == [4, 3, 2, 1, 0]
    assert all(job["processID"] in (WELL, BADLY) for job in document["jobs"])
    assert "searchedTo" not in document


@pytest.mark.requirement("1/1.0/job-list/links")
@pytest.mark.requirement("1/2.0/job-list/links")
def test_the_list_has_its_links(lister: Lister) -> None:
    answer = lister.user.http.get("/jobs", params={"status": "failed", "limit": 1})
    document = answer.json()
    itself, page = linked(document, "self"), linked(document, "alternate")
    assert itself is not None
    assert page is not None
    assert lister.user.http.get(itself).json() == document
    assert lister.user.http.get(page).headers["content-type"].startswith("text/html")
    for one in document["links"]:
        assert f'<{one["href"]}>; rel="{one["rel"]}"' in answer.headers["link"]
        assert one["rel"] == "self" or "status=failed" in one["href"]


@pytest.mark.requirement("1/1.0/job-list/type-definition")
@pytest.mark.requirement("1/2.0/job-list/type-definition")
@pytest.mark.requirement("1/1.0/job-list/type-response")
@pytest.mark.requirement("1/2.0/job-list/type-response")
def test_only_processes_have_jobs(lister: Lister) -> None:
    assert lister.listed(type="process") == lister.listed(type="x,process") == [4, 3, 2, 1, 0]
    assert lister.listed(type="openeo") == []


@pytest.mark.requirement("1/1.0/job-list/processID-definition")
@pytest.mark.requirement("1/2.0/job-list/processID-definition")
@pytest.mark.requirement("1/1.0/job-list/processid-response")
@pytest.mark.requirement("1/2.0/job-list/processid-response")
def test_jobs_of_processes(lister: Lister) -> None:
    assert lister.listed(processID=BADLY) == [3, 1]
    assert lister.listed(processID=f"{WELL},{BADLY}") == [4, 3, 2, 1, 0]
    assert lister.listed(processID=[WELL, "none"]) == [4, 2, 0]
    assert lister.listed(processID="none") == []


@pytest.mark.requirement("1/1.0/job-list/status-definition")
@pytest.mark.requirement("1/2.0/job-list/status-definition")
@pytest.mark.requirement("1/1.0/job-list/status-response")
@pytest.mark.requirement("1/2.0/job-list/status-response")
def test_jobs_of_a_status(lister: Lister) -> None:
    assert lister.listed(status="failed") == [3, 1]
    assert lister.listed(status="successful,failed") == [4, 3, 2, 1, 0]
    assert lister.listed(status=["successful", "running"]) == [4, 2, 0]
    words = refused(lister.user.http.get("/jobs?status=finished"))
    assert all(status in words for status in Status)


@pytest.mark.requirement("1/1.0/job-list/datetime-definition")
@pytest.mark.requirement("1/2.0/job-list/datetime-definition")
@pytest.mark.requirement("1/1.0/job-list/datetime-response")
@pytest.mark.requirement("1/2.0/job-list/datetime-response")
def test_jobs_created_in_a_time(lister: Lister) -> None:
    times = [job["created"] for job in lister.jobs]
    assert lister.listed(datetime=times[2]) == [2]
    assert lister.listed(datetime=f"{times[1]}/{times[3]}") == [3, 2, 1]
    for open_end in ("..", ""):
        assert lister.listed(datetime=f"{times[3]}/{open_end}") == [4, 3]
        assert lister.listed(datetime=f"{open_end}/{times[1]}") == [1, 0]
    moment = datetime.fromisoformat(times[2]) + timedelta(hours=1)
    assert lister.listed(datetime=moment.isoformat().replace("+00:00", "+01:00")) == [2]
    assert lister.listed(datetime="2001-01-01T00:00:00Z") == []
    assert "RFC 3339" in refused(lister.user.http.get("/jobs?datetime=2026-01-31"))


@pytest.mark.requirement("1/1.0/job-list/duration-definition")
@pytest.mark.requirement("1/2.0/job-list/duration-definition")
@pytest.mark.requirement("1/1.0/job-list/duration-response")
@pytest.mark.requirement("1/2.0/job-list/duration-response")
def test_jobs_that_ran_so_long(lister: Lister) -> None:
    assert lister.listed(minDuration=1) == [3, 1]
    assert lister.listed(maxDuration=1) == [4, 2, 0]
    assert lister.listed(minDuration=0, maxDuration="3600.5") == [4, 3, 2, 1, 0]
    assert lister.listed(minDuration=3600) == []
    assert "seconds" in refused(lister.user.http.get("/jobs?minDuration=PT1M"))


@pytest.mark.requirement("1/1.0/job-list/duration-response")
@pytest.mark.requirement("1/2.0/job-list/duration-response")
def test_a_running_job_has_run_until_now(lister: Lister, user: User) -> None:
    user.deploy(bash_method("listed-on", "sleep 60"))
    job = user.run("listed-on")["jobID"]
    user.until(job, "executing")
    running = [j["jobID"] for j in user.http.get("/jobs?maxDuration=50").json()["jobs"]]
    assert running == [job]
    assert user.http.get("/jobs?minDuration=50").json()["jobs"] == []
    user.http.delete(f"/jobs/{job}")


@pytest.mark.requirement("1/1.0/job-list/limit-definition")
@pytest.mark.requirement("1/2.0/job-list/limit-definition")
@pytest.mark.requirement("1/1.0/job-list/limit-response")
@pytest.mark.requirement("1/2.0/job-list/limit-response")
def test_no_more_than_the_limit(lister: Lister) -> None:
    assert lister.listed(limit=2) == [4, 3]
    assert lister.listed(limit=10_001) == [4, 3, 2, 1, 0]
    assert "limit" in refused(lister.user.http.get("/jobs?limit=0"))


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("NUMBER", [4, 3, 2, 1, 0]),
        ("number three", [3]),
        ("three number", [3]),
        ("50%", [4, 3, 2, 1, 0]),
        ("50_", []),
        ("listed-badly", [3, 1]),
        ("ÉTÉ", [4, 2, 0]),
        ("breaks", [3, 1]),
        ("breaks one,été two", [2, 1]),
        ("nothing", []),
    ],
)
def test_a_search_for_words(lister: Lister, words: str, found: list[int]) -> None:
    assert lister.listed(q=words) == found


def test_a_search_finds_an_id(lister: Lister) -> None:
    assert lister.listed(q=lister.jobs[1]["jobID"].upper()[:20]) == [1]


def test_filters_together(lister: Lister) -> None:
    times = [job["created"] for job in lister.jobs]
    assert lister.listed(processID=WELL, status="successful", datetime=f"{times[1]}/") == [4, 2]
    assert lister.listed(processID=f"{WELL},{BADLY}", minDuration=1, q="number") == [3, 1]


@pytest.mark.parametrize(
    "query", [{}, {"q": "number"}, {"processID": f"{WELL},{BADLY}"}, {"maxDuration": 60}]
)
def test_pages_lead_on_and_back(lister: Lister, query: Document) -> None:
    pages = [lister.get(limit=2, **query)]
    while (address := linked(pages[-1], "next")) is not None:
        pages.append(lister.user.http.get(address).json())
    assert [len(page["jobs"]) for page in pages] == [2, 2, 1]
    assert linked(pages[0], "prev") is None
    for before, page in pairwise(pages):
        address = linked(page, "prev")
        assert address is not None
        assert all(name in address for name in query)
        assert lister.user.http.get(address).json()["jobs"] == before["jobs"]


def test_a_cursor_is_followed_and_not_made(lister: Lister) -> None:
    address = linked(lister.get(limit=2), "next")
    assert address is not None
    base, _, cursor = address.partition("after=")
    for number in range(len(cursor)):
        other = "B" if cursor[number] != "B" else "C"
        changed = f"{base}after={cursor[:number]}{other}{cursor[number + 1 :]}"
        assert lister.user.http.get(changed).status_code == 400, number
    assert "follow" in refused(lister.user.http.get(f"/processes?after={cursor}"))
    assert lister.user.http.get(f"{address}&before={cursor}").status_code == 400


def test_jobs_of_others_never_count(lister: Lister, other: User) -> None:
    address = linked(lister.get(limit=2), "next")
    assert address is not None
    for place in ("/jobs", "/jobs?q=number", f"/jobs?processID={WELL}", address, "/executions"):
        document = other.http.get(place).json()
        assert (document if place == "/executions" else document["jobs"]) == []


def test_the_python_client_filters_and_follows_pages(lister: Lister) -> None:
    numbers = {job["jobID"]: number for number, job in enumerate(lister.jobs)}
    created = [datetime.fromisoformat(job["created"]) for job in lister.jobs]
    with Client(lister.user.url, lister.user.token) as ccp:

        def found(**wanted: Any) -> list[int]:
            return [numbers[job.id] for job in ccp.jobs(**wanted)]

        assert found(limit=None) == [4, 3, 2, 1, 0]
        assert found(method=[WELL], status=("successful", "running")) == [4, 2, 0]
        assert found(since=created[1], until=created[3]) == [3, 2, 1]
        assert found(until=created[1].isoformat()) == [1, 0]
        assert found(search="number three,été one") == [3]


def test_the_command_lists_what_is_asked_for(lister: Lister) -> None:
    done = subprocess.run(
        [*CCP, "jobs", "--json", "--since", "2001-01-01", "--status", "failed", "-q", "number"],
        env={**os.environ, "CCP_URL": lister.user.url, "CCP_TOKEN": lister.user.token},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert [job["jobID"] for job in json.loads(done.stdout)] == [
        lister.jobs[3]["jobID"],
        lister.jobs[1]["jobID"],
    ]


def test_empty_values_are_as_none(lister: Lister) -> None:
    names = ("type", "processID", "status", "datetime", "minDuration", "maxDuration", "q")
    assert lister.listed(**dict.fromkeys(names, "")) == [4, 3, 2, 1, 0]


def test_executions_are_paged_by_headers(lister: Lister) -> None:
    answer = lister.user.http.get("/executions", params={"limit": 3, "q": "number"})
    assert [job["jobID"] for job in answer.json()] == [j["jobID"] for j in lister.jobs[:1:-1]]
    answer = lister.user.http.get(answer.links["next"]["url"])
    assert [job["jobID"] for job in answer.json()] == [j["jobID"] for j in lister.jobs[1::-1]]
    assert "next" not in answer.links
    assert lister.user.http.get(answer.links["prev"]["url"]).json()[0]["id"] == lister.jobs[4]["id"]


@pytest.mark.requirement("1/2.0/core/process-summary-links")
@pytest.mark.requirement("1/1.0/core/pl-links")
def test_the_list_of_processes_has_links_and_pages(lister: Lister) -> None:
    first = lister.get("/processes", limit=2)
    address = linked(first, "next")
    assert address is not None
    second = lister.user.http.get(address).json()
    back = linked(second, "prev")
    assert back is not None
    assert lister.user.http.get(back).json()["processes"] == first["processes"]
    for summary in first["processes"]:
        for rel, kind in (("self", "application/json"), ("alternate", "text/html")):
            address = linked(summary, rel)
            assert address is not None
            answer = lister.user.http.get(address)
            assert (answer.status_code, answer.headers["content-type"][: len(kind)]) == (200, kind)
