"""Packages that link to CWL elsewhere, and images that bring their own entrypoint."""

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.acceptance.packages import OGC, SORT

from openccp.testing.ledger import Ledger
from openccp.testing.platform import RunningPlatform, User

pytestmark = pytest.mark.sandbox
ENTRYPOINT = """#!/bin/sh
while read -r line; do echo "$1 $line"; done </ccp_in/text >/ccp_data/said.txt
"""


@dataclass
class Shelf:
    """A server of texts by path; what was asked for is kept."""

    texts: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    url: str = ""


@pytest.fixture(scope="module")
def shelf() -> Iterator[Shelf]:
    made = Shelf()

    class Requests(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            body = made.texts.get(self.path, "").encode()
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Requests)
    made.url = f"http://127.0.0.1:{server.server_port}"
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    yield made
    server.shutdown()
    serving.join()
    server.server_close()


@pytest.fixture(scope="module")
def image() -> Iterator[Path]:
    ledger = Ledger()
    (ledger.root / "entrypoint").write_text(ENTRYPOINT)
    (ledger.root / "entrypoint").chmod(0o755)
    yield ledger.root
    ledger.close()


@pytest.fixture(scope="module")
def ada(shelf: Shelf, image: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    data = tmp_path_factory.mktemp("linked") / "data"
    data.mkdir()
    port = shelf.url.rpartition(":")[2]
    (data / "openccp.toml").write_text(
        f'[fetch]\nallow_hosts = ["127.0.0.1"]\nports = [{port}]\n'
        f'[local]\nimages = {{ "lab/lines:1" = {json.dumps(str(image))} }}\n'
    )
    platform = RunningPlatform(data)
    platform.start()
    user = platform.user("ada")
    yield user
    user.close()
    platform.stop()


def send(user: User, package: dict[str, Any], **query: str) -> httpx2.Response:
    return user.http.post(
        "/processes",
        content=json.dumps(package).encode(),
        headers={"Content-Type": OGC},
        params=query,
    )


def run(user: User, process: str, inputs: dict[str, Any]) -> dict[str, Any]:
    answer = user.http.post(
        f"/processes/{process}/execution", json={"inputs": inputs, "response": "document"}
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


TEXT = base64.b64encode(b"b\na\n").decode()


@pytest.mark.requirement("2/1.0/ogcapppkg/deploy-body")
@pytest.mark.requirement("2/1.0/cwl/deploy-body")
def test_a_link_is_followed_once_and_what_it_led_to_is_kept(ada: User, shelf: Shelf) -> None:
    shelf.texts["/tools/linked.cwl"] = SORT.replace("id: sorted-lines\n", "")
    unit = {"href": f"{shelf.url}/tools/linked.cwl", "type": "application/cwl"}
    deployed = send(ada, {"executionUnit": unit})
    assert deployed.status_code == 201, deployed.text
    assert deployed.headers["location"].endswith("/processes/linked")
    asked = shelf.asked.count("/tools/linked.cwl")
    shelf.texts["/tools/linked.cwl"] = "somebody else's now"
    assert run(ada, "linked", {"text": TEXT})["lines"] == "a\nb\n"
    assert shelf.asked.count("/tools/linked.cwl") == asked == 1
    package = ada.http.get("/processes/linked/package")
    assert package.json() == {"executionUnit": unit}
    assert send(ada, {"executionUnit": unit}).status_code == 400


@pytest.mark.parametrize("place", ["/nowhere.cwl", "/large.cwl"])
def test_what_cannot_be_fetched_is_said_at_its_place(place: str, ada: User, shelf: Shelf) -> None:
    shelf.texts["/large.cwl"] = "x" * (2 << 20)
    refused = send(ada, {"executionUnit": [{"href": shelf.url + place, "type": "application/cwl"}]})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == "/executionUnit/href"


def test_an_address_inside_is_not_fetched(ada: User) -> None:
    for address in ("http://127.0.0.1:1/x.cwl", "http://169.254.169.254/x", "file:///etc/passwd"):
        refused = send(ada, {"executionUnit": {"href": address, "type": "application/cwl"}})
        assert refused.status_code == 400, address
        assert "passwd" not in refused.text.replace(address, "")


@pytest.mark.requirement("2/1.0/docker/execution-unit")
def test_an_image_runs_its_own_entrypoint(ada: User) -> None:
    package = {
        "processDescription": {
            "id": "numbered",
            "title": "Lines with a word before each",
            "version": "1.0.0",
            "inputs": {
                "text": {"schema": {"type": "string", "format": "file"}},
                "word": {"schema": {"type": "string"}},
            },
            "outputs": {"said": {"schema": {"type": "string"}}},
        },
        "executionUnit": {
            "type": "oci",
            "image": "docker://lab/lines:1",
            "bindings": {"inputBindings": {"word": {}}},
        },
    }
    deployed = send(ada, package)
    assert deployed.status_code == 201, deployed.text
    assert "warnings" not in deployed.json()
    assert run(ada, "numbered", {"text": TEXT, "word": "it's"}) == {"said": "it's b\nit's a\n"}
