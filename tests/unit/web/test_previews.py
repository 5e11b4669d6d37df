"""Previews of what jobs leave: the right kind, bounded, and nothing hostile gets through."""

import io
import json
import tarfile
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from openccp.web.pages.page import ENVIRONMENT
from openccp.web.previews.choose import preview

MARKUP = "<script>alert(1)</script><img src=x onerror=alert(1)>"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
Look = Callable[[bytes, str], dict[str, Any]]


@pytest.fixture
def look(tmp_path: Path) -> Look:
    def looked(content: bytes, media_type: str) -> dict[str, Any]:
        file = tmp_path / "file"
        file.write_bytes(content)
        return preview(file, media_type)

    return looked


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(MARKUP, "x")
        archive.writestr("b.txt", "y" * 30)
    return out.getvalue()


def tarred() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, size in (("a.bin", 1_000), ("b.txt", 3)):
            member = tarfile.TarInfo(name)
            member.size = size
            archive.addfile(member, io.BytesIO(b"x" * size))
    return out.getvalue()


def notebook() -> bytes:
    output = {"output_type": "display_data", "data": {"text/html": MARKUP, "text/plain": ["42"]}}
    cells = [
        {"cell_type": "markdown", "source": [MARKUP]},
        {"cell_type": "code", "source": "6 * 7", "outputs": [output, 3]},
    ]
    return json.dumps({"cells": cells}).encode()


def feature(geometry: object) -> bytes:
    return json.dumps({"type": "Feature", "geometry": geometry, "properties": {"n": 1}}).encode()


TRIANGLE = feature({"type": "Polygon", "coordinates": [[[0, 0], [4, 0], [0, 2], [0, 0]]]})
KINDS = [
    ("text/plain", b"hello", "text"),
    ("text/html", MARKUP.encode(), "text"),
    ("text/csv", b"a;b\n1;x\n", "table"),
    ("application/json", b'{"a": [1, NaN]}', "tree"),
    ("application/yaml", b"a: [1, 2]", "tree"),
    ("application/x-ndjson", b'{"a": 1}\n{"a": 2}\n', "tree"),
    ("application/geo+json", TRIANGLE, "map"),
    ("application/geo+json", b'{"type": "FeatureCollection", "features": []}', "tree"),
    ("application/x-ipynb+json", notebook(), "notebook"),
    ("application/zip", zipped(), "listing"),
    ("application/x-tar", tarred(), "listing"),
    ("image/png", PNG, "picture"),
    ("image/svg+xml", b"<svg onload='alert(1)'/>", "picture"),
    ("application/pdf", b"%PDF-1.7\0", "bytes"),
    ("image/png", b"<html>" + MARKUP.encode(), "text"),
    ("application/zip", b"\0\1\2", "bytes"),
    ("application/json", b"no json", "text"),
    ("text/csv", b"\0\1", "bytes"),
    ("text/plain", b"", "text"),
    ("application/octet-stream", b"a text all the same", "text"),
]


@pytest.mark.parametrize(("media_type", "content", "kind"), KINDS)
def test_the_declared_type_counts_where_the_content_agrees(
    look: Look, media_type: str, content: bytes, kind: str
) -> None:
    assert look(content, media_type)["kind"] == kind


def test_a_table_says_how_much_of_it_is_shown_and_plots_its_numbers(look: Look) -> None:
    rows = "".join(f"{n},{n * n},=cmd|' /C calc'!A0\n" for n in range(1_000))
    shown = look(f"n,square,formula\n{rows}".encode(), "text/csv; charset=utf-8")
    assert (shown["numberOfRows"], len(shown["rows"]), shown["numberOfColumns"]) == (1_000, 200, 3)
    assert [one["name"] for one in shown["numbers"]] == ["n", "square"]
    assert shown["numbers"][0] == {"name": "n", "minimum": 0, "mean": 499.5, "maximum": 999}
    assert shown["plot"][0]["points"].startswith("0.0,200.0 ")
    assert shown["plot"][0]["points"].endswith(" 600.0,0.0")


def test_the_end_of_a_long_text_is_shown_too(look: Look) -> None:
    shown = look(b"first\n" + b"x\n" * 2_000_000 + b"last\n", "text/plain")
    assert shown["text"].startswith("first")
    assert shown["end"].endswith("last\n")


