"""The client's keys for making a request once, with digests that tell nobody what was in it."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from openccp.core.access import Who
from openccp.core.problems import InvalidRequest
from openccp.core.stores import IdempotencyKey

LONGEST_KEY = 255


@dataclass(frozen=True)
class Repeats:
    """Digests requests under the platform's key, which is read when the first is asked for.

    A plain digest would let whoever reads the database try out the secrets in a request.
    """

    read_key: Callable[[], bytes]

    @cached_property
    def _key(self) -> bytes:
        return self.read_key()

    def known_as(
        self, who: Who, method_id: str, key: str | None, body: bytes
    ) -> IdempotencyKey | None:
        """The key in the scope of the caller; InvalidRequest where it is none."""
        if key is None:
            return None
        if not key or len(key) > LONGEST_KEY:
            raise InvalidRequest(f"Idempotency-Key must have 1 to {LONGEST_KEY} characters.")
        plain = hashlib.sha256(method_id.encode() + b"\0" + body)
        digest = hmac.digest(self._key, plain.digest(), "sha256").hex()
        return IdempotencyKey(f"{who.id} {who.context}", key, digest, plain.hexdigest())
