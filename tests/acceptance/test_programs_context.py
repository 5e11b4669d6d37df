"""A program for a job works in that job's context, and asks for the outputs it asked for."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.acceptance.programs import Program, end_of, runnable

from openccp.testing.platform import RunningPlatform, User, bash_method

CONTEXT = "/labs/È 1"
METHOD = bash_method(
    "code-placed",
    "echo one >one.txt; echo two >two.txt",
    outputs={
        name: {"id": name, "title": name, "schema": {"type": "string"}, "x-ccp-path": f"{name}.txt"}
        for name in ("one", "two")
    },
)
WANTED = {"two": {"transmissionMode": "value"}}
LANDING = ("python-client", "bash")
SLOW = ("python", "python-requests", "r", "r-httr2", "javascript", "go", "ruby", "php")
LANGUAGES = [*LANDING, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)]


@pytest.fixture(scope="session")
def placed(platform: RunningPlatform) -> Iterator[User]:
    """An account that belongs to two contexts, whose token is bound to neither."""
    platform.add_user("placed")
    platform.command("context", "create", CONTEXT)
    platform.command("context", "add", CONTEXT, "placed")
    user = User(platform.url, platform.token("placed"))
    assert user.deploy(METHOD).status_code == 201
    yield user
    user.close()


def context_of(user: User, job: str) -> str:
    return str(user.http.get(f"/executions/{job}/metadata/instance.json").json()["context"])


def outputs_of(user: User, job: str) -> object:
    return user.http.get(f"/executions/{job}/metadata/request.json").json()["outputs"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_program_goes_where_its_job_was(placed: User, language: str, tmp_path: Path) -> None:
    runnable(language)
    body = {"inputs": {}, "outputs": WANTED}
    there = {"X-D4Science-Context": quote(CONTEXT, safe="")}
    first = placed.http.post("/processes/code-placed/execution", json=body, headers=there)
    job = first.json()["jobID"]
    placed.wait(job)
    assert context_of(placed, job) == CONTEXT
    text = placed.http.get(f"/jobs/{job}/code?language={language}").text
    program = Program(language, tmp_path / "it", text, {"CCP_TOKEN": placed.token})
    ended = end_of(program, program.start())
    assert ended.code == 0, ended.errors
    again = ended.results.name.removeprefix("code-placed-")
    assert again != job
    assert context_of(placed, again) == CONTEXT
    assert outputs_of(placed, again) == outputs_of(placed, job) != {}
    outside = Program(language, tmp_path / "no", text, {**program.environment, "CCP_CONTEXT": "x"})
    refused = end_of(outside, outside.start())
    assert refused.code == 2, refused.errors
