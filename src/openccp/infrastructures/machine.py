"""What is found and made once on this machine before any job can start."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from openccp.infrastructures.attempts import Attempts, open_attempts
from openccp.infrastructures.cgroups import Groups, detect
from openccp.infrastructures.folders import Ground
from openccp.infrastructures.launch import Launcher
from openccp.infrastructures.netfilter import OPEN, close_own_addresses
from openccp.infrastructures.place import (
    digest_of,
)
from openccp.infrastructures.runtimes import Runtimes
from openccp.infrastructures.sandbox import (
    Jail,
    NoSandbox,
    Plain,
    find_sandbox,
    try_sandbox,
)
from openccp.infrastructures.system import build_root, pass_on


@dataclass(frozen=True, slots=True)
class Machine:
    """The folders, users, groups and runtimes of one local infrastructure."""

    place: Path
    root: Path
    attempts: Attempts
    uid_range: tuple[int, int]
    groups: Groups
    runtimes: Runtimes
    unsafe: bool

    @property
    def ground(self) -> Ground:
        """Where the attempts lie."""
        return self.attempts.ground

    def launcher(self) -> tuple[Launcher, str]:
        """Try the sandbox; answers what starts tasks, and the network policy. NoSandbox if not."""
        jail = self._jail()
        environment = self.attempts.environment
        closes = self.attempts.drops_user
        policy = close_own_addresses(self.uid_range, environment) if closes else OPEN
        return Launcher(self.attempts, self.groups, jail, self.runtimes), policy

    def _jail(self) -> Jail:
        try:
            sandbox = find_sandbox(self.place, self.root, drops_user=self.attempts.drops_user)
            try_sandbox(sandbox, self.attempts.users.example)
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
    passed = pass_on(environment)
    attempts, place = open_attempts(root, uid_range, passed.environment)
    groups = detect(f"ccp-{digest_of(root)}")
    _sweep(groups, attempts.names())
    runtimes = Runtimes(images, place)
    tree = build_root(place, runtimes.prefixes, passed.files)
    return Machine(place, tree, attempts, uid_range, groups, runtimes, unsafe)


def _sweep(groups: Groups, kept: set[str]) -> None:
    """Groups of attempts that are no more."""
    for name in groups.names():
        if name.rpartition("-")[0] not in kept:
            groups.remove(name)
