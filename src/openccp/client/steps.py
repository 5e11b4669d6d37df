"""What the client does, as generators that yield requests and receive replies: no I/O here.

One function such as `calls.execute` serves the blocking and the asynchronous client: both drive
the same generator, one with threads' blocking calls, the other with awaits (see `wire`).
"""

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar

from openccp.client.errors import CCPError, Unreachable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request to an address below the server's own; `path` is already quoted."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer; `stream` is what `Read` reads when the body was left open."""

    status: int
    headers: Mapping[str, str]
    content: bytes = b""
    stream: Any = None

    def json(self) -> Any:
        """The body as JSON; CCPError if it is none."""
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            raise CCPError("The answer is not JSON: is this address an OpenCCP?") from None


@dataclass(frozen=True, slots=True)
class Send:
    """Send and read the whole reply."""

    request: Request


@dataclass(frozen=True, slots=True)
class Open:
    """Send and leave a successful reply's body open, as bytes or as server-sent events."""

    request: Request
    events: bool = False


@dataclass(frozen=True, slots=True)
class Read:
    """The next piece of an open body (bytes, or an event), None at its end."""

    stream: Any


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Emit:
    """Hand one value to whoever iterates."""

    value: Any


Effect: TypeAlias = Send | Open | Read | Pause | Emit
Steps: TypeAlias = Generator[Effect, Any, T]


class Run(Generic[T]):
    """A generator being driven: `effect` is what it wants done, None when it has ended.

    `bodies` are the replies left open, which the driver closes at the end.
    """

    def __init__(self, steps: Steps[T]) -> None:
        self._steps = steps
        self.effect: Effect | None = None
        self.value: T
        self.bodies: list[Any] = []
        self.answer(None)

    def answer(self, reply: Any) -> None:
        """Give what the effect brought."""
        try:
            self.effect = self._steps.send(reply)
        except StopIteration as end:
            self.effect, self.value = None, end.value

    def fail(self, error: Unreachable) -> None:
        """Say that the effect could not be done."""
        try:
            self.effect = self._steps.throw(error)
        except StopIteration as end:
            self.effect, self.value = None, end.value

    def close(self) -> None:
        """Give up: lets the generator free what it holds."""
        self._steps.close()
