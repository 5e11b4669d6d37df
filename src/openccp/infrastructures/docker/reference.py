"""What names an image, what a name stood for, and who is known to a registry: pure."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HUB = "docker.io"
_HOST = r"(?:[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)*(?::[0-9]{1,5})?/)?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_TAG = r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
REFERENCE = re.compile(rf"{_HOST}{_PART}(?:/{_PART})*{_TAG}")


@dataclass(frozen=True, slots=True)
class Image:
    """What a name stood for when it was resolved. `digest` is empty for one no registry gave."""

    name: str
    id: str
    digest: str = ""
    volumes: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    """The names of its labels."""
    at: float = 0.0
    """When an attempt began with it (epoch seconds)."""


@dataclass(frozen=True, slots=True)
class Login:
    """Whom the daemon is to a registry. The password is read anew for each pull."""

    username: str
    password: Callable[[], str]


def password_from(file: Path | None, variable: str) -> Callable[[], str]:
    """Where a password is: in a file, else in a variable of the platform's environment."""

    def read() -> str:
        return file.read_text().strip() if file else os.environ.get(variable, "")

    return read


def is_reference(name: str) -> bool:
    """Whether it can name an image of a registry, and nothing else of a daemon."""
    return len(name) <= 255 and REFERENCE.fullmatch(name) is not None


def registry_of(name: str) -> str:
    """The host of its registry, as credentials are listed by."""
    host, slash, _ = name.partition("/")
    return host if slash and ("." in host or ":" in host or host == "localhost") else HUB
