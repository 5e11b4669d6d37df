"""The records of jobs in a local folder: `<root>/<last two of the id>/<id>/`.

Ids that begin with the time share their beginnings, hence the last two characters. Every name that
comes from outside is looked up among what there is, and never joined to a path.
"""

import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from openccp.core.method import Output
from openccp.core.ports import Limits, Manifest, Workspace
from openccp.core.problems import NotFound
from openccp.core.results import OutputTooLarge
from openccp.files.bundle import Bundle, members
from openccp.files.collect import LOGS, MANIFEST, OUTPUTS, Collector
from openccp.files.names import unescape
from openccp.files.records import Record, Records

_JOB = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{1,99}")


class FolderStore:
    """FileStore in a local folder. Its calls wait for the disk: call them in a thread.

    `durable`: a collected job survives a loss of power, for about a millisecond a job.
    """

    def __init__(self, root: Path, *, durable: bool = True) -> None:
        self._root = root
        self._durable = durable
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._records = Records()

    def collect(
        self, job: str, workspace: Workspace, outputs: Mapping[str, Output], limits: Limits
    ) -> Manifest:
        """Copy regular files by directory descriptors, follow no link, then commit a manifest.

        Once committed, always the same manifest. OutputTooLarge (again, when asked again) if the
        job left too much: then the committed manifest holds the logs only.
        """
        collector = Collector(self._make_folder(job), durable=self._durable)
        committed = collector.collect(workspace, outputs, limits)
        if committed.too_large is not None:
            raise OutputTooLarge(committed.too_large)
        return committed.manifest

    def manifest(self, job: str) -> Manifest | None:
        """The committed manifest, or None before the end."""
        try:
            return self._record(job).manifest
        except NotFound:
            return None

    def open_output(self, job: str, path: str) -> Path:
        """The stored file of a manifest entry; NotFound problem if it is not in the manifest."""
        entry = self._record(job).files.get(path)
        if entry is None:
            raise NotFound("The job left no file of this name.")
        return self._folder(job) / OUTPUTS / unescape(entry.path)

    def open_log(self, job: str, name: str) -> Path:
        """A stored log by name (`stdout`)."""
        entry = self._record(job).logs.get(name)
        if entry is None:
            raise NotFound("The job has no log of this name.")
        return self._folder(job) / LOGS / entry.path

    def bundle(self, job: str, modified: float, only: frozenset[str] = frozenset()) -> Bundle:
        """`output.zip`, or `only` these files of it, dated `modified` (when the job finished)."""
        manifest = self._record(job).manifest
        if only:
            some = tuple(entry for entry in manifest.files if entry.path in only)
            manifest = replace(manifest, files=some, logs=())
        found = members(
            manifest,
            job,
            lambda path: self.open_output(job, path),
            lambda name: self.open_log(job, name),
        )
        return Bundle(found, modified)

    def remove(self, job: str) -> None:
        """Delete the record; idempotent."""
        folder = self._folder(job)
        self._records.forget(folder)
        try:
            (folder / MANIFEST).unlink(missing_ok=True)
            shutil.rmtree(folder)
        except FileNotFoundError:
            return

    def _folder(self, job: str) -> Path:
        if _JOB.fullmatch(job) is None:
            raise NotFound
        return self._root / job[-2:] / job

    def _make_folder(self, job: str) -> Path:
        folder = self._folder(job)
        try:
            folder.mkdir(0o750)
        except FileNotFoundError:
            folder.parent.mkdir(0o750, exist_ok=True)
            folder.mkdir(0o750, exist_ok=True)
        except FileExistsError:
            pass
        return folder

    def _record(self, job: str) -> Record:
        record = self._records.get(self._folder(job))
        if record is None:
            raise NotFound("The job has no files yet.")
        return record
