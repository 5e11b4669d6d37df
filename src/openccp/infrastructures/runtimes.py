"""What an image name stands for here: programs of this machine, or an unpacked root folder."""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from openccp.core.ports import NoSuchRuntime

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BIN = "/ccp/bin"
"""Where the folder of names is seen inside."""
PREFIXES = ("/usr/bin", "/usr/local/bin", "/opt/*/bin", "/opt/*/*/bin")
PYTHON = re.compile(r"python(3\.\d+)\Z")
PIP = """#!/bin/sh
exec {python} {pip} "$@"
"""


@dataclass(frozen=True, slots=True)
class Runtime:
    """How to run a script: its shell and search path; `programs` is bound at BIN, `prefix` too."""

    name: str
    shell: str
    path: str = PATH
    programs: str | None = None
    prefix: str | None = None
    rootfs: str | None = None


class Runtimes:
    """The runtimes of this machine and the image names mapped to root folders."""

    def __init__(self, images: Mapping[str, Path], place: Path) -> None:
        self._images = {name: _from_rootfs(name, path) for name, path in images.items()}
        self._pythons = {
            version: _from_python(version, program, place) for version, program in _pythons()
        }
        self._r = _from_r()

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Folders outside of /usr that programs of this machine need."""
        return tuple(python.prefix for python in self._pythons.values() if python.prefix)

    @property
    def names(self) -> tuple[str, ...]:
        """What can be asked for, newest Python first."""
        pythons = [f"python:{version}" for version in self._pythons]
        return ("bash", *pythons, *(["r-base"] if self._r else []), *self._images)

    def has(self, image: str) -> bool:
        """Whether an image name stands for something here."""
        return self._known(image) is not None

    def find(self, image: str) -> Runtime:
        """The runtime of a name; NoSuchRuntime with the names there are."""
        found = self._known(image)
        if found is None:
            raise NoSuchRuntime(
                f"There is no runtime {image!r} here; there are: {', '.join(self.names)}"
            )
        return found

    def _known(self, image: str) -> Runtime | None:
        return self._images.get(image) or self._of_this_machine(image)

    def _of_this_machine(self, image: str) -> Runtime | None:
        name, _, tag = image.removeprefix("docker.io/").removeprefix("library/").partition(":")
        if name in ("", "bash"):
            return BASH
        if name == "r-base":
            return self._r
        if name == "python":
            return self._python(tag)
        return None

    def _python(self, tag: str) -> Runtime | None:
        version = re.match(r"3\.\d+", tag)
        if version:
            return self._pythons.get(version.group())
        if re.match(r"(3|latest|slim)?(-.*)?\Z", tag):
            return next(iter(self._pythons.values()), None)
        return None


BASH = Runtime("bash", "/bin/bash" if os.path.exists("/bin/bash") else "/bin/sh")


def _from_r() -> Runtime | None:
    if shutil.which("Rscript", path=PATH) is None:
        return None
    return Runtime("r-base", BASH.shell)


def _from_rootfs(name: str, path: Path) -> Runtime:
    root = str(path.resolve())
    bash = any(os.path.lexists(f"{root}{folder}/bash") for folder in ("/bin", "/usr/bin"))
    return Runtime(name, "/bin/bash" if bash else "/bin/sh", rootfs=root)


def _from_python(version: str, program: str, place: Path) -> Runtime:
    """A folder of names (`python`, `python3`, `pip`) before all others in the search path."""
    prefix = str(Path(program).resolve().parent.parent)
    folder = place / f"python-{version}"
    folder.mkdir(mode=0o755, exist_ok=True)
    for name in ("python", "python3"):
        _relink(folder / name, program)
    pip = _pip(prefix, version, folder)
    for name in ("pip", "pip3") if pip else ():
        _rewrite(folder / name, PIP.format(python=program, pip=pip))
    own = None if prefix == "/usr" else prefix
    return Runtime(f"python:{version}", BASH.shell, f"{BIN}:{PATH}", str(folder), own)


def _pip(prefix: str, version: str, folder: Path) -> str | None:
    """How this Python runs pip: its own, else a wheel of it that runs from where it lies."""
    for site in (f"python{version}/site-packages", "python3/dist-packages"):
        if os.path.isdir(f"{prefix}/lib/{site}/pip"):
            return "-m pip"
    for wheel in _wheels(prefix, version):
        shutil.copyfile(wheel, folder / wheel.name)
        return f"{BIN}/{wheel.name}/pip"
    return None


def _wheels(prefix: str, version: str) -> Iterator[Path]:
    yield from Path("/usr/share/python-wheels").glob("pip-*.whl")
    yield from Path(f"{prefix}/lib/python{version}/ensurepip/_bundled").glob("pip-*.whl")
    yield from Path(os.__file__).parent.glob("ensurepip/_bundled/pip-*.whl")


def _pythons() -> Iterator[tuple[str, str]]:
    """Versions and programs that everybody may run, newest first, one a version."""
    found: dict[str, str] = {}
    for pattern in PREFIXES:
        for program in sorted(Path("/").glob(pattern[1:] + "/python3.*")):
            match = PYTHON.match(program.name)
            if match and _reachable(program):
                found.setdefault(match.group(1), str(program))
    yield from sorted(found.items(), key=lambda item: -int(item[0].split(".")[1]))


def _reachable(program: Path) -> bool:
    real = program.resolve()
    public = all(folder.stat().st_mode & 0o001 for folder in real.parents)
    return public and real.is_file() and bool(real.stat().st_mode & 0o001)


def _relink(link: Path, target: str) -> None:
    if not link.is_symlink() or os.readlink(link) != target:
        link.unlink(missing_ok=True)
        link.symlink_to(target)


def _rewrite(path: Path, text: str) -> None:
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
        path.chmod(0o755)
