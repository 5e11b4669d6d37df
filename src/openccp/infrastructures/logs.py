"""Reading a task's logs from where a reader left off."""

import contextlib
import os
from collections.abc import Iterator, Mapping

from openccp.core.ports import LogChunk
from openccp.infrastructures.folders import StageFolder

CHUNK = 64 << 10


def read_logs(folder: StageFolder, replicas: int, after: Mapping[str, int]) -> Iterator[LogChunk]:
    """Every stream of every replica, each from its offset in `after` to its end of now."""
    for index in range(replicas):
        replica = folder.replica(index)
        for stream, path in (("stdout", replica.stdout), ("stderr", replica.stderr)):
            for offset, content in _pieces(path, after.get(f"{stream}.{index}", 0)):
                yield LogChunk(stream, index, offset, content)


def _pieces(path: str, offset: int) -> Iterator[tuple[int, bytes]]:
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as log:
        end = os.fstat(log.fileno()).st_size
        log.seek(offset)
        while offset < end and (content := log.read(min(CHUNK, end - offset))):
            yield offset, content
            offset += len(content)
