"""Signing in: the grants of the token endpoint (RFC 6749, UMA 2.0) and the browser's session."""

import asyncio
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from openccp.app.authenticate import Grant, bearer_grant, stored_grant
from openccp.app.issue import CONTEXT_SCOPE, Answer, Issuer
from openccp.core.identity import (
    MAX_PASSWORD,
    NAME,
    PUBLIC_CLIENT,
    PasswordHasher,
    Throttle,
    TokenLifetimes,
    TokenSigner,
    context_name,
    new_secret,
    secret_digest,
)
from openccp.core.ports import Clock
from openccp.core.problems import NotAuthenticated
from openccp.core.stores import Account, AccountStore, Credential, StoredCredential

UMA_TICKET = "urn:ietf:params:oauth:grant-type:uma-ticket"
NOBODY = "?"
"""Stands for every name that no account can have."""
TURNS = 2
QUEUE = 500
"""Logins that may wait for their turn; more of them are told to come back."""


class GrantRefused(Exception):
    """An RFC 6749 error: `error` is its code, `description` is for people."""

    def __init__(
        self, status: int, error: str, description: str, retry_after: int | None = None
    ) -> None:
        self.status = status
        self.error = error
        self.description = description
        self.retry_after = retry_after
        super().__init__(description)


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """What came to the token endpoint; `context` is the X-D4Science-Context header."""

    form: Mapping[str, str] = field(repr=False)
    authorization: str | None = field(default=None, repr=False)
    context: str | None = None
    address: str = ""

    def required(self, name: str) -> str:
        """A parameter, or the error that it is missing."""
        value = self.form.get(name)
        if not value:
            raise GrantRefused(400, "invalid_request", f"Missing form parameter: {name}")
        return value


class SignIn:
    """Gives out tokens and sessions for local accounts."""

    def __init__(
        self,
        accounts: AccountStore,
        signer: TokenSigner,
        hasher: PasswordHasher,
        throttle: Throttle,
        clock: Clock,
        lifetimes: TokenLifetimes | None = None,
        clients: frozenset[str] = frozenset({PUBLIC_CLIENT}),
        more_grants: "Grants | None" = None,
    ) -> None:
        self.accounts = accounts
        self.signer = signer
        self.hasher = hasher
        self.throttle = throttle
        self.clock = clock
        self.lifetimes = lifetimes or TokenLifetimes()
        self.clients = clients
        self.issuer = Issuer(accounts, signer, clock, self.lifetimes)
        self.grants: Grants = {**GRANTS, **(more_grants or {})}
        self._turn = asyncio.Semaphore(TURNS)
        self._waiting = 0

    async def token(self, request: TokenRequest) -> Answer | list[Answer]:
        """The token endpoint's answer; GrantRefused otherwise."""
        grant = self.grants.get(request.required("grant_type"))
        if grant is None:
            raise GrantRefused(400, "unsupported_grant_type", "Unsupported grant_type")
        return await grant(self, request)

    async def signed_in(self, account: Account, client: str, context: str | None) -> Answer:
        """An access token with the first refresh token of a family; of a member only."""
        await _check_member(self, account, context)
        refresh = await self.issuer.refresh(account, client, context)
        return self.issuer.access(account, client, context) | refresh

    async def owner_of(self, name: str, password: str, address: str) -> Account:
        """The account of a name and password, slowly and in turn; GrantRefused otherwise."""
        possible = name if NAME.fullmatch(name) else NOBODY
        if self._waiting >= QUEUE:
            raise too_many(5)
        self._waiting += 1
        try:
            async with self._turn:
                return await self._checked(possible, password, address)
        finally:
            self._waiting -= 1

    async def _checked(self, name: str, password: str, address: str) -> Account:
        """Admission comes after the wait: a guesser's earlier failures are counted by then."""
        now = self.clock()
        wait = self.throttle.admit(name, address, now)
        if wait:
            raise too_many(wait)
        account = None if name == NOBODY else await self.accounts.account_named(name)
        password_hash = account.password_hash if account else None
        fits = await self.hasher.verify(password_hash, password[: MAX_PASSWORD + 1])
        if account is None or not fits:
            raise GrantRefused(401, "invalid_grant", "Invalid user credentials")
        self.throttle.succeeded(name, address, now)
        return account

    async def open_session(self, secret: str, replaced: str | None = None) -> str | None:
        """Spend a sign-in secret for a session's; None if it is wrong, spent or expired.

        The session that the browser had before, `replaced`, ends.
        """
        now = self.clock()
        try:
            grant = await stored_grant(self.accounts, secret, Credential.SIGN_IN, now)
        except NotAuthenticated:
            return None
        if not await self.accounts.spend(secret_digest(secret), now):
            return None
        if replaced is not None:
            await self.close_session(replaced)
        session = new_secret(Credential.SESSION)
        expires = now + self.lifetimes.session_seconds
        await self.accounts.add_credential(
            StoredCredential(
                secret_digest(session), Credential.SESSION, grant.account, now, expires
            )
        )
        return session

    async def close_session(self, session: str) -> bool:
        """Sign out; whether there was such a session."""
        try:
            await stored_grant(self.accounts, session, Credential.SESSION, self.clock())
        except NotAuthenticated:
            return False
        await self.accounts.revoke(secret_digest(session))
        return True


