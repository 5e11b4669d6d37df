"""Rendered status documents. A job's document follows from its version, so none is ever stale."""

from collections import OrderedDict

import orjson

from openccp.core.job import Job
from openccp.web.documents import status_info

KEPT = 2_000
LARGEST = 8_000


class Statuses:
    """The documents of the jobs that were looked at last, by version and address of the service.

    The job itself is read anew each time: only the writing is saved.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], tuple[int, bytes]] = OrderedDict()

    def document(self, job: Job, root: str) -> bytes:
        """statusInfo.yaml with its links."""
        key = (job.id, root)
        kept = self._kept.get(key)
        if kept is not None and kept[0] == job.version:
            return kept[1]
        rendered = orjson.dumps(status_info(job, root))
        if len(rendered) <= LARGEST:
            self._kept[key] = (job.version, rendered)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return rendered
