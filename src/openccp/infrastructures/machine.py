"""What is found and made once on this machine before any job can start."""

import contextlib
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from openccp.infrastructures.cgroups import Groups, detect
from openccp.infrastructures.folders import Ground
from openccp.infrastructures.launch import Launcher
from openccp.infrastructures.netfilter import OPEN, close_own_addresses
from openccp.infrastructures.place import (
    digest_of,
    own_folder,
    scratch_folder,
    state_folder,
    sweep_forgotten,
)
from openccp.infrastructures.removal import remove_tree
from openccp.infrastructures.runtimes import Runtimes
from openccp.infrastructures.sandbox import (
    Jail,
    NoSandbox,
    Plain,
    find_sandbox,
    try_sandbox,
)
from openccp.infrastructures.system import build_root, pass_on
from openccp.infrastructures.users import Users

OF_ATTEMPT = re.compile(r"\.(?:home|run|undeploy|large)\.")
ABANDONED = 60
"""Seconds after which what is half built or half removed is nobody's work any more."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The folders, users, groups and runtimes of one local infrastructure."""

    place: Path
    root: Path
    ground: Ground
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
        policy = close_own_addresses(self.uid_range, self.environment) if self.drops_user else OPEN
        launcher = Launcher(
            self.ground, self.users, self.groups, jail, self.runtimes, self.environment,
            self.drops_user,
        )  # fmt: skip
        return launcher, policy

    def _jail(self) -> Jail:
        try:
            sandbox = find_sandbox(self.place, self.root, drops_user=self.drops_user)
            try_sandbox(sandbox, self.users.example)
        except NoSandbox:
            if not self.unsafe:
                raise
            return Plain(str(self.root))
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
    root.mkdir(parents=True, exist_ok=True)
    drops_user = os.geteuid() == 0
    place = scratch_folder(root, drops_user=drops_user)
    disk, state = own_folder(place / "tasks"), state_folder(root, place, drops_user=drops_user)
    ground = Ground(str(state), str(disk))
    groups = detect(f"ccp-{digest_of(root)}")
    users = Users(state, uid_range, own=None if drops_user else os.geteuid())
    _sweep(ground, groups)
    sweep_forgotten()
    users.sweep()
    runtimes = Runtimes(images, place)
    passed = pass_on(environment)
    return Machine(
        place, build_root(place, runtimes.prefixes, passed.files), ground, users, uid_range,
        groups, runtimes, passed.environment, drops_user, unsafe,
    )  # fmt: skip


def _sweep(ground: Ground, groups: Groups) -> None:
    """What was half built or removed when somebody was killed, or lost with the machine."""
    kept = set(os.listdir(ground.state))
    for name in kept:
        if name.startswith((".new-", ".gone-")):
            _remove_old(f"{ground.state}/{name}")
    for name in os.listdir(ground.disk):
        if OF_ATTEMPT.split(name)[0] not in kept:
            _remove_old(f"{ground.disk}/{name}")

    for name in groups.names():
        if name.rpartition("-")[0] not in kept:
            groups.remove(name)


def _remove_old(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        if time.time() - os.lstat(path).st_ctime > ABANDONED:
            remove_tree(path)
