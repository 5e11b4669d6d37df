import base64
import json
import socket
import threading
from pathlib import Path

import pytest
from tests.integration.client.honest_server import TOKEN, World, serving

from openccp.client import (
    AsyncClient,
    CCPError,
    Client,
    JobDismissed,
    JobFailed,
    LogText,
    NotAuthenticated,
    NotFound,
    Refused,
    Unreachable,
)


def test_all_pages_of_methods_and_never_another_host(ccp: Client) -> None:
    assert [method["id"] for method in ccp.methods()] == ["count-words", "echo"]


def test_a_job_from_start_to_results(ccp: Client, world: World) -> None:
    world.results = {
        "count": "42",
        "picture": {"value": base64.b64encode(b"\x89PNG").decode(), "encoding": "base64"},
        "table": {"value": {"a": 1}, "mediaType": "application/json"},
        "all": {"href": "http://somewhere.invalid/x", "type": "application/zip"},
    }
    job = ccp.run("count-words", mode="words", note="my run")
    assert job.wait() is job
    assert job.status == "successful"
    assert job.finished
    assert job.results() == {
        "count": "42",
        "picture": b"\x89PNG",
        "table": {"a": 1},
        "all": {"href": "http://somewhere.invalid/x", "type": "application/zip"},
    }
    assert job.output("count") == "42"
    assert world.executions[0]["inputs"] == {"mode": "words", "ccpnote": "my run"}
    assert world.headers[0]["prefer"] == "respond-async"


@pytest.mark.parametrize("kind", ["path", "open", "text", "bytes"])
def test_files_are_sent_as_base64(ccp: Client, world: World, tmp_path: Path, kind: str) -> None:
    file = tmp_path / "text.txt"
    file.write_bytes(b"one two \xff")
    with file.open("rb") as opened:
        given = {"path": file, "open": opened, "text": str(file), "bytes": b"one two \xff"}
        ccp.run("count-words", doc=given[kind], mode=str(file))
    sent = world.executions[0]["inputs"]
    assert base64.b64decode(sent["doc"]) == b"one two \xff"
    assert sent["mode"] == str(file)


def test_a_lost_reply_starts_one_job(ccp: Client, world: World) -> None:
    world.lose_replies = 2
    job = ccp.run("count-words")
    assert job.id == "job-1"
    assert list(world.jobs) == ["job-1"]
    assert len({headers["idempotency-key"] for headers in world.headers}) == 1
    assert len(world.headers) == 3


def test_two_runs_are_two_jobs(ccp: Client) -> None:
    assert ccp.run("count-words").id != ccp.run("count-words").id


def test_a_busy_server_is_asked_again(ccp: Client, world: World) -> None:
    world.busy = 3
    assert ccp.methods()


