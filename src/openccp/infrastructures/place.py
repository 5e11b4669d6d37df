"""Where scratch lies: reachable by the users that jobs run as, writable by nobody but us."""

import contextlib
import hashlib
import os
import secrets
import stat
from pathlib import Path

from openccp.infrastructures.removal import remove_tree

SPARE = Path("/var/tmp")
MEMORY = Path("/dev/shm")
IDENTITY = "identity"
MARK = ".of"
"""Names the data folder that a folder elsewhere belongs to."""


class Squatted(OSError):
    """A folder of ours is somebody else's: nothing is put there."""


def scratch_folder(root: Path, *, drops_user: bool) -> Path:
    """`root/scratch`; if a job's user could not get there, a folder of ours in /var/tmp."""
    wanted = root.resolve() / "scratch"
    if not drops_user or all(_traversable(parent) for parent in wanted.parents):
        return own_folder(wanted)
    return _marked(own_folder(SPARE / _ours(root)), root)


def state_folder(root: Path, scratch: Path, *, drops_user: bool) -> Path:
    """In memory where that outlives us, else beside scratch.

    Another user's files in memory go when that user logs out: only root's stay.
    """
    if drops_user and os.path.ismount(MEMORY) and os.access(MEMORY, os.W_OK):
        return _marked(own_folder(MEMORY / _ours(root)), root)
    return own_folder(scratch / "state")


def own_folder(path: Path, mode: int = 0o711) -> Path:
    """Make a folder, or take it if it is ours alone; Squatted if it is not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.mkdir(mode)
    except FileExistsError:
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise Squatted(f"{path} is not a folder of this user") from None
    os.chmod(path, mode)
    return path


def move_into_place(building: Path, folder: Path) -> None:
    """Whole or not at all; if somebody else was first, theirs is as good."""
    try:
        building.rename(folder)
    except OSError:
        remove_tree(str(building))
        if not folder.is_dir():
            raise


def _traversable(folder: Path) -> bool:
    if not folder.exists():
        return True
    return bool(folder.stat().st_mode & stat.S_IXOTH)


def digest_of(root: Path) -> str:
    """What stands for the platform's data folder in names elsewhere on the machine."""
    return hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:16]


def identity_of(root: Path) -> str:
    """What stands for the folder where other machines see it: drawn once, kept in it."""
    root.mkdir(parents=True, exist_ok=True)
    kept, building = root / IDENTITY, root / f".{secrets.token_hex(8)}"
    if not kept.exists():
        building.write_text(secrets.token_hex(8))
        try:
            with contextlib.suppress(FileExistsError):
                kept.hardlink_to(building)  # whole, and only if nobody else was first
        finally:
            building.unlink()
    return kept.read_text()


def sweep_forgotten() -> None:
    """Remove our folders whose platform's data folder is no more."""
    for parent in (SPARE, MEMORY):
        for folder in parent.glob("openccp-*"):
            with contextlib.suppress(OSError):
                if folder.lstat().st_uid != os.geteuid():
                    continue
                if not Path((folder / MARK).read_text()).is_dir():
                    remove_tree(str(folder))


def _ours(root: Path) -> str:
    return "openccp-" + digest_of(root)


def _marked(folder: Path, root: Path) -> Path:
    mark = folder / MARK
    if not mark.exists():
        mark.write_text(str(root.resolve()))
    return folder
