"""The token for slurmrestd: read from a file that somebody renews, or made by `scontrol token`."""

import asyncio
import base64
import binascii
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import orjson

from openccp.infrastructures.slurm.controller import ControllerGone

LIFE = 1800
"""Seconds that a token of our own making lives."""
EARLY = 120
"""A token that ends sooner is renewed."""


class Token:
    """Keeps a token and gets another before it ends."""

    def __init__(self, get: Callable[[], Coroutine[Any, Any, str]]) -> None:
        self._get = get
        self._text = ""
        self._ends = 0.0
        self._renewing = asyncio.Lock()

    async def text(self) -> str:
        """One that is good for a while. ControllerGone if none can be had."""
        async with self._renewing:
            if time.time() > self._ends - EARLY:
                self._text = await self._get()
                self._ends = expiry(self._text)
        return self._text

    def doubt(self) -> None:
        """It was of no use: get another next time."""
        self._ends = 0.0


def expiry(token: str) -> float:
    """When a JWT ends, as it says itself (epoch seconds); now, if it does not."""
    try:
        payload = token.split(".")[1]
        claims = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return float(claims["exp"])
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        return time.time()


def from_file(path: Path) -> Callable[[], Coroutine[Any, Any, str]]:
    """Whatever stands in a file; `SLURM_JWT=...` as scontrol writes it, or the bare token."""

    async def read() -> str:
        try:
            return bare(path.read_text())
        except OSError as error:
            raise ControllerGone(f"The token file cannot be read: {error.strerror}") from error

    return read


def bare(text: str) -> str:
    """The token alone."""
    return text.strip().removeprefix("SLURM_JWT=")
