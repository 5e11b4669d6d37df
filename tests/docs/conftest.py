"""One platform for all pages: examples run in a folder that looks like a checkout."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from tests.docs.documents import ROOT, Block, blocks

from openccp.testing.platform import PASSWORD, RunningPlatform, free_port

ADDRESS = "http://127.0.0.1:8080"
SUBSCRIBER = "9300"
"""The port at which the page on callbacks listens."""
MARK = "\x1e"
Outcome = list[tuple[Block, list[str]]]
RunPage = Callable[[Path], Outcome]


@pytest.fixture(scope="session")
def platform(
    tmp_path_factory: pytest.TempPathFactory, subscriber: str
) -> Iterator[RunningPlatform]:
    data = tmp_path_factory.mktemp("documented") / "data"
    data.mkdir()
    allowed = next(b.text for b in blocks(ROOT / "docs/callbacks.md") if b.language == "toml")
    (data / "openccp.toml").write_text(allowed.replace(SUBSCRIBER, subscriber))
    running = RunningPlatform(data)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def subscriber() -> str:
    return str(free_port())


@pytest.fixture(scope="session")
def token(platform: RunningPlatform) -> str:
    """What a reader of all pages but the README has, which makes its own account."""
    platform.add_user("reader")
    return platform.token("reader")


@pytest.fixture
def run_page(platform: RunningPlatform, token: str, subscriber: str, tmp_path: Path) -> RunPage:
    """Runs the examples of a page in order, in one shell; each with the lines it wrote."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "data").symlink_to(platform.data)
    (tmp_path / "home").mkdir()
    signed_in = {"CCP_URL": platform.url, "CCP_TOKEN": token, "TOKEN": token}

    def run(page: Path) -> Outcome:
        wanted = [b for b in blocks(page) if b.runs and b.language in ("sh", "python")]
        program = tmp_path / "program.sh"
        there = {ADDRESS: platform.url, SUBSCRIBER: subscriber}
        program.write_text(_replaced(_program(wanted, tmp_path, there), there))
        done = subprocess.run(
            ["sh", "-eu", str(program)],
            input=PASSWORD + "\n",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=tmp_path,
            timeout=120,
            check=False,
            env=_environment(tmp_path) | ({} if page.name == "README.md" else signed_in),
        )
        here = {platform.url: ADDRESS, subscriber: SUBSCRIBER}
        _, *parts = _replaced(done.stdout, here).split(MARK)
        assert done.returncode == 0, f"{wanted[len(parts) - 1].place}: {done.stdout}"
        outputs = [part.partition("\n")[2].splitlines() for part in parts]
        return list(zip(wanted, outputs, strict=True))

    return run


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: v for name, v in os.environ.items() if not name.startswith(("CCP_", "XDG_"))}
    return {**kept, "HOME": str(folder / "home"), "PYTHONUNBUFFERED": "1"}


def _replaced(text: str, names: Mapping[str, str]) -> str:
    for name, other in names.items():
        text = text.replace(name, other)
    return text


def _program(wanted: list[Block], folder: Path, names: Mapping[str, str]) -> str:
    """Python blocks that follow each other are one program, as they are for a reader."""
    lines: list[str] = []
    session: list[str] = []
    for index, block in enumerate(wanted):
        if block.language == "sh":
            lines += [f"printf '\\036\\n' # {block.place}", block.text]
            continue
        session += [f"print({MARK!r})", block.text]
        if index + 1 == len(wanted) or wanted[index + 1].language == "sh":
            file = folder / f"example-{index}.py"
            file.write_text(_replaced("\n".join(session), names))
            lines.append(f".venv/bin/python {file.name}")
            session = []
    return "\n".join(lines)
