from pathlib import Path

import pytest

from openccp.identity.keys import load_keys
from openccp.identity.tokens import Signer

ISSUER = "http://127.0.0.1:8080"


@pytest.fixture(scope="session")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("identity") / "keys"
    load_keys(folder)
    return folder


@pytest.fixture
def signer(key_folder: Path) -> Signer:
    return Signer(ISSUER, load_keys(key_folder))
