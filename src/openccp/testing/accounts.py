"""An account store in memory."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from openccp.core.access import DEFAULT_CONTEXT
from openccp.core.stores import Account, Credential, DuplicateName, StoredCredential


class MemoryAccounts:
    """A core.stores.AccountStore that forgets everything at the end.

    `reads` counts look-ups, for tests of what is cached. Other tasks run meanwhile, as they
    do while a database is asked.
    """

    def __init__(self) -> None:
        self.reads = 0
        self._accounts: dict[str, Account] = {}
        self._members: dict[str, set[str]] = {DEFAULT_CONTEXT: set()}
        self._credentials: dict[str, StoredCredential] = {}

    async def add_account(self, account: Account) -> None:
        """Keep a new account, a member of `default`."""
        if await self.account_named(account.name) is not None:
            raise DuplicateName
        self._accounts[account.id] = account
        self._members[DEFAULT_CONTEXT].add(account.id)

    async def account(self, account_id: str) -> Account | None:
        """By id."""
        self.reads += 1
        await asyncio.sleep(0)
        return self._accounts.get(account_id)

    async def account_named(self, name: str) -> Account | None:
        """By name."""
        self.reads += 1
        await asyncio.sleep(0)
        return next((one for one in self._accounts.values() if one.name == name), None)

    async def set_password(self, account_id: str, password_hash: str, not_before: float) -> None:
        """Replace the password hash."""
        account = self._accounts[account_id]
        self._accounts[account_id] = replace(
            account, password_hash=password_hash, not_before=not_before
        )

    async def add_context(self, name: str, title: str) -> None:
        """Keep a new context."""
        if name in self._members:
            raise DuplicateName
        self._members[name] = set()

    async def add_member(self, context: str, account_id: str) -> None:
        """Put an account into a context."""
        self._members[context].add(account_id)

    async def contexts(self, account_id: str) -> frozenset[str]:
        """The contexts an account belongs to."""
        self.reads += 1
        await asyncio.sleep(0)
        return frozenset(name for name, members in self._members.items() if account_id in members)

    async def add_credential(self, credential: StoredCredential) -> None:
        """Keep a bearer secret's digest."""
        await asyncio.sleep(0)
        self._credentials[credential.digest] = credential

    async def credential(self, digest: str) -> StoredCredential | None:
        """By digest."""
        self.reads += 1
        await asyncio.sleep(0)
        return self._credentials.get(digest)

    async def credentials(self, account_id: str, kind: Credential) -> Sequence[StoredCredential]:
        """All of a kind, newest first."""
        own = [
            one
            for one in self._credentials.values()
            if one.account == account_id and one.kind is kind
        ]
        return sorted(own, key=lambda one: one.created, reverse=True)

    async def spend(self, digest: str, now: float) -> bool:
        """Mark as used; True for exactly one caller."""
        await asyncio.sleep(0)
        credential = self._credentials.get(digest)
        if credential is None or credential.spent is not None:
            return False
        self._credentials[digest] = replace(credential, spent=now)
        return True

    async def revoke(self, digest: str) -> None:
        """Forget one."""
        self._credentials.pop(digest, None)

    async def revoke_family(self, family: str) -> None:
        """Forget every refresh secret of a family."""
        await asyncio.sleep(0)
        kept = {key: one for key, one in self._credentials.items() if one.family != family}
        self._credentials = kept

    async def forget_expired(self, now: float) -> None:
        """Forget the secrets whose time is over."""
        self._credentials = {
            key: one
            for key, one in self._credentials.items()
            if one.expires is None or one.expires > now
        }

    def remove_member(self, context: str, account_id: str) -> None:
        """Take an account out of a context, as an operator would behind the platform's back."""
        self._members[context].discard(account_id)

    def remove_account(self, account_id: str) -> None:
        """Take an account away, as an operator would behind the platform's back."""
        del self._accounts[account_id]


class SetClock:
    """A core.ports.Clock that moves when told."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Now."""
        return self.now
