"""The plug-in of docs/plug-ins.md: packaged, held to the contract, and run on a platform."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.docs.documents import ROOT, blocks

from openccp.testing.ledger import leftovers
from openccp.testing.platform import PASSWORD, RunningPlatform, User, bash_method

PAGE = ROOT / "docs" / "plug-ins.md"
FILE = re.compile(r"File `(\S+)`:$")
UV = Path(sys.executable).with_name("uv")


def files_of(page: Path) -> dict[str, str]:
    """The files that the page shows, each after the line that names it."""
    lines = page.read_text().splitlines()
    named = {block.line: block.text for block in blocks(page)}
    found = {}
    for number, line in enumerate(lines, 1):
        match = FILE.match(line)
        if match:
            found[match[1]] = named[number + 1]
    return found


def shown(command: list[str | Path], environment: Mapping[str, str]) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=300, env=environment
    )
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package") / "openccp-plain"
    for name, text in files_of(PAGE).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="session")
def environment(package: Path) -> dict[str, str]:
    """What makes the installed package found; it is built and installed without a network."""
    wheels, installed = package.parent / "wheels", package.parent / "installed"
    build: list[str | Path] = [
        UV,
        "build",
        "--offline",
        "--quiet",
        "--wheel",
        "--out-dir",
        wheels,
        package,
    ]
    shown(build, os.environ)
    (wheel,) = wheels.glob("*.whl")
    install: list[str | Path] = [
        UV,
        "pip",
        "install",
        "--offline",
        "--quiet",
        "--no-deps",
        "--python",
    ]
    shown([*install, sys.executable, "--target", installed, wheel], os.environ)
    path = os.pathsep.join([str(installed), str(ROOT / "src")])
    return {**os.environ, "PYTHONPATH": path}


@pytest.mark.slow
@pytest.mark.sandbox
def test_it_keeps_the_contract(package: Path, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"]
    told = shown([*command, "--rootdir", package, package / "tests"], environment)
    assert re.search(r"\d\d passed, 2 skipped", told), told


METHOD = bash_method(
    "plainly",
    'echo run >>starts; echo "hello {{name}}"; echo "$CCP_IN_name" >greeting.txt\n'
    'while [ ! -e "$CCP_IN_gate" ]; do sleep 0.05; done',
    deploy="echo deployed >&2",
    undeploy="cat greeting.txt",
    inputs={
        "name": {"schema": {"type": "string"}},
        "gate": {"schema": {"type": "string", "default": "/"}},
    },
    outputs={"greeting": {"schema": {"type": "string"}, "x-ccp-path": "greeting.txt"}},
)


@pytest.fixture(scope="session")
def platform(
    tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]
) -> Iterator[RunningPlatform]:
    data = tmp_path_factory.mktemp("bench")
    (settings,) = (b.text for b in blocks(PAGE) if b.language == "toml" and "[infra" in b.text)
    (data / "openccp.toml").write_text(settings)
    platform = RunningPlatform(data, environment)
    platform.start()
    yield platform
    platform.stop()


@pytest.fixture(scope="session")
def user(platform: RunningPlatform) -> Iterator[User]:
    platform.command("user", "add", "ada", password=PASSWORD)
    made = User(platform.url, platform.command("token", "create", "ada"))
    assert made.deploy(METHOD).status_code == 201
    yield made
    made.close()


@pytest.mark.sandbox
def test_jobs_run_on_it(platform: RunningPlatform, user: User) -> None:
    status = user.finish("plainly", {"name": "it's $(me)"})
    assert status["status"] == "successful", status
    job = status["jobID"]
    assert user.http.get(f"/jobs/{job}/results/greeting").text == "it's $(me)\n"
    instance = user.http.get(f"/executions/{job}/metadata/instance.json").json()
    assert instance["infrastructure"] == "bench"
    place = user.http.get("/infrastructures/bench").json()
    assert (place["type"], place["isolation"]) == ("plain", "none")
    assert leftovers(job, platform.data) == []


@pytest.mark.sandbox
def test_a_job_outlives_the_platform(platform: RunningPlatform, user: User) -> None:
    with TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        gate = Path(folder, "gate")
        job = user.run("plainly", {"name": "x", "gate": str(gate)})["jobID"]
        user.until(job, "executing")
        platform.kill()
        platform.start()
        gate.touch()
        assert user.wait(job)["status"] == "successful"
    assert user.http.get(f"/executions/{job}/outputs/starts").text == "run\n"


@pytest.mark.slow
@pytest.mark.sandbox
def test_the_doctor_says_what_holds_there(platform: RunningPlatform) -> None:
    (place,) = json.loads(platform.command("doctor", "bench", "--json"))["infrastructures"]
    rows = {row["promise"]: row for row in place["promises"]}
    assert not any(row["promised"] for name, row in rows.items() if name != "time")
    assert not rows["network"]["holds"]
    assert not rows["processes"]["holds"]
