"""A real platform in a process of its own, for acceptance tests and benchmarks."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from click.testing import CliRunner

from openccp.cli.main import main

CCP = (sys.executable, "-m", "openccp.cli")
READY = "OpenCCP is ready at "
PASSWORD = "correct horse battery"


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class RunningPlatform:
    """`ccp up` on a data folder; `kill` is SIGKILL, and `start` again goes on with its jobs."""

    data: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None
    greeting: list[str] = field(default_factory=list)
    _named: Counter[str] = field(default_factory=Counter, repr=False)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, seconds: float = 60) -> None:
        """Start it, and return once it says that it is ready."""
        command = [*CCP, "up", "--data", str(self.data), "--port", str(self.port), *self.arguments]
        self.data.mkdir(parents=True, exist_ok=True)
        with (self.data / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **self.environment},
            )
        self._await_greeting(time.monotonic() + seconds)

    def _await_greeting(self, deadline: float) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        output, text = self.process.stdout, ""
        while READY not in text or not text.endswith("\n"):
            left = deadline - time.monotonic()
            readable, _, _ = select.select([output], [], [], max(0.0, left))
            block = os.read(output.fileno(), 4096).decode() if readable else ""
            if not block:
                raise AssertionError(f"ccp up did not start: {self.log()[-2000:]}")
            text += block
        self.greeting = text.splitlines()

    def log(self) -> str:
        """What it wrote to standard error."""
        return (self.data / "server.log").read_text(errors="replace")

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM; jobs under way go on."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
        self.process.wait(30)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None

    def command(self, *arguments: str, password: str | None = None) -> str:
        """Run `ccp` with the data folder; its output."""
        done = subprocess.run(
            [*CCP, *arguments, "--data", str(self.data)],
            input=None if password is None else password + "\n",
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, **self.environment},
        )
        if done.returncode:
            raise AssertionError(f"ccp {' '.join(arguments)}: {done.stderr}")
        return done.stdout.strip()

    def add_user(self, name: str) -> None:
        """An account with the password `PASSWORD`."""
        self._command_here("user", "add", name, given=PASSWORD + "\n")

    def token(self, name: str) -> str:
        """A personal token of an account."""
        return self._command_here("token", "create", name)

    def _command_here(self, *arguments: str, given: str = "") -> str:
        """A command in this process, on a thread without an event loop: starting one costs more."""
        words = [*arguments, "--data", str(self.data)]
        with ThreadPoolExecutor(1) as thread:
            invoked = thread.submit(
                CliRunner(env=self.environment).invoke, main, words, input=given
            )
        done = invoked.result()
        if done.exit_code:
            raise AssertionError(f"ccp {' '.join(arguments)}: {done.output}")
        return str(done.output).strip()

    def user(self, name: str) -> "User":
        """A new account and a client that is signed in as it.

        A name that was given already gets a number: a fixture may be made again in its worker.
        """
        self._named[name] += 1
        own = name if self._named[name] == 1 else f"{name}-{self._named[name]}"
        self.add_user(own)
        return User(self.url, self.token(own))


class User:
    """Plain HTTP as one account; asserts nothing, waits by the server's own event stream."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.token = url, token
        self.http = httpx2.Client(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60, trust_env=False
        )

    def close(self) -> None:
        """Close its connections."""
        self.http.close()

    def deploy(self, document: Mapping[str, Any]) -> httpx2.Response:
        """POST /processes."""
        return self.http.post("/processes", json=document)

    def run(
        self, process: str, inputs: Mapping[str, Any] | None = None, **more: Any
    ) -> dict[str, Any]:
        """Execute asynchronously: the statusInfo of the new job."""
        body = {"inputs": dict(inputs or {}), **more}
        answer = self.http.post(f"/processes/{process}/execution", json=body)
        if answer.status_code != 201:
            raise AssertionError(f"{answer.status_code}: {answer.text}")
        status: dict[str, Any] = answer.json()
        return status

    def job(self, job_id: str) -> dict[str, Any]:
        """The statusInfo."""
        status: dict[str, Any] = self.http.get(f"/jobs/{job_id}").json()
        return status

    def wait(self, job_id: str, seconds: float = 120) -> dict[str, Any]:
        """The statusInfo after the job has ended and was cleaned up."""
        deadline = time.monotonic() + seconds
        with self.http.stream("GET", f"/jobs/{job_id}/events", timeout=seconds) as events:
            name = ""
            for line in events.iter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: ") and name == "end":
                    status: dict[str, Any] = json.loads(line.removeprefix("data: "))
                    return status
                if time.monotonic() > deadline:
                    break
        raise AssertionError(f"job {job_id} did not end in time: {self.job(job_id)}")

    def until(self, job_id: str, phase: str, seconds: float = 60) -> None:
        """Return at the event that brings the job into a phase (or past it)."""
        with self.http.stream("GET", f"/jobs/{job_id}/events", timeout=seconds) as events:
            for line in events.iter_lines():
                if f'"phase":"{phase}"' in line or line == "event: end":
                    return

    def finish(self, process: str, inputs: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Execute and wait."""
        return self.wait(self.run(process, inputs)["jobID"])


def bash_method(
    method_id: str,
    execute: str,
    *,
    deploy: str = "",
    undeploy: str = "",
    inputs: Mapping[str, Any] | None = None,
    outputs: Mapping[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A minimal method.json on the runtime `bash`."""
    scripts = {"deploy-script": deploy, "execute-script": execute, "undeploy-script": undeploy}
    image = {"type": "string", "default": "bash", "readOnly": True}
    return {
        "id": method_id,
        "title": method_id,
        "version": "1.0.0",
        "x-ccp-network": False,
        "inputs": {
            "ccpimage": {"id": "ccpimage", "title": "Runtime", "schema": image},
            **(inputs or {}),
        },
        "outputs": dict(outputs or {}),
        "additionalParameters": {
            "parameters": [
                {"name": name, "value": text.splitlines()} for name, text in scripts.items()
            ]
        },
        "links": [{"rel": "compatibleWith", "href": "infrastructures/local"}],
        **more,
    }
