"""PROV documents: the same story in four languages, whatever its names are."""

import io
import json
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree  # type: ignore[import-untyped]
from prov.model import ProvDocument, ProvEntity

from openccp.core.job import Blame, Event, Failure, Job, Phase, Status
from openccp.core.method import Input, Kind, Method, Revision, Scripts
from openccp.core.ports import FileEntry, Manifest
from openccp.core.provenance import Form, Story
from openccp.core.request import ExecuteRequest, Origin
from openccp.provenance.prov import MOST_ENTITIES, document, write
from openccp.web.outside import HOST

NOW = 1_800_000_000.125
SOURCE = "https://data.example/t.csv?x"
ROOT = "https://ccp.example/base"
FAILURE = Failure(Blame.METHOD, "exit", "it ended with 7", 7)
ROOTS = st.from_regex(HOST, fullmatch=True)
HOSTILE = st.text(min_size=1, max_size=30) | st.sampled_from(
    ['a"b', "a'b", "a\nb", "a\r\nb", "\r", "]]>", "<x/>", "&amp;", "a\\", '"""', "%%", "'ccp:x'",
     "\ud800", "\ufffe", "\x00", "\x85", "\u2028", " a ", "a:b", "../x", "-", "漢字", "\U0010ffff"]
)  # fmt: skip


def entry(path: str, **more: Any) -> FileEntry:
    return replace(FileEntry(path, 5, "ab" * 32, 7, "text/csv"), **more)


def story(**changes: Any) -> Story:
    job = Job(
        "0b-job", "m", 3, "ann-id", "default", "local", NOW, NOW + 9,
        status=Status.SUCCESSFUL, phase=Phase.DONE, started=NOW + 1, finished=NOW + 5, attempt=2,
    )  # fmt: skip
    table = Input("table", Kind.FILE, {"type": "string"})
    method = Method(
        "m",
        "Method",
        "1.2",
        "",
        (),
        {"table": table},
        {},
        Scripts("true"),
        (),
        (),
        False,
        False,
        {},
    )
    events = (
        Event("accepted", NOW, {}, 1),
        Event("phase", NOW + 1, {"phase": "starting", "attempt": 1}, 2),
        Event("phase", NOW + 3, {"phase": "starting", "attempt": 2}, 3),
        Event("warning", NOW + 5, {"detail": "undeploy ended with 1"}, 4),
    )
    files = (entry("other.txt"), entry("out.csv", size=2**40))
    request = ExecuteRequest(
        inputs={"word": "hello", "table": "aGVsbG8="},
        secrets={},
        image="bash",
        references={"/inputs/table": Origin(SOURCE, "cd" * 32, 5, "text/csv")},
    )
    made = Story(
        job=job,
        events=events,
        revision=Revision(method, 3, "bob", False, True, NOW),
        request=request,
        secrets=("key",),
        manifest=Manifest(files, (entry("stdout"),), (), {"result": ("out.csv",)}),
        person="Ann",
        root=ROOT,
    )
    return replace(made, **changes)


def read(content: bytes, form: Form) -> ProvDocument:
    return ProvDocument.deserialize(io.BytesIO(content), format=form.value)


def told(it: Story) -> dict[str, dict[str, list[str]]]:
    """Record by local name -> attribute -> values, as text."""
    found: dict[str, dict[str, list[str]]] = {}
    for record in document(it).get_records():
        if record.identifier is not None:
            facts = found.setdefault(record.identifier.localpart, {})
            for name, value in record.attributes:
                facts.setdefault(str(name), []).append(str(value))
    return found


@pytest.mark.parametrize("form", Form)
def test_every_serialisation_reads_back_as_the_same_document(form: Form) -> None:
    assert read(write(story(), form), form) == document(story())
    assert write(story(), form) == write(story(), form)


def test_what_the_document_says() -> None:
    facts = told(story())
    assert facts["run"]["ccp:status"] == ["successful"]
    assert facts["run"]["ccp:warning"] == ["undeploy ended with 1"]
    assert facts["run"]["prov:startTime"] == ["2027-01-15 08:00:01.125000+00:00"]
    assert facts["attempt-1"]["prov:endTime"] == facts["attempt-2"]["prov:startTime"]
    assert facts["method"]["prov:type"] == ["prov:Plan"]
    assert facts["method"]["ccp:revision"] == ["3"]
    assert facts["user"]["prov:label"] == ["Ann"]
    assert facts["input-1"]["prov:value"] == ["hello"]
    assert facts["input-2"]["ccp:size"] == ["5"]
    hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    assert facts["input-2"]["ccp:sha256"] == facts["input-1"]["ccp:sha256"] == [hello]
    assert facts["source-2-1"]["prov:location"] == [SOURCE]
    assert set(facts["input-3"]["prov:type"]) == {"ccp:Input", "ccp:Secret"}
    assert "ccp:sha256" not in facts["input-3"]
    assert facts["file-1"]["ccp:path"] == ["out.csv"]
    assert facts["file-1"]["ccp:output"] == ["result"]
    assert facts["file-1"]["ccp:size"] == [str(2**40)]
    place = f"{ROOT}/executions/0b-job/outputs/out.csv"
    assert facts["file-1"]["prov:location"] == [place]
    assert facts["outputs"]["ccp:count"] == ["3"]


