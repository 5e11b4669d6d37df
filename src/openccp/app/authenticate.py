"""Who is calling: own JWTs, personal access tokens and the browser's session.

The hot path of every request: what was found out is remembered for a few seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from math import inf
from typing import Any

from openccp.core.access import DEFAULT_CONTEXT, Who
from openccp.core.identity import (
    Recent,
    TokenSigner,
    context_name,
    kind_of_secret,
    secret_digest,
)
from openccp.core.ports import Clock
from openccp.core.problems import Forbidden, NotAuthenticated
from openccp.core.stores import Account, AccountStore, Credential

CACHE_SECONDS = 10.0
"""How long a removed account, membership or secret may still be good."""
CACHE_SIZE = 10_000
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="openccp"'}
OWN_SITE = frozenset({"same-origin", "none"})
INVALID = {"WWW-Authenticate": 'Bearer realm="openccp", error="invalid_token"'}


@dataclass(frozen=True, slots=True)
class Grant:
    """What a presented secret gives: an account, the contexts it is bound to, and its end."""

    account: str
    bound: frozenset[str] | None
    expires: float
    is_rpt: bool = False
    issued: float = inf


@dataclass(frozen=True, slots=True)
class Known:
    """An account and its memberships, good until a moment."""

    account: Account
    contexts: frozenset[str]
    until: float


class Authenticate:
    """Turns what a request presents into a `Who`, or raises NotAuthenticated or Forbidden."""

    def __init__(self, accounts: AccountStore, signer: TokenSigner, clock: Clock) -> None:
        self._accounts = accounts
        self._signer = signer
        self._clock = clock
        self._callers: Recent[tuple[bytes, str | None], Who] = Recent(CACHE_SIZE)
        self._known: Recent[str, Known] = Recent(CACHE_SIZE)

    async def __call__(
        self,
        authorization: str | None,
        cookie: str | None = None,
        context: str | None = None,
        *,
        unsafe: bool = False,
        fetch_site: str | None = None,
        origin: str | None = None,
        host: str | None = None,
    ) -> Who:
        """The caller.

        `authorization`, `fetch_site` (Sec-Fetch-Site), `origin`, `host` and `context`
        (X-D4Science-Context) are headers as received; `cookie` is the session cookie's value,
        which counts only without an Authorization header. `unsafe` says that the request may
        change something: by cookie it then has to come from our own pages.
        """
        presented = cookie if authorization is None else authorization
        if presented is None:
            raise NotAuthenticated(headers=CHALLENGE)
        if authorization is None and unsafe:
            check_own_origin(fetch_site, origin, host)
        now = self._clock()
        key = (sha256(presented.encode(errors="replace")).digest(), context)
        who = self._callers.get(key, now)
        if who is None:
            if authorization is None:
                grant = await stored_grant(self._accounts, presented, Credential.SESSION, now)
            else:
                grant = await bearer_grant(self._accounts, self._signer, presented, now)
            known = await self._account(grant.account, now)
            if grant.issued < known.account.not_before:
                raise invalid_secret()
            who = _caller(known, grant, context)
            self._callers.put(key, who, min(known.until, grant.expires))
        return who

    def forget(self) -> None:
        """Ask the store again for everybody: call it after taking rights away in-process."""
        self._callers.clear()
        self._known.clear()

    async def _account(self, account_id: str, now: float) -> Known:
        known = self._known.get(account_id, now)
        if known is None:
            account = await self._accounts.account(account_id)
            if account is None:
                raise invalid_secret()
            contexts = await self._accounts.contexts(account_id)
            known = Known(account, contexts, now + CACHE_SECONDS)
            self._known.put(account_id, known, known.until)
        return known


def _caller(known: Known, grant: Grant, context: str | None) -> Who:
    """Memberships, narrowed by what the secret is bound to and by what the request asks for."""
    contexts = known.contexts if grant.bound is None else known.contexts & grant.bound
    if context is not None:
        contexts &= {context_name(context)}
    if not contexts:
        raise Forbidden("You do not belong to this context, or your token is for another one.")
    chosen = DEFAULT_CONTEXT if DEFAULT_CONTEXT in contexts else min(contexts)
    account = known.account
    return Who(account.id, account.name, contexts, chosen, account.role)


async def bearer_grant(
    accounts: AccountStore, signer: TokenSigner, authorization: str, now: float
) -> Grant:
    """What an Authorization header of scheme Bearer gives: a JWT of ours or a personal token."""
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise NotAuthenticated(headers=CHALLENGE)
    if kind_of_secret(token) is not None:
        return await stored_grant(accounts, token, Credential.PERSONAL, now)
    return _grant_of_claims(signer.verify(token, now), signer.issuer)


async def stored_grant(accounts: AccountStore, secret: str, kind: Credential, now: float) -> Grant:
    """What a bearer secret of a kind gives; NotAuthenticated if it is none, spent or expired."""
    if kind_of_secret(secret) is not kind:
        raise invalid_secret()
    credential = await accounts.credential(secret_digest(secret))
    if credential is None or credential.kind is not kind or credential.spent is not None:
        raise invalid_secret()
    expires = inf if credential.expires is None else credential.expires
    if now >= expires:
        raise invalid_secret()
    bound = None if credential.context is None else frozenset({credential.context})
    return Grant(credential.account, bound, expires)


def _grant_of_claims(claims: Mapping[str, Any], issuer: str) -> Grant:
    """`aud` names us, contexts, or both; only one that names nothing but us is unbound."""
    bound = frozenset(context_name(one) for one in claims["aud"] if one != issuer)
    return Grant(
        account=claims["sub"],
        bound=bound or None,
        expires=claims["exp"],
        is_rpt="authorization" in claims,
        issued=claims.get("iat", 0),
    )


def check_own_origin(fetch_site: str | None, origin: str | None, host: str | None) -> None:
    """Forbidden unless a browser says that the request comes from a page of ours (S-13)."""
    if fetch_site is not None:
        own = fetch_site in OWN_SITE
    elif origin and host:
        own = origin.partition("://")[2].lower() == host.lower()
    else:
        own = False
    if not own:
        raise Forbidden("This request comes from another site.")


def invalid_secret() -> NotAuthenticated:
    """One answer to every bad secret."""
    return NotAuthenticated(
        "This token or session is not valid, or no longer: sign in again.", headers=INVALID
    )
