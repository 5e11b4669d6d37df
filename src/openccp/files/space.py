"""How much of the disk the data folder uses: the core's Space."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

PARTS = ("jobs", "uploads")


class FolderSpace:
    """Space of a data folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def used(self) -> Mapping[str, int]:
        """Bytes by part; see Space."""
        sizes = {part: sum(_sizes(self._root / part)) for part in PARTS}
        return sizes | {"free": shutil.disk_usage(self._root).free}


def _sizes(folder: Path) -> Iterator[int]:
    """Of every file below: no link is followed, and what vanishes meanwhile counts nothing."""
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                yield os.lstat(os.path.join(place, name)).st_size
