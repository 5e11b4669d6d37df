"""Twelve ways to fail, each induced, each told otherwise and with what to try."""

from collections.abc import Iterator
from typing import Any

import pytest

from openccp.testing.platform import RunningPlatform, User, bash_method

EARLY = {"deploy": "exit 0"}
BAD_DEPLOY = {"deploy": "echo no such package >&2\nfalse"}
OUTPUT = {"outputs": {"map": {"schema": {"type": "string"}, "x-ccp-path": "map.tif"}}}
TIMED = {"inputs": {"ccpmaxtime": {"schema": {"type": "string"}}}}
LIMITS = {
    "CCP__LIMITS__OUTPUT_BYTES": str(2 << 20),
    "CCP__LIMITS__OUTPUT_FILES": "50",
    "CCP__LIMITS__LOG_BYTES": str(1 << 20),
    "CCP__LIMITS__PIDS": "40",
    "CCP__LIMITS__MEMORY_BYTES": str(64 << 20),
}
WAYS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "exit": ("echo the last words >&2; exit 3", {}, {}),
    "exit-127": ("no-such-program", {}, {}),
    "exit-126": ("/etc/hosts", {}, {}),
    "signal": ("kill -SEGV $$", {}, {}),
    "deploy-exit": ("true", BAD_DEPLOY, {}),
    "deploy-ended-early": ("true", EARLY, {}),
    "missing-output": ("echo x >map.png", OUTPUT, {}),
    "time": ("sleep 30", TIMED, {"ccpmaxtime": "1"}),
    "log": ("yes | head -c 3000000; sleep 20", {}, {}),
    "disk": ("head -c 6000000 /dev/zero >big; sleep 20", {}, {}),
    "files": ("for i in $(seq 200); do : >f$i; done; sleep 20", {}, {}),
    "memory": ("x=$(head -c 300000000 /dev/zero | tr '\\0' a); echo ${#x}", {}, {}),
}


@pytest.fixture(scope="session")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlatform]:
    platform = RunningPlatform(tmp_path_factory.mktemp("strict") / "data", LIMITS)
    platform.start()
    yield platform
    platform.stop()


def test_twelve_failures_have_twelve_explanations(strict: RunningPlatform) -> None:
    user = strict.user("unlucky")
    jobs = {}
    for way, (script, more, inputs) in WAYS.items():
        deployed = user.deploy(bash_method(f"fails-{way}", script, **more))
        assert deployed.status_code == 201, deployed.text
        jobs[way] = user.run(f"fails-{way}", inputs)["jobID"]
    told = {way: explained(user, way, job) for way, job in jobs.items()}
    assert len({one["title"] for one in told.values()}) == len(WAYS)
    assert len({one["means"] for one in told.values()}) == len(WAYS)
    assert all(one["advice"] for one in told.values())
    assert told["exit"]["lastLines"] == ["the last words"]
    assert told["deploy-exit"]["lastLines"] == ["no such package"]
    assert any("File size limit" in line for line in told["log"]["lastLines"])
    user.close()


def explained(user: User, way: str, job: str) -> dict[str, Any]:
    ended = user.wait(job)
    assert ended["status"] == "failed", way
    assert ended["exception"]["reason"] == way.partition("-1")[0], ended["exception"]
    report = user.http.get(f"/jobs/{job}/report").json()
    assert report["timeline"][0]["phase"] == "queued"
    assert all("ended" in step for step in report["timeline"])
    explanation: dict[str, Any] = report["explanation"]
    return explanation
