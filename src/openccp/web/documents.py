"""The JSON documents of the standard, with their links (ogc-processes: 3).

Status documents carry the union of what versions 1.0 and 2.0 require (1.4).
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import orjson

from openccp.core.describe import describe, summarise
from openccp.core.job import Job, Phase, Status
from openccp.core.method import Revision
from openccp.web.dialects import identity

REL = "http://www.opengis.net/def/rel/ogc/1.0/"
PROVENANCE = "http://www.w3.org/ns/prov#has_provenance"
KEPT_BYTES = 16 << 20
Link = dict[str, str]


def link(href: str, rel: str, title: str, media_type: str = "application/json") -> Link:
    """One link."""
    return {"href": href, "rel": rel, "type": media_type, "title": title}


def as_page(href: str) -> Link:
    """The link to the other representation of the resource at `href`."""
    mark = "&" if "?" in href else "?"
    return link(f"{href}{mark}f=html", "alternate", "The same as a page", "text/html")


def moment(seconds: float) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def status_info(job: Job, root: str) -> dict[str, Any]:
    """statusInfo.yaml of 1.0 and 2.0 in one, with CCP's jobID."""
    here = f"{root}/jobs/{job.id}"
    document: dict[str, Any] = {
        **identity(job),
        "status": str(job.status),
        "process": f"{root}/processes/{job.method}",
        "message": job.message,
        "phase": str(job.phase),
        "created": moment(job.created),
        "updated": moment(job.updated),
        "x-ccp-infrastructure": job.infrastructure,
    }
    for name, seconds in (("started", job.started), ("finished", job.finished)):
        if seconds is not None:
            document[name] = moment(seconds)
    if job.progress is not None:
        document["progress"] = job.progress
    if job.note is not None:
        document["note"] = job.note
    if job.tags:
        document["tags"] = job.tags
    if job.failure is not None and job.status is Status.FAILED:
        document["exception"] = failure_document(job)
    document["links"] = _job_links(job, root, here)
    return document


def failure_document(job: Job) -> dict[str, Any]:
    """Why a job failed, as a problem document."""
    failure = job.failure
    assert failure is not None
    document: dict[str, Any] = {
        "type": f"urn:openccp:failure:{failure.blame}:{failure.reason}",
        "title": f"The job failed ({failure.blame})",
        "detail": failure.detail,
        "blame": str(failure.blame),
        "reason": failure.reason,
    }
    if failure.exit_code is not None:
        document["exitCode"] = failure.exit_code
    return document


def _job_links(job: Job, root: str, here: str) -> list[Link]:
    links = [
        link(here, "self", "This job"),
        link(here, "monitor", "The status of this job"),
        link(f"{root}/processes/{job.method}", "process", "The process of this job"),
        link(f"{here}/logs", f"{REL}log", "What the job wrote", "text/plain"),
        as_page(here),
        link(f"{root}/executions/{job.id}", "related", "The record of this execution"),
        link(f"{here}/definition", "describedby", "What was sent to make this job"),
        link(f"{here}/code", "related", "Programs that do the same again"),
    ]
    if job.status is not Status.CREATED:
        links.append(link(f"{here}/prov", PROVENANCE, "How its results came to be"))
    if job.status is Status.SUCCESSFUL:
        links.append(link(f"{here}/results", f"{REL}results", "The results"))
    if job.status is Status.FAILED:
        links.append(link(f"{here}/results", f"{REL}exceptions", "Why the job failed"))
    if job.phase in (Phase.UNDEPLOYING, Phase.DONE) and job.status is not Status.DISMISSED:
        archive = f"{root}/executions/{job.id}/outputs/output.zip"
        links.append(link(archive, "enclosure", "All files", "application/zip"))
    return links


class Processes:
    """Rendered process documents, one of a kind for each revision and address of the service."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str, int, float, str], bytes] = OrderedDict()
        self._bytes = 0

    def description(self, revision: Revision, root: str, places: tuple[str, ...]) -> bytes:
        """The process description with its links, and the `places` where it can run now."""
        described = self._rendered("description", revision, root, _description)
        return described[:-1] + b',"x-ccp-infrastructures":' + orjson.dumps(places) + b"}"

    def summary(self, revision: Revision, root: str) -> bytes:
        """The process summary with its links."""
        return self._rendered("summary", revision, root, _summary)

    def list(self, page: Sequence[Revision], links: Sequence[Link], root: str) -> bytes:
        """processList.yaml, put together from rendered summaries."""
        summaries = b",".join(self.summary(revision, root) for revision in page)
        return b'{"processes":[' + summaries + b'],"links":' + orjson.dumps(links) + b"}"

    def _rendered(
        self, kind: str, revision: Revision, root: str, build: Callable[[Revision, str], Any]
    ) -> bytes:
        key = (kind, revision.method.id, revision.number, revision.created, root)
        if (kept := self._kept.get(key)) is not None:
            return kept
        rendered = orjson.dumps(build(revision, root))
        self._kept[key] = rendered
        self._bytes += len(rendered) + len(root)
        while self._bytes > KEPT_BYTES and len(self._kept) > 1:
            (*_, oldest), dropped = self._kept.popitem(last=False)
            self._bytes -= len(dropped) + len(oldest)
        return rendered


def _summary(revision: Revision, root: str) -> Mapping[str, Any]:
    here = f"{root}/processes/{quote(revision.method.id)}"
    links = [
        link(here, "self", "The description of this process"),
        as_page(here),
        link(f"{here}/execution", f"{REL}execute", "Where to execute it"),
    ]
    return {**summarise(revision), "links": links}


def _description(revision: Revision, root: str) -> Mapping[str, Any]:
    here = f"{root}/processes/{quote(revision.method.id)}"
    compatible = [
        {**entry}
        for entry in revision.method.document.get("links") or ()
        if isinstance(entry, Mapping) and entry.get("rel") == "compatibleWith"
    ]
    links = [
        link(here, "self", "This process"),
        as_page(here),
        link(f"{here}/execution", f"{REL}execute", "Where to execute it"),
        link(f"{here}/package", "describedby", "What was deployed"),
        link(f"{here}/code", "related", "Programs that run it"),
        link(f"{root}/jobs?processID={quote(revision.method.id)}", f"{REL}job-list", "Its jobs"),
        *compatible,
    ]
    return {**describe(revision), "links": links}
