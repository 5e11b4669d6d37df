"""Results as OGC has them: which values a job gave, and which of them are handed over how.

Pure. A result is a value of one output: a stored file, a log, or (`output`, CCP's own) everything
as one archive. `core/result_values.py` writes them as JSON.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from openccp.core.method import ALL_FILES, Output
from openccp.core.ports import FileEntry, Manifest
from openccp.core.request import OutputRequest, Transmission

LOGS = frozenset({"stdout", "stderr"})
ARCHIVE = "application/zip"


class OutputTooLarge(Exception):
    """The job left more than its limits allow; the text is for the job's owner."""


@dataclass(frozen=True, slots=True)
class Result:
    """One value of one output.

    `entry` is the stored file, or log if `log`; None is the archive of everything. `index` counts
    the values of an output that has several, from 0; None if it has one.
    """

    output: str
    entry: FileEntry | None
    index: int | None = None
    log: bool = False

    @property
    def media_type(self) -> str:
        """What it is served as."""
        return ARCHIVE if self.entry is None else self.entry.media_type

    @property
    def content_id(self) -> str:
        """Its name among the parts of a multipart answer: the output's id, or `id/N`."""
        return self.output if self.index is None else f"{self.output}/{self.index}"

    @property
    def size(self) -> float:
        """Bytes; infinite for the archive, which is never given by value among others."""
        return math.inf if self.entry is None else self.entry.size


@dataclass(frozen=True, slots=True)
class Part:
    """A result in an answer; by reference it is a link."""

    result: Result
    output: Output
    by_reference: bool = False


def is_log(output: Output) -> bool:
    """Whether an output is the standard output or error of the job, not a file."""
    return output.path is None and output.id in LOGS


def is_all_files(output: Output) -> bool:
    """Whether an output stands for everything the job left."""
    return output.path is None and output.id == ALL_FILES


def wanted(
    declared: Mapping[str, Output], asked: Mapping[str, OutputRequest] | None
) -> dict[str, Output]:
    """The outputs a request is about: those asked for, or all; all files if none is declared."""
    if asked is None:
        return dict(declared) or {ALL_FILES: Output(ALL_FILES, {})}
    return {output: declared.get(output) or Output(output, {}) for output in asked}


def results_of(manifest: Manifest, output: Output) -> tuple[Result, ...]:
    """The values of one output, none if the job did not make it."""
    if is_all_files(output):
        return (Result(ALL_FILES, None),)
    paths = manifest.outputs.get(output.id, ())
    log = is_log(output)
    found = _entries(manifest.logs if log else manifest.files, paths)
    if len(found) == 1:
        return (Result(output.id, found[0], log=log),)
    return tuple(Result(output.id, entry, index, log) for index, entry in enumerate(found))


def parts_of(
    manifest: Manifest,
    outputs: Mapping[str, Output],
    asked: Mapping[str, OutputRequest] | None,
) -> tuple[Part, ...]:
    """Every value of `outputs`, as it was `asked` for."""
    return tuple(
        Part(result, output, _by_reference(asked, output.id))
        for output in outputs.values()
        for result in results_of(manifest, output)
    )


def fit(parts: tuple[Part, ...], limit: int) -> bool:
    """Whether all that was asked for by value has at most `limit` bytes together."""
    return sum(part.result.size for part in parts if not part.by_reference) <= limit


def _by_reference(asked: Mapping[str, OutputRequest] | None, output: str) -> bool:
    request = (asked or {}).get(output)
    return request is not None and request.transmission is Transmission.REFERENCE


def _entries(entries: tuple[FileEntry, ...], paths: tuple[str, ...]) -> list[FileEntry]:
    """The entries called `paths`, in that order; most outputs are one file among many."""
    if not paths:
        return []
    named = set(paths)
    by_path = {entry.path: entry for entry in entries if entry.path in named}
    return [by_path[path] for path in paths if path in by_path]
