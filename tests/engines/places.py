"""Folders that the account of a cluster's jobs can reach, as one shared by its nodes would be."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def shared_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="openccp-shared-", dir="/var/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
