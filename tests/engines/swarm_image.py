"""The file system of the images that a swarm's nodes have: made once, by whoever comes first."""

import fcntl
import subprocess
from pathlib import Path

from tests.engines.daemons import CACHE, NoEngine

LEFT_OUT = ("doc", "man", "locale", "info")
CLEAN = 'rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin'


def archive() -> Path:
    """A tar of Debian's smallest system with Python."""
    CACHE.mkdir(parents=True, exist_ok=True)
    made = CACHE / "swarm.tar"
    with (CACHE / "swarm.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            building = made.with_suffix(".part.tar")
            _build(building)
            building.rename(made)
    return made


def _build(building: Path) -> None:
    left_out = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in LEFT_OUT]
    packages = "--include=python3,ca-certificates"
    command = ["mmdebstrap", "--variant=minbase", packages, *left_out, f"--customize-hook={CLEAN}"]
    done = subprocess.run([*command, "bookworm", str(building)], capture_output=True, text=True)
    if done.returncode:
        raise NoEngine(f"Debian's packages cannot be had: {done.stderr[-300:]}")
