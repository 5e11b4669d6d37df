"""A job's story as a W3C PROV document: one activity, what it used, left, and who took part."""

import base64
import io
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from itertools import chain
from typing import Any
from urllib.parse import quote

from prov.constants import PROV_LABEL, PROV_LOCATION, PROV_TYPE, PROV_VALUE
from prov.identifier import Identifier, Namespace
from prov.model import PROV, ProvActivity, ProvDocument, ProvEntity

from openccp.core.job import Status
from openccp.core.method import Kind
from openccp.core.ports import FileEntry
from openccp.core.provenance import Form, Story
from openccp.core.request import Origin, script_text
from openccp.core.schema import token

CCP = Namespace("ccp", "urn:openccp:provenance#")
IMAGE = ("image", "imageId", "imageDigest")
MOST_ENTITIES = 1_000
"""So many files, and so many sources, are described one by one; the record lists all."""
LONGEST_VALUE = 256
_ADDRESS = "/:@[]%,;=+&!$*~-._?#'()"
_UNWRITABLE = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
Attributes = list[tuple[Any, Any]]


def write(story: Story, form: Form) -> bytes:
    """The document in one of the serialisations, as UTF-8."""
    content = io.BytesIO()
    document(story).serialize(content, format=form.value)
    return content.getvalue()


def document(story: Story) -> ProvDocument:
    """The document. Identifiers are addresses of this service: parts of the job's provenance."""
    return _Telling(story).document


class _Telling:
    """Builds one document; every name in it is ours, what others chose stands in attributes."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self._job = f"{story.root}/jobs/{story.job.id}"
        self._record = f"{story.root}/executions/{story.job.id}"
        self.document = ProvDocument()
        self._here = self.document.add_namespace("job", f"{self._job}/prov#")
        self.document.add_namespace(CCP)
        self._activity = self._ran()
        self._agents()
        inputs = self._inputs()
        outputs = self._outputs()
        if inputs is not None and outputs is not None:
            self.document.wasDerivedFrom(outputs, inputs, self._activity)

    def _ran(self) -> ProvActivity:
        job, failure = self._story.job, self._story.job.failure
        facts: dict[str, Any] = {"job": job.id, "status": str(job.status), "note": job.note}
        if failure is not None and job.status is Status.FAILED:
            facts |= {"blame": str(failure.blame), "reason": failure.reason}
            facts |= {"detail": failure.detail, "exitCode": failure.exit_code}
        attributes = _named(f"Job {job.id}", "Job") + _facts(facts) + [_located(self._job)]
        attributes += [
            (CCP["warning"], _text(str(event.data.get("detail", ""))))
            for event in self._story.events
            if event.kind == "warning"
        ]
        started, finished = _moment(job.started), _moment(job.finished)
        activity = self.document.activity(self._here["run"], started, finished, attributes)
        if job.stop_requested is not None:
            why = _facts({"reason": "dismissed", "by": job.stop_requested_by})
            at = _moment(job.stop_requested)
            self.document.wasEndedBy(activity, time=at, other_attributes=why)
        return activity

    # --- who took part --------------------------------------------------------------------------

    def _agents(self) -> None:
        job, story = self._story.job, self._story
        root = story.root
        software = [(PROV_TYPE, PROV["SoftwareAgent"])]
        user = self.document.agent(
            self._here["user"],
            [(PROV_TYPE, PROV["Person"]), *_named(story.person), *_facts({"account": job.owner})],
        )
        platform = self.document.agent(
            self._here["platform"],
            [*software, *_named("OpenCCP"), _located(f"{root}/")],
        )
        place = f"{root}/infrastructures/{_address(job.infrastructure, safe='')}"
        infrastructure = self.document.agent(
            self._here["infrastructure"],
            [*software, *_named(job.infrastructure), _located(place)],
        )
        runtime = self.document.agent(
            self._here["runtime"], [*software, *_named(story.request.image, "Runtime")]
        )
        plan = self._plan()
        for agent in (user, platform):
            self.document.wasAssociatedWith(self._activity, agent, plan)
        for one, other in ((platform, user), (infrastructure, platform), (runtime, infrastructure)):
            self.document.actedOnBehalfOf(one, other, self._activity)
        for attempt in self._attempts():
            for agent in (infrastructure, runtime):
                self.document.wasAssociatedWith(attempt, agent, plan)

    def _plan(self) -> ProvEntity:
        method, number = self._story.revision.method, self._story.revision.number
        facts = {"process": method.id, "version": method.version, "revision": number}
        return self.document.entity(
            self._here["method"],
            [
                (PROV_TYPE, PROV["Plan"]),
                *_named(method.title),
                *_facts(facts),
                _located(f"{self._record}/metadata/method.json"),
            ],
        )

    def _attempts(self) -> list[ProvActivity]:
        """Each try of the job on its infrastructure, as its events tell."""
        job, found = self._story.job, list[ProvActivity]()
        starts = [
            (event.data.get("attempt"), event.at)
            for event in self._story.events
            if event.data.get("phase") == "starting"
        ]
        ends = [*(at for _, at in starts[1:]), job.finished]
        for (number, at), end in zip(starts, ends, strict=False):
            attempt = self.document.activity(
                self._here[f"attempt-{len(found) + 1}"],
                _moment(at),
                _moment(end),
                _named(f"Attempt {number}", "Attempt")
                + _facts({"replicas": self._replicas, **self._runtime(number)}),
            )
            self.document.wasInformedBy(attempt, found[-1] if found else self._activity)
            found.append(attempt)
        return found

    def _runtime(self, number: Any) -> Mapping[str, str]:
        """What the image's name stood for in an attempt."""
        for event in self._story.events:
            if event.kind == "runtime" and event.data.get("attempt") == number:
                return {name: event.data[name] for name in IMAGE if event.data.get(name)}
        return {}

    @property
    def _replicas(self) -> int:
        return self._story.request.replicas

    # --- what was used --------------------------------------------------------------------------

    def _inputs(self) -> ProvEntity | None:
        values, secrets = self._story.request.inputs, self._story.secrets
        if not values and not secrets:
            return None
        whole = self._collection("inputs", "Inputs", len(values) + len(secrets), "inputs")
        used = _moment(self._story.job.created)
        given = chain(
            ((name, self._value(name, value)) for name, value in values.items()),
            ((name, [(PROV_TYPE, CCP["Secret"])]) for name in secrets),
        )
        for number, (name, attributes) in enumerate(given, 1):
            about = _named(name, "Input") + _facts({"input": name}) + attributes
            entity = self.document.entity(self._here[f"input-{number}"], about)
            self.document.hadMember(whole, entity)
            self.document.used(self._activity, entity, used)
            self._sources(number, name, entity)
        return whole

    def _value(self, name: str, value: Any) -> Attributes:
        """Size and digest of what the method gets; the value itself where it is short."""
        declared = self._story.revision.method.inputs.get(name)
        text = script_text(value)
        if declared is not None and declared.kind is Kind.FILE and isinstance(value, str):
            content = base64.b64decode(value)
        else:
            content = text.encode("utf-8", "surrogatepass")
            if 0 < len(content) <= LONGEST_VALUE:
                return [(PROV_VALUE, _text(text)), *_content(content)]
        return _content(content)

    def _sources(self, number: int, name: str, entity: ProvEntity) -> None:
        """Where an input that was given by reference came from."""
        place = f"/inputs{token(name)}"
        origins = [
            origin
            for pointer, origin in self._story.request.references.items()
            if pointer == place or pointer.startswith(f"{place}/")
        ]
        for part, origin in enumerate(origins[:MOST_ENTITIES], 1):
            source = self.document.entity(
                self._here[f"source-{number}-{part}"], _origin_facts(origin)
            )
            self.document.hadPrimarySource(entity, source, self._activity)

    # --- what came of it ------------------------------------------------------------------------

    def _outputs(self) -> ProvEntity | None:
        manifest = self._story.manifest
        if manifest is None:
            return None
        count = len(manifest.files) + len(manifest.logs)
        whole = self._collection("outputs", "Outputs", count, "")
        finished = _moment(self._story.job.finished)
        self.document.wasGeneratedBy(whole, self._activity, finished)
        outputs = _outputs_of(manifest.outputs)
        told = chain(
            ((entry, "outputs", "File") for entry in _declared_first(manifest.files, outputs)),
            ((entry, "logs", "Log") for entry in manifest.logs),
        )
        for number, (entry, folder, kind) in zip(range(1, MOST_ENTITIES + 1), told, strict=False):
            names = outputs.get(entry.path, ()) if folder == "outputs" else ()
            about = _named(entry.path, kind) + _file_facts(entry)
            about += [(CCP["output"], _text(name)) for name in names]
            about.append(_located(f"{self._record}/{folder}/{_address(entry.path, safe='/')}"))
            entity = self.document.entity(self._here[f"file-{number}"], about)
            self.document.wasGeneratedBy(entity, self._activity, finished)
            self.document.hadMember(whole, entity)
        return whole

    def _collection(self, name: str, label: str, count: int, place: str) -> ProvEntity:
        where = f"{self._job}/{place}" if place else self._record
        about = [*_named(label), *_facts({"count": count}), _located(where)]
        return self.document.entity(self._here[name], [(PROV_TYPE, PROV["Collection"]), *about])


