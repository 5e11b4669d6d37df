"""The commands and the Python client against a real platform, as a scientist would use them."""

import json
import os
import subprocess
from pathlib import Path

from openccp.client import Client
from openccp.testing.platform import CCP, User, bash_method


def ccp(user: User, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "CCP_URL": user.url, "CCP_TOKEN": user.token}
    return subprocess.run(
        [*CCP, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
        check=False,
    )


def test_deploy_run_look_and_download(user: User, tmp_path: Path) -> None:
    folder = tmp_path / "shout"
    folder.mkdir()
    method = bash_method(
        f"shout-{id(user)}",
        "echo {{word}}! | tee said.txt",
        inputs={"word": {"title": "A word", "schema": {"type": "string"}}},
        outputs={"said": {"schema": {"type": "string", "contentMediaType": "text/plain"}}},
        links=[{"rel": "compatibleWith", "href": "infrastructures/far-away"}],
    )
    (folder / "method.json").write_text(json.dumps(method))
    deployed = ccp(user, "deploy", str(folder))
    assert deployed.returncode == 0, deployed.stderr
    assert "far-away" in deployed.stderr
    again = ccp(user, "deploy", str(folder))
    assert (again.returncode, "already" in again.stderr) == (2, True), again.stderr
    assert ccp(user, "deploy", "--replace", str(folder)).returncode == 0
    assert method["id"] in ccp(user, "methods").stdout
    run = ccp(user, "run", method["id"], "-i", "word=hey", "--watch", "--out", str(tmp_path / "o"))
    assert run.returncode == 0, run.stderr
    assert "hey!" in run.stdout + run.stderr
    assert (tmp_path / "o" / "said.txt").read_text() == "hey!\n"
    listed = json.loads(ccp(user, "jobs", "--json").stdout)
    assert listed[0]["status"] == "successful"
    results = json.loads(ccp(user, "results", listed[0]["jobID"], "--json").stdout)
    assert "hey!" in json.dumps(results)
    assert ccp(user, "undeploy", method["id"]).returncode == 0
    assert ccp(user, "logs", listed[0]["jobID"]).stdout == "hey!\n"


def test_exit_codes_say_what_happened(user: User) -> None:
    broken = bash_method(f"broken-{id(user)}", "echo oh no >&2; exit 7")
    assert user.deploy(broken).status_code == 201
    failed = ccp(user, "run", broken["id"], "--watch")
    assert failed.returncode == 1
    assert "7" in failed.stderr
    unknown = ccp(user, "run", broken["id"], "-i", "nothing=1")
    assert unknown.returncode == 2
    assert "nothing" in unknown.stderr
    stranger = User(user.url, "ccp_wrong")
    assert ccp(stranger, "methods").returncode == 3
    stranger.close()
    nowhere = User("http://127.0.0.1:9", user.token)
    assert ccp(nowhere, "methods").returncode == 4
    nowhere.close()


def test_the_python_client_runs_waits_and_reads(user: User) -> None:
    with Client(user.url, token=user.token) as client:
        job = client.run("count-words", doc=b"one two three\n", mode="words")
        job.wait(timeout=60)
        assert "3" in json.dumps(job.results())
