"""Links that share one job: for whoever has one, until a day, to look only."""

import re
import sqlite3
import time
from collections.abc import Iterator

import httpx2
import pytest

from openccp.testing.platform import RunningPlatform, User, bash_method

METHOD = "shared-method"


@pytest.fixture(scope="session")
def owner(platform: RunningPlatform) -> Iterator[User]:
    made = platform.user("sharer")
    method = bash_method(
        METHOD, "echo in the log\necho kept >a.txt", inputs={"x": {"schema": {"type": "string"}}},
        outputs={"a": {"schema": {"type": "string"}, "x-ccp-path": "a.txt"}},
    )  # fmt: skip
    assert made.deploy(method).status_code == 201
    yield made
    made.close()


@pytest.fixture
def guest(platform: RunningPlatform) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=platform.url, trust_env=False) as client:
        yield client


def shared(owner: User, job: str, days: int = 7) -> dict[str, str]:
    answer = owner.http.post(f"/jobs/{job}/shares", json={"days": days, "label": "for Ada"})
    assert answer.status_code == 201, answer.text
    document: dict[str, str] = answer.json()
    return document


def test_a_guest_sees_the_job_its_results_and_logs_and_nothing_else(
    owner: User, guest: httpx2.Client
) -> None:
    job = owner.finish(METHOD, {"x": "mine"})["jobID"]
    other = owner.finish(METHOD, {"x": "other"})["jobID"]
    link = shared(owner, job)["href"]
    answer = guest.get(link)
    assert answer.status_code == 200
    assert answer.headers["referrer-policy"] == "no-referrer"
    seen = answer.json()
    assert (seen["jobID"], seen["status"]) == (job, "successful")
    assert {one["path"] for one in seen["files"]} == {"a.txt"}
    for one in (*seen["links"], *seen["files"], *seen["logs"]):
        assert one["href"].startswith(link)
        assert guest.get(one["href"]).status_code == 200, one
    assert guest.get(f"{link}/jobs/{job}/results/a").text == "kept\n"
    assert "in the log" in guest.get(f"{link}/jobs/{job}/logs").text
    assert guest.get(f"{link}/jobs/{other}/results").status_code == 404
    for path in ("", "/definition", "/inputs", "/code", "/prov", "/shares", "/report", "/events"):
        assert guest.get(f"{link}/jobs/{job}{path}").status_code == 404
    for method in ("DELETE", "POST", "PUT", "PATCH"):
        assert guest.request(method, link).status_code == 405
        assert guest.request(method, f"{link}/jobs/{job}").status_code in (404, 405)
    secret = link.rpartition("/")[2]
    token = {"Authorization": f"Bearer {secret}"}
    assert guest.get(f"/jobs/{job}", headers=token).status_code == 401
    assert owner.job(job)["status"] == "successful"


def test_a_page_for_guests_tells_no_other_site_its_address(
    owner: User, guest: httpx2.Client
) -> None:
    job = owner.finish(METHOD, {"x": "<b>"})["jobID"]
    page = guest.get(shared(owner, job)["href"], headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "<b>" not in page.text.replace("<b></b>", "")
    assert "a.txt" in page.text


def test_a_link_ends_when_it_is_revoked_or_its_day_has_come(
    platform: RunningPlatform, owner: User, other: User, guest: httpx2.Client
) -> None:
    job = owner.finish(METHOD, {"x": "1"})["jobID"]
    first, second, third = (shared(owner, job, days) for days in (1, 7, 365))
    listed = owner.http.get(f"/jobs/{job}/shares").json()["shares"]
    assert {one["id"] for one in listed} == {one["id"] for one in (first, second, third)}
    assert not any("href" in one for one in listed)
    path = f"/jobs/{job}/shares/{first['id']}"
    assert other.http.delete(path).status_code == 404
    assert owner.http.delete(path).status_code == 204
    assert owner.http.delete(path).status_code == 404
    assert guest.get(first["href"]).status_code == 404
    assert guest.get(second["href"]).status_code == 200
    with sqlite3.connect(platform.data / "openccp.db", timeout=30) as database:
        database.execute(
            "UPDATE credentials SET expires = ? WHERE digest LIKE ?",
            (time.time() - 1, f"{second['id']}%"),
        )
        kept = str(database.execute("SELECT * FROM credentials").fetchall())
    assert third["href"].rpartition("/")[2] not in kept
    assert guest.get(second["href"]).status_code == 404
    assert owner.http.delete(f"/jobs/{job}").status_code == 200
    answers = [guest.get(one["href"]) for one in (first, second, third)]
    assert {answer.status_code for answer in answers} == {404}
    words = [re.sub(r"ccpl_[\w-]+", "", answer.text) for answer in answers]
    assert len(set(words)) == 1, "revoked, expired and gone are told alike"


@pytest.mark.parametrize("days", [0, 366, -1, 1.5, "7", None, True])
def test_a_link_without_an_end_is_refused(owner: User, days: object) -> None:
    job = owner.finish(METHOD, {"x": "1"})["jobID"]
    assert owner.http.post(f"/jobs/{job}/shares", json={"days": days}).status_code == 400


def test_run_again_and_compare(owner: User, other: User) -> None:
    first = owner.finish(METHOD, {"x": "a"})["jobID"]
    key = {"Idempotency-Key": "twice"}
    made = [owner.http.post(f"/jobs/{first}/again", headers=key) for _ in "12"]
    assert [one.status_code for one in made] == [201, 201]
    (second,) = {one.json()["jobID"] for one in made}
    owner.wait(second)
    changed = owner.finish(METHOD, {"x": "b"})["jobID"]
    told = owner.http.get(f"/jobs/{second}/compare").json()
    assert [one["jobID"] for one in told["jobs"]] == [second, first]
    rows = {(one["kind"], one["name"]): one for one in told["rows"]}
    assert rows["input", "x"] == {
        "kind": "input", "name": "x", "first": "a", "second": "a", "same": True
    }  # fmt: skip
    assert rows["run", "method"]["same"]
    assert rows["output", "a.txt"]["first"].startswith("sha256:")
    told = owner.http.get(f"/jobs/{changed}/compare", params={"with": first}).json()
    differ = {(one["kind"], one["name"]) for one in told["rows"] if not one["same"]}
    assert ("input", "x") in differ
    foreign = other.finish("hello-bash")["jobID"]
    for one, two in ((first, foreign), (foreign, first)):
        assert owner.http.get(f"/jobs/{one}/compare", params={"with": two}).status_code == 404


def test_a_job_with_secrets_is_not_run_again_without_them(owner: User) -> None:
    method = bash_method(
        "with-secret", "true", inputs={"key": {"schema": {"type": "string", "format": "secret"}}}
    )
    assert owner.deploy(method).status_code == 201
    job = owner.finish("with-secret", {"key": "sesame"})["jobID"]
    assert owner.http.post(f"/jobs/{job}/again").status_code == 409
    sent = owner.http.post(f"/jobs/{job}/again", data={"key": "1"}, follow_redirects=False)
    assert sent.headers["location"] == f"/processes/with-secret/form?job={job}"
