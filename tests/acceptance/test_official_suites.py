"""The official test suites of the standard, unchanged, against a running platform.

They send no credentials: a proxy of the tests' own adds them. Where the registry does not have a
suite, or Java or Maven is missing, the test is skipped and says so.
"""

import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.acceptance.official import FOLDER
from tests.acceptance.schema_mirror import schema_mirror
from tests.acceptance.signing_proxy import signing_proxy
from tests.acceptance.suites import PART1, PART2, NotThere, Suite, Verdict, run

from openccp.testing.platform import RunningPlatform, User, bash_method

pytestmark = [pytest.mark.slow, pytest.mark.sandbox]


def verdicts(suite: Suite, arguments: dict[str, str], folder: Path) -> list[Verdict]:
    schemas = FOLDER / "part1-1.0" / "core" / "openapi"
    if not schemas.is_dir():
        pytest.skip("the official schemas are not beside the checkout")
    try:
        with schema_mirror(schemas, folder) as options:
            return run(suite, arguments, folder, options)
    except NotThere as reason:
        pytest.skip(f"the official suite was not run: {reason}")


def test_part_1(platform: RunningPlatform, user: User, tmp_path: Path) -> None:
    with signing_proxy(platform.port, user.token) as url:
        found = verdicts(PART1, {"iut": url, "echoprocessid": "echo"}, tmp_path)
    assert [verdict for verdict in found if verdict.status != "PASS"] == []
    assert len(found) == PART1.tests


TOOL = """\
cwlVersion: v1.2
class: CommandLineTool
id: official-suite-tool
label: Says a word
doc: What the official suite deploys, replaces and undeploys.
baseCommand: echo
hints:
  DockerRequirement:
    dockerPull: bash
inputs:
  word:
    type: string
    default: hello
    inputBinding: {}
outputs:
  said:
    type: stdout
stdout: said.txt
"""


class _Package(BaseHTTPRequestHandler):
    """Serves the one package, as somebody's site would."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/cwl")
        self.send_header("Content-Length", str(len(TOOL)))
        self.end_headers()
        self.wfile.write(TOOL.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def package_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Package)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/tool.cwl"
    server.shutdown()
    server.server_close()
    thread.join()


def test_part_2(tmp_path: Path, package_url: str) -> None:
    data = tmp_path / "data"
    data.mkdir()
    port = urlsplit(package_url).port
    settings = f'[fetch]\nallow_hosts = ["127.0.0.1"]\nports = [{port}]\n'
    (data / "openccp.toml").write_text(settings)
    platform = RunningPlatform(data)
    platform.start()
    try:
        with closing(platform.user("ada")) as user:
            assert user.deploy(bash_method("a-sacrifice", "true")).status_code == 201
            with signing_proxy(platform.port, user.token) as url:
                arguments = {
                    "iut": url,
                    "echoprocessid": "echo",
                    "urlapppkg": package_url,
                    "processtestlimit": "5",
                }
                found = verdicts(PART2, arguments, tmp_path)
    finally:
        platform.stop()
    assert [verdict for verdict in found if verdict.status != "PASS"] == []
    assert len(found) == PART2.tests
