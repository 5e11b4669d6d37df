# ruff: noqa: D102 - the name of a test says what it says
"""The contracts of MethodStore and AccountStore."""

import asyncio
import secrets
from dataclasses import replace
from typing import Any

import pytest

from openccp.core.access import DEFAULT_CONTEXT, Role
from openccp.core.method import Input, Kind, Method, Output, Revision, Scripts
from openccp.core.problems import DuplicatedProcess, Fault, NoSuchProcess, NotFound
from openccp.core.stores import (
    Account,
    AccountStore,
    Credential,
    DuplicateName,
    MethodStore,
    StoredCredential,
)

NOW = 1_800_000_000.25


def a_method(method_id: str = "echo", **changes: Any) -> Method:
    """A method that uses every part of the type."""
    schema = {"type": "string", "default": "é", "enum": ["é", "x"]}
    method = Method(
        id=method_id,
        title="Echo",
        version="1.0.0",
        description="Says it again",
        keywords=("a", "b"),
        inputs={
            "text": Input("text", Kind.TEXT, schema, "Text", "What to say", 0, None),
            "token": Input("token", Kind.SECRET, {"type": "string"}),
        },
        outputs={"out": Output("out", {"contentMediaType": "text/csv"}, path="*.csv")},
        scripts=Scripts("true", "echo {{text}}", "rm -f x"),
        infrastructures=("local",),
        contexts=("default",),
        synchronous=True,
        network=False,
        document={"id": method_id, "nested": [{"null": None, "number": 1.5, "big": 2**70}]},
        warnings=(Fault("/x", "odd"),),
    )
    return replace(method, **changes)


def a_revision(method_id: str = "echo", **changes: Any) -> Revision:
    """A revision of `a_method` that was not stored yet."""
    revision = Revision(a_method(method_id), 0, "ann", False, True, NOW, ("default",))
    return replace(revision, **changes)


class MethodStoreContract:
    """MethodStore: revisions never change and never go."""

    async def test_what_was_deployed_comes_back(self, methods: MethodStore) -> None:
        added = await methods.add(a_revision(), b"\0package", "application/json", replace=False)
        assert added == a_revision(number=1)
        assert await methods.get("echo") == added
        assert await methods.revision("echo", 1) == added
        assert await methods.package("echo", 1) == (b"\0package", "application/json")

    @pytest.mark.parametrize("method_id", ["", "nobody", "a\0b", "'; --", "\ud800"])
    async def test_an_unknown_method_is_none(self, methods: MethodStore, method_id: str) -> None:
        assert await methods.get(method_id) is None
        assert await methods.revision(method_id, 1) is None
        with pytest.raises(NoSuchProcess):
            await methods.package(method_id, 1)

    async def test_replacing_keeps_the_old_revision(self, methods: MethodStore) -> None:
        first = await methods.add(a_revision(), b"1", "a/b", replace=False)
        newer = a_revision(method=a_method(title="Newer"))
        second = await methods.add(newer, b"2", "c/d", replace=True)
        assert (first.number, second.number) == (1, 2)
        assert await methods.get("echo") == second
        assert await methods.revision("echo", 1) == first
        assert await methods.package("echo", 1) == (b"1", "a/b")
        assert await methods.all() == [second]

    async def test_deploying_twice_is_refused(self, methods: MethodStore) -> None:
        await methods.add(a_revision(), b"", "a/b", replace=False)
        with pytest.raises(DuplicatedProcess):
            await methods.add(a_revision(), b"", "a/b", replace=False)
        assert await methods.revision("echo", 2) is None

    async def test_replacing_nothing_is_refused(self, methods: MethodStore) -> None:
        with pytest.raises(NoSuchProcess):
            await methods.add(a_revision(), b"", "a/b", replace=True)
        assert (await methods.add(a_revision(), b"", "a/b", replace=False)).number == 1

    async def test_of_many_deployments_at_once_one_wins(self, methods: MethodStore) -> None:
        outcomes = await asyncio.gather(
            *(methods.add(a_revision(), b"", "a/b", replace=False) for _ in range(10)),
            return_exceptions=True,
        )
        assert sum(isinstance(outcome, DuplicatedProcess) for outcome in outcomes) == 9

    async def test_an_undeployed_method_leaves_its_revisions(self, methods: MethodStore) -> None:
        first = await methods.add(a_revision(), b"1", "a/b", replace=False)
        await methods.remove("echo")
        await methods.remove("echo")
        assert await methods.get("echo") is None
        assert await methods.all() == []
        assert await methods.revision("echo", 1) == first
        assert await methods.package("echo", 1) == (b"1", "a/b")

    async def test_a_number_is_never_given_twice(self, methods: MethodStore) -> None:
        await methods.add(a_revision(), b"1", "a/b", replace=False)
        await methods.remove("echo")
        with pytest.raises(NoSuchProcess):
            await methods.add(a_revision(), b"", "a/b", replace=True)
        again = await methods.add(a_revision(owner="bob"), b"2", "a/b", replace=False)
        assert again.number == 2
        assert await methods.get("echo") == again

    async def test_all_are_sorted_by_id(self, methods: MethodStore) -> None:
        for method_id in ("b", "a", "C", "é", "a-b"):
            await methods.add(a_revision(method_id), b"", "a/b", replace=False)
        found = [revision.method.id for revision in await methods.all()]
        assert found == ["C", "a", "a-b", "b", "é"]


