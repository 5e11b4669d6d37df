"""Which collected file is which declared output."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from fnmatch import translate
from re import Pattern
from re import compile as compile_pattern

from openccp.core.method import Output
from openccp.core.output_types import MOST_LOOKED_AT, actual_media_type, declared_media_type
from openccp.core.ports import FileEntry
from openccp.core.results import is_all_files, is_log
from openccp.files.media import fits
from openccp.files.names import escape

_MAGIC = frozenset("*?[")


def match(
    outputs: Mapping[str, Output], files: Iterable[FileEntry], logs: Iterable[FileEntry]
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """The paths of each output, and the ids of those that are missing (`output` never is)."""
    paths = [entry.path for entry in files]
    log_names = [entry.path for entry in logs]
    found = {
        output.id: _log_names(output.id, log_names) if is_log(output) else _find(output, paths)
        for output in outputs.values()
        if not is_all_files(output)
    }
    return (
        {output: matched for output, matched in found.items() if matched},
        tuple(name for name, paths in found.items() if not paths and outputs[name].minimum),
    )


def with_declared_types(
    files: Iterable[FileEntry],
    outputs: Mapping[str, Output],
    matched: Mapping[str, tuple[str, ...]],
    read: Callable[[FileEntry], bytes],
) -> tuple[FileEntry, ...]:
    """The entries, those of declared outputs bearing the media type their method declares.

    `read` gives a small file's content, where its method leaves a choice.
    """
    declared = {
        path: outputs[output_id]
        for output_id, paths in matched.items()
        if not is_log(outputs[output_id])
        for path in paths
    }
    return tuple(
        _typed(entry, declared[entry.path], read) if entry.path in declared else entry
        for entry in files
    )


def _typed(entry: FileEntry, output: Output, read: Callable[[FileEntry], bytes]) -> FileEntry:
    def content() -> bytes:
        return read(entry) if entry.size <= MOST_LOOKED_AT else b""

    return replace(entry, media_type=actual_media_type(output, entry.media_type, content))


def matches(pattern: str, path: str) -> bool:
    """Whether a glob relative to /ccp_data (`*`, `?`, `[...]`; `**` crosses folders) fits."""
    return _fits_components(_compile(pattern), path.split("/"))


def _log_names(stream: str, names: list[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name.partition(".")[0] == stream)


def _find(output: Output, paths: list[str]) -> tuple[str, ...]:
    if output.path is None:
        return _find_by_name(output, paths)
    patterns = (output.path, *output.also)
    found = [path for pattern in patterns for path in _find_by_glob(pattern, paths)]
    return tuple(dict.fromkeys(found))


def _find_by_glob(glob: str, paths: list[str]) -> tuple[str, ...]:
    pattern = _relative(glob)
    if _MAGIC.isdisjoint(pattern):
        exact = escape(pattern)
        return (exact,) if exact in paths else ()
    compiled = _compile(pattern)
    return tuple(path for path in paths if _fits_components(compiled, path.split("/")))


def _find_by_name(output: Output, paths: list[str]) -> tuple[str, ...]:
    if output.id in paths:
        return (output.id,)
    prefix = output.id + "."
    named = [path for path in paths if path.startswith(prefix) and "/" not in path]
    media_type = declared_media_type(output)
    if media_type is not None:
        exact = [p for p in named if "." not in p[len(prefix) :] and fits(p, media_type)]
        named = exact[:1] or named
    return tuple(named) if len(named) == 1 else ()


def _relative(pattern: str) -> str:
    pattern = pattern.removeprefix("/ccp_data/")
    return "/".join(part for part in pattern.split("/") if part not in ("", "."))


def _compile(pattern: str) -> list[Pattern[str] | None]:
    """One expression a folder (None: any number of folders); `translate` never backtracks far."""
    return [
        None if part == "**" else compile_pattern(translate(part))
        for part in _relative(pattern).split("/")
    ]


def _fits_components(pattern: list[Pattern[str] | None], parts: list[str]) -> bool:
    """Match folder by folder, keeping the set of places in `pattern` reached so far."""
    reached = _with_skips(pattern, {0})
    for part in parts:
        reached = _with_skips(pattern, set(_step(pattern, reached, part)))
        if not reached:
            return False
    return len(pattern) in reached


def _step(pattern: list[Pattern[str] | None], reached: set[int], part: str) -> Iterable[int]:
    for place in reached:
        if place == len(pattern):
            continue
        expression = pattern[place]
        if expression is None:
            yield place
        elif expression.match(part):
            yield place + 1


def _with_skips(pattern: list[Pattern[str] | None], reached: set[int]) -> set[int]:
    """`**` may stand for no folder at all."""
    for place in sorted(reached):
        while place < len(pattern) and pattern[place] is None:
            place += 1
            reached.add(place)
    return reached