def test_identifiers_are_addresses_of_this_service() -> None:
    for record in document(story()).get_records():
        if record.identifier is not None:
            assert record.identifier.uri.startswith(f"{ROOT}/jobs/0b-job/prov#")
            assert record.identifier.localpart.replace("-", "").isalnum()


def test_relations() -> None:
    text = write(story(), Form.PROVN).decode()
    for relation in (
        "wasAssociatedWith(job:run, job:user, job:method)",
        "wasAssociatedWith(job:attempt-2, job:runtime, job:method)",
        "actedOnBehalfOf(job:platform, job:user, job:run)",
        "hadMember(job:outputs, job:file-1)",
        "wasDerivedFrom(job:outputs, job:inputs, job:run, -, -)",
        "wasInformedBy(job:attempt-2, job:attempt-1)",
    ):
        assert relation in text, text
    assert "used(job:run, job:input-1, 2027-01-15T08:00:00.125000+00:00)" in text
    assert "wasGeneratedBy(job:file-1, job:run, 2027-01-15T08:00:05.125000+00:00)" in text
    assert "prov:type='prov:PrimarySource'" in text


def test_failures_and_dismissals_are_told() -> None:
    failed = replace(story().job, status=Status.FAILED, failure=FAILURE)
    facts = told(story(job=failed))["run"]
    assert facts["ccp:blame"] == ["method"]
    assert facts["ccp:exitCode"] == ["7"]
    left = replace(
        story().job, status=Status.DISMISSED, stop_requested=NOW + 2, stop_requested_by="ann-id"
    )
    text = write(story(job=left), Form.PROVN).decode()
    assert "wasEndedBy(job:run, -, -, 2027-01-15T08:00:02.125000+00:00" in text


def test_a_job_that_has_only_begun() -> None:
    job = replace(
        story().job, status=Status.ACCEPTED, phase=Phase.QUEUED, started=None, finished=None
    )
    begun = story(job=job, manifest=None, events=story().events[:1])
    for form in Form:
        assert read(write(begun, form), form) == document(begun)
    assert "outputs" not in told(begun)


def test_xml_is_in_its_namespace() -> None:
    tree = etree.fromstring(write(story(), Form.XML))
    assert tree.tag == "{http://www.w3.org/ns/prov#}document"
    assert {etree.QName(e).namespace for e in tree} == {"http://www.w3.org/ns/prov#"}
    for name in tree.xpath("//@prov:id", namespaces={"prov": "http://www.w3.org/ns/prov#"}):
        prefix, _, local = str(name).partition(":")
        assert prefix == "job"
        assert etree.QName(local).localname == local


def test_json_is_prov_json() -> None:
    content = json.loads(write(story(), Form.JSON))
    assert content["prefix"]["job"] == f"{ROOT}/jobs/0b-job/prov#"
    assert {"activity", "entity", "agent", "used", "wasGeneratedBy", "wasAssociatedWith"} <= set(
        content
    )


def test_thousands_of_files_are_counted_and_not_all_told() -> None:
    files = tuple(entry(f"f{number}") for number in range(3 * MOST_ENTITIES))
    many = story(manifest=Manifest(files, (), (), {"result": ("f2999",)}))
    records = document(many).get_records(ProvEntity)
    assert len(list(records)) < MOST_ENTITIES + 20
    facts = told(many)
    assert facts["outputs"]["ccp:count"] == [str(len(files))]
    assert facts["file-1"]["ccp:path"] == ["f2999"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    name=HOSTILE,
    path=HOSTILE,
    value=HOSTILE,
    words=HOSTILE,
    root=st.from_regex(HOST, fullmatch=True),
)
def test_hostile_names_are_told_in_every_language(
    name: str, path: str, value: str, words: str, root: str
) -> None:
    it = story(
        request=ExecuteRequest(
            inputs={name: value, "list": [value], "more": {value: value}},
            secrets={},
            image=words,
            references={f"/inputs/{name}": Origin(f"http://{value}/", "00", 1, words)},
        ),
        job=replace(
            story().job,
            status=Status.FAILED,
            failure=replace(FAILURE, detail=words),
            note=words,
            infrastructure=name,
            stop_requested_by=words,
        ),
        secrets=(name,),
        manifest=Manifest((entry(path, media_type=words),), (entry(name),), (), {name: (path,)}),
        person=words,
        root=f"http://{root}",
    )
    whole = document(it)
    for form in Form:
        assert read(write(it, form), form) == whole, form
    (file,) = whole.get_record("job:file-1")
    location = str(next(iter(file.get_attribute("prov:location"))))
    assert location.endswith(quote(path.encode("utf-8", "replace")))