def _named(label: str, kind: str | None = None) -> Attributes:
    types = [(PROV_TYPE, CCP[kind])] if kind else []
    return [*types, (PROV_LABEL, _text(label))] if label else types


def _facts(facts: Mapping[str, Any]) -> Attributes:
    """Attributes of ours; what is not known is left out."""
    return [
        (CCP[name], _text(value) if isinstance(value, str) else value)
        for name, value in facts.items()
        if value is not None and value != ""
    ]


def _content(content: bytes) -> Attributes:
    return _facts({"size": len(content), "sha256": sha256(content).hexdigest()})


def _file_facts(entry: FileEntry) -> Attributes:
    return _facts(
        {
            "path": entry.path,
            "size": entry.size,
            "sha256": entry.sha256,
            "mediaType": entry.media_type,
        }
    )


def _origin_facts(origin: Origin) -> Attributes:
    digest = {"size": origin.size, "sha256": origin.sha256, "mediaType": origin.media_type}
    return [*_named(origin.href, "Source"), *_facts(digest), _located(_address(origin.href))]


def _outputs_of(outputs: Mapping[str, Iterable[str]]) -> Mapping[str, list[str]]:
    """Path -> the outputs that name it."""
    found: dict[str, list[str]] = {}
    for name, paths in outputs.items():
        for path in paths:
            found.setdefault(path, []).append(name)
    return found


def _declared_first(
    files: Iterable[FileEntry], outputs: Mapping[str, list[str]]
) -> Iterable[FileEntry]:
    return sorted(files, key=lambda entry: entry.path not in outputs)


def _located(address: str) -> tuple[Any, Any]:
    return (PROV_LOCATION, Identifier(address))


def _address(text: str, safe: str = _ADDRESS) -> str:
    """An address, or a part of one, with everything escaped that cannot stand in it."""
    return quote(text.encode("utf-8", "replace"), safe=safe)


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _text(text: str) -> str:
    """Text that every serialisation can write; names of files are exact in their addresses."""
    return _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)
