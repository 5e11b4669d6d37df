"""The whole path of a method by plain HTTP: deploy, list, execute, watch, download."""

import io
import json
import zipfile

import pytest

from openccp.testing.platform import User, bash_method

TABLE = {"type": "string", "format": "file", "contentMediaType": "text/csv"}
LINES = bash_method(
    "count-lines",
    "wc -l < /ccp_in/table > lines.txt\necho {{table}} | base64 -d | head -1\necho done >&2",
    deploy="mkdir sub\ncd sub",
    undeploy="echo gone",
    inputs={"table": {"title": "A table", "schema": TABLE}},
    outputs={
        "stdout": {"schema": {"type": "string"}},
        "lines": {"schema": {"type": "integer"}, "x-ccp-path": "sub/lines.txt"},
    },
)


@pytest.fixture
def job(user: User) -> str:
    made = {**LINES, "id": f"count-lines-{id(user)}"}
    assert user.deploy(made).status_code == 201
    status = user.run(made["id"], {"table": "YSxiCjEsMgo="})
    assert status["status"] in ("accepted", "running")
    ended = user.wait(status["jobID"])
    assert ended["status"] == "successful", ended
    return str(ended["jobID"])


def test_results_as_a_document_and_one_by_one(user: User, job: str) -> None:
    document = user.http.get(f"/jobs/{job}/results").json()
    assert document == {"stdout": "a,b\n", "lines": 2}
    one = user.http.get(f"/jobs/{job}/results/stdout")
    assert (one.text, one.headers["content-type"]) == ("a,b\n", "text/plain; charset=utf-8")
    unknown = user.http.get(f"/jobs/{job}/results/nothing")
    assert (unknown.status_code, unknown.json()["type"][-14:]) == (400, "no-such-output")


