"""News of jobs within this process: who waits for a job is woken when it is saved."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Changes:
    """Publishes that a job changed; carries no content, readers look in the store."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self.closed = False
        """The platform stops: whoever follows a job ends, and whoever comes does not begin."""

    def publish(self, job_id: str) -> None:
        """Wake everybody who follows the job."""
        for event in self._waiting.get(job_id, ()):
            event.set()

    def close(self) -> None:
        """Wake everybody who follows any job: the platform stops."""
        self.closed = True
        for events in self._waiting.values():
            for event in events:
                event.set()

    @contextmanager
    def follow(self, job_id: str) -> Iterator[asyncio.Event]:
        """An event that is set at each change; clear it before looking at the job."""
        event = asyncio.Event()
        self._waiting[job_id].add(event)
        try:
            yield event
        finally:
            self._waiting[job_id].discard(event)
            if not self._waiting[job_id]:
                del self._waiting[job_id]


async def pause(event: asyncio.Event, seconds: float) -> bool:
    """Wait for the event, at most `seconds`; says whether it came."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True
