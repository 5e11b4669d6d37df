"""What is found and made once on this machine before any job can start."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from openccp.infrastructures.cgroups import Groups, detect
from openccp.infrastructures.launch import Launcher
from openccp.infrastructures.netfilter import close_own_addresses
from openccp.infrastructures.place import own_folder, scratch_folder, secrets_folder
from openccp.infrastructures.removal import remove_tree
from openccp.infrastructures.runtimes import Runtimes
from openccp.infrastructures.sandbox import (
    Jail,
    NoSandbox,
    Plain,
    find_sandbox,
    find_setpriv,
    try_sandbox,
)
from openccp.infrastructures.system import PassedOn, build_root, pass_on
from openccp.infrastructures.users import Users


@dataclass(frozen=True, slots=True)
class Machine:
    """The folders, users, groups and runtimes of one local infrastructure."""

    place: Path
    root: Path
    tasks: str
    secrets: str
    script: str
    users: Users
    uid_range: tuple[int, int]
    groups: Groups
    runtimes: Runtimes
    environment: Mapping[str, str]
    drops_user: bool
    unsafe: bool

    def launcher(self) -> tuple[Launcher, str]:
        """Try the sandbox; answers what starts tasks, and the network policy. NoSandbox if not."""
        jail = self._jail()
        policy = close_own_addresses(self.uid_range) if self.drops_user else "open"
        launcher = Launcher(
            self.tasks, self.secrets, self.script, self.users, self.groups, jail,
            self.runtimes, self.environment, self.drops_user,
        )  # fmt: skip
        return launcher, policy

    def _jail(self) -> Jail:
        try:
            sandbox = find_sandbox(self.place, self.root, drops_user=self.drops_user)
            try_sandbox(sandbox, self.users.example)
        except NoSandbox:
            if not self.unsafe:
                raise
            return Plain(str(self.root), find_setpriv() if self.drops_user else None)
        return sandbox


def prepare(
    root: Path,
    uid_range: tuple[int, int],
    images: Mapping[str, Path],
    environment: Mapping[str, str],
    *,
    unsafe: bool,
) -> Machine:
    """Make the folders, find the runtimes, sweep what a killed platform left half done."""
    drops_user = os.geteuid() == 0
    place = scratch_folder(root, drops_user=drops_user)
    tasks = own_folder(place / "tasks")
    hidden = secrets_folder(root, place)
    users = Users(place, uid_range, own=None if drops_user else os.geteuid())
    _sweep(tasks, hidden)
    users.sweep(str(tasks))
    runtimes = Runtimes(images, place)
    passed: PassedOn = pass_on(environment)
    script = place / "launch.sh"
    _install(script, resources.files("openccp.infrastructures").joinpath("launch.sh").read_bytes())
    return Machine(
        place, build_root(place, runtimes.prefixes, passed.files), str(tasks), str(hidden),
        str(script), users, uid_range, detect(), runtimes, passed.environment, drops_user, unsafe,
    )  # fmt: skip


def _install(path: Path, content: bytes) -> None:
    if path.exists() and path.read_bytes() == content:
        return
    new = path.with_name(f".{path.name}-{os.getpid()}")
    new.write_bytes(content)
    new.chmod(0o644)
    new.replace(path)


def _sweep(*folders: Path) -> None:
    """Folders under a dotted name were being built or removed when somebody was killed."""
    for folder in folders:
        for path in folder.glob(".*"):
            remove_tree(str(path))
