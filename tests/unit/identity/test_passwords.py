import asyncio
from statistics import median
from time import perf_counter

import pytest

from openccp.identity.passwords import Argon2Hasher


@pytest.fixture
def hasher() -> Argon2Hasher:
    return Argon2Hasher(memory_kib=1024, passes=1)


async def test_a_password_fits_its_own_hash_only(hasher: Argon2Hasher) -> None:
    kept = await hasher.hash("correct horse")
    assert kept.startswith("$argon2id$v=19$m=1024,t=1,p=1$")
    assert await hasher.verify(kept, "correct horse")
    assert not await hasher.verify(kept, "correct horsf")
    assert await hasher.hash("correct horse") != kept


@pytest.mark.parametrize("kept", ["x", "$argon2id$", "$2b$12$abc"])
async def test_a_broken_hash_fits_nothing(hasher: Argon2Hasher, kept: str) -> None:
    assert not await hasher.verify(kept, "anything")


async def test_nobody_has_no_password(hasher: Argon2Hasher) -> None:
    assert not await hasher.verify(None, "")


async def test_nobody_takes_as_long_as_somebody() -> None:
    hasher = Argon2Hasher(memory_kib=16 * 1024, passes=2)
    kept = await hasher.hash("correct horse")
    somebody, nobody = [], []
    for _ in range(7):
        somebody.append(await _seconds(hasher, kept))
        nobody.append(await _seconds(hasher, None))
    assert 0.4 < median(nobody) / median(somebody) < 2.5


async def _seconds(hasher: Argon2Hasher, kept: str | None) -> float:
    begin = perf_counter()
    await hasher.verify(kept, "wrong")
    return perf_counter() - begin


async def test_a_hundred_at_once_all_get_their_answer(hasher: Argon2Hasher) -> None:
    kept = await hasher.hash("correct horse")
    fits = await asyncio.gather(*(hasher.verify(kept, "correct horse") for _ in range(100)))
    assert all(fits)
