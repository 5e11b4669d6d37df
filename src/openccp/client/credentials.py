"""Where sign-ins are kept: one JSON file that only its owner reads, and a lock beside it."""

import json
import os
import sys
import tempfile
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from openccp.client.errors import CCPError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

DEFAULT_URL = "http://127.0.0.1:8080"
LAST = "last"


@dataclass(frozen=True, slots=True)
class Login:
    """What signs in at one server. `expires` is in seconds since the epoch."""

    token: str
    refresh_token: str | None = None
    expires: float | None = None

    def __repr__(self) -> str:
        return "Login(***)"


class Credentials:
    """The file `openccp/credentials.json` in the user's configuration folder."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or _default_path()

    def login(self, url: str) -> Login | None:
        """The sign-in kept for a server."""
        entry = self._read().get(url)
        if not isinstance(entry, dict) or not isinstance(entry.get("token"), str):
            return None
        known = {field.name for field in fields(Login)}
        return Login(**{key: value for key, value in entry.items() if key in known})

    def last_url(self) -> str | None:
        """The server signed in at last."""
        url = self._read().get(LAST)
        return url if isinstance(url, str) else None

    def keep(self, url: str, login: Login, *, as_last: bool = True) -> None:
        """Remember a sign-in, and this server as the last one."""
        entry = {key: value for key, value in asdict(login).items() if value is not None}
        last = {LAST: url} if as_last else {}
        self._write({**self._read(), url: entry, **last})

    def lock(self) -> "FileLock":
        """The lock that whoever renews a sign-in holds."""
        self._make_folder()
        return FileLock(self.path.with_suffix(".lock"))

    def _read(self) -> dict[str, Any]:
        try:
            document = json.loads(self.path.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise CCPError(f"Cannot read {self.path}: {error}") from None
        return document if isinstance(document, dict) else {}

    def _write(self, document: dict[str, Any]) -> None:
        self._make_folder()
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=".credentials-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(document, file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        finally:
            Path(name).unlink(missing_ok=True)

    def _make_folder(self) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)


class FileLock:
    """A lock between processes that dies with its holder; asking for it never blocks."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def acquire(self) -> bool:
        """Take it if it is free."""
        try:
            _lock(self._descriptor)
        except OSError:
            return False
        return True

    def release(self) -> None:
        """Let it go."""
        os.close(self._descriptor)


if sys.platform == "win32":

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _default_path() -> Path:
    configured = os.environ.get("XDG_CONFIG_HOME", "")
    folder = Path(configured) if os.path.isabs(configured) else Path.home() / ".config"
    return folder / "openccp" / "credentials.json"
