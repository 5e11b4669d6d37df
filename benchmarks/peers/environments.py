"""A virtual environment for each peer, kept outside of the checkout and made once."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

CACHE = Path.home() / ".cache" / "openccp-benchmarks"


def environment(
    cache: Path, name: str, packages: Sequence[str], python: str = sys.executable
) -> Path:
    """The bin folder of an environment that holds `packages`."""
    folder, wanted = cache / name, "\n".join([python, *packages])
    made = folder / "made-of.txt"
    if not made.exists() or made.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([python, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin/pip", "install", "--quiet", *packages], check=True)
        made.write_text(wanted)
    return folder / "bin"


def version(binaries: Path, package: str) -> str:
    """The installed version of a package."""
    code = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"
    found = subprocess.run(
        [binaries / "python", "-c", code, package], check=True, capture_output=True, text=True
    )
    return found.stdout.strip()


def newest_python() -> str:
    """The newest Python here up to 3.13: some peers no longer run on 3.11."""
    for minor in (13, 12):
        if found := _working(f"python3.{minor}"):
            return found
    return sys.executable


def _working(name: str) -> str | None:
    versions = Path.home() / ".pyenv" / "versions"
    places = [shutil.which(name), *sorted(map(str, versions.glob(f"*/bin/{name}")))]
    for place in places:
        if place and _runs(place):
            return place
    return None


def _runs(python: str) -> bool:
    try:
        return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0
    except OSError:
        return False
