"""`ccp up`: start the platform; and the one-time address that signs its first user in."""

import asyncio
import gc
import logging
import sys
import time
from pathlib import Path

import click
import uvicorn

from openccp.compose import NoPlatform, Platform, build, lifetimes, open_accounts, prepare
from openccp.core.access import Role
from openccp.core.stores import Account, AccountStore
from openccp.identity.accounts import add_account, create_sign_in
from openccp.identity.passwords import Argon2Hasher
from openccp.settings import BadSettings, Settings, load
from openccp.store.database import AlreadyOpen, Database
from openccp.web.connection import BoundedHttp

ADMIN = "admin"
ADDRESS_FILE = "address"


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=Path("data"),
    show_default=True,
    help="Folder of everything the platform keeps.",
)
@click.option("--host", help="Address to listen on [default: 127.0.0.1].")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on [default: 8080].")
@click.option("--hold", is_flag=True, help="Only accept jobs: none is started, watched or stopped.")
@click.option(
    "--unsafe-no-sandbox",
    is_flag=True,
    help="Run jobs without a sandbox. Every job can then read what this user can.",
)
def up(data: Path, host: str | None, port: int | None, hold: bool, unsafe_no_sandbox: bool) -> None:
    """Start the platform."""
    settings = settings_of(data, host=host, port=port)
    try:
        prepare(settings)
        platform = build(settings, hold=hold, unsafe=unsafe_no_sandbox)
    except AlreadyOpen:
        raise click.ClickException(f"A platform is already running on {data}.") from None
    except BadSettings as error:
        raise click.ClickException(str(error)) from None
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    serve(platform, settings)


def settings_of(data: Path, **server: object) -> Settings:
    """The settings of a data folder, or a readable end of the command."""
    try:
        return load(data, server=server)
    except BadSettings as error:
        raise click.ClickException(str(error)) from None


def accounts_of(settings: Settings) -> tuple[AccountStore, Database]:
    """The accounts of a platform that is there, or a readable end of the command."""
    try:
        return open_accounts(settings)
    except NoPlatform as error:
        raise click.ClickException(str(error)) from None


def serve(platform: Platform, settings: Settings) -> None:
    """Serve until told to stop; jobs under way go on without us."""
    config = uvicorn.Config(
        platform.app,
        host=settings.server.host,
        port=settings.server.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        http=BoundedHttp,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )
    server = Announcing(config, platform, settings)
    gc.freeze()
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(server.serve())


class Announcing(uvicorn.Server):
    """Tells where it listens once it does."""

    def __init__(self, config: uvicorn.Config, platform: Platform, settings: Settings) -> None:
        super().__init__(config)
        self._platform = platform
        self._settings = settings

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        """Listen, then print the address, and on a fresh platform one to sign in by."""
        await super().startup()
        if self.should_exit:
            return
        port = self.servers[0].sockets[0].getsockname()[1]
        address = self._settings.server.public_url or f"http://{self.config.host}:{port}"
        (self._settings.data / ADDRESS_FILE).write_text(address + "\n")
        click.echo(f"OpenCCP is ready at {address}")
        accounts = self._platform.services.accounts
        if await accounts.account_named(ADMIN) is None:
            secret = await sign_in_secret(accounts, self._settings)
            click.echo(f"Sign in (once, within minutes): {address}/sign-in?secret={secret}")
        sys.stdout.flush()

    async def shutdown(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        """Event streams and waiting executions end by themselves; then the rest ends."""
        self._platform.services.changes.close()
        await super().shutdown()


async def sign_in_secret(accounts: AccountStore, settings: Settings) -> str:
    """A one-time secret for the administrator, who is made if there is none yet."""
    admin = await accounts.account_named(ADMIN) or await _new_admin(accounts)
    return await create_sign_in(accounts, admin.id, time.time(), lifetimes(settings))


async def _new_admin(accounts: AccountStore) -> Account:
    return await add_account(accounts, Argon2Hasher(), ADMIN, None, Role.ADMIN, time.time())


def print_sign_in(data: Path) -> None:
    """A new one-time address for the administrator of a data folder."""
    settings = settings_of(data)
    accounts, database = accounts_of(settings)

    async def make() -> str:
        try:
            return await sign_in_secret(accounts, settings)
        finally:
            await database.close()

    secret = asyncio.run(make())
    file = data / ADDRESS_FILE
    known = file.read_text().strip() if file.exists() else None
    address = known or f"http://{settings.server.host}:{settings.server.port}"
    click.echo(f"{address}/sign-in?secret={secret}")
