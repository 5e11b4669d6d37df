"""What a change of a job means for those who asked to be told of it."""

import asyncio
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from openccp.app.catalogue import Catalogue
from openccp.core.callback import addresses, news_of, results_by_link
from openccp.core.deliveries import Delivery, News
from openccp.core.job import Job
from openccp.core.ports import FileStore, Manifest
from openccp.core.results import wanted
from openccp.core.stores import JobStore
from openccp.core.validate import from_stored

Document = Callable[[Job, str], Mapping[str, Any]]
"""A document on a job, given the platform's address."""
EMPTY = Manifest((), (), (), {})


@dataclass(frozen=True, slots=True)
class Outbox:
    """Writes the messages that `JobStore.save` keeps together with a change."""

    jobs: JobStore
    catalogue: Catalogue
    files: FileStore
    address: str
    progress: Document
    failure: Document

    async def about(self, before: Job, after: Job, now: float) -> list[Delivery]:
        """The messages on a change, none for a job without subscribers."""
        news = news_of(before, after) if after.subscriber else None
        urls = addresses(after, news) if news else ()
        if not urls or news is None:
            return []
        body = orjson.dumps(await self._document(after, news)).decode()
        return [
            Delivery(f"msg_{uuid.uuid4().hex}", after.id, after.owner, news, url, body, now, now)
            for url in urls
        ]

    async def _document(self, job: Job, news: News) -> Mapping[str, Any]:
        if news is News.SUCCESS:
            return await self._results(job)
        return (self.progress if news is News.PROGRESS else self.failure)(job, self.address)

    async def _results(self, job: Job) -> Mapping[str, Any]:
        revision = await self.catalogue.revision(job.method, job.revision)
        assert revision is not None
        request = from_stored(await self.jobs.request(job.id), {})
        manifest = await asyncio.to_thread(self.files.manifest, job.id) or EMPTY
        outputs = wanted(revision.method.outputs, request.outputs)
        return results_by_link(manifest, outputs, f"{self.address}/jobs/{job.id}/results")
