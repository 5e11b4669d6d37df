"""Images and root file systems for the engines of the tests, from Debian's packages.

They stand in for the official images of the same names.
"""

import fcntl
import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "openccp-engines"
WHEELS = ("pandas==3.1.1", "matplotlib==3.11.2", "palmerpenguins==0.1.6")
"""What the shipped methods install: the engines of the tests have no way out."""
PLATFORMS = ("manylinux_2_28", "manylinux_2_17", "manylinux2014")
TRIM = 'cd "$1" && rm -rf usr/share/doc/* usr/share/man/* usr/share/locale/* var/lib/apt/lists/*'


class NoEngine(Exception):
    """The engine cannot be had here; the text says why."""


@dataclass(frozen=True, slots=True)
class Image:
    """What is in an image beside Debian's smallest system."""

    packages: str
    hooks: Sequence[str] = ()
    changes: Sequence[str] = ()


IMAGES = {
    "bash": Image("ca-certificates", changes=['CMD ["bash"]']),
    "python:3.11": Image(
        "ca-certificates,python3,python3-pip,python3-venv",
        [TRIM, 'ln -s python3 "$1/usr/bin/python"', f'copy-in "{CACHE}/wheels" /opt'],
        ['CMD ["python3"]', "ENV PIP_NO_INDEX=1 PIP_FIND_LINKS=/opt/wheels"],
    ),
    "r-base": Image("ca-certificates,r-base-core,r-cran-jsonlite", [TRIM], ['CMD ["R"]']),
}


def root_file_system(name: str, packages: str = "") -> Path:
    """A tar of Debian's smallest system with some packages, or of an image; made only once."""
    CACHE.mkdir(parents=True, exist_ok=True)
    image = IMAGES.get(name) or Image(packages)
    archive = CACHE / f"{name.replace(':', '-')}.tar"
    with archive.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not archive.exists():
            _build(image, archive)
    return archive


def _build(image: Image, archive: Path) -> None:
    if shutil.which("mmdebstrap") is None:
        raise NoEngine("mmdebstrap is not installed")
    if any("wheels" in hook for hook in image.hooks):
        _download_wheels()
    building = archive.with_suffix(".part.tar")
    hooks = [f"--customize-hook={hook}" for hook in image.hooks]
    included = f"--include={image.packages}"
    _run("mmdebstrap", "--variant=minbase", included, *hooks, "bookworm", str(building))
    building.rename(archive)


def _download_wheels() -> None:
    """With whatever pip there is, for the Python of the image."""
    kinds = [f"--platform={one}_{platform.machine()}" for one in PLATFORMS]
    target = ["-d", str(CACHE / "wheels"), "--python-version", "3.11", "--only-binary=:all:"]
    _run("pip3", "download", "-q", *target, *kinds, *WHEELS)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise NoEngine(f"An image cannot be built: {done.stderr[-300:]}")


def docker(address: str, *words: str) -> str:
    """What Docker's own program answers."""
    done = subprocess.run(
        ["docker", "-H", address, *words], capture_output=True, text=True, check=True
    )
    return done.stdout


def import_image(address: str, name: str) -> None:
    """Bring an image to a daemon; one that it has stays."""
    if docker(address, "images", "-q", name).strip():
        return
    changes = [word for change in IMAGES[name].changes for word in ("--change", change)]
    docker(address, "import", *changes, str(root_file_system(name)), name)
