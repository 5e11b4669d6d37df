import time

import pytest

from openccp.core.method import Output
from openccp.core.ports import FileEntry
from openccp.files.outputs import match, matches, with_declared_types


def entries(*paths: str) -> list[FileEntry]:
    return [FileEntry(path, 1, "", 0, "text/plain") for path in paths]


def found(output: Output, *paths: str) -> tuple[str, ...]:
    return match({output.id: output}, entries(*paths), [])[0].get(output.id, ())


def declared(media_type: str | None = None, path: str | None = None) -> Output:
    schema = {"type": "string"} | ({"contentMediaType": media_type} if media_type else {})
    return Output("count", schema, path=path)


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("*.csv", "a.csv", True),
        ("*.csv", "d/a.csv", False),
        ("d/*.csv", "d/a.csv", True),
        ("**/*.csv", "a.csv", True),
        ("**/*.csv", "x/y/a.csv", True),
        ("d/**", "d/x/y", True),
        ("d/**", "e/x", False),
        ("**/x/**/y", "x/y", True),
        ("**/x/**/y", "a/x/b/c/y", True),
        ("a?.txt", "ab.txt", True),
        ("a[0-9].txt", "a7.txt", True),
        ("a[!0-9].txt", "a7.txt", False),
        ("./d//a.csv", "d/a.csv", True),
        ("/ccp_data/a.*", "a.csv", True),
        ("../a", "a", False),
        ("a.csv", "aXcsv", False),
    ],
)
def test_globs(pattern: str, path: str, *, fits: bool) -> None:
    assert matches(pattern, path) is fits


def test_a_malicious_glob_is_quick() -> None:
    started = time.perf_counter()
    assert not matches("*a" * 60 + "b", "a" * 250)
    assert not matches("**/a/" * 30 + "b", "a/" * 60 + "a")
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    ("output", "paths", "expected"),
    [
        (declared(), ["count", "count.txt"], ("count",)),
        (declared(), ["count.json", "other"], ("count.json",)),
        (declared(), ["count.json", "count.csv"], ()),
        (declared("text/csv"), ["count.json", "count.csv"], ("count.csv",)),
        (declared("text/csv"), ["count.dat"], ("count.dat",)),
        (declared("text/csv"), ["d/count.csv"], ()),
        (declared(), ["counted.txt"], ()),
        (declared(path="out/*.png"), ["out/a.png", "out/b.png"], ("out/a.png", "out/b.png")),
        (declared(path="/ccp_data/out/a.png"), ["out/a.png"], ("out/a.png",)),
        (declared(path="missing.png"), ["out/a.png", "count"], ()),
        (declared(path="../secret"), ["secret"], ()),
    ],
)
def test_an_output_is_found_by_its_path_or_its_name(
    output: Output, paths: list[str], expected: tuple[str, ...]
) -> None:
    assert found(output, *paths) == expected


def test_a_number_is_found_as_json() -> None:
    output = Output("total", {"type": "number"})
    assert found(output, "total.json", "total.txt") == ("total.json",)


def test_logs_missing_outputs_and_everything() -> None:
    outputs = {
        "stdout": Output("stdout", {}),
        "stderr": Output("stderr", {}),
        "output": Output("output", {}),
        "count": declared(),
    }
    matched, missing = match(outputs, entries("stdout", "x"), entries("stdout", "stdout.1"))
    assert matched == {"stdout": ("stdout", "stdout.1")}
    assert missing == ("stderr", "count")


def test_a_file_called_stdout_is_an_output_only_by_its_path() -> None:
    output = Output("stdout", {}, path="stdout")
    assert match({"stdout": output}, entries("stdout"), []) == ({"stdout": ("stdout",)}, ())


def test_declared_media_types_win_for_declared_files_only() -> None:
    outputs = {"count": declared("application/json"), "n": Output("n", {"type": "integer"})}
    files = entries("count", "n", "other")
    matched, _ = match(outputs, files, [])
    typed = with_declared_types(files, outputs, matched, lambda _: b"")
    assert [entry.media_type for entry in typed] == [
        "application/json",
        "application/json",
        "text/plain",
    ]


def test_a_path_with_hostile_characters_is_found_by_its_plain_spelling() -> None:
    assert found(declared(path="a%41.txt"), "a%2541.txt") == ("a%2541.txt",)
