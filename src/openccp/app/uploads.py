"""Bring files: take room for one, add to it piece by piece, look at it, remove it."""

import asyncio
import hashlib
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass

from openccp.app.services import Services
from openccp.core.access import Who
from openccp.core.problems import BodyTooLarge, Problem
from openccp.core.uploads import Asked, ChecksumMismatch, Upload, UploadMoved, UploadStore

BLOCK = 1 << 20
"""What is kept at a time: as much is lost at most where a connection is cut."""


@dataclass(frozen=True, slots=True)
class Checksum:
    """What a piece is said to be: the name of a hash, and its value."""

    algorithm: str
    digest: bytes


async def begin(services: Services, who: Who, asked: Asked) -> Upload:
    """Take the room for a file before its first byte comes."""
    there = services.rules.uploads
    if asked.length > there.largest:
        raise BodyTooLarge(f"An upload may have {there.largest} bytes.")
    return await asyncio.to_thread(services.uploads.create, who.id, asked, there)


async def mine(services: Services, who: Who) -> list[Upload]:
    """The caller's uploads, the oldest first."""
    return await asyncio.to_thread(services.uploads.of, who.id)


async def look(services: Services, who: Who, upload_id: str) -> Upload:
    """One of the caller's as it is."""
    return await asyncio.to_thread(services.uploads.get, who.id, upload_id)


async def remove(services: Services, who: Who, upload_id: str) -> None:
    """Delete one of the caller's."""
    await asyncio.to_thread(services.uploads.remove, who.id, upload_id)


async def add(
    services: Services,
    who: Who,
    upload_id: str,
    offset: int,
    content: AsyncIterable[bytes],
    checksum: Checksum | None = None,
) -> Upload:
    """Keep what comes, from `offset` on. A piece that is not what it should be is taken back.

    ConnectionError of `content` goes on to the caller, after what came before it was kept; of a
    piece with a checksum nothing is, as it cannot be checked.
    """
    store = services.uploads
    known = await asyncio.to_thread(store.get, who.id, upload_id)
    if known.offset != offset:
        raise UploadMoved(
            f"The upload is at offset {known.offset}: go on from there.",
            headers={"Upload-Offset": str(known.offset)},
        )
    if checksum is None:
        await _keep(store, who.id, known, content)
    else:
        await _keep_checked(store, who.id, known, content, checksum)
    return await asyncio.to_thread(store.get, who.id, upload_id)


async def _keep(
    store: UploadStore, owner: str, known: Upload, content: AsyncIterable[bytes]
) -> None:
    at = known.offset
    async for block in _blocks(content):
        at = await asyncio.to_thread(store.append, owner, known.id, at, block)


async def _keep_checked(
    store: UploadStore,
    owner: str,
    known: Upload,
    content: AsyncIterable[bytes],
    checksum: Checksum,
) -> None:
    """The last block is kept when all was checked: nothing unchecked ends an upload."""
    at, held, digest = known.offset, b"", hashlib.new(checksum.algorithm)
    try:
        async for block in _blocks(content):
            if at + len(held) + len(block) > known.asked.length:
                raise BodyTooLarge(f"This upload has {known.asked.length} bytes; more came.")
            if held:
                at = await asyncio.to_thread(store.append, owner, known.id, at, held)
            held = block
            await asyncio.to_thread(digest.update, block)
        if digest.digest() != checksum.digest:
            raise ChecksumMismatch
    except (ConnectionError, Problem, asyncio.CancelledError):
        await asyncio.to_thread(store.take_back, owner, known.id, known.offset, at)
        raise
    if held:
        await asyncio.to_thread(store.append, owner, known.id, at, held)


async def _blocks(content: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    gathered = bytearray()
    try:
        async for part in content:
            gathered += part
            if len(gathered) >= BLOCK:
                yield bytes(gathered)
                gathered.clear()
    except ConnectionError:
        yield bytes(gathered)
        raise
    if gathered:
        yield bytes(gathered)
