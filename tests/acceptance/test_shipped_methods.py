"""Each method that ships runs on its own example and gives what its example promises."""

import fnmatch
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from openccp.testing.platform import User

METHODS = Path(__file__).parents[2] / "methods"
NEEDS_R = pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
NAMES = [
    "count-words",
    pytest.param("csv-summary", marks=pytest.mark.slow),
    "echo",
    "hello-bash",
    pytest.param("r-regression", marks=[pytest.mark.r, NEEDS_R]),
    "sleeper",
]


def example(name: str, file: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((METHODS / name / "example" / file).read_text())
    return found


def run_example(user: User, name: str) -> str:
    """The id of a job that ran a method's example to a good end."""
    accepted = user.http.post(
        f"/processes/{name}/execution",
        json=example(name, "request.json"),
        headers={"Prefer": "respond-async"},
    )
    assert accepted.status_code == 201, accepted.text
    ended = user.wait(accepted.json()["jobID"], seconds=300)
    assert ended["status"] == "successful", ended
    return str(ended["jobID"])


@pytest.mark.sandbox
@pytest.mark.parametrize("name", NAMES)
def test_the_example_gives_what_it_promises(user: User, name: str) -> None:
    job, expected = run_example(user, name), example(name, "expected.json")
    for output, facts in expected.get("outputs", {}).items():
        check(user.http.get(f"/jobs/{job}/results/{output}").content, facts)
    record = user.http.get(f"/executions/{job}").json()
    for pattern, facts in expected.get("files", {}).items():
        found = [file for file in record["files"] if fnmatch.fnmatch(file["path"], pattern)]
        assert len(found) == facts["count"]
        for file in found:
            check(user.http.get(file["href"]).content, facts)


def check(content: bytes, facts: Mapping[str, Any]) -> None:
    """What an `expected.json` may say of one output: four kinds of facts."""
    for text in facts.get("contains", ()):
        assert text in content.decode()
    if "equals" in facts:
        assert value_of(content, facts["equals"]) == facts["equals"]
    if "members" in facts:
        found = json.loads(content)
        assert {name: found[name] for name in facts["members"]} == facts["members"]
    if "starts_with_hex" in facts:
        assert content.startswith(bytes.fromhex(facts["starts_with_hex"]))


def value_of(content: bytes, wanted: object) -> object:
    """Text stays text; everything else arrives as JSON."""
    return content.decode() if isinstance(wanted, str) else json.loads(content)
