"""Notes, tags, and what is done to many jobs at once."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from openccp.testing.platform import RunningPlatform, User, bash_method

METHOD, SLOW = "of-many", "slow-of-many"


@pytest.fixture(scope="session")
def owner(platform: RunningPlatform) -> Iterator[User]:
    made = platform.user("of-many-jobs")
    for method, script in ((METHOD, "true"), (SLOW, "sleep 60")):
        assert made.deploy(bash_method(method, script)).status_code == 201
    yield made
    made.close()


def put(user: User, job: str, note: Any, tags: Any, **headers: str) -> httpx2.Response:
    body = {"note": note, "tags": tags}
    return user.http.put(f"/jobs/{job}/labels", json=body, headers=headers)


def listed(user: User, **query: str) -> set[str]:
    return {job["jobID"] for job in user.http.get("/jobs", params=query).json()["jobs"]}


def bulk(user: User, do: str, *jobs: str, query: str = "", **more: str) -> Any:
    data = {"do": do, "job": list(jobs), **more}
    answer = user.http.post(f"/bulk/jobs{query}", data=data)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_an_owner_writes_on_a_job_and_finds_it_again(owner: User) -> None:
    job = owner.finish(METHOD)["jobID"]
    before = owner.http.get(f"/jobs/{job}")
    changed = put(owner, job, " Für <Ada> ", ["winter", " basin 7 ", "winter"])
    assert changed.json() == {"note": "Für <Ada>", "tags": ["basin 7", "winter"]}
    status = owner.http.get(f"/jobs/{job}", headers={"If-None-Match": before.headers["etag"]})
    assert (status.status_code, status.json()["tags"]) == (200, ["basin 7", "winter"])
    assert listed(owner, tag="winter") == listed(owner, tag="winter,basin 7") == {job}
    assert listed(owner, tag="wint") == listed(owner, tag="winter,x") == set()
    assert listed(owner, tag="winter", status="failed") == set()
    assert listed(owner, q="für") >= {job}
    assert put(owner, job, "", []).json() == {"note": "", "tags": []}
    assert "tags" not in owner.job(job)
    assert listed(owner, tag="winter") == set()


def test_a_running_job_can_be_labelled_and_goes_on(owner: User) -> None:
    job = owner.run(METHOD)["jobID"]
    for number in range(5):
        assert put(owner, job, "", [f"n{number}"]).status_code == 200
    ended = owner.wait(job)
    assert (ended["status"], ended["tags"]) == ("successful", ["n4"])


@pytest.mark.parametrize(
    ("note", "tags"),
    [("", ["a,b"]), ("", ["x" * 51]), ("", ["a\nb"]), ("", [f"t{n}" for n in range(21)]),
     ("x" * 2001, []), (1, []), ("", "a"), ("", [1]), (None, [])],
)  # fmt: skip
def test_what_is_no_note_or_tag_is_refused(owner: User, note: Any, tags: Any) -> None:
    job = owner.finish(METHOD)["jobID"]
    assert put(owner, job, note, tags).status_code == 400
    assert put(owner, job, "", [], **{"If-Match": '"0"'}).status_code == 412


def test_days_and_pages(owner: User) -> None:
    job = owner.finish(METHOD)
    day = job["created"][:10]
    assert job["jobID"] in listed(owner, **{"from": day, "until": day, "limit": "1000"})
    assert listed(owner, **{"from": "2999-01-01"}) == listed(owner, until="2001-01-01") == set()
    for wrong in ("today", "2026-02-30", "2026-1-1x"):
        assert owner.http.get("/jobs", params={"from": wrong}).status_code == 400


def test_many_are_tagged_untagged_and_deleted(owner: User, other: User) -> None:
    foreign = other.finish("hello-bash")["jobID"]
    jobs = [owner.run(METHOD)["jobID"] for _ in range(4)]
    for job in jobs:
        owner.wait(job)
    told = bulk(owner, "tag", *jobs, foreign, "none", tag="lot")
    assert (told["done"], set(told["jobs"])) == (4, set(jobs))
    assert {one["jobID"] for one in told["refused"]} == {foreign, "none"}
    bulk(owner, "untag", jobs[0], tag="lot")
    assert listed(owner, tag="lot") == set(jobs[1:])
    asked = owner.http.post("/bulk/jobs?tag=lot", data={"do": "delete", "all": "yes"})
    assert "Delete 3 jobs?" in asked.text
    assert listed(owner, tag="lot") == set(jobs[1:]), "nothing is deleted before one was asked"
    assert bulk(owner, "delete", query="?tag=lot", all="yes", sure="yes")["done"] == 3
    assert listed(owner, tag="lot") == set()
    assert owner.job(jobs[0])["status"] == "successful"
    assert other.job(foreign)["status"] == "successful"


def test_many_are_cancelled_and_what_has_ended_is_left_alone(owner: User) -> None:
    ended = owner.finish(METHOD)["jobID"]
    live = [owner.run(SLOW)["jobID"] for _ in range(2)]
    assert bulk(owner, "delete", *live, sure="yes")["done"] == 0
    told = bulk(owner, "cancel", ended, *live)
    assert set(told["jobs"]) == set(live)
    assert told["refused"] == [{"jobID": ended, "detail": "It has ended already."}]
    assert {owner.job(job)["status"] for job in live} == {"dismissed"}
    assert owner.job(ended)["status"] == "successful"


def test_forms_of_other_sites_change_nothing(platform: RunningPlatform) -> None:
    with httpx2.Client(base_url=platform.url, trust_env=False) as browser:
        secret = platform.command("login").partition("secret=")[2].split()[0]
        own = {"Sec-Fetch-Site": "same-origin"}
        browser.post("/sign-in", data={"secret": secret}, headers=own)
        made = browser.post("/processes/hello-bash/execution", json={}, headers=own)
        job = made.json()["jobID"]
        data = {"do": "tag", "job": job, "tag": "ours", "tags": "ours"}
        for path in ("/bulk/jobs", f"/jobs/{job}/labels"):
            for foreign in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
                assert browser.post(path, data=data, headers=foreign).status_code == 403
        assert "tags" not in browser.get(f"/jobs/{job}").json()
        sent = browser.post(f"/jobs/{job}/labels", data=data, headers=own)
        assert (sent.status_code, sent.headers["location"]) == (303, f"/jobs/{job}")
        assert browser.get(f"/jobs/{job}").json()["tags"] == ["ours"]