def test_the_archive_has_a_length_ranges_and_an_etag(user: User, job: str) -> None:
    address = f"/executions/{job}/outputs/output.zip"
    whole = user.http.get(address)
    assert int(whole.headers["content-length"]) == len(whole.content)
    with zipfile.ZipFile(io.BytesIO(whole.content)) as archive:
        assert archive.testzip() is None
        assert archive.read("sub/lines.txt") == b"2\n"
        assert archive.read(f"stdout.{job}.txt") == b"a,b\n"
    part = user.http.get(address, headers={"Range": "bytes=3-9"})
    assert (part.status_code, part.content) == (206, whole.content[3:10])
    again = user.http.get(address, headers={"If-None-Match": whole.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    beyond = user.http.get(address, headers={"Range": f"bytes={len(whole.content)}-"})
    assert beyond.status_code == 416


def test_the_record_lists_files_logs_and_metadata(user: User, job: str) -> None:
    record = user.http.get(f"/executions/{job}").json()
    assert [file["path"] for file in record["files"]] == ["sub/lines.txt"]
    for entry in (*record["files"], *record["logs"]):
        assert len(user.http.get(entry["href"]).content) == entry["size"]
    for address in record["metadata"]:
        assert user.http.get(address).status_code == 200
    method = user.http.get(f"/executions/{job}/metadata/method.json").json()
    assert method["title"] == "count-lines"


def test_logs_as_text_and_as_events_that_resume(user: User, job: str) -> None:
    text = user.http.get(f"/jobs/{job}/logs", params={"stream": "stderr"})
    assert text.text == "done\n"
    headers = {"Accept": "text/event-stream"}
    events = user.http.get(f"/jobs/{job}/logs", headers=headers).text
    assert '{"stream":"stdout","replica":0,"text":"a,b\\n"}' in events
    assert "event: end" in events
    resumed = user.http.get(
        f"/jobs/{job}/logs", headers={**headers, "Last-Event-ID": "stdout.0:2,stderr.0:5"}
    ).text
    assert '"text":"b\\n"' in resumed
    assert '"stream":"stderr"' not in resumed


def test_somebody_elses_job_and_method_are_not_there(user: User, other: User, job: str) -> None:
    for address in (
        f"/jobs/{job}",
        f"/jobs/{job}/results",
        f"/jobs/{job}/results/stdout",
        f"/jobs/{job}/logs",
        f"/jobs/{job}/events",
        f"/executions/{job}",
        f"/executions/{job}/outputs/output.zip",
        f"/executions/{job}/outputs/sub/lines.txt",
        f"/executions/{job}/metadata/request.json",
        f"/processes/count-lines-{id(user)}",
    ):
        answer = other.http.get(address)
        assert answer.status_code == 404, address
        assert json.dumps(answer.json()).count("/") < 20
    assert other.http.delete(f"/jobs/{job}").status_code == 404
    assert other.http.get("/jobs").json()["jobs"] == []
    assert user.http.get("/jobs").json()["jobs"][0]["jobID"] == job


def test_a_replaced_and_removed_method_leaves_old_records_whole(user: User, job: str) -> None:
    method = f"count-lines-{id(user)}"
    changed = {**LINES, "id": method, "title": "changed"}
    assert user.http.put(f"/processes/{method}", json=changed).status_code == 204
    assert user.http.get(f"/processes/{method}").json()["title"] == "changed"
    assert user.http.delete(f"/processes/{method}").status_code == 204
    assert user.http.get(f"/processes/{method}").status_code == 404
    old = user.http.get(f"/executions/{job}/metadata/method.json").json()
    assert old["title"] == "count-lines"
    assert user.http.get(f"/jobs/{job}/results").json()["lines"] == 2


def test_an_idempotency_key_makes_one_job(user: User) -> None:
    body: dict[str, object] = {"inputs": {}}
    headers = {"Idempotency-Key": "once"}
    address = "/processes/hello-bash/execution"
    first = user.http.post(address, json=body, headers=headers)
    second = user.http.post(address, json=body, headers=headers)
    assert first.json()["jobID"] == second.json()["jobID"]
    other = user.http.post(address, json={"inputs": {"ccpnote": "x"}}, headers=headers)
    assert other.status_code == 422


def test_dismissing_stops_a_run_and_then_removes_its_record(user: User) -> None:
    made = bash_method(f"endless-{id(user)}", "trap '' TERM\nsleep 1000 & wait; sleep 1000")
    assert user.deploy(made).status_code == 201
    job = user.run(made["id"])["jobID"]
    user.until(job, "executing")
    answer = user.http.delete(f"/jobs/{job}")
    assert (answer.status_code, answer.json()["status"]) == (200, "dismissed")
    assert user.wait(job)["status"] == "dismissed"
    assert user.http.get(f"/jobs/{job}/results").status_code == 410
    assert user.http.delete(f"/jobs/{job}").status_code == 200
    assert user.http.get(f"/jobs/{job}").status_code == 404


def test_a_synchronous_method_answers_with_its_results(user: User) -> None:
    made = bash_method(
        f"shout-{id(user)}",
        "echo {{word}}! > said.txt",
        inputs={"word": {"schema": {"type": "string"}}},
        outputs={"said": {"schema": {"type": "string", "contentMediaType": "text/plain"}}},
        jobControlOptions=["sync-execute", "async-execute"],
    )
    assert user.deploy(made).status_code == 201
    address, body = f"/processes/{made['id']}/execution", {"inputs": {"word": "hey"}}
    answer = user.http.post(address, json=body)
    assert (answer.status_code, answer.text) == (200, "hey!\n")
    document = user.http.post(address, json={**body, "response": "document"})
    assert document.json() == {"said": "hey!\n"}
    later = user.http.post(address, json=body, headers={"Prefer": "respond-async"})
    assert later.status_code == 201
    assert later.headers["location"].endswith(later.json()["jobID"])
    assert later.headers["preference-applied"] == "respond-async"


def test_a_cancel_that_comes_late_removes_nothing(user: User, job: str) -> None:
    address = f"/jobs/{job}"
    seen = user.http.get(address)
    assert (
        user.http.get(address, headers={"If-None-Match": seen.headers["etag"]}).status_code == 304
    )
    late = user.http.delete(address, headers={"If-Match": '"0"'})
    assert late.status_code == 412
    assert user.http.get(address).json()["status"] == "successful"
    assert user.http.delete(address, headers={"If-Match": seen.headers["etag"]}).status_code == 200
    assert user.http.get(address).status_code == 404


def test_raw_results_come_as_a_document_where_the_profile_asks_for_it(user: User) -> None:
    job = user.run("hello-bash", response="raw", outputs={"output": {}})["jobID"]
    user.wait(job)
    raw = user.http.get(f"/jobs/{job}/results")
    assert raw.headers["content-type"] == "application/zip"
    document = user.http.get(f"/jobs/{job}/results", params={"profile": "ogc-results"})
    assert set(document.json()) == {"output"}


def test_a_log_that_moves_into_the_record_is_never_missing(user: User) -> None:
    for _ in range(5):
        job = user.run("hello-bash")["jobID"]
        while user.job(job)["phase"] != "done":
            for stream in ("stdout", "stderr"):
                answer = user.http.get(f"/jobs/{job}/logs", params={"stream": stream})
                assert answer.status_code == 200, answer.text
        assert "Hello" in user.http.get(f"/jobs/{job}/logs").text


def test_many_raw_results_are_sent_as_they_are_read(user: User) -> None:
    made = bash_method(
        f"many-{id(user)}",
        "for i in 1 2 3 4 5 6; do head -c 400000 /dev/zero > part-$i.bin; done",
        outputs={"parts": {"schema": {"type": "string"}, "x-ccp-path": "part-*.bin"}},
    )
    assert user.deploy(made).status_code == 201
    job = user.run(made["id"], response="raw")["jobID"]
    assert user.wait(job)["status"] == "successful"
    answer = user.http.get(f"/jobs/{job}/results")
    assert answer.headers["content-type"].startswith("multipart/related")
    assert answer.content.count(bytes(400_000)) == 6
    assert int(answer.headers["content-length"]) == len(answer.content)
    less = user.http.get(f"/jobs/{job}/results", headers={"Prefer": "return=minimal"})
    assert less.content.count(b"Content-Location: ") == 6
    assert user.http.head(f"/jobs/{job}/results/parts/0").headers["content-length"] == "400000"


def test_small_things_of_http(user: User) -> None:
    odd = user.http.put("/processes", json={})
    assert odd.status_code == 405
    assert {"GET", "POST"} <= set(odd.headers["allow"].split(", "))
    address = "/processes/hello-bash/execution"
    answer = user.http.post(address, json={"inputs": {}}, headers=[(b"prefer", b"wait=\xb2")])
    assert answer.status_code == 201
    job = answer.json()["jobID"]
    assert user.http.get(f"/jobs/{job}/results/stdout/{'9' * 5000}").status_code == 404
    links = user.http.get("/jobs?limit=1").json()["links"]
    assert all(link["href"].startswith(user.url) for link in links)
