"""Files by which a daemon and the platform know each other."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Credentials:
    """Files by which both sides know each other: PEM for TLS, a private key for SSH."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    known_hosts: Path | None = None
