"""One user of the machine a running attempt, claimed by a link so that two never share one."""

import contextlib
import os
from pathlib import Path

from openccp.core.ports import CannotStart
from openccp.infrastructures.place import MEMORY, own_folder


class Users:
    """Hands out users of a range; `own` is set where no other user can be taken.

    All platforms that keep their state in memory share the claims: what a user may do and what is
    counted for a user (its processes, say) is the whole machine's.
    """

    def __init__(self, state: Path, uid_range: tuple[int, int], *, own: int | None) -> None:
        shared = state.parent == MEMORY
        place = state.parent / "openccp-users" if shared else state.parent / "users"
        self._folder = str(own_folder(place, 0o700))
        self._state = str(state)
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
                os.symlink(f"{self._state}/{attempt}", f"{self._folder}/{uid}")
                return uid
        raise CannotStart("All users that jobs can run as are taken")

    def hand_over(self, uid: int, attempt: str, other: str) -> None:
        """An attempt's user becomes another's: at no time is it nobody's."""
        if self._own is not None:
            return
        link, beside = f"{self._folder}/{uid}", f"{self._state}/.user-{uid}"
        if os.readlink(link) != f"{self._state}/{attempt}":
            raise CannotStart(f"The user {uid} is not of {attempt}")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside)
        os.symlink(f"{self._state}/{other}", beside)
        os.rename(beside, link)

    def release(self, uid: int, attempt: str) -> None:
        """Give a user back, if it is that attempt's."""
        path = f"{self._folder}/{uid}"
        with contextlib.suppress(OSError):
            if os.readlink(path) == f"{self._state}/{attempt}":
                os.unlink(path)

    def sweep(self) -> None:
        """Give back what our attempts without a folder hold (none is being started yet).

        Of another platform only what it can never give back: it is no more.
        """
        for name in os.listdir(self._folder):
            with contextlib.suppress(OSError):
                attempt = os.readlink(f"{self._folder}/{name}")
                state = os.path.dirname(attempt)
                if not os.path.isdir(attempt if state == self._state else state):
                    os.unlink(f"{self._folder}/{name}")