def test_archives_are_listed_without_unpacking(look: Look) -> None:
    assert look(zipped(), "application/zip") == {
        "kind": "listing",
        "members": [{"path": MARKUP, "size": 1}, {"path": "b.txt", "size": 30}],
        "numberOfMembers": 2,
    }
    assert look(tarred(), "application/x-tar")["members"] == [
        {"path": "a.bin", "size": 1_000},
        {"path": "b.txt", "size": 3},
    ]


def test_shapes_are_drawn_north_above(look: Look) -> None:
    shown = look(TRIANGLE, "application/geo+json")
    assert shown["bbox"] == [0, 0, 4, 2]
    assert shown["paths"] == ["M0.0,300.0 L600.0,300.0 L0.0,0.0 L0.0,300.0 Z"]
    assert (shown["header"], shown["rows"]) == (["n"], [["1"]])


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)
)
HOSTILE = [
    ("application/json", b"[" * 500_000 + b"]" * 500_000),
    ("application/json", b'{"a":' * 1_000_000),
    ("application/json", b"[" + b"[]," * 349_000 + b"[]]"),
    ("application/json", b"1" * 10_000),
    ("application/json", b'[1e999, -1e999, "\\ud800", 123456789012345678901234567890]'),
    ("application/json", b'{"\\ud800": 1}'),
    ("application/x-ndjson", b"[" * 1_000_000),
    ("application/yaml", BOMB.encode()),
    ("application/yaml", b"a: !!python/object/apply:os.system ['id']"),
    ("text/csv", b"," * 2_000_000),
    ("text/csv", b"a,b\n" * 500_000),
    ("text/csv", b'"' + b"x" * 900_000),
    ("text/csv", b"a\n1e308\n-1e308\nnan\n"),
    ("text/csv", b"a\n1e308\n-1e308\n"),
    ("text/csv", b"\xff\xfe\xfa\n\xff,1\n"),
    ("text/plain", b"\xff\xfe" + b"\xd8" * 1_001),
    ("text/plain", "\u202egnp.exe\x1b[31mred\x1b[0m".encode()),
    ("application/geo+json", feature({"type": "Polygon", "coordinates": [[[]]]})),
    ("application/geo+json", feature({"type": "Point", "coordinates": [10**400, 0]})),
    ("application/geo+json", feature({"type": "Point", "coordinates": [{}, 0]})),
    ("application/geo+json", feature({"type": "LineString", "coordinates": [[0, 0]] * 100_000})),
    ("application/geo+json", b'{"type": []}'),
    ("application/x-ipynb+json", b'{"cells": [null, 1, {"source": {}, "outputs": {}}]}'),
    ("application/zip", b"PK\5\6" + b"\xff" * 18),
    ("application/zip", zipped()[:40] + b"PK\1\2" * 200_000 + b"PK\5\6" + b"\1" * 18),
    ("application/x-tar", (b"x" * 124 + b"7" * 12 + b"x" * 121 + b"ustar" + b"x" * 250) * 3),
]


@pytest.mark.parametrize(("media_type", "content"), HOSTILE)
def test_hostile_files_are_bounded_and_leave_no_trap(
    look: Look, media_type: str, content: bytes
) -> None:
    began = time.process_time()
    shown = look(content, media_type)
    document = orjson.dumps(shown)
    page(shown)
    assert time.process_time() - began < 5
    assert len(document) < 1_500_000
    assert "\u202e" not in document.decode()
    assert "\x1b" not in document.decode()


def test_a_huge_file_is_not_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "huge.json"
    with file.open("wb") as out:
        out.write(b"[" * 100_000)
        out.truncate(1 << 30)
    tracemalloc.start()
    preview(file, "application/json")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 32 << 20


@pytest.mark.parametrize("media_type", sorted({row[0] for row in KINDS}))
def test_markup_in_a_file_is_text_on_its_page(look: Look, media_type: str) -> None:
    contents = (
        json.dumps({MARKUP: [MARKUP], "cells": [{"source": MARKUP}]}),
        f"{MARKUP},b\n{MARKUP},1\n",
        json.dumps({"type": "Feature", "properties": {MARKUP: MARKUP}, "geometry": {
            "type": "Point", "coordinates": [1, 2]}}),
    )  # fmt: skip
    for content in contents:
        assert "<script" not in page(look(content.encode(), media_type))
        assert "<img src=x" not in page(look(content.encode(), media_type))


def page(shown: dict[str, Any]) -> str:
    macros: Any = ENVIRONMENT.get_template("parts/preview.html.j2").module
    return str(macros.shown(shown, "http://x/executions/1/outputs/a", MARKUP))
