"""Several who ask for the same start at the same time get one."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from openccp.core.job import TaskKey
from openccp.core.ports import Handle


class Once:
    """Starts under way, by task; one who stops waiting stops nothing."""

    def __init__(self) -> None:
        self._starting: dict[TaskKey, asyncio.Future[Handle]] = {}

    async def start(self, key: TaskKey, begin: Callable[[], Coroutine[Any, Any, Handle]]) -> Handle:
        """What `begin` gives, called by the first who asks."""
        starting = self._starting.get(key)
        if starting is None:
            starting = asyncio.ensure_future(begin())
            self._starting[key] = starting
            starting.add_done_callback(lambda _: self._starting.pop(key, None))
        return await asyncio.shield(starting)
