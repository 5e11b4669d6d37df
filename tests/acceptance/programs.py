"""Run a program that the platform wrote, as its reader would."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from openccp.codegen.languages import LANGUAGES
from openccp.testing.platform import PASSWORD, RunningPlatform, User, bash_method

HOSTILE = (
    'a\'b"c`d$(touch pwned)${HOME}#{1+1}\\n%s%d\\u0041 \u00e8\u4e2d\U0001f9ea </script> """ '
    "@x $y {{text}} EOF\nREQUEST\n'@\n)---' '''"
)
RECORDED = "hush-hush 'quoted' \\ \u00e9"
FILE = bytes(range(256)) * 20
NUMBER = 0.1234567890123456789e-7
LARGE = 9007199254740993
CELLS = (
    "import json, sys\n"
    "cells = json.load(open(sys.argv[1]))['cells']\n"
    "code = [''.join(one['source']) for one in cells if one['cell_type'] == 'code']\n"
    "known = {'__name__': '__main__'}\n"
    "for text in code: exec(compile(text, 'cell', 'exec'), known)\n"
)
"""Executes the cells of a notebook, one after the other."""
ROOT = Path(__file__).parents[2]
UI = ROOT / "ui/node_modules"
BUILT = ROOT / ".tools/rust"
TSC = UI / ".bin/tsc"
CHECKS = (
    *("--strict", "--noUnusedLocals", "--target", "es2022", "--module", "nodenext"),
    *("--types", "node", "--typeRoots", str(UI / "@types"), "--outDir", "."),
)
ASSEMBLIES = ("System.Net.Http", "System.Runtime.Serialization", "System.Xml", "System.Xml.Linq")
RUN: Mapping[str, Sequence[Sequence[str]]] = {
    "python": [[sys.executable, "-I", "{}"]],
    "python-requests": [[sys.executable, "-I", "{}"]],
    "python-client": [[sys.executable, "{}"]],
    "jupyter": [[sys.executable, "-I", "-c", CELLS, "{}"]],
    "javascript": [["node", "{}"]],
    "ruby": [["ruby", "{}"]],
    "r-httr2": [["Rscript", "{}"]],
    "typescript": [[str(TSC), *CHECKS, "{}"], ["node", "{stem}.mjs"]],
    "go": [["go", "build", "-o", "built", "{}"], ["./built"]],
    "php": [["php", "{}"]],
    "bash": [["bash", "{}"]],
    "r": [["Rscript", "{}"]],
    "curl": [["sh", "{}"]],
    "wget": [["sh", "{}"]],
    "perl": [["perl", "{}"]],
    "rust": [
        ["mkdir", "-p", "src"],
        ["cp", "{}", "src/main.rs"],
        ["cp", str(ROOT / "tests/acceptance/rust/Cargo.toml"), "."],
        ["cargo", "build", "--quiet", "--target-dir", str(BUILT)],
        ["cp", str(BUILT / "debug/run"), "built"],
        ["./built"],
    ],
    "java": [["java", "{}"]],
    "csharp": [
        ["mcs", "-out:built.exe", *(f"-r:{name}" for name in ASSEMBLIES), "{}"],
        ["mono", "built.exe"],
    ],
    "matlab": [["octave-cli", "--norc", "--eval", "{stem}"]],
}
"""What compiles and runs a program, step by step; `{}` is its file, `{stem}` its name."""
WRAPPERS = ("cwl",)
"""What is run by tools of its own: tests/acceptance/test_wrappers.py."""

_TEXT = {"type": "string"}


def _inputs(**schemas: Mapping[str, Any]) -> dict[str, Any]:
    return {n: {"id": n, "title": n, "schema": dict(schema)} for n, schema in schemas.items()}


