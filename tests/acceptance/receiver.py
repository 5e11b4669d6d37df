"""A subscriber as a user would have one: takes what is posted, and answers what it is told to."""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Message:
    """One POST as it came, with its time."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def document(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """Listens on a free port of this machine until `close`."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.answers: defaultdict[str, list[int]] = defaultdict(list)
        """Path -> statuses to answer in turn, the last for ever; 200 without any."""
        self.holding = threading.Event()
        self.holding.set()
        self.slow: set[str] = set()
        self._news = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._kind())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def at(self, path: str) -> list[Message]:
        with self._news:
            return [message for message in self.messages if message.path == path]

    def wait(self, wanted: Callable[[], bool], seconds: float = 30) -> None:
        """Until what came fulfils a wish; looked at with every message."""
        with self._news:
            assert self._news.wait_for(wanted, seconds), [m.path for m in self.messages]

    def wait_for(self, path: str, count: int = 1, seconds: float = 30) -> list[Message]:
        self.wait(lambda: sum(m.path == path for m in self.messages) >= count, seconds)
        return self.at(path)

    def close(self) -> None:
        self.holding.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _take(self, message: Message) -> int:
        with self._news:
            self.messages.append(message)
            self._news.notify_all()
            answers = self.answers[message.path]
            return answers.pop(0) if len(answers) > 1 else [*answers, 200][0]

    def _kind(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Taking(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status = receiver._take(Message(self.path, headers, body))
                if self.path in receiver.slow:
                    receiver.holding.wait(60)
                self.send_response(status)
                self.send_header("Location", receiver.url("/elsewhere"))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        return Taking
