"""Our own JWTs: RS256 and nothing else, verified with our own keys and nobody else's."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry, extract_compact, serialize_compact, validate_compact

from openccp.core.identity import Recent
from openccp.core.problems import NotAuthenticated

ALGORITHM = "RS256"
LEEWAY = 30
MAX_TOKEN = 16 * 1024
MARKS_OF_ID_TOKENS = frozenset({"nonce", "at_hash"})


class Signer:
    """The platform's issuer (a core.identity.TokenSigner).

    A verified token's claims are remembered until it ends, so that only its first request
    pays for the signature; the end itself is looked at each time.
    """

    def __init__(self, issuer: str, keys: Sequence[RSAKey], remembered: int = 10_000) -> None:
        self.issuer = issuer.rstrip("/")
        self._newest = keys[0]
        self._keys = {key.kid: key for key in keys}
        self._registry = JWSRegistry(algorithms=[ALGORITHM])
        self._verified: Recent[bytes, Mapping[str, Any]] = Recent(remembered)

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A compact JWT with these claims and `iss`, signed by the newest key."""
        header = {"alg": ALGORITHM, "typ": "JWT", "kid": self._newest.kid}
        payload = json.dumps({**claims, "iss": self.issuer}, separators=(",", ":"))
        return serialize_compact(header, payload, self._newest, registry=self._registry)

    def verify(self, token: str, now: float) -> Mapping[str, Any]:
        """The claims of a live token of ours; NotAuthenticated otherwise."""
        if len(token) > MAX_TOKEN:
            raise invalid_token()
        digest = sha256(token.encode(errors="replace")).digest()
        claims = self._verified.get(digest, now)
        if claims is None:
            claims = self._checked(self._payload(token), now)
            self._verified.put(digest, claims, claims["exp"] + LEEWAY)
        return claims

    def jwks(self) -> dict[str, Any]:
        """The public keys, as a JWK set."""
        return {"keys": [key.as_dict(private=False) for key in self._keys.values()]}

    def _payload(self, token: str) -> bytes:
        """What was signed. The header only chooses among our keys: `jku` and the like are dead."""
        try:
            signed = extract_compact(token.encode(), registry=self._registry)
            key = self._keys[signed.headers()["kid"]]
            if not validate_compact(signed, key, registry=self._registry):
                raise invalid_token()
        except (JoseError, ValueError, TypeError, KeyError) as wrong:
            raise invalid_token() from wrong
        return signed.payload

    def _checked(self, payload: bytes, now: float) -> Mapping[str, Any]:
        try:
            claims = json.loads(payload)
        except ValueError as wrong:
            raise invalid_token() from wrong
        if not isinstance(claims, dict):
            raise invalid_token()
        if not (self._is_access_token(claims) and _is_current(claims, now)):
            raise invalid_token()
        audience = _audience(claims.get("aud"))
        return MappingProxyType({**claims, "aud": audience})

    def _is_access_token(self, claims: Mapping[str, Any]) -> bool:
        return (
            claims.get("iss") == self.issuer
            and claims.get("typ") == "Bearer"
            and isinstance(claims.get("sub"), str)
            and MARKS_OF_ID_TOKENS.isdisjoint(claims)
        )


def _is_current(claims: Mapping[str, Any], now: float) -> bool:
    """`exp` must be there; `nbf` and `iat` may be, and then not in the future."""
    begins = (claims.get(name, 0) for name in ("nbf", "iat"))
    return (
        _is_time(claims.get("exp"))
        and now < claims["exp"] + LEEWAY
        and all(_is_time(begin) and begin <= now + LEEWAY for begin in begins)
    )


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _audience(value: object) -> tuple[str, ...]:
    """Keycloak writes a string or a list; a token for nobody in particular is refused."""
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not listed:
        raise invalid_token()
    if not all(isinstance(one, str) and one for one in listed):
        raise invalid_token()
    return tuple(listed)


def invalid_token() -> NotAuthenticated:
    """One answer to every bad token: what was wrong is nobody's business."""
    return NotAuthenticated(
        "This token is not valid, or no longer: get a new one.",
        headers={"WWW-Authenticate": 'Bearer realm="openccp", error="invalid_token"'},
    )
