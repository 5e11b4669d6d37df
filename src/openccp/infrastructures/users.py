"""One user of the machine a running attempt, claimed by a link so that two never share one."""

import contextlib
import os
from pathlib import Path

from openccp.core.ports import CannotStart
from openccp.infrastructures.place import own_folder


class Users:
    """Hands out users of a range; `own` is set where no other user can be taken."""

    def __init__(self, place: Path, uid_range: tuple[int, int], *, own: int | None) -> None:
        self._folder = str(own_folder(place / "users", 0o700))
        self._first, self._end = uid_range
        self._next = self._first
        self._own = own

    @property
    def example(self) -> int:
        """A user to try a sandbox with."""
        return self._first if self._own is None else self._own

    def take(self, attempt: str) -> int:
        """A user that no other attempt has."""
        if self._own is not None:
            return self._own
        for _ in range(self._first, self._end):
            uid = self._next
            self._next = uid + 1 if uid + 1 < self._end else self._first
            with contextlib.suppress(FileExistsError):
                os.symlink(attempt, f"{self._folder}/{uid}")
                return uid
        raise CannotStart("All users that jobs can run as are taken")

    def release(self, uid: int, attempt: str) -> None:
        """Give a user back, if it is that attempt's."""
        path = f"{self._folder}/{uid}"
        with contextlib.suppress(OSError):
            if os.readlink(path) == attempt:
                os.unlink(path)

    def sweep(self, state: str) -> None:
        """Give back what attempts without a folder hold (none is being started yet)."""
        for name in os.listdir(self._folder):
            with contextlib.suppress(OSError):
                if not os.path.isdir(f"{state}/{os.readlink(f'{self._folder}/{name}')}"):
                    os.unlink(f"{self._folder}/{name}")
