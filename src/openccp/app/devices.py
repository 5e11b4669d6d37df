"""Programs that sign in without a browser of their own (RFC 8628)."""

from openccp.app.issue import Answer
from openccp.app.sign_in import (
    GrantRefused,
    SignIn,
    TokenRequest,
    public_client,
    too_many,
    wanted_context,
)
from openccp.core.access import Who
from openccp.core.devices import DeviceRequest, DeviceStore, new_user_code, user_code_digest
from openccp.core.identity import (
    Throttle,
    TokenLifetimes,
    kind_of_secret,
    network_of,
    new_secret,
    secret_digest,
)
from openccp.core.ports import Clock
from openccp.core.stores import Credential

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
PAGE = "/device"
MOST = 10_000
"""Requests at once: whoever asks in vain comes back."""
SLOWER = 5
EARLY = 0.8
"""A question that comes after this part of the interval is not held against a slow network."""
LONGEST_AGENT = 100


class Devices:
    """Takes programs' requests, shows them to people, and gives out what was allowed.

    `asking` bounds requests by network, `trying` codes by person.
    """

    def __init__(
        self,
        store: DeviceStore,
        asking: Throttle,
        trying: Throttle,
        clock: Clock,
        lifetimes: TokenLifetimes | None = None,
    ) -> None:
        self._store = store
        self._asking = asking
        self._trying = trying
        self._clock = clock
        self._lifetimes = lifetimes or TokenLifetimes()

    async def ask(self, desk: SignIn, request: TokenRequest, agent: str) -> Answer:
        """The answer of the device authorization endpoint; GrantRefused otherwise."""
        client, context, now = public_client(desk, request), wanted_context(request), self._clock()
        wait = self._asking.admit(network_of(request.address), request.address, now)
        if wait:
            raise too_many(wait)
        device_code, user_code = new_secret(Credential.DEVICE), new_user_code()
        lifetimes = self._lifetimes
        kept = DeviceRequest(
            digest=secret_digest(device_code),
            user_code=user_code_digest(user_code) or "",
            client=client,
            context=context,
            address=request.address,
            agent=_shown(agent),
            created=now,
            expires=now + lifetimes.device_seconds,
            interval=lifetimes.device_interval,
        )
        if not await self._store.add(kept, MOST):
            raise too_many(lifetimes.device_interval)
        page = desk.signer.issuer + PAGE
        return {
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={user_code}",
            "expires_in": lifetimes.device_seconds,
            "interval": lifetimes.device_interval,
        }

    async def grant(self, desk: SignIn, request: TokenRequest) -> Answer:
        """The grant at the token endpoint: tokens once, after a person has allowed it."""
        client, code = public_client(desk, request), request.required("device_code")
        seen = None
        if kind_of_secret(code) is Credential.DEVICE:
            seen = await self._store.by_device_code(secret_digest(code))
        if seen is None or seen.client != client:
            raise _refused("invalid_grant", "Invalid device_code")
        await self._pace(seen)
        if seen.decided is None:
            raise _refused("authorization_pending", "Nobody has allowed it yet")
        account = None if seen.account is None else await desk.accounts.account(seen.account)
        if account is None or account.not_before > seen.decided:
            raise _refused("access_denied", "It was denied")
        if not await self._store.take(seen.digest):
            raise _refused("invalid_grant", "Invalid device_code")
        return await desk.signed_in(account, client, seen.context)

    async def _pace(self, seen: DeviceRequest) -> None:
        now = self._clock()
        if now >= seen.expires:
            raise _refused("expired_token", "The code has expired")
        hasty = now < seen.polled + seen.interval * EARLY
        interval = seen.interval + SLOWER if hasty else seen.interval
        if not await self._store.note_poll(seen, now, interval) or hasty:
            raise _refused("slow_down", f"Ask every {interval} seconds only")

    async def find(self, who: Who, typed: str, address: str) -> DeviceRequest | None:
        """The undecided request behind a code; GrantRefused for who has tried too many.

        Only codes that are none count as tries.
        """
        now = self._clock()
        wait = self._trying.admit(who.id, address, now)
        if wait:
            raise too_many(wait)
        digest = user_code_digest(typed)
        found = None if digest is None else await self._store.by_user_code(digest)
        if found is None or found.decided is not None or now >= found.expires:
            return None
        self._trying.succeeded(who.id, address, now)
        return found

    async def decide(self, who: Who, request: DeviceRequest, *, allow: bool) -> bool:
        """Allow or deny; whether that counted. Who does not belong to its context cannot allow."""
        account = who.id if allow else None
        if allow and request.context not in (None, *who.contexts):
            return False
        return await self._store.decide(request.digest, account, self._clock())


def _shown(agent: str) -> str:
    return "".join(one for one in agent if " " <= one <= "~")[:LONGEST_AGENT]


def _refused(error: str, description: str) -> GrantRefused:
    return GrantRefused(400, error, description)
