"""GET /jobs/{id}/prov: how results came to be, in every serialisation of W3C PROV."""

import hashlib
import io
from collections.abc import Iterator
from typing import Any

import pytest
from prov.model import ProvDocument

from openccp.testing.platform import RunningPlatform, User, bash_method

FORMS = {
    "application/json": ("json", "json"),
    "application/provenance+json": ("provjson", "json"),
    "application/provenance+xml": ("xml", "xml"),
    "application/xml": ("plainxml", "xml"),
    "text/provenance-notation": ("provn", "provn"),
    "application/ld+json": ("jsonld", "jsonld"),
}


@pytest.fixture(scope="session")
def ada(platform: RunningPlatform) -> Iterator[User]:
    user = platform.user("teller")
    word = {"title": "Word", "schema": {"type": "string"}}
    out = {"result": {"schema": {"type": "string"}, "x-ccp-path": "result.txt"}}
    script = 'echo {{word}} >result.txt\nprintf x >"it\'s \\"quoted\\".txt"'
    for made in (
        bash_method("tell", script, inputs={"word": word}, outputs=out),
        bash_method("break", "exit 7"),
        bash_method("wait", "sleep 600"),
    ):
        answer = user.deploy(made)
        assert answer.status_code == 201, answer.text
    yield user
    user.close()


@pytest.fixture(scope="session")
def job(ada: User) -> str:
    ended = ada.finish("tell", {"word": "hello"})
    assert ended["status"] == "successful"
    return str(ended["id"])


def read(content: bytes, form: str) -> ProvDocument:
    return ProvDocument.deserialize(io.BytesIO(content), format=form)


@pytest.mark.requirement("4/1.0/provenance/prov-get-op")
@pytest.mark.requirement("4/1.0/provenance/prov-response")
def test_provenance_is_prov_json_unless_something_else_is_asked_for(ada: User, job: str) -> None:
    answer = ada.http.get(f"/jobs/{job}/prov", headers={"Accept": "*/*"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    document: dict[str, Any] = answer.json()
    run = document["activity"]["job:run"]
    assert run["ccp:status"] == "successful"
    files = {
        entity["ccp:path"]: entity for entity in document["entity"].values() if "ccp:path" in entity
    }
    assert {"result.txt", 'it\'s "quoted".txt', "stdout", "stderr"} == set(files)
    assert files["result.txt"]["ccp:sha256"] == hashlib.sha256(b"hello\n").hexdigest()
    assert files["result.txt"]["ccp:output"] == "result"
    for file in files.values():
        place = file["prov:location"]["$"]
        assert ada.http.get(place).status_code == 200
    assert document["agent"]["job:user"]["prov:label"] == "teller"
    assert {"job:infrastructure", "job:platform", "job:runtime"} < set(document["agent"])


@pytest.mark.parametrize("kind", FORMS)
def test_every_serialisation_says_the_same(ada: User, job: str, kind: str) -> None:
    name, form = FORMS[kind]
    whole = read(ada.http.get(f"/jobs/{job}/prov").content, "json")
    asked = ada.http.get(f"/jobs/{job}/prov", headers={"Accept": kind})
    named = ada.http.get(f"/jobs/{job}/prov", params={"f": name})
    for answer in (asked, named):
        assert answer.status_code == 200
        assert answer.headers["content-type"].partition(";")[0] == kind
        assert read(answer.content, form) == whole
    assert "Accept" in asked.headers["vary"]


def test_a_person_reads_it_too(ada: User, job: str) -> None:
    answer = ada.http.get(f"/jobs/{job}/prov", headers={"Accept": "text/html"})
    assert answer.headers["content-type"].startswith("text/html")
    assert "result.txt" in answer.text
    assert ada.http.get(f"/jobs/{job}/prov", headers={"Accept": "image/png"}).status_code == 406
    assert ada.http.get(f"/jobs/{job}/prov?f=rdf").status_code == 400


def test_the_record_has_it_as_xml(ada: User, job: str) -> None:
    record = ada.http.get(f"/executions/{job}").json()
    (place,) = [url for url in record["metadata"] if url.endswith("/provo.xml")]
    answer = ada.http.get(place)
    assert answer.headers["content-type"] == "application/provenance+xml"
    assert read(answer.content, "xml") == read(ada.http.get(f"/jobs/{job}/prov").content, "json")
    relations = {link["rel"] for link in ada.job(job)["links"]}
    assert "http://www.w3.org/ns/prov#has_provenance" in relations


def test_failures_and_dismissals_are_told(ada: User) -> None:
    failed = ada.finish("break")["id"]
    run = ada.http.get(f"/jobs/{failed}/prov").json()["activity"]["job:run"]
    assert (run["ccp:status"], run["ccp:blame"]) == ("failed", "method")
    waiting = ada.run("wait")["id"]
    assert ada.http.get(f"/jobs/{waiting}/prov").status_code == 200
    ada.http.delete(f"/jobs/{waiting}")
    ada.wait(waiting)
    document = ada.http.get(f"/jobs/{waiting}/prov").json()
    assert document["activity"]["job:run"]["ccp:status"] == "dismissed"
    assert [end["ccp:reason"] for end in document["wasEndedBy"].values()] == ["dismissed"]


def test_a_job_that_was_not_started_has_none(ada: User) -> None:
    made = ada.http.post("/jobs", json={"process": "tell", "inputs": {"word": "x"}}).json()["id"]
    for path in (f"/jobs/{made}/prov", f"/executions/{made}/metadata/provo.xml"):
        answer = ada.http.get(path)
        assert answer.status_code == 404
        assert answer.json()["type"].endswith("ogcapi-processes-4/1.0/provenance-not-available")