# --- the grants -------------------------------------------------------------------------------


async def password_grant(desk: SignIn, request: TokenRequest) -> Answer:
    """Name and password of an account, at the public client."""
    client = public_client(desk, request)
    context = wanted_context(request)
    name, password = request.required("username"), request.required("password")
    account = await desk.owner_of(name, password, request.address)
    return await desk.signed_in(account, client, context)


async def refresh_grant(desk: SignIn, request: TokenRequest) -> Answer:
    """A refresh token, good once: whoever comes with a used one ends the whole family (S-15)."""
    client = public_client(desk, request)
    digest = secret_digest(request.required("refresh_token"))
    known = await desk.accounts.credential(digest)
    if known is None or known.kind is not Credential.REFRESH or known.client != client:
        raise _bad_refresh()
    family = known.family or digest
    if known.spent is not None:
        await desk.accounts.revoke_family(family)
        raise _bad_refresh()
    account = await desk.accounts.account(known.account)
    if account is None or known.expires is None or desk.clock() >= known.expires:
        raise _bad_refresh()
    context = _narrowed(known.context, wanted_context(request))
    await _check_member(desk, account, context)
    refresh = await desk.issuer.refresh(account, client, known.context, family)
    if not await desk.accounts.spend(digest, desk.clock()):
        await desk.accounts.revoke_family(family)
        raise _bad_refresh()
    return desk.issuer.access(account, client, context) | refresh


async def client_credentials_grant(desk: SignIn, request: TokenRequest) -> Answer:
    """For services: the account's name as client and a personal token as its secret."""
    account, bound = await _client(desk, request)
    context = _narrowed(bound, wanted_context(request))
    await _check_member(desk, account, context)
    return desk.issuer.access(account, account.name, context)


async def uma_grant(desk: SignIn, request: TokenRequest) -> Answer | list[Answer]:
    """An RPT for the context named as `audience` (or what `response_mode` asks for).

    It comes without a refresh token, and is not exchanged for another RPT: its end is its end.
    """
    account, bound = await _uma_caller(desk, request)
    context = _narrowed(bound, context_name(request.required("audience")))
    await _check_member(desk, account, context)
    permissions: list[Answer] = [{"rsid": context, "rsname": context}]
    match request.form.get("response_mode"):
        case None:
            client = request.form.get("client_id", PUBLIC_CLIENT)
            return {"upgraded": False} | desk.issuer.access(account, client, context, permissions)
        case "decision":
            return {"result": True}
        case "permissions":
            return permissions
        case _:
            raise GrantRefused(400, "invalid_request", "Invalid response_mode")


