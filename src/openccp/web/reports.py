"""The report on a job as a document, for pages and for programs."""

from typing import Any

from openccp.app.report import Given, Report
from openccp.web.documents import link, moment


def report_document(it: Report, root: str) -> dict[str, Any]:
    """How a job went, why it failed, where it waits, and with what it ran."""
    here = f"{root}/jobs/{it.job.id}"
    document: dict[str, Any] = {
        "jobID": it.job.id,
        "status": str(it.job.status),
        "timeline": [
            {
                "phase": str(step.phase),
                "attempt": step.attempt,
                "began": moment(step.began),
                **({} if step.ended is None else {"ended": moment(step.ended)}),
                "seconds": round(step.seconds(it.now), 3),
            }
            for step in it.steps
        ],
        "ran": _ran(it),
        "inputs": [_given(one) for one in it.inputs],
        "links": [link(f"{here}/report", "self", "This report"), link(here, "up", "The job")],
    }
    if it.place is not None:
        document["queue"] = {"place": it.place.number, "own": it.place.own, "all": it.place.all}
    if it.explanation is not None:
        document["explanation"] = {
            "title": it.explanation.title,
            "means": it.explanation.means,
            "advice": it.explanation.advice,
            "lastLines": it.lines,
        }
    return document


def _ran(it: Report) -> dict[str, Any]:
    runtime = {name: value for name, value in it.runtime.items() if name != "attempt"}
    return {
        "process": it.job.method,
        "version": it.revision.method.version,
        "revision": it.job.revision,
        "methodSha256": it.method_digest,
        "infrastructure": it.job.infrastructure,
        "image": it.request.image,
        **runtime,
        "replicas": it.request.replicas,
        "context": it.job.context,
        "attempt": it.job.attempt,
    }


def _given(one: Given) -> dict[str, Any]:
    told: dict[str, Any] = {"name": one.name, "size": one.size, "sha256": one.sha256}
    if one.value is not None:
        told["value"] = one.value
    if one.source is not None:
        told["source"] = one.source
    return told
