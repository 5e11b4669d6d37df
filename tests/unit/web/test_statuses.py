"""A kept status document is never an old one."""

from dataclasses import replace

import orjson

from openccp.core.job import Job, Status
from openccp.web import statuses
from openccp.web.documents import status_info
from openccp.web.statuses import Statuses

JOB = Job("j", "echo", 1, "ann", "default", "local", 1.0, 1.0)


def test_each_version_and_address_has_a_document_of_its_own() -> None:
    kept = Statuses()
    running = replace(JOB, status=Status.RUNNING, version=1)
    for job in (JOB, running, JOB, running):
        for root in ("http://a", "http://b"):
            assert kept.document(job, root) == orjson.dumps(status_info(job, root))


def test_few_are_kept() -> None:
    kept = Statuses()
    for number in range(statuses.KEPT + 10):
        kept.document(replace(JOB, id=f"{number}"), "http://a")
    kept.document(replace(JOB, message="x" * statuses.LARGEST), "http://a")
    assert len(kept._kept) == statuses.KEPT
