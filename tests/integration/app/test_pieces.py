"""A piece with a checksum: nothing of it ends an upload before it is checked."""

from collections.abc import AsyncIterator
from hashlib import sha256

import pytest

from openccp.app.services import Services
from openccp.app.uploads import BLOCK, Checksum, add
from openccp.core.access import Who
from openccp.core.problems import BodyTooLarge
from openccp.core.uploads import Asked, ChecksumMismatch, Room, Upload

ADA = Who("ada", "Ada", frozenset({"default"}))
BLOCKS = [b"a" * BLOCK, b"b" * BLOCK]
RIGHT = Checksum("sha256", sha256(b"".join(BLOCKS)).digest())
WRONG = Checksum("sha256", bytes(32))


@pytest.fixture
def begun(services: Services) -> Upload:
    return services.uploads.create(ADA.id, Asked(2 * BLOCK), Room())


async def looked_at(services: Services, begun: Upload, *more: bytes) -> AsyncIterator[bytes]:
    """The blocks; somebody looks at the upload behind each of them."""
    for block in (*BLOCKS, *more):
        yield block
        assert not services.uploads.get(ADA.id, begun.id).complete


async def test_a_wrong_one_is_never_usable(services: Services, begun: Upload) -> None:
    content = looked_at(services, begun)
    with pytest.raises(ChecksumMismatch):
        await add(services, ADA, begun.id, 0, content, WRONG)
    assert services.uploads.get(ADA.id, begun.id).offset == 0
    assert (await add(services, ADA, begun.id, 0, looked_at(services, begun), RIGHT)).complete


async def test_nor_is_the_begin_of_one_that_is_too_long(services: Services, begun: Upload) -> None:
    with pytest.raises(BodyTooLarge):
        await add(services, ADA, begun.id, 0, looked_at(services, begun, b"c"), WRONG)
    assert services.uploads.get(ADA.id, begun.id).offset == 0


@pytest.mark.parametrize(("checksum", "kept"), [(WRONG, 0), (None, BLOCK + 1)])
async def test_of_a_cut_one_only_what_needs_no_check_is_kept(
    services: Services, begun: Upload, checksum: Checksum | None, kept: int
) -> None:
    async def cut() -> AsyncIterator[bytes]:
        yield BLOCKS[0]
        yield b"b"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await add(services, ADA, begun.id, 0, cut(), checksum)
    assert services.uploads.get(ADA.id, begun.id).offset == kept
