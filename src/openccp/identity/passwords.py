"""Passwords by argon2id, in two threads: a class that logs in at once takes turns."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MEMORY_KIB = 34 * 1024
"""Above 32 MiB, where glibc always maps and unmaps: 19 MiB stayed in the process for ever."""
PASSES = 2
THREADS = 2
NOBODYS = f"$argon2id$v=19$m={{}},t={{}},p=1${'A' * 22}${'A' * 43}"
"""Costs what a real hash costs, from the first time on, and no password is known for it."""

Result = TypeVar("Result")


class Argon2Hasher:
    """Argon2id (a core.identity.PasswordHasher). The defaults exceed OWASP's minimum."""

    def __init__(self, memory_kib: int = MEMORY_KIB, passes: int = PASSES) -> None:
        self._argon2 = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="passwords")
        self._nobodys = NOBODYS.format(memory_kib, passes)

    async def hash(self, password: str) -> str:
        """A salted hash to keep."""
        return await self._in_thread(self._argon2.hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether they fit. None costs the same time and is False."""
        fits = await self._in_thread(self._fits, password_hash or self._nobodys, password)
        return fits and password_hash is not None

    async def _in_thread(self, work: Callable[..., Result], *arguments: str) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    def _fits(self, password_hash: str, password: str) -> bool:
        try:
            return self._argon2.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
