"""Nothing leaves the folder, nothing secret shows, nothing of ours is imported."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openccp.client import CCPError
from openccp.client.card import JobCard
from openccp.client.credentials import Credentials, Login
from openccp.client.files import safe_target

OURS = ("core", "app", "web", "store", "files", "identity", "infrastructures", "compose")


@given(st.text(st.sampled_from("./\\ab\0:") | st.characters()))
def test_a_file_name_never_leads_out(name: str) -> None:
    folder = Path("/tmp/some/folder")
    try:
        target = safe_target(folder, name)
    except CCPError:
        return
    assert ".." not in target.parts
    assert target.is_relative_to(folder.resolve())
    assert target != folder.resolve()


@pytest.mark.parametrize("name", ["", "/", "..", "a/..", "../a", "/a", "a\0", "\ud800", "a//b"])
def test_names_that_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(CCPError):
        safe_target(tmp_path, name)


def test_a_job_in_a_notebook_runs_nobodys_code() -> None:
    evil = "<script>alert(1)</script>"
    job = JobCard(
        {"jobID": evil, "status": evil, "message": evil, "processID": f"x{evil}", "progress": 3}
    )
    shown = job._repr_html_()
    assert "<script" not in shown
    assert 'value="3"' in shown


def test_a_job_shows_itself() -> None:
    job = JobCard({"jobID": "1", "status": "running", "processID": "echo", "progress": 40})
    assert repr(job) == "<Job 1: echo, running, 40%>"
    assert not job.finished


def test_a_status_document_without_an_id_is_none() -> None:
    with pytest.raises(CCPError):
        JobCard({"status": "running"})


def test_sign_ins_are_kept_by_server_for_their_owner_only(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path / "new" / "credentials.json")
    assert credentials.login("http://a") is None
    credentials.keep("http://a", Login("one", "refresh", 5.0))
    credentials.keep("http://b", Login("two"))
    credentials.keep("http://a", Login("three", "again"), as_last=False)
    assert credentials.login("http://a") == Login("three", "again")
    assert credentials.login("http://b") == Login("two")
    assert credentials.last_url() == "http://b"
    assert credentials.path.stat().st_mode & 0o777 == 0o600
    assert credentials.path.parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in credentials.path.parent.iterdir()] == ["credentials.json"]


@pytest.mark.parametrize("content", ["[]", "null", '{"http://a": 3}', '{"http://a": {}}'])
def test_a_strange_file_of_sign_ins(tmp_path: Path, content: str) -> None:
    path = tmp_path / "credentials.json"
    path.write_text(content)
    assert Credentials(path).login("http://a") is None
    path.write_text("{")
    with pytest.raises(CCPError, match="Cannot read"):
        Credentials(path).login("http://a")


def test_an_unknown_member_of_a_sign_in_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    path.write_text(json.dumps({"http://a": {"token": "t", "later": 1}}))
    assert Credentials(path).login("http://a") == Login("t")


def test_a_sign_in_does_not_show_its_secrets() -> None:
    assert "secret" not in repr(Login("secret", "secret"))


def test_only_one_holds_the_lock(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path / "credentials.json")
    one, two = credentials.lock(), credentials.lock()
    assert one.acquire()
    assert not two.acquire()
    one.release()
    assert two.acquire()
    two.release()


def test_the_client_brings_nothing_else_in() -> None:
    code = "import sys, openccp.client; print(*sys.modules)"
    modules = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert not [m for m in modules for ours in OURS if m.startswith(f"openccp.{ours}")]
    assert not {"pydantic", "starlette", "sqlalchemy", "rich"} & set(modules)
