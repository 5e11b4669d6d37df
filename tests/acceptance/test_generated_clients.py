"""Clients that generators build from the served API document work, unchanged."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from openccp.testing.platform import User

HERE = Path(__file__).parent / "generated"
GENERATOR = "org.openapitools:openapi-generator-cli:7.25.0"
TYPESCRIPT = ("openapi-typescript@7.13.0", "typescript@5.9.3")
OPTIONS = "packageName=ccp_generated,library=urllib3"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.requirement("1/1.0/oas30/oas-impl"),
    pytest.mark.requirement("1/2.0/oas/oas-impl"),
]


def call(folder: Path, *command: str, **environment: str) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-5_000:] + done.stderr[-5_000:]


def brought(folder: Path, *command: str) -> None:
    """Run a registry's client; skip where it is missing or the registry does not answer."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=600
    )
    if done.returncode:
        pytest.skip(f"{command[0]} cannot bring it: {(done.stdout + done.stderr)[-500:]}")


def test_a_client_by_openapi_generator(user: User, tmp_path: Path) -> None:
    if shutil.which("java") is None:
        pytest.skip("java is not installed")
    copy = ("dependency:copy", f"-Dartifact={GENERATOR}", f"-DoutputDirectory={tmp_path}")
    brought(tmp_path, "mvn", "-q", "-B", *copy)
    (jar,) = tmp_path.glob("*.jar")
    (tmp_path / "api.json").write_bytes(user.http.get("/api").content)
    made = ("-g", "python", "-i", "api.json", "-o", "made", f"--additional-properties={OPTIONS}")
    call(tmp_path, "java", "-jar", str(jar), "generate", *made)
    program = (sys.executable, str(HERE / "drive.py"), user.url, user.token)
    call(tmp_path, *program, PYTHONPATH=str(tmp_path / "made"))


def test_types_by_openapi_typescript(user: User, tmp_path: Path) -> None:
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    brought(tmp_path, "npm", "install", "--no-save", "--silent", "--prefix", ".", *TYPESCRIPT)
    (tmp_path / "api.json").write_bytes(user.http.get("/api?f=json31").content)
    shutil.copy(HERE / "drive.ts", tmp_path)
    tools = tmp_path / "node_modules/.bin"
    call(tmp_path, str(tools / "openapi-typescript"), "api.json", "-o", "api.d.ts")
    strict = ("--strict", "--target", "es2022", "--lib", "es2022,dom", "--module", "commonjs")
    call(tmp_path, str(tools / "tsc"), *strict, "drive.ts")
    call(tmp_path, "node", "drive.js", user.url, user.token)
