"""What a sign-in gives: access tokens shaped as Keycloak's, RPTs, and refresh tokens."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from openccp.core.identity import TokenLifetimes, TokenSigner, new_secret, secret_digest
from openccp.core.ports import Clock
from openccp.core.stores import Account, AccountStore, Credential, StoredCredential

CONTEXT_SCOPE = "d4s-context:"
SCOPE = "email profile"
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Issuer:
    """Makes tokens for accounts; who may have one is for the grants to say."""

    accounts: AccountStore
    signer: TokenSigner
    clock: Clock
    lifetimes: TokenLifetimes

    def access(
        self,
        account: Account,
        client: str,
        context: str | None,
        permissions: list[Answer] | None = None,
    ) -> Answer:
        """An access token, or with `permissions` an RPT."""
        lifetimes = self.lifetimes
        seconds = lifetimes.access_seconds if permissions is None else lifetimes.rpt_seconds
        now = int(self.clock())
        scope = SCOPE if context is None else f"{SCOPE} {CONTEXT_SCOPE}{quote(context, safe='')}"
        claims: Answer = {
            "exp": now + seconds,
            "iat": now,
            "jti": str(uuid4()),
            "aud": self.signer.issuer if context is None else quote(context, safe=""),
            "sub": account.id,
            "typ": "Bearer",
            "azp": client,
            "scope": scope,
            "preferred_username": account.name,
        }
        if context is not None:
            claims["resource_access"] = {quote(context, safe=""): {"roles": ["Member"]}}
        if permissions is not None:
            claims["authorization"] = {"permissions": permissions}
        return {
            "access_token": self.signer.sign(claims),
            "expires_in": seconds,
            "token_type": "Bearer",
            "not-before-policy": 0,
            "scope": scope,
        }

    async def refresh(
        self, account: Account, client: str, context: str | None, family: str | None = None
    ) -> Answer:
        """A new refresh token, stored before the old one of its family is spent.

        So a reuse that ends the family at any moment ends this one as well.
        """
        secret, now = new_secret(Credential.REFRESH), self.clock()
        seconds = self.lifetimes.refresh_seconds
        await self.accounts.add_credential(
            StoredCredential(
                digest=secret_digest(secret),
                kind=Credential.REFRESH,
                account=account.id,
                created=now,
                expires=now + seconds,
                context=context,
                client=client,
                family=family or str(uuid4()),
            )
        )
        return {"refresh_token": secret, "refresh_expires_in": seconds}
