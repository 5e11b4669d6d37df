import threading
from pathlib import Path
from stat import S_IMODE

import pytest

from openccp.identity.keys import load_keys, rotate
from openccp.identity.tokens import Signer

NOW = 1_000_000.0
CLAIMS = {"exp": NOW + 60, "sub": "ada", "aud": "default", "typ": "Bearer"}


def test_the_first_start_makes_a_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "keys"
    (made,) = load_keys(folder)
    (file,) = folder.glob("key-*.pem")
    assert S_IMODE(file.stat().st_mode) == 0o600
    assert S_IMODE(folder.stat().st_mode) == 0o700
    (again,) = load_keys(folder)
    assert again.kid == made.kid == made.thumbprint()


def test_two_first_starts_at_once_make_one_key(tmp_path: Path) -> None:
    kids: list[str | None] = []
    threads = [
        threading.Thread(target=lambda: kids.append(load_keys(tmp_path)[0].kid)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(kids)) == 1
    assert len(list(tmp_path.glob("key-*.pem"))) == 1


def test_what_a_crash_left_behind_is_no_key(tmp_path: Path) -> None:
    (tmp_path / ".new.pem").write_text("-----BEGIN PRIV")
    assert len(load_keys(tmp_path)) == 1


def test_after_a_rotation_the_newest_signs_and_all_verify(key_folder: Path, tmp_path: Path) -> None:
    first = tmp_path / "key-00000000000000000001.pem"
    first.touch(mode=0o600)
    first.write_bytes(next(key_folder.glob("key-*.pem")).read_bytes())
    before = Signer("http://here", load_keys(tmp_path))
    old = before.sign(CLAIMS)
    newest = rotate(tmp_path)
    after = Signer("http://here", load_keys(tmp_path))
    assert after.verify(old, NOW)["sub"] == "ada"
    assert after.verify(after.sign(CLAIMS), NOW)["sub"] == "ada"
    assert after.jwks()["keys"][0]["kid"] == newest.kid
    assert len(after.jwks()["keys"]) == 2


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    load_keys(tmp_path)
    next(tmp_path.glob("key-*.pem")).chmod(0o644)
    with pytest.raises(PermissionError, match="can be read by others"):
        load_keys(tmp_path)


def test_nothing_private_is_published(signer: Signer) -> None:
    (key,) = signer.jwks()["keys"]
    assert set(key) == {"kty", "n", "e", "kid", "use", "alg"}