Grants = Mapping[str, Callable[[SignIn, TokenRequest], Awaitable[Answer | list[Answer]]]]

GRANTS: Grants = {
    "password": password_grant,
    "refresh_token": refresh_grant,
    "client_credentials": client_credentials_grant,
    UMA_TICKET: uma_grant,
}


# --- who asks, and for what -------------------------------------------------------------------


def public_client(desk: SignIn, request: TokenRequest) -> str:
    """The client that a request names: one of those without a secret."""
    client = request.form.get("client_id", "")
    if client not in desk.clients:
        raise _bad_client()
    return client


async def _client(desk: SignIn, request: TokenRequest) -> tuple[Account, str | None]:
    """The account behind a client's name and secret, and the context its secret is bound to."""
    name, secret = _client_secret(request)
    try:
        grant = await stored_grant(desk.accounts, secret, Credential.PERSONAL, desk.clock())
    except NotAuthenticated as wrong:
        raise _bad_client() from wrong
    account = await desk.accounts.account(grant.account)
    if account is None or account.name != name:
        raise _bad_client()
    return account, _bound_context(grant)


def _client_secret(request: TokenRequest) -> tuple[str, str]:
    scheme, _, encoded = (request.authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return request.form.get("client_id", ""), request.form.get("client_secret", "")
    try:
        name, _, secret = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError as wrong:
        raise _bad_client() from wrong
    return unquote_plus(name), unquote_plus(secret)


async def _uma_caller(desk: SignIn, request: TokenRequest) -> tuple[Account, str | None]:
    authorization = request.authorization or ""
    if not authorization.lower().startswith("bearer"):
        return await _client(desk, request)
    try:
        grant = await bearer_grant(desk.accounts, desk.signer, authorization, desk.clock())
    except NotAuthenticated as wrong:
        raise _bad_bearer() from wrong
    account = await desk.accounts.account(grant.account)
    if account is None or grant.is_rpt:
        raise _bad_bearer()
    return account, _bound_context(grant)


def _bound_context(grant: Grant) -> str | None:
    return None if grant.bound is None else min(grant.bound)


def wanted_context(request: TokenRequest) -> str | None:
    """By header or by `scope=d4s-context:<context>`, plain or percent-encoded."""
    named = {
        context_name(scope.removeprefix(CONTEXT_SCOPE))
        for scope in request.form.get("scope", "").split()
        if scope.startswith(CONTEXT_SCOPE)
    }
    if request.context is not None:
        named.add(context_name(request.context))
    if len(named) > 1:
        raise GrantRefused(400, "invalid_scope", "Two different contexts are named")
    return named.pop() if named else None


def _narrowed(bound: str | None, wanted: str | None) -> str | None:
    """A secret for one context gives nothing in another."""
    if bound is not None and wanted is not None and bound != wanted:
        raise not_authorized()
    return bound if wanted is None else wanted


async def _check_member(desk: SignIn, account: Account, context: str | None) -> None:
    """A context that is not there and one that is closed look the same."""
    if context is not None and context not in await desk.accounts.contexts(account.id):
        raise not_authorized()


# --- refusals -----------------------------------------------------------------------------------


def too_many(seconds: int) -> GrantRefused:
    """The refusal of somebody who has to wait."""
    description = f"Too many attempts: try again in {seconds} s"
    return GrantRefused(429, "temporarily_unavailable", description, seconds)


def _bad_client() -> GrantRefused:
    description = "Invalid client or Invalid client credentials"
    return GrantRefused(401, "invalid_client", description)


def _bad_bearer() -> GrantRefused:
    return GrantRefused(401, "invalid_grant", "Invalid bearer token")


def _bad_refresh() -> GrantRefused:
    return GrantRefused(400, "invalid_grant", "Invalid refresh token")


def not_authorized() -> GrantRefused:
    """The refusal of somebody who may not."""
    return GrantRefused(403, "access_denied", "not_authorized")
