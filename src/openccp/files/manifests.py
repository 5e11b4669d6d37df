"""The manifest as JSON: `manifest.json` in a job's folder."""

from dataclasses import dataclass
from typing import Any

import orjson

from openccp.core.ports import FileEntry, Manifest, Skipped

VERSION = 1


@dataclass(frozen=True, slots=True)
class Committed:
    """A manifest as stored; `too_large` says why the outputs were not kept, if they were not."""

    manifest: Manifest
    too_large: str | None = None


def encode(committed: Committed) -> bytes:
    """The bytes of `manifest.json`."""
    manifest = committed.manifest
    return orjson.dumps(
        {
            "v": VERSION,
            "files": [_entry(entry) for entry in manifest.files],
            "logs": [_entry(entry) for entry in manifest.logs],
            "skipped": [{"path": skip.path, "reason": skip.reason} for skip in manifest.skipped],
            "outputs": manifest.outputs,
            "missing": manifest.missing,
            "tooLarge": committed.too_large,
        }
    )


def decode(content: bytes) -> Committed:
    """Read `manifest.json` back."""
    document: dict[str, Any] = orjson.loads(content)
    return Committed(
        Manifest(
            files=tuple(map(_read_entry, document["files"])),
            logs=tuple(map(_read_entry, document["logs"])),
            skipped=tuple(Skipped(**skip) for skip in document["skipped"]),
            outputs={output: tuple(paths) for output, paths in document["outputs"].items()},
            missing=tuple(document["missing"]),
        ),
        document["tooLarge"],
    )


def _entry(entry: FileEntry) -> dict[str, Any]:
    return {
        "path": entry.path,
        "size": entry.size,
        "sha256": entry.sha256,
        "crc32": entry.crc32,
        "mediaType": entry.media_type,
    }


def _read_entry(entry: dict[str, Any]) -> FileEntry:
    return FileEntry(
        entry["path"], entry["size"], entry["sha256"], entry["crc32"], entry["mediaType"]
    )
