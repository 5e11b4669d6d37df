"""Scripts compiled from CWL in real shells: no value ever runs, and every byte arrives."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.integration.script_values import VALUES
from tests.integration.test_script_corpus import LARGEST_ARGUMENT, command, run

from openccp.app.packages import parsed
from openccp.core.cwl.compile import Given, Process, compiled
from openccp.core.cwl.process import read_process, selected
from openccp.core.ports import Limits

TOOL = r"""
cwlVersion: v1.2
class: CommandLineTool
requirements:
  EnvVarRequirement: {envDef: {TOLD: "a$(inputs.x)b"}}
  InitialWorkDirRequirement:
    listing:
      - {entryname: sub/entry, entry: "<$(inputs.x)>"}
%s
baseCommand: [%s, -c, 'printf "%%s\0" "$TOLD" "$@"', sh]
arguments:
  - {valueFrom: "$(inputs.x)", position: 9}
  - {valueFrom: 'pre "$(inputs.x)'' post', position: 10}
inputs:
  x: {type: string, inputBinding: {position: 1}}
  glued: {type: string, inputBinding: {position: 2, prefix: --x=, separate: false}}
  joined: {type: 'string[]', inputBinding: {position: 3, prefix: -j, itemSeparator: ','}}
  each:
    type: {type: array, items: string, inputBinding: {prefix: -e}}
    inputBinding: {position: 4}
stdout: told
outputs:
  told: stdout
"""
STEPS = r"""
cwlVersion: v1.2
class: Workflow
inputs: {x: string}
outputs: {told: {type: File, outputSource: second/told}}
steps:
  second:
    in: {file: first/made, text: {source: first/text}}
    out: [told]
    run:
      class: CommandLineTool
      baseCommand: [printf, '%s\0']
      inputs:
        file: File
        text: {type: string, inputBinding: {position: 5}}
      arguments: [$(inputs.file.basename), "<$(inputs.file.path)>"]
      stdout: told
      outputs: {told: stdout}
  first:
    in: {x: x}
    out: [made, text]
    run:
      class: CommandLineTool
      baseCommand: [printf, '%s']
      inputs: {x: {type: string, inputBinding: {position: 1}}}
      stdout: $(inputs.x)
      outputs:
        made: {type: File, outputBinding: {glob: "*"}}
        text:
          type: string
          outputBinding: {glob: "*", loadContents: true, outputEval: "$(self[0].contents)"}
"""
SHELLS = ("bash", "dash", "busybox")
DRIVER = """
for number in $NUMBERS; do
    ( cd "$PLACE/$number/data" && . "$PLACE/$number/script" ) || echo "$number ended with $?"
done
"""
FITTING = [value for value in VALUES if len(value) <= LARGEST_ARGUMENT]
NAMES = [
    value
    for value in VALUES
    if value not in ("", ".", "..")
    and "/" not in value
    and len(os.fsencode(value)) <= 200
    and not value.startswith(".")
]


def process_of(text: str) -> Process:
    document = selected(parsed(text.encode(), "application/cwl+yaml"), None)
    return read_process(document)[0]


def prepare(process: Process, values: dict[str, Any], place: Path) -> None:
    """The job's folders, and its script with them in it."""
    made = compiled(process, Given(values, {}, Limits()))
    for folder in ("data", "in"):
        (place / folder).mkdir(parents=True)
    for name, content in made.files.items():
        (place / "in" / name).write_bytes(content)
    script = made.script.replace("/ccp_data", str(place / "data"))
    script = script.replace("/ccp_in", str(place / "in"))
    (place / "script").write_bytes(os.fsencode(script))


def run_all(shell: str, count: int, place: Path) -> subprocess.CompletedProcess[bytes]:
    numbers = " ".join(map(str, range(count)))
    ended = run([*command(shell), "-c", DRIVER], place, NUMBERS=numbers, PLACE=str(place))
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
    assert not list(place.rglob("canary"))
    return ended


def expected(value: str) -> list[str]:
    return [
        f"a{value}b",
        value,
        f"--x={value}",
        "-j",
        f"{value},{value}",
        "-e",
        value,
        "-e",
        value,
        value,
        f"pre \"{value}' post",
    ]


@pytest.mark.parametrize("quoting", ["", "  ShellCommandRequirement: {}"])
@pytest.mark.parametrize("shell", SHELLS)
def test_every_value_arrives_whole_and_none_runs(shell: str, quoting: str, tmp_path: Path) -> None:
    process = process_of(TOOL % (quoting, ", ".join(command(shell))))
    for number, value in enumerate(FITTING):
        given = {"x": value, "glued": value, "joined": [value, value], "each": [value, value]}
        prepare(process, given, tmp_path / str(number))
    run_all(shell, len(FITTING), tmp_path)
    wrong = []
    for number, value in enumerate(FITTING):
        data = tmp_path / str(number) / "data"
        told = (data / "told").read_bytes().split(b"\0")[:-1]
        entry = f"<{value}>".encode("utf-8", "surrogatepass")
        if told != [os.fsencode(text) for text in expected(value)]:
            wrong.append((value, told))
        if (data / "sub/entry").read_bytes() != entry:
            wrong.append((value, [entry]))
    assert wrong == []


@pytest.mark.parametrize("shell", SHELLS)
def test_files_with_hostile_names_go_from_step_to_step(shell: str, tmp_path: Path) -> None:
    assert len(NAMES) > 60
    process = process_of(STEPS)
    for number, value in enumerate(NAMES):
        prepare(process, {"x": value}, tmp_path / str(number))
    run_all(shell, len(NAMES), tmp_path)
    wrong = []
    for number, value in enumerate(NAMES):
        data = tmp_path / str(number) / "data"
        told = (data / "second/told").read_bytes().split(b"\0")[:-1]
        path = f"<{data}/first/{value}>"
        if told != [os.fsencode(text) for text in (value, path, value)]:
            wrong.append((value, told))
    assert wrong == []
