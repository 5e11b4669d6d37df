"""schemathesis over the served API document: whatever is sent, the answers are as described."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from openccp.testing.platform import RunningPlatform, User

CHECKS = (
    "no_defect",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
ROOT = Path(__file__).parents[2]
SECONDS_FOR_ONE = 30
ADDS = ("GET", "POST", "PUT", "PATCH")
pytestmark = [
    pytest.mark.requirement("1/1.0/oas30/oas-impl"),
    pytest.mark.requirement("1/2.0/oas/oas-impl"),
    pytest.mark.requirement("1/2.0/oas/completeness"),
]


@dataclass
class Fuzzed:
    """A throwaway platform, and what schemathesis found on it."""

    user: User
    folder: Path

    def run(self, *arguments: str, config: str = "") -> dict[str, Any]:
        """Run it; the report. What it found is in the assertion's message."""
        settings, report = self.folder / "schemathesis.toml", self.folder / "report.json"
        settings.write_text(config)
        command = [
            str(Path(sys.executable).with_name("schemathesis")),
            *("--config-file", str(settings), "run", f"{self.user.url}/api"),
            *("--header", f"Authorization: Bearer {self.user.token}"),
            *("--checks", ",".join(CHECKS), "--seed", "20", "--generation-database", "none"),
            *("--request-timeout", str(SECONDS_FOR_ONE), "--continue-on-failure"),
            *("--warnings", "off", "--report", "json", "--report-json-path", str(report)),
            *arguments,
        ]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={
                **os.environ,
                "SCHEMATHESIS_HOOKS": "tests.acceptance.fuzzing_checks",
                "PYTHONPATH": str(ROOT),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=1500,
        )
        assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
        found: dict[str, Any] = json.loads(report.read_text())
        return found


@pytest.fixture
def fuzzed(tmp_path: Path) -> Iterator[Fuzzed]:
    short = {"CCP__SERVER__WAIT_SECONDS": "2", "CCP__LIMITS__WALL_SECONDS": "3"}
    platform = RunningPlatform(tmp_path / "data", environment=short)
    platform.start()
    user = platform.user("fuzzer")
    yield Fuzzed(user, tmp_path)
    user.close()
    platform.stop()


def test_a_few_hundred_requests_are_answered_as_described(fuzzed: Fuzzed) -> None:
    report = fuzzed.run("--phases", "examples,fuzzing", "--max-examples", "4")
    assert cases(report) >= 200


@pytest.mark.slow
def test_thousands_of_requests_are_answered_as_described(fuzzed: Fuzzed) -> None:
    report = fuzzed.run("--phases", "examples,coverage,fuzzing", "--max-examples", "30")
    assert cases(report) >= 2_000


@pytest.mark.slow
def test_what_there_is_is_answered_as_described(fuzzed: Fuzzed) -> None:
    """The same with a job, an output and files that exist; nothing is removed."""
    later = {"Prefer": "respond-async"}
    body = {"inputs": {"message": "hello"}}
    made = fuzzed.user.http.post("/processes/echo/execution", json=body, headers=later)
    job = fuzzed.user.wait(made.json()["jobID"])["jobID"]
    known = {"jobID": job, "outputID": "message", "processID": "echo"}
    known |= {"path": "message", "infrastructureID": "local"}
    config = "[parameters]\n" + "".join(f'{name} = "{value}"\n' for name, value in known.items())
    methods = [word for name in ADDS for word in ("--include-method", name)]
    report = fuzzed.run(*methods, "--phases", "fuzzing", "--max-examples", "20", config=config)
    assert cases(report) >= 300


def cases(report: dict[str, Any]) -> int:
    """How many requests were sent."""
    return int(report["test_cases"]["generated"])
