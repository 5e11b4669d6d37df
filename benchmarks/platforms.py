"""What the benchmark needs to know of a platform to measure it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from benchmarks.load import Answers, Call
from benchmarks.processes import Running

JSON = {"Accept": "application/json"}


@dataclass(frozen=True, slots=True)
class Platform:
    """A running platform: where it listens, what its process is called, what it runs as hello."""

    name: str
    running: Running
    process: str
    inputs: Mapping[str, object]
    headers: Mapping[str, str] = field(default_factory=dict)
    held: bool = False
    """It accepts jobs and starts none."""
    fill: Callable[[int], None] | None = None
    """Makes the platform hold so many stored jobs, where that can be done."""
    synchronous: tuple[str, Mapping[str, object]] | None = None
    """A process that is executed synchronously, with its inputs, if hello is not."""

    def get(self, path: str) -> Call:
        return Call(path, headers={**JSON, **self.headers})

    @property
    def submit(self) -> Call:
        """The asynchronous execution of one hello."""
        return self._execute(self.process, self.inputs, {"Prefer": "respond-async"})

    @property
    def echo(self) -> Call:
        """The synchronous execution of the process that gives back what it is given."""
        process, inputs = self.synchronous or (self.process, self.inputs)
        return self._execute(process, inputs, {})

    def _execute(
        self, process: str, inputs: Mapping[str, object], headers: Mapping[str, str]
    ) -> Call:
        return Call(
            f"/processes/{process}/execution",
            method="POST",
            headers={**JSON, **self.headers, "Content-Type": "application/json", **headers},
            body=json.dumps({"inputs": inputs}).encode(),
        )


def job_ids(answers: Answers) -> list[str]:
    """The ids of the submitted jobs: from the body, or else from the Location."""
    return [_job_id(head, body) for head, body in zip(answers.heads, answers.bodies, strict=True)]


def _job_id(head: bytes, body: bytes) -> str:
    status = json.loads(body) if body.strip() else None
    if isinstance(status, dict) and "jobID" in status:
        return str(status["jobID"])
    for line in head.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "location":
            return value.strip().rpartition("/")[2]
    raise ValueError("an accepted job without an id")
