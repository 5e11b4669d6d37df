"""Commands for whoever holds the data folder: accounts, tokens and contexts."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from openccp.cli.serve import accounts_of, settings_of
from openccp.core.access import Role
from openccp.core.problems import Problem
from openccp.core.stores import Account, AccountStore
from openccp.identity.accounts import (
    add_account,
    change_password,
    issue_personal_token,
    personal_tokens,
    revoke_personal_token,
)
from openccp.identity.passwords import Argon2Hasher

T = TypeVar("T")
DAY = 86400
DATA = click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=Path("data"),
    show_default=True,
    help="The platform's data folder.",
)


def _with_accounts(data: Path, use: Callable[[AccountStore], Awaitable[T]]) -> T:
    accounts, database = accounts_of(settings_of(data))

    async def run() -> T:
        try:
            return await use(accounts)
        finally:
            await database.close()

    try:
        return asyncio.run(run())
    except Problem as problem:
        raise click.ClickException(problem.detail) from None


async def _named(accounts: AccountStore, name: str) -> Account:
    account = await accounts.account_named(name)
    if account is None:
        raise click.ClickException(f"There is no account {name!r}.")
    return account


def _password() -> str:
    if sys.stdin.isatty():
        text: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        return text
    return sys.stdin.readline().rstrip("\n")


@click.group()
def user() -> None:
    """Accounts."""


@user.command("add")
@click.argument("name")
@click.option("--admin", is_flag=True, help="May publish methods to everybody.")
@DATA
def add_user(name: str, admin: bool, data: Path) -> None:
    """Make an account; its password is asked for, or read from standard input."""
    password, role = _password(), Role.ADMIN if admin else Role.USER

    async def use(accounts: AccountStore) -> None:
        await add_account(accounts, Argon2Hasher(), name, password, role, time.time())

    _with_accounts(data, use)
    click.echo(f"Account {name} made.")


@user.command("password")
@click.argument("name")
@DATA
def set_password(name: str, data: Path) -> None:
    """Give an account a new password; whoever is signed in by the old one signs in again."""
    password = _password()

    async def use(accounts: AccountStore) -> None:
        account = await _named(accounts, name)
        await change_password(accounts, Argon2Hasher(), account, password, time.time())

    _with_accounts(data, use)
    click.echo(f"Password of {name} changed.")


@click.group()
def token() -> None:
    """Personal access tokens, for scripts and the command line."""


@token.command("create")
@click.argument("name")
@click.option("--label", default="command line", show_default=True, help="What it is for.")
@click.option(
    "--days",
    type=click.IntRange(1, 3650),
    default=365,
    show_default=True,
    help="How long it is good.",
)
@click.option("--context", "context_name", help="Good in this context only.")
@DATA
def create_token(name: str, label: str, days: int, context_name: str | None, data: Path) -> None:
    """Print a new token of an account. It is shown this once and stored as a hash."""

    async def use(accounts: AccountStore) -> str:
        now = time.time()
        account = await _named(accounts, name)
        return await issue_personal_token(
            accounts, account, label, now + days * DAY, now, context_name
        )

    click.echo(_with_accounts(data, use))


@token.command("list")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@DATA
def list_tokens(name: str, as_json: bool, data: Path) -> None:
    """The tokens of an account, by the first characters of their hash."""

    async def use(accounts: AccountStore) -> list[dict[str, Any]]:
        return [
            {"id": t.digest[:12], "label": t.label, "created": t.created, "expires": t.expires}
            for t in await personal_tokens(accounts, await _named(accounts, name))
        ]

    tokens = _with_accounts(data, use)
    if as_json:
        click.echo(json.dumps(tokens))
        return
    for entry in tokens:
        click.echo(f"{entry['id']}  {entry['label']}")


@token.command("revoke")
@click.argument("name")
@click.argument("token_id")
@DATA
def revoke_token(name: str, token_id: str, data: Path) -> None:
    """Take a token back, by the id that `list` shows."""

    async def use(accounts: AccountStore) -> None:
        account = await _named(accounts, name)
        found = [
            t for t in await personal_tokens(accounts, account) if t.digest.startswith(token_id)
        ]
        if len(found) != 1 or len(token_id) < 12:
            raise click.ClickException(f"There is no token {token_id!r}.")
        await revoke_personal_token(accounts, account, found[0].digest)

    _with_accounts(data, use)
    click.echo("Token revoked.")


@click.group()
def context() -> None:
    """Contexts: groups in which methods are shared."""


@context.command("create")
@click.argument("name")
@click.option("--title", default="", help="Words for people.")
@DATA
def create_context(name: str, title: str, data: Path) -> None:
    """Make a context."""

    async def use(accounts: AccountStore) -> None:
        await accounts.add_context(name, title or name)

    _with_accounts(data, use)
    click.echo(f"Context {name} made.")


@context.command("add")
@click.argument("name")
@click.argument("user_name")
@DATA
def add_to_context(name: str, user_name: str, data: Path) -> None:
    """Put an account into a context."""

    async def use(accounts: AccountStore) -> None:
        await accounts.add_member(name, (await _named(accounts, user_name)).id)

    _with_accounts(data, use)
    click.echo(f"{user_name} is in {name}.")
