"""What an operator or owner does to accounts: add them, give out and take back secrets."""

from collections.abc import Sequence
from uuid import uuid4

from openccp.core.access import Role
from openccp.core.identity import (
    PasswordHasher,
    TokenLifetimes,
    check_name,
    check_password,
    new_secret,
    secret_digest,
)
from openccp.core.problems import InvalidRequest, NotFound
from openccp.core.stores import Account, AccountStore, Credential, StoredCredential

MAX_LABEL = 100


async def add_account(
    accounts: AccountStore,
    hasher: PasswordHasher,
    name: str,
    password: str | None,
    role: Role,
    now: float,
) -> Account:
    """A new account, a member of `default`. Without a password only secrets sign in.

    InvalidRequest for a name or password that is not allowed, DuplicateName if taken.
    """
    check_name(name)
    password_hash = None
    if password is not None:
        check_password(password)
        password_hash = await hasher.hash(password)
    account = Account(str(uuid4()), name, role, now, password_hash)
    await accounts.add_account(account)
    return account


async def change_password(
    accounts: AccountStore, hasher: PasswordHasher, account: Account, password: str, now: float
) -> None:
    """A new password; whoever is signed in by the old one, on any device, signs in again."""
    check_password(password)
    await accounts.set_password(account.id, await hasher.hash(password), int(now))
    for kind in (Credential.SESSION, Credential.REFRESH, Credential.SIGN_IN):
        for credential in await accounts.credentials(account.id, kind):
            await accounts.revoke(credential.digest)


async def create_sign_in(
    accounts: AccountStore,
    account_id: str,
    now: float,
    lifetimes: TokenLifetimes | None = None,
) -> str:
    """A secret for the sign-in page: short-lived, good for one POST."""
    secret = new_secret(Credential.SIGN_IN)
    expires = now + (lifetimes or TokenLifetimes()).sign_in_seconds
    await accounts.add_credential(
        StoredCredential(secret_digest(secret), Credential.SIGN_IN, account_id, now, expires)
    )
    return secret


async def issue_personal_token(
    accounts: AccountStore,
    account: Account,
    label: str,
    expires: float | None,
    now: float,
    context: str | None = None,
) -> str:
    """A personal access token, shown this once. With a context it is good there only."""
    if not label.isprintable() or not 0 < len(label) <= MAX_LABEL:
        raise InvalidRequest(f"A label has 1 to {MAX_LABEL} printable characters.")
    if expires is not None and expires <= now:
        raise InvalidRequest("A token has to expire in the future.")
    if context is not None and context not in await accounts.contexts(account.id):
        raise InvalidRequest(f"{account.name} does not belong to this context.")
    token = new_secret(Credential.PERSONAL)
    await accounts.add_credential(
        StoredCredential(
            digest=secret_digest(token),
            kind=Credential.PERSONAL,
            account=account.id,
            created=now,
            expires=expires,
            label=label,
            context=context,
        )
    )
    return token


async def personal_tokens(accounts: AccountStore, account: Account) -> Sequence[StoredCredential]:
    """An account's tokens, newest first. The first characters of `digest` name one."""
    return await accounts.credentials(account.id, Credential.PERSONAL)


async def revoke_personal_token(accounts: AccountStore, account: Account, digest: str) -> None:
    """Take back one of the account's own tokens; NotFound if it is not one of them."""
    if all(token.digest != digest for token in await personal_tokens(accounts, account)):
        raise NotFound("There is no such token.")
    await accounts.revoke(digest)
