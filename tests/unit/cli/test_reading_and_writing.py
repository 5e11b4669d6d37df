"""What is typed becomes values; what others wrote becomes harmless."""

import io
from pathlib import Path
from typing import Any

import click
import pytest

from openccp.cli.inputs import fit, read_inputs, read_json_inputs
from openccp.cli.methods import described, kind
from openccp.cli.output import one_line, table, terminal_safe, write
from openccp.cli.remote import exit_code
from openccp.cli.screen import Lines, bar, summary
from openccp.client import (
    CCPError,
    JobDismissed,
    JobFailed,
    LogText,
    NotAuthenticated,
    NotFound,
    Refused,
    Unreachable,
)
from openccp.client.card import JobCard


@pytest.mark.parametrize(
    ("text", "schema", "wanted"),
    [
        ("3", {"type": "integer"}, 3),
        ("3.5", {"type": "integer"}, "3.5"),
        ("true", {"type": "integer"}, "true"),
        ("3", {"type": "number"}, 3),
        ("1e3", {"type": "number"}, 1000.0),
        ("x", {"type": "number"}, "x"),
        ("true", {"type": "boolean"}, True),
        ("yes", {"type": "boolean"}, "yes"),
        ("[1, 2]", {"type": "array"}, [1, 2]),
        ("1", {"type": "array", "items": {"type": "integer"}}, 1),
        ("a,b", {"type": "array", "items": {"type": "string"}}, "a,b"),
        ('{"a": 1}', {"type": "object"}, {"a": 1}),
        ("3", {"type": "string"}, "3"),
        ("[" * 5000, {"type": "array"}, "[" * 5000),
        ("3", {}, "3"),
    ],
)
def test_a_typed_value(text: str, schema: dict[str, Any], wanted: Any) -> None:
    assert fit("x", text, schema) == wanted
    assert type(fit("x", text, schema)) is type(wanted)


def test_a_value_may_hold_anything_behind_the_first_equals_sign() -> None:
    assert read_inputs(["a=b=c", "e="], {}) == {"a": "b=c", "e": ""}


def test_text_from_a_file_stays_text_and_a_file_stays_bytes(tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(b"\xc3\xa9\n")
    (tmp_path / "b").write_bytes(b"\xff")
    method = {"inputs": {"f": {"schema": {"format": "file"}}}}
    given = [f"f=@{tmp_path}/b", f"t=@{tmp_path}/t"]
    assert read_inputs(given, method) == {"f": b"\xff", "t": "é\n"}
    with pytest.raises(click.UsageError, match="not UTF-8"):
        read_inputs([f"t=@{tmp_path}/b"], method)


def test_inputs_from_a_file_of_inputs_or_of_a_whole_request(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"a": 1}')
    assert read_json_inputs(str(path)) == {"a": 1}
    path.write_text('{"inputs": {"a": 2}, "response": "raw"}')
    assert read_json_inputs(str(path)) == {"a": 2}
    for wrong in ("[1]", "{", "[" * 100_000):
        path.write_text(wrong)
        with pytest.raises(click.UsageError):
            read_json_inputs(str(path))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (JobFailed("1", "x"), 1),
        (Refused("x"), 2),
        (NotFound("x"), 2),
        (CCPError("x"), 2),
        (NotAuthenticated("x"), 3),
        (Unreachable("x"), 4),
        (JobDismissed("1"), 5),
    ],
)
def test_exit_codes(error: CCPError, code: int) -> None:
    assert exit_code(error) == code


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 漢\ttab\nline", "plain é 漢\ttab\nline"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\x9b2J\x7f\x00\x07\x08", "\\x9b2J\\x7f\\x00\\x07\\x08"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("\u202etxt.exe", "\\u202etxt.exe"),
        ("\ud800", "\\ud800"),
    ],
)
def test_a_terminal_obeys_nobody_else(text: str, shown: str) -> None:
    assert terminal_safe(text) == shown


class Stream(io.TextIOWrapper):
    def __init__(self, terminal: bool, encoding: str) -> None:
        self.raw_bytes = io.BytesIO()
        self.terminal = terminal
        super().__init__(self.raw_bytes, encoding=encoding, newline="\n")

    def isatty(self) -> bool:
        return self.terminal


@pytest.mark.parametrize(
    ("terminal", "encoding", "written"),
    [
        (False, "utf-8", "\x1bé\\ud800".encode()),
        (True, "utf-8", "\\x1bé\\ud800".encode()),
        (False, "ascii", b"\x1b\\xe9\\ud800"),
    ],
)
def test_a_pipe_gets_it_as_it_is(terminal: bool, encoding: str, written: bytes) -> None:
    stream = Stream(terminal, encoding)
    write("\x1bé\ud800", stream)
    assert stream.raw_bytes.getvalue() == written


def test_tables_align_wide_letters_and_keep_one_line_a_row() -> None:
    assert table(("A", "B"), [("漢字", "x\ny\x1b"), ("abc", "")]) == (
        "A     B\n漢字  x y\\x1b\nabc\n"
    )
    assert one_line(" a\n\n b ") == "a b"


def test_pieces_of_a_log_become_lines() -> None:
    lines = Lines()
    given = [("stdout", "a", 0), ("stderr", "E\n", 0), ("stdout", "b\nc", 0), ("stdout", "d\n", 2)]
    taken = [lines.take(LogText(*piece)) for piece in given]
    assert taken == ["", "E\n", "ab\n", "[2] d\n"]
    assert lines.rest() == [("stdout", "c\n")]
    assert lines.rest() == []
    assert lines.take(LogText("stdout", "x" * 10_000)) == "x" * 10_000 + "\n"


def job(**document: Any) -> JobCard:
    return JobCard({"jobID": "1", "status": "running", **document})


def test_the_bar_fits_and_is_harmless() -> None:
    shown = bar(job(progress=250, message="x\x1b[2J\ny" * 50), 40)
    assert shown.startswith("[####################] running 250%: ")
    assert len(shown) == 39
    assert "\x1b" not in shown
    assert "\n" not in shown
    assert summary(job(message="running")) == "running"


@pytest.mark.parametrize(
    ("schema", "word"),
    [
        ({"enum": ["a", "b"]}, "a|b"),
        ({"type": "string", "format": "file"}, "file"),
        ({"type": "string", "contentMediaType": "text/csv"}, "text/csv"),
        ({"type": "number"}, "number"),
        ({}, "any"),
    ],
)
def test_kinds(schema: dict[str, Any], word: str) -> None:
    assert kind(schema) == word


def test_a_hostile_description_is_harmless() -> None:
    evil = "\x1b]0;x\x07"
    text = described({"id": evil, "title": evil, "description": evil, "inputs": {evil: {}}})
    assert "\x1b" not in text