ECHO = bash_method(
    "code-echo",
    "printf %s {{text}} >'a text.txt'\nprintf %s {{number}} >number\nprintf %s {{large}} >large\n"
    "mkdir deep\ncp /ccp_in/doc deep/file.bin\n: >empty\n"
    'printf %s "$(cat /run/secrets/key)" | sha256sum >key\ntest -n {{key}}\necho said',
    inputs=_inputs(
        text=_TEXT,
        number={"type": "number"},
        large={"type": "integer"},
        doc={"type": "string", "format": "file", "contentEncoding": "base64"},
        key={"type": "string", "format": "secret"},
    ),
)
FAILING = bash_method("code-failing", "echo working\nexit 7")
ENDLESS = bash_method("code-endless", "sleep 300")
LONG = bash_method("code-long", "sleep 12; echo late >late.txt")
NUMBERS = bash_method("code-numbers", "seq 400000 >numbers.txt")
COUNTED = "".join(f"{n}\n" for n in range(1, 400001))
VALUES = {"text": HOSTILE, "number": NUMBER, "large": LARGE, "key": "not to be seen"}


@dataclass
class Program:
    """One program on disk, in a folder of its own, and how to start it."""

    language: str
    folder: Path
    text: str
    environment: Mapping[str, str] = field(default_factory=dict)
    label: str = "program"

    def start(
        self, stdin: int = subprocess.DEVNULL, stderr: int = subprocess.PIPE
    ) -> subprocess.Popen[str]:
        """Compile it if that is needed, and start it; nothing is typed in."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / LANGUAGES[self.language].file_name(self.label)
        path.write_text(self.text)
        *steps, last = [
            [word.replace("{}", str(path)).replace("{stem}", path.stem) for word in step]
            for step in RUN[self.language]
        ]
        for step in steps:
            done = subprocess.run(
                step, cwd=self.folder, capture_output=True, text=True, timeout=300, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr
        kept = {n: v for n, v in os.environ.items() if not n.startswith("CCP")}
        return subprocess.Popen(
            last,
            cwd=self.folder,
            env={
                **kept,
                "LC_ALL": "C.UTF-8",
                "XDG_CONFIG_HOME": str(self.folder / "kept"),
                **self.environment,
            },
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )


@dataclass(frozen=True)
class Ended:
    """How a program ended."""

    code: int
    output: str
    errors: str
    folder: Path

    @property
    def results(self) -> Path:
        """The one folder that it made."""
        (found,) = [p for p in self.folder.iterdir() if p.is_dir() and p.name.startswith("code-")]
        return found

    @property
    def logs(self) -> list[Path]:
        """The logs; in an archive, which some programs bring, they lie among the outputs."""
        apart = self.results / "logs"
        return [*(apart.iterdir() if apart.exists() else self.results.glob("outputs/std*.txt"))]


def end_of(program: Program, process: subprocess.Popen[str], seconds: float = 120) -> Ended:
    """Wait for its end."""
    try:
        output, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
        raise AssertionError(f"{program.language} did not end: {output}{errors}") from None
    return Ended(process.returncode, output, errors, program.folder)


def runnable(language: str) -> None:
    """Skip where what runs it is not installed."""
    for step in RUN[language]:
        if not step[0].startswith("./") and shutil.which(step[0]) is None:
            pytest.skip(f"{step[0]} is not installed")


def written(user: User, process: str, language: str, inputs: Mapping[str, Any]) -> str:
    """The program that runs a process, as the platform writes it."""
    answer = user.http.post(
        f"/processes/{process}/code?language={language}", json={"inputs": dict(inputs)}
    )
    assert answer.status_code == 200, answer.text
    return answer.text


def signs_in_as(name: str, **more: str) -> dict[str, str]:
    """An environment that signs in in CCP's way."""
    return {"CCP_USER": name, "CCP_PASSWORD": PASSWORD, "CCP_CONTEXT": "default", **more}


def author(platform: RunningPlatform, name: str) -> User:
    """An account with the processes of these tests."""
    platform.add_user(name)
    made = User(platform.url, platform.token(name))
    for document in (ECHO, FAILING, ENDLESS, LONG, NUMBERS):
        assert made.deploy(document).status_code == 201, document["id"]
    return made
