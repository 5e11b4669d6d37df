"""What `ccp doctor` last found of each infrastructure, kept in the data folder."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import orjson

from openccp.core.promises import Measured, Measurement

FOLDER = "measured"


class KeptMeasurements:
    """One file an infrastructure, replaced whole."""

    def __init__(self, data: Path) -> None:
        self._folder = data / FOLDER

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Whoever measures here does so alone; BlockingIOError while somebody else does."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._folder / "lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield

    def keep(self, name: str, measured: Measured) -> None:
        """Replace what was kept of an infrastructure."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self._folder / f".{name}"
        new.write_bytes(orjson.dumps(asdict(measured)))
        new.replace(self._folder / f"{name}.json")

    def of(self, name: str) -> Measured | None:
        """What was found last; None if it was never measured, or cannot be read."""
        try:
            kept = orjson.loads((self._folder / f"{name}.json").read_bytes())
            found = tuple(Measurement(**one) for one in kept["found"])
            return Measured(kept["at"], kept["version"], found)
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None
