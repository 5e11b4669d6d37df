import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from openccp.store.cipher import CannotDecrypt, Cipher, UnusableKey, open_cipher

CIPHER = Cipher(b"k" * 32)


@pytest.mark.parametrize("secret", ["", "x", "é\0\n", "s" * 100_000])
def test_what_was_sealed_opens(secret: str) -> None:
    assert CIPHER.open("job", "name", CIPHER.seal("job", "name", secret)) == secret


def test_the_same_secret_never_looks_the_same() -> None:
    assert CIPHER.seal("job", "name", "x") != CIPHER.seal("job", "name", "x")


@pytest.mark.parametrize(("job", "name"), [("other", "name"), ("job", "other"), ("jobn", "ame")])
def test_a_secret_opens_only_in_its_place(job: str, name: str) -> None:
    with pytest.raises(CannotDecrypt):
        CIPHER.open(job, name, CIPHER.seal("job", "name", "x"))


def test_another_key_does_not_open() -> None:
    with pytest.raises(CannotDecrypt):
        Cipher(b"o" * 32).open("job", "name", CIPHER.seal("job", "name", "x"))


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01short", b"\x02" + b"x" * 40, b"x" * 40])
def test_damaged_rows_do_not_open(sealed: bytes) -> None:
    with pytest.raises(CannotDecrypt):
        CIPHER.open("job", "name", sealed)


def test_a_key_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with ThreadPoolExecutor(8) as threads:
        ciphers = list(threads.map(open_cipher, [path] * 8))
    sealed = ciphers[0].seal("job", "name", "x")
    assert {cipher.open("job", "name", sealed) for cipher in ciphers} == {"x"}
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["key"]


def test_a_key_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    open_cipher(path)
    path.chmod(0o640)
    with pytest.raises(UnusableKey):
        open_cipher(path)


@pytest.mark.parametrize("content", [b"", b"x" * 31, b"x" * 33])
def test_a_key_of_another_size_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(UnusableKey):
        open_cipher(path)


def test_a_link_is_not_a_key(tmp_path: Path) -> None:
    open_cipher(tmp_path / "key")
    (tmp_path / "link").symlink_to(tmp_path / "key")
    with pytest.raises(OSError, match="symbolic"):
        open_cipher(tmp_path / "link")
