from pathlib import Path

import pytest

from openccp.core.ports import NoSuchRuntime
from openccp.infrastructures import runtimes
from openccp.infrastructures.runtimes import Runtimes


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runtimes:
    found = [("3.12", "/usr/bin/python3.12"), ("3.9", "/opt/py/bin/python3.9")]
    monkeypatch.setattr(runtimes, "_pythons", lambda: iter(found))
    monkeypatch.setattr(runtimes, "_from_r", lambda: None)
    rootfs = tmp_path / "rootfs/bin"
    rootfs.mkdir(parents=True)
    (rootfs / "bash").touch()
    (tmp_path / "place").mkdir()
    return Runtimes({"lab/tool:2": tmp_path / "rootfs"}, tmp_path / "place")


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("", "bash"),
        ("bash", "bash"),
        ("bash:5.2-alpine", "bash"),
        ("docker.io/library/bash", "bash"),
        ("python", "python:3.12"),
        ("python:3", "python:3.12"),
        ("python:slim", "python:3.12"),
        ("python:3.9", "python:3.9"),
        ("python:3.9.18-slim-bookworm", "python:3.9"),
        ("lab/tool:2", "lab/tool:2"),
    ],
)
def test_names(here: Runtimes, image: str, name: str) -> None:
    assert here.find(image).name == name


@pytest.mark.parametrize(
    "image", ["python:3.8", "python:2", "python:nonsense", "r-base", "lab/tool", "bashful", "../x"]
)
def test_what_is_not_there(here: Runtimes, image: str) -> None:
    with pytest.raises(NoSuchRuntime, match="there are: bash, python"):
        here.find(image)


def test_a_python_beside_usr_brings_its_folder(here: Runtimes) -> None:
    assert here.prefixes == ("/opt/py",)


def test_the_shell_of_an_image(here: Runtimes) -> None:
    assert here.find("lab/tool:2").shell == "/bin/bash"
