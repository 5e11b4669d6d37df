"""Everything that can go wrong when talking to a platform, as one tree of exceptions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class CCPError(Exception):
    """The root of the tree: catch this to catch them all."""


class Unreachable(CCPError):
    """The platform does not answer, or says that it cannot just now.

    `sent` is whether the request may have arrived: only then may it have had an effect.
    """

    def __init__(self, message: str, *, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent


class NotAuthenticated(CCPError):
    """The platform does not know you, or does not let you do this."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a request: a JSON pointer into it, and words."""

    pointer: str
    detail: str


class Refused(CCPError):
    """The platform refuses the request; `faults` says what is wrong where."""

    def __init__(self, message: str, *, status: int = 400, faults: Sequence[Fault] = ()) -> None:
        self.message, self.status, self.faults = message, status, tuple(faults)
        lines = (f"  {fault.pointer or '/'}: {fault.detail}" for fault in self.faults)
        super().__init__("\n".join([message, *lines]))


class NotFound(Refused):
    """There is no such method, job or output, or it is not yours."""


class JobFailed(CCPError):
    """The job failed. `detail` says why, `log` holds the last lines it wrote."""

    def __init__(self, job: str, detail: str, log: Sequence[str] = ()) -> None:
        self.job, self.detail, self.log = job, detail, tuple(log)
        lines = (f"  | {line}" for line in self.log)
        super().__init__("\n".join([f"Job {job} failed: {detail}", *lines]))


class JobDismissed(CCPError):
    """The job was dismissed (cancelled) before it could finish."""

    def __init__(self, job: str) -> None:
        self.job = job
        super().__init__(f"Job {job} was dismissed.")


def refusal(status: int, document: Any) -> CCPError:
    """The exception for an HTTP error and the RFC 9457 problem that came with it."""
    problem = document if isinstance(document, Mapping) else {}
    faults = _faults(problem.get("errors"))
    words = (problem.get(name) for name in (("title", "detail") if faults else ("detail", "title")))
    message = next((str(word) for word in words if word), f"HTTP status {status}")
    if status in (401, 403):
        return NotAuthenticated(message)
    if status == 429 or status >= 500:
        return Unreachable(f"The platform answered {status}: {message}")
    kind = NotFound if status == 404 else Refused
    return kind(message, status=status, faults=faults)


def _faults(errors: Any) -> list[Fault]:
    if not isinstance(errors, list):
        return []
    return [
        Fault(str(error.get("pointer", "")).removeprefix("#"), str(error.get("detail", "")))
        for error in errors
        if isinstance(error, Mapping)
    ]
