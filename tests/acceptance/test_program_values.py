"""Whatever values, names and paths a program holds: its language reads them as they are."""

import base64
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.acceptance import programs
from tests.acceptance.programs import end_of, runnable

from openccp.codegen.generate import generate
from openccp.codegen.languages import EXECUTED, HTTP, LANGUAGES
from openccp.codegen.program import LocalFile, Program, Secret
from openccp.testing.platform import User

TEXT = st.text(st.characters(exclude_categories=["Cs"])) | st.text("'\"`$\\{}()<%@#>\n\r\t-_=\0")
VALUE = st.one_of(TEXT, st.integers(-(2**63), 2**63 - 1), st.booleans(), st.none())
PATH = st.text("aé'\"`$\\(){} #!%&;\u2019\U0001f9ea", min_size=1, max_size=20).filter(
    lambda path: path.strip(" ") == path
)
KEY = st.text(min_size=1, max_size=40).filter(lambda text: text.isprintable() and text.strip())
SENDING = [
    pytest.param(one.id, marks=() if one.id in ("python", "bash") else pytest.mark.slow)
    for one in LANGUAGES.values()
    if one.kind == HTTP and one.tested == EXECUTED
]
"""Our client asks about a method before it sends: its values are Python's literals."""


@dataclass
class Catcher:
    """A server that remembers the path and the body of the one request that executes something."""

    url: str
    caught: list[tuple[str, Any]] = field(default_factory=list)


@contextmanager
def catcher() -> Iterator[Catcher]:
    class Catching(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the test tells."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            known.caught.append((self.path, json.loads(body)))
            self.send_response(400)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Catching) as server:
        known = Catcher(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield known
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("language", SENDING)
@settings(
    max_examples=2,
    derandomize=True,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(
    values=st.lists(VALUE, min_size=200, max_size=300),
    named=st.dictionaries(TEXT, VALUE, min_size=20, max_size=40),
    process=TEXT.filter(lambda text: bool(text.strip("."))),
    path=PATH,
    key=KEY,
)
def test_every_value_arrives_as_it_is(
    language: str, values: list[Any], named: dict[str, Any], process: str, path: str, key: str
) -> None:
    runnable(language)
    inputs = {"values": values, "named": named}
    elsewhere = {"doc": LocalFile(path), "key": Secret("CCP_SECRET_KEY")}
    with catcher() as server, TemporaryDirectory() as made:
        folder = Path(made)
        (folder / path).write_bytes(os.fsencode(path))
        program = Program(server.url, process, {"inputs": {**inputs, **elsewhere}})
        text = generate(LANGUAGES[language], program)
        known = {"CCP_TOKEN": "x", "CCP_SECRET_KEY": key}
        begun = programs.Program(language, folder, text, known, program.label)
        ended = end_of(begun, begun.start())
    assert ended.code == 2, ended.errors
    ((address, body),) = server.caught
    assert unquote(address) == f"/processes/{process}/execution"
    encoded = base64.b64encode(os.fsencode(path)).decode()
    assert body == {"inputs": {**inputs, "doc": encoded, "key": key}}


@pytest.mark.parametrize("language", ["python", "bash", "rust"])
def test_a_null_byte_is_refused(user: User, language: str) -> None:
    """No argument, variable or path of a program can hold one."""
    where = f"/processes/echo/code?language={language}"
    for inputs in ({"message": "a\0b"}, {"a\0b": "x"}, {"message": {"href": "file:a%00b"}}):
        answer = user.http.post(where, json={"inputs": inputs})
        assert answer.status_code == 400, answer.text
    assert user.http.get(f"{where}&message=a%00b").status_code == 400
