"""What signing in needs: ports for tokens, passwords and throttling, and bearer secrets."""

import re
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from ipaddress import AddressValueError, IPv6Address, IPv6Network
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import unquote
from zlib import crc32

from openccp.core.problems import InvalidRequest
from openccp.core.stores import Credential

PUBLIC_CLIENT = "ccp-client-id"
"""The one client that every CCP script names."""

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class TokenLifetimes:
    """Seconds from issue to end.

    An RPT is the one token a CCP script takes for a job: it polls with it until the job is
    over. So `rpt_seconds` has to outlast the longest queue plus the longest run. Losing the
    account or the membership ends an RPT's use within seconds, whatever its lifetime.
    """

    access_seconds: int = 300
    refresh_seconds: int = 1800
    rpt_seconds: int = 7 * 86400
    session_seconds: int = 7 * 86400
    sign_in_seconds: int = 600
    device_seconds: int = 600
    device_interval: int = 5


class TokenSigner(Protocol):
    """Makes and checks the JWTs of this platform's own issuer."""

    @property
    def issuer(self) -> str:
        """The address that stands in `iss`, without a trailing slash; also our audience."""

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A compact JWT with these claims and `iss`."""

    def verify(self, token: str, now: float) -> Mapping[str, Any]:
        """The claims of a live access token or RPT of ours; NotAuthenticated otherwise.

        `sub` is a string, `exp` a number, `aud` a non-empty tuple of strings.
        """

    def jwks(self) -> dict[str, Any]:
        """The public keys, as a JWK set."""


class PasswordHasher(Protocol):
    """Slow on purpose, off the event loop, and bounded in memory."""

    async def hash(self, password: str) -> str:
        """A salted hash to keep."""

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether they fit. None (nobody, or no password) costs the same time and is False."""


class Throttle(Protocol):
    """Slows down guessing of passwords."""

    def admit(self, name: str, address: str, now: float) -> int:
        """Take one attempt: 0, or the seconds to wait before the next."""

    def succeeded(self, name: str, address: str, now: float) -> None:
        """The attempt was the account's owner: give it back and remember the address."""


class Recent(Generic[Key, Value]):
    """A bounded memory of values, each good until its own moment; drops the least used."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[Key, tuple[Value, float]] = OrderedDict()

    def get(self, key: Key, now: float) -> Value | None:
        """The value, unless it is not there or its time is over."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if now >= entry[1]:
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: Key, value: Value, until: float) -> None:
        """Remember a value until a moment."""
        self._entries[key] = (value, until)
        self._entries.move_to_end(key)
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)


@lru_cache(maxsize=10_000)
def network_of(address: str) -> str:
    """Who to count a request for: a customer with IPv6 has a whole /64 to come from."""
    try:
        parsed = IPv6Address(address)
    except AddressValueError:
        return address or "local"
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((int(parsed), 64), strict=False))


PREFIXES = {
    Credential.PERSONAL: "ccp_",
    Credential.SESSION: "ccps_",
    Credential.SIGN_IN: "ccpi_",
    Credential.REFRESH: "ccpr_",
    Credential.DEVICE: "ccpd_",
    Credential.SHARE: "ccpl_",
}
_SECRET = re.compile(r"(ccp[dlsir]?_)([A-Za-z0-9_-]{43})([0-9a-f]{8})", re.ASCII)
_KINDS = {prefix: kind for kind, prefix in PREFIXES.items()}


def new_secret(kind: Credential) -> str:
    """256 random bits behind a prefix that names their use, with a checksum at the end.

    Scanners find leaked ones by the prefix; what was cut or mistyped costs no look-up.
    """
    text = PREFIXES[kind] + secrets.token_urlsafe(32)
    return f"{text}{crc32(text.encode()):08x}"


def kind_of_secret(text: str) -> Credential | None:
    """What a bearer secret is for; None if it cannot be one of ours."""
    match = _SECRET.fullmatch(text)
    if match is None or int(match[3], 16) != crc32((match[1] + match[2]).encode()):
        return None
    return _KINDS[match[1]]


def secret_digest(text: str) -> str:
    """What is stored of a bearer secret. Its 256 bits need no salt and no slow hash."""
    return sha256(text.encode()).hexdigest()


NAME = re.compile(r"[a-z0-9](?:[a-z0-9._@-]{0,62}[a-z0-9])?", re.ASCII)
MAX_PASSWORD = 1024
MIN_PASSWORD = 8


def check_name(name: str) -> None:
    """InvalidRequest unless an account may have this name."""
    if not NAME.fullmatch(name):
        raise InvalidRequest(
            "A name has 1 to 64 small letters, digits and . _ - @, "
            "and starts and ends with a letter or digit."
        )


def check_password(password: str) -> None:
    """InvalidRequest unless this may become a password."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise InvalidRequest(f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters.")


def context_name(text: str) -> str:
    """A context as its plain name: CCP's clients send it plain or percent-encoded once."""
    return unquote(text) if "%" in text else text