def an_account(name: str = "ann", **changes: Any) -> Account:
    """An account of an ordinary user."""
    return replace(Account(secrets.token_hex(8), name, Role.USER, NOW, "$argon2$"), **changes)


def a_credential(account: str = "ann", **changes: Any) -> StoredCredential:
    """A personal access token."""
    digest = secrets.token_hex(32)
    return replace(
        StoredCredential(digest, Credential.PERSONAL, account, NOW, NOW + 60, "laptop"), **changes
    )


class AccountStoreContract:
    """AccountStore: names are unique, secrets are spent once."""

    async def test_an_account_comes_back(self, accounts: AccountStore) -> None:
        account = an_account(role=Role.ADMIN, password_hash=None)
        await accounts.add_account(account)
        assert await accounts.account(account.id) == account
        assert await accounts.account_named("ann") == account
        assert await accounts.contexts(account.id) == {DEFAULT_CONTEXT}

    @pytest.mark.parametrize("name", ["", "nobody", "a\0b", "'; --", "\ud800"])
    async def test_an_unknown_account_is_none(self, accounts: AccountStore, name: str) -> None:
        assert await accounts.account(name) is None
        assert await accounts.account_named(name) is None
        assert await accounts.contexts(name) == frozenset()

    async def test_a_name_is_taken_once(self, accounts: AccountStore) -> None:
        outcomes = await asyncio.gather(
            *(accounts.add_account(an_account()) for _ in range(10)), return_exceptions=True
        )
        assert sum(isinstance(outcome, DuplicateName) for outcome in outcomes) == 9

    async def test_a_password_is_replaced(self, accounts: AccountStore) -> None:
        account = an_account()
        await accounts.add_account(account)
        await accounts.set_password(account.id, "new", NOW)
        changed = replace(account, password_hash="new", not_before=NOW)
        assert await accounts.account(account.id) == changed

    async def test_contexts_have_members(self, accounts: AccountStore) -> None:
        account = an_account()
        await accounts.add_account(account)
        await accounts.add_context("/root/vre", "A VRE")
        await accounts.add_member("/root/vre", account.id)
        await accounts.add_member("/root/vre", account.id)
        assert await accounts.contexts(account.id) == {DEFAULT_CONTEXT, "/root/vre"}

    @pytest.mark.parametrize("name", [DEFAULT_CONTEXT, "mine"])
    async def test_a_context_is_made_once(self, accounts: AccountStore, name: str) -> None:
        if name != DEFAULT_CONTEXT:
            await accounts.add_context(name, "Mine")
        with pytest.raises(DuplicateName):
            await accounts.add_context(name, "Again")

    async def test_only_what_is_there_can_be_joined(self, accounts: AccountStore) -> None:
        account = an_account()
        await accounts.add_account(account)
        with pytest.raises(NotFound):
            await accounts.add_member("nowhere", account.id)
        with pytest.raises(NotFound):
            await accounts.add_member(DEFAULT_CONTEXT, "nobody")

    async def test_a_credential_comes_back(self, accounts: AccountStore) -> None:
        kept = a_credential(context="c", client="ccp", family="f", expires=None)
        await accounts.add_credential(kept)
        assert await accounts.credential(kept.digest) == kept
        assert await accounts.credential("0" * 64) is None

    async def test_credentials_of_a_kind_newest_first(self, accounts: AccountStore) -> None:
        made = [a_credential(created=NOW + age) for age in (1, 3, 2)]
        session = a_credential(kind=Credential.SESSION)
        for credential in [*made, session, a_credential("bob")]:
            await accounts.add_credential(credential)
        newest = sorted(made, key=lambda credential: credential.created, reverse=True)
        assert await accounts.credentials("ann", Credential.PERSONAL) == newest
        assert await accounts.credentials("ann", Credential.SESSION) == [session]

    async def test_a_secret_is_spent_once(self, accounts: AccountStore) -> None:
        kept = a_credential(kind=Credential.SIGN_IN)
        await accounts.add_credential(kept)
        spent = await asyncio.gather(*(accounts.spend(kept.digest, NOW + 1) for _ in range(20)))
        assert sorted(spent) == [False] * 19 + [True]
        assert await accounts.credential(kept.digest) == replace(kept, spent=NOW + 1)
        assert not await accounts.spend("0" * 64, NOW)

    async def test_what_is_revoked_is_gone(self, accounts: AccountStore) -> None:
        one, two, other = a_credential(family="f"), a_credential(family="f"), a_credential()
        alone = a_credential(family="g")
        for credential in (one, two, other, alone):
            await accounts.add_credential(credential)
        await accounts.revoke(other.digest)
        await accounts.revoke(other.digest)
        await accounts.revoke_family("f")
        await accounts.revoke_family("f")
        assert await accounts.credentials("ann", Credential.PERSONAL) == [alone]