def test_a_server_that_is_started_late_is_reached(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    found: list[int] = []

    def ask() -> None:
        with Client(f"http://127.0.0.1:{port}", TOKEN) as client:
            found.append(len(client.methods()))

    asking = threading.Thread(target=ask)
    asking.start()
    with serving(world, port):
        asking.join(10)
    assert found == [2]


def test_an_absent_server_is_unreachable() -> None:
    with (
        Client("http://127.0.0.1:1", TOKEN, patience=0) as client,
        pytest.raises(Unreachable, match=r"Cannot reach http://127\.0\.0\.1:1"),
    ):
        client.methods()


def test_refusals_name_what_is_wrong(ccp: Client, world: World) -> None:
    world.refuse = [{"pointer": "/inputs/mode", "detail": "must be words or lines"}]
    with pytest.raises(Refused, match="/inputs/mode: must be words or lines") as caught:
        ccp.run("count-words", mode="x")
    assert caught.value.status == 400
    with pytest.raises(NotFound, match="no process"):
        ccp.describe("nothing")
    with pytest.raises(NotFound):
        ccp.job("nothing")


def test_a_wrong_token_is_not_authenticated(url: str) -> None:
    with Client(url, "wrong") as client, pytest.raises(NotAuthenticated):
        client.methods()


def test_a_failed_job_tells_why_and_its_last_lines(ccp: Client, world: World) -> None:
    world.ends_as = "failed"
    world.log = [("stdout", "hello\n"), ("stderr", "no such column\n")]
    job = ccp.run("count-words")
    world.end(job.id, "failed")
    with pytest.raises(JobFailed, match="exit code 3") as caught:
        job.wait()
    assert caught.value.log == ("no such column",)
    with pytest.raises(JobFailed):
        job.results()


def test_results_asked_for_raw_are_no_document(ccp: Client, world: World) -> None:
    world.raw_results = b"PK" * 1000
    job = ccp.run("count-words").wait()
    with pytest.raises(CCPError, match="raw results"):
        job.results()


def test_results_come_only_when_finished(ccp: Client, world: World) -> None:
    world.polls_before_end = 10
    with pytest.raises(NotFound, match="not finished"):
        ccp.run("count-words").results()


def test_waiting_can_end(ccp: Client, world: World) -> None:
    world.polls_before_end = 1000
    with pytest.raises(TimeoutError, match="still running"):
        ccp.run("count-words").wait(timeout=0.2)


def test_a_cancelled_job_is_dismissed_and_its_record_stays(ccp: Client, world: World) -> None:
    world.polls_before_end = 1000
    job = ccp.run("count-words")
    assert job.cancel().status == "dismissed"
    with pytest.raises(JobDismissed):
        job.wait()
    world.headers.clear()
    assert job.cancel().status == "dismissed"


def test_jobs_are_listed_by_status(ccp: Client, world: World) -> None:
    world.add_job("failed")
    world.add_job("successful")
    assert [job.status for job in ccp.jobs()] == ["failed", "successful"]
    assert [job.status for job in ccp.jobs(status="failed")] == ["failed"]
    assert len(ccp.jobs(limit=1)) == 1


def test_the_log_goes_on_after_a_break_without_gap_or_repeat(ccp: Client, world: World) -> None:
    world.log = [("stdout", f"line {number}\n") for number in range(6)]
    world.cut_log_after = [2, 2, 5]
    job = ccp.run("count-words")
    assert [text.text for text in job.logs(follow=True)] == [f"line {n}\n" for n in range(6)]
    assert world.resumed_from == [None, "2", "2", "5"]
    assert job.status == "successful"


def test_the_log_so_far(ccp: Client, world: World) -> None:
    world.log = [("stderr", "warning\n"), ("stdout", "héllo\n")]
    job = ccp.run("count-words")
    assert list(job.logs()) == [LogText("stdout", "héllo\n"), LogText("stderr", "warning\n")]


def test_the_last_sign_in_is_the_default(url: str, home: Path) -> None:
    with Client(url) as client:
        client.login_with_token(TOKEN)
    with Client() as client:
        assert client.url == url
        assert client.methods()
    kept = home / "openccp" / "credentials.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert json.loads(kept.read_text())[url] == {"token": TOKEN}


def test_a_wrong_token_is_not_kept(url: str, home: Path) -> None:
    with Client(url) as client, pytest.raises(NotAuthenticated):
        client.login_with_token("wrong")
    assert not (home / "openccp" / "credentials.json").exists()


def test_a_wrong_password(url: str) -> None:
    with Client(url) as client, pytest.raises(NotAuthenticated, match="password is wrong"):
        client.login("ada", "wrong")


def test_an_expired_token_is_renewed_once_by_many_clients(url: str, world: World) -> None:
    with Client(url) as client:
        client.login("ada", "right")
    world.tokens.discard("access-1")
    clients = [Client(url) for _ in range(5)]
    threads = [threading.Thread(target=client.methods) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    for client in clients:
        client.close()
    assert world.refreshes == ["", "refresh-1"]
    assert world.families_revoked == 0


def test_a_revoked_sign_in_asks_to_sign_in_again(url: str, world: World) -> None:
    with Client(url) as client:
        client.login("ada", "right")
        world.tokens.clear()
        world.refreshes.append("somebody else")
        with pytest.raises(NotAuthenticated, match="ccp login"):
            client.methods()


async def test_the_asynchronous_client_knows_the_same_words(
    url: str, world: World, tmp_path: Path
) -> None:
    world.files = {"a/b.txt": b"hello"}
    world.results = {"count": 42}
    world.log = [("stdout", "one\n")]
    world.cut_after = [2]
    async with AsyncClient(url, TOKEN) as ccp:
        assert len(await ccp.methods()) == 2
        assert (await ccp.describe("count-words"))["id"] == "count-words"
        job = await ccp.run("count-words", doc=b"x")
        assert [text.text async for text in job.logs(follow=True)] == ["one\n"]
        await job.wait()
        assert await job.results() == {"count": 42}
        assert [file.path for file in await job.files()] == ["a/b.txt"]
        (file,) = await job.download(tmp_path)
        assert file.read_bytes() == b"hello"
        assert [job.id for job in await ccp.jobs()] == ["job-1"]
        assert (await (await ccp.job("job-1")).cancel()).status == "successful"


def test_an_address_must_be_one() -> None:
    for url in ("ftp://x", "127.0.0.1:8080", "http://", "http://u:p@h"):
        with pytest.raises(CCPError, match="not an address"):
            Client(url)
