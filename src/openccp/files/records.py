"""Committed manifests kept at hand: they never change, and a big one takes long to read."""

from collections import OrderedDict
from pathlib import Path
from threading import Lock

from openccp.core.ports import FileEntry, Manifest
from openccp.files.collect import read_manifest
from openccp.files.manifests import Committed

MAX_ENTRIES = 100_000


class Record:
    """A committed manifest with its entries by name."""

    def __init__(self, committed: Committed) -> None:
        self.manifest: Manifest = committed.manifest
        self.files: dict[str, FileEntry] = {e.path: e for e in committed.manifest.files}
        self.logs: dict[str, FileEntry] = {e.path: e for e in committed.manifest.logs}

    @property
    def weight(self) -> int:
        """How many things it describes, and one for itself."""
        return 1 + len(self.files) + len(self.manifest.skipped)


class Records:
    """The most recently used records, bounded by what they describe together; thread-safe."""

    def __init__(self, max_entries: int = MAX_ENTRIES) -> None:
        self._kept: OrderedDict[Path, Record] = OrderedDict()
        self._max_entries = max_entries
        self._entries = 0
        self._lock = Lock()

    def get(self, folder: Path) -> Record | None:
        """The record committed in a job's folder, or None."""
        with self._lock:
            if (record := self._kept.get(folder)) is not None:
                self._kept.move_to_end(folder)
                return record
        committed = read_manifest(folder)
        if committed is None:
            return None
        record = Record(committed)
        self._keep(folder, record)
        return record

    def forget(self, folder: Path) -> None:
        """The record was deleted."""
        with self._lock:
            self._drop(folder)

    def _keep(self, folder: Path, record: Record) -> None:
        with self._lock:
            self._drop(folder)
            self._kept[folder] = record
            self._entries += record.weight
            # The newest stays whatever its size: its files are about to be asked for one by one.
            while self._entries > self._max_entries and len(self._kept) > 1:
                self._drop(next(iter(self._kept)))

    def _drop(self, folder: Path) -> None:
        record = self._kept.pop(folder, None)
        if record is not None:
            self._entries -= record.weight
