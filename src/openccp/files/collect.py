"""Collecting what a job left: copied, described, and committed by its manifest.

The manifest is the commit: it appears by a rename after everything it names is on the disk. A
collection that died before it left files that nobody shows, and the next one begins by removing
them. A lock on the job's folder, which ends with its process, keeps two from working at once.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from openccp.core.method import Output
from openccp.core.ports import FileEntry, Limits, Manifest, Skipped, Workspace
from openccp.core.results import OutputTooLarge
from openccp.files.copy import Destination, write_all
from openccp.files.manifests import Committed, decode, encode
from openccp.files.media import TEXT, guess
from openccp.files.names import escape, unescape
from openccp.files.outputs import match, with_declared_types
from openccp.files.walk import NotRegular, Walk, open_regular

MANIFEST = "manifest.json"
OUTPUTS = "outputs"
LOGS = "logs"
_UNFINISHED = "manifest.json.part"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Collector:
    """Collects into `folder`, a job's own, which must exist."""

    folder: Path
    durable: bool = True

    def collect(
        self, workspace: Workspace, outputs: Mapping[str, Output], limits: Limits
    ) -> Committed:
        """Commit what the job left, or give back what was committed before.

        A job that left too much keeps its logs; `too_large` of the result says so.
        """
        with self._locked() as folder:
            committed = read_manifest(self.folder)
            if committed is None:
                self._drop(folder, OUTPUTS, LOGS)
                committed = self._collect(folder, workspace, outputs, limits)
                self._commit(folder, committed)
            return committed

    @contextmanager
    def _locked(self) -> Iterator[int]:
        folder = os.open(self.folder, _FOLDER)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield folder
        finally:
            os.close(folder)

    def _drop(self, folder: int, *names: str) -> None:
        for name in set(os.listdir(folder)) & set(names):
            shutil.rmtree(self.folder / name)

    def _collect(
        self, folder: int, workspace: Workspace, outputs: Mapping[str, Output], limits: Limits
    ) -> Committed:
        try:
            return self._copied(folder, workspace, outputs, limits)
        except OSError:
            # A full disk is not helped by half a copy.
            self._drop(folder, OUTPUTS, LOGS)
            raise

    def _copied(
        self, folder: int, workspace: Workspace, outputs: Mapping[str, Output], limits: Limits
    ) -> Committed:
        destination = Destination(folder, sealed=workspace.sealed, durable=self.durable)
        logs, skipped = _collect_logs(workspace.logs, destination, limits)
        files: list[FileEntry] = []
        too_large = None
        try:
            files, left_out = _collect_files(workspace.files, destination, limits)
            skipped += left_out
        except OutputTooLarge as reason:
            too_large = str(reason)
            skipped.append(Skipped(".", too_large))
            self._drop(folder, OUTPUTS)
        destination.settle()
        found, missing = match(outputs, files, logs)
        typed = with_declared_types(files, outputs, found, self._content)
        return Committed(Manifest(typed, tuple(logs), tuple(skipped), found, missing), too_large)

    def _content(self, entry: FileEntry) -> bytes:
        return (self.folder / OUTPUTS / unescape(entry.path)).read_bytes()

    def _commit(self, folder: int, committed: Committed) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        fd = os.open(_UNFINISHED, flags, 0o640, dir_fd=folder)
        try:
            write_all(fd, encode(committed))
            if self.durable:
                os.fdatasync(fd)
        finally:
            os.close(fd)
        os.rename(_UNFINISHED, MANIFEST, src_dir_fd=folder, dst_dir_fd=folder)
        if self.durable:
            os.fsync(folder)


def read_manifest(folder: Path) -> Committed | None:
    """What was committed in a job's folder, if anything."""
    try:
        return decode((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        return None


def _collect_logs(
    logs: Mapping[str, Path], destination: Destination, limits: Limits
) -> tuple[list[FileEntry], list[Skipped]]:
    entries, skipped = [], []
    # By length first: replica 10 comes after replica 9, as the values of `stdout` are counted.
    for name, path in sorted(logs.items(), key=lambda log: (len(log[0]), log[0])):
        try:
            fd, size = open_regular(path)
        except NotRegular as reason:
            skipped.append(Skipped(f"{LOGS}/{name}", str(reason)))
            continue
        try:
            copied = destination.keep(fd, min(size, limits.log_bytes), f"{LOGS}/{name}")
        finally:
            os.close(fd)
        entries.append(FileEntry(name, copied.size, copied.sha256, copied.crc32, TEXT))
        if copied.size < size:
            cut = f"cut after {copied.size:,} of {size:,} bytes"
            skipped.append(Skipped(f"{LOGS}/{name}", cut))
    return entries, skipped


def _collect_files(
    source: Path, destination: Destination, limits: Limits
) -> tuple[list[FileEntry], list[Skipped]]:
    entries: list[FileEntry] = []
    room = limits.output_bytes
    walk = Walk(source, limits.output_files)
    for file in walk:
        if file.size > room:
            raise OutputTooLarge(f"The job left more than {limits.output_bytes:,} bytes.")
        try:
            copied = destination.keep(file.fd, file.size, f"{OUTPUTS}/{file.path}")
        except FileExistsError:
            walk.skip(file.path, "its name differs from another's only in a way not kept here")
            continue
        room -= copied.size
        path = escape(file.path)
        media_type = guess(path, copied.head)
        entries.append(FileEntry(path, copied.size, copied.sha256, copied.crc32, media_type))
    entries.sort(key=lambda entry: entry.path)
    return entries, walk.skipped
