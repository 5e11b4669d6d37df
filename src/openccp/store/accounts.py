"""Accounts in the database: the core's AccountStore."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.dml import UpdateBase

from openccp.core.access import DEFAULT_CONTEXT, Role
from openccp.core.problems import NotFound
from openccp.core.stores import Account, Credential, DuplicateName, StoredCredential
from openccp.store.database import Database
from openccp.store.rows import storable
from openccp.store.tables import accounts, contexts, credentials, members

_account = select(*(accounts.c[field.name] for field in fields(Account)))
_credential = select(*(credentials.c[field.name] for field in fields(StoredCredential)))
ACCOUNT = _account.where(accounts.c.id == bindparam("id"))
ACCOUNT_NAMED = _account.where(accounts.c.name == bindparam("name"))
SET_PASSWORD = (
    update(accounts)
    .where(accounts.c.id == bindparam("account"))
    .values(password_hash=bindparam("password"), not_before=bindparam("since"))
)
CONTEXTS = select(members.c.context).where(members.c.account == bindparam("account"))
CREDENTIAL = _credential.where(credentials.c.digest == bindparam("digest"))
CREDENTIALS = _credential.where(
    credentials.c.account == bindparam("account"), credentials.c.kind == bindparam("kind")
).order_by(credentials.c.created.desc(), credentials.c.digest)
SPEND = (
    update(credentials)
    .where(credentials.c.digest == bindparam("wanted"), credentials.c.spent.is_(None))
    .values(spent=bindparam("now"))
)
REVOKE = delete(credentials).where(credentials.c.digest == bindparam("digest"))
REVOKE_FAMILY = delete(credentials).where(credentials.c.family == bindparam("family"))
FORGET_EXPIRED = delete(credentials).where(credentials.c.expires <= bindparam("now"))


class Accounts:
    """AccountStore on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._join = database.insert_unless_there(members, "account", "context")

    async def add_account(self, account: Account) -> None:
        """Keep a new account, a member of `default`; DuplicateName if taken."""
        row = _row(account) | {"role": account.role.value}

        def work(connection: Connection) -> None:
            connection.execute(accounts.insert(), row)
            connection.execute(self._join, {"account": account.id, "context": DEFAULT_CONTEXT})

        try:
            await self._database.write(work)
        except IntegrityError as error:
            raise DuplicateName from error

    async def _change(self, statement: UpdateBase, parameters: dict[str, Any]) -> int:
        return await self._database.write(lambda c: c.execute(statement, parameters).rowcount)

    async def account(self, account_id: str) -> Account | None:
        """By id."""
        return await self._one(ACCOUNT, {"id": storable(account_id)})

    async def account_named(self, name: str) -> Account | None:
        """By name."""
        return await self._one(ACCOUNT_NAMED, {"name": storable(name)})

    async def _one(self, statement: Any, wanted: dict[str, str]) -> Account | None:
        row = await self._database.read(lambda c: c.execute(statement, wanted).first())
        if row is None:
            return None
        account_id, name, role, *rest = row
        return Account(account_id, name, Role(role), *rest)

    async def set_password(self, account_id: str, password_hash: str, not_before: float) -> None:
        """Replace the password hash, and make tokens void that were signed earlier."""
        new = {"account": account_id, "password": password_hash, "since": not_before}
        await self._change(SET_PASSWORD, new)

    async def add_context(self, name: str, title: str) -> None:
        """Keep a new context; DuplicateName if taken."""
        row = {"name": storable(name), "title": storable(title)}
        try:
            await self._change(contexts.insert(), row)
        except IntegrityError as error:
            raise DuplicateName from error

    async def add_member(self, context: str, account_id: str) -> None:
        """Put an account into a context; idempotent. NotFound if there is no such thing."""
        row = {"account": storable(account_id), "context": storable(context)}
        try:
            await self._change(self._join, row)
        except IntegrityError as error:
            raise NotFound("There is no such account or context.") from error

    async def contexts(self, account_id: str) -> frozenset[str]:
        """The contexts an account belongs to."""
        wanted = {"account": storable(account_id)}
        rows = await self._database.read(lambda c: c.execute(CONTEXTS, wanted).all())
        return frozenset(row[0] for row in rows)

    async def add_credential(self, credential: StoredCredential) -> None:
        """Keep a bearer secret's digest."""
        row = _row(credential) | {"kind": credential.kind.value}
        await self._change(credentials.insert(), row)

    async def credential(self, digest: str) -> StoredCredential | None:
        """By digest."""
        wanted = {"digest": storable(digest)}
        row = await self._database.read(lambda c: c.execute(CREDENTIAL, wanted).first())
        return None if row is None else _credential_of(row)

    async def credentials(self, account_id: str, kind: Credential) -> Sequence[StoredCredential]:
        """All of a kind, newest first."""
        wanted = {"account": account_id, "kind": kind.value}
        rows = await self._database.read(lambda c: c.execute(CREDENTIALS, wanted).all())
        return [_credential_of(row) for row in rows]

    async def spend(self, digest: str, now: float) -> bool:
        """Mark as used; True for exactly one caller."""
        spent = {"wanted": digest, "now": now}
        return await self._change(SPEND, spent) == 1

    async def revoke(self, digest: str) -> None:
        """Forget one; idempotent."""
        await self._change(REVOKE, {"digest": digest})

    async def revoke_family(self, family: str) -> None:
        """Forget every refresh secret of a family; idempotent."""
        await self._change(REVOKE_FAMILY, {"family": family})

    async def forget_expired(self, now: float) -> None:
        """Delete the bearer secrets that can no longer be used."""
        await self._change(FORGET_EXPIRED, {"now": now})


def _row(record: Account | StoredCredential) -> dict[str, Any]:
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    return {name: storable(v) if isinstance(v, str) else v for name, v in values.items()}


def _credential_of(row: Any) -> StoredCredential:
    digest, kind, *rest = row
    return StoredCredential(digest, Credential(kind), *rest)
