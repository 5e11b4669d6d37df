"""The composition root: the only place that builds everything."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cached_property, partial
from importlib import import_module
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from openccp.app.authenticate import Authenticate
from openccp.app.board import Board
from openccp.app.catalogue import Catalogue
from openccp.app.changes import Changes
from openccp.app.deploy import install
from openccp.app.devices import DEVICE_CODE, Devices
from openccp.app.doctor.standing import warn
from openccp.app.notify import Notifier
from openccp.app.outbox import Outbox
from openccp.app.perform import Surroundings
from openccp.app.reconcile import PARTING, Reconciler
from openccp.app.repeats import Repeats
from openccp.app.services import Rules, Services
from openccp.app.sign_in import SignIn
from openccp.app.storage import Storage
from openccp.app.tidy import keep_tidy
from openccp.app.webhooks import Webhooks
from openccp.core.access import PLATFORM
from openccp.core.identity import TokenLifetimes
from openccp.core.policy import Policy
from openccp.core.ports import Fetched, Fetcher, Infrastructure, Limits
from openccp.core.provenance import Form, Story
from openccp.core.site import Site
from openccp.core.uploads import Room
from openccp.files.measurements import KeptMeasurements
from openccp.files.space import FolderSpace
from openccp.files.store import FolderStore
from openccp.files.uploads import FolderUploads
from openccp.identity.keys import load_keys
from openccp.identity.passwords import Argon2Hasher
from openccp.identity.throttle import Allowance, Allowances, Buckets
from openccp.identity.tokens import Signer
from openccp.infrastructures.local import LocalInfrastructure
from openccp.plugins import kind_named
from openccp.settings import BadSettings, Settings, job_environment
from openccp.store.accounts import Accounts
from openccp.store.cipher import open_cipher, open_key
from openccp.store.connect import connect
from openccp.store.database import Database
from openccp.store.deliveries import Deliveries
from openccp.store.devices import Devices as KeptDevices
from openccp.store.jobs import Jobs
from openccp.store.methods import Methods
from openccp.store.migrate import migrate
from openccp.store.overview import DatabaseOverview
from openccp.web.app import create_app
from openccp.web.callbacks import failure, progress

DATABASE = "openccp.db"
THREADS = 32
"""Most of their time they wait for the disk: jobs that end together then share its syncs."""
ROOTS = (Path(__file__).parent / "methods", Path(__file__).parents[2] / "methods")


@dataclass(frozen=True, slots=True)
class Platform:
    """The platform, built and not yet running."""

    app: ASGIApp
    services: Services
    reconciler: Reconciler
    database: Database


def database_url(settings: Settings) -> str:
    """The database's address: the setting, or SQLite in the data folder."""
    return settings.database.url or f"sqlite:///{settings.data.resolve() / DATABASE}"


def prepare(settings: Settings) -> None:
    """The data folder and an up-to-date database; safe to repeat."""
    settings.data.mkdir(parents=True, exist_ok=True)
    (settings.data / "keys").mkdir(mode=0o700, exist_ok=True)
    migrate(database_url(settings))


class NoPlatform(Exception):
    """There is no platform in this data folder: start it once with `ccp up --data` FOLDER."""


def open_accounts(settings: Settings) -> tuple[Accounts, Database]:
    """The accounts alone, for the command line beside a running platform; NoPlatform if none."""
    if settings.database.url is None and not (settings.data / DATABASE).exists():
        raise NoPlatform(NoPlatform.__doc__)
    database = connect(database_url(settings))
    return Accounts(database), database


def lifetimes(settings: Settings) -> TokenLifetimes:
    """How long tokens live."""
    return TokenLifetimes(**settings.tokens.model_dump())


def local_infrastructure(settings: Settings, *, unsafe: bool = False) -> LocalInfrastructure:
    """The infrastructure `local`."""
    local = settings.local
    return LocalInfrastructure(
        settings.data.resolve() / "local",
        slots=local.slots or 2 * (os.cpu_count() or 1),
        uid_range=(local.first_uid, local.first_uid + 4096),
        images=local.images,
        environment=job_environment(local),
        unsafe_no_sandbox=unsafe,
    )


def infrastructures(settings: Settings, *, unsafe: bool = False) -> dict[str, Infrastructure]:
    """`local` and those of the settings, by name; BadSettings where one cannot be built."""
    local = local_infrastructure(settings, unsafe=unsafe)
    return {local.id: local, **{name: _other(settings, name) for name in settings.infrastructures}}


def _other(settings: Settings, name: str) -> Infrastructure:
    chosen = settings.infrastructures[name]
    site = Site(
        name=name,
        title=chosen.title or name,
        folder=settings.data.resolve() / "infrastructures" / name,
        environment=job_environment(settings.local),
        public_url=own_address(settings),
        limits=_policy(settings, name).limits,
    )
    try:
        return kind_named(chosen.kind).build(site, chosen)
    except ValueError as error:
        raise BadSettings(f"infrastructures.{name}: {error}") from error


def build(settings: Settings, *, hold: bool = False, unsafe: bool = False) -> Platform:
    """Everything, over a prepared data folder. `hold` accepts jobs and starts none."""
    root = settings.data.resolve()
    database = connect(database_url(settings))
    alone = database.lock()
    measurements = KeptMeasurements(root)
    cipher = open_cipher(root / "keys" / "secrets.key")
    jobs = Jobs(database, cipher, settings.callbacks.progress_seconds)
    deliveries = Deliveries(database)
    accounts, devices = Accounts(database), programs(settings, database)
    signer = Signer(own_address(settings), load_keys(root / "keys"))
    places = infrastructures(settings, unsafe=unsafe)
    around = surroundings(settings, jobs, Methods(database), places)
    reconciler = Reconciler(around, f"reconciler-{os.getpid()}", hold=hold)
    services = Services(
        jobs=jobs,
        catalogue=around.catalogue,
        files=around.files,
        uploads=FolderUploads(root / "uploads"),
        accounts=accounts,
        infrastructures=around.infrastructures,
        board=Board(places, time.time, measurements),
        authenticate=Authenticate(accounts, signer, time.time),
        sign_in=sign_in(settings, accounts, signer, devices),
        devices=devices,
        changes=around.changes,
        outbox=around.outbox,
        deliveries=deliveries,
        webhooks=Webhooks(deliveries, partial(open_key, root / "keys" / "webhooks.key"), time.time),
        repeats=Repeats(partial(open_key, root / "keys" / "requests.key")),
        reconciler=reconciler,
        fetcher=FetcherAtFirstUse(settings),
        provenance=write_provenance,
        measurements=measurements,
        overview=DatabaseOverview(database),
        storage=Storage(FolderSpace(root), DatabaseOverview(database), time.time),
        clock=time.time,
        rules=around.rules,
    )

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
        warn(services.infrastructures, services.measurements)
        await install(services, shipped_methods(), PLATFORM)
        await take_over(jobs, deliveries, reconciler, alone=alone)
        tidying = asyncio.create_task(keep_tidy(services))
        try:
            async with (
                reconciling(reconciler, places.values(), services.board),
                notifying(settings, services, deliveries, hold=hold),
            ):
                yield
        finally:
            tidying.cancel()
            await database.close()

    return Platform(create_app(services, lifespan), services, reconciler, database)


def programs(settings: Settings, database: Database) -> Devices:
    """Programs that sign in without a browser; a class behind one address may all start one."""
    asking = Buckets(Allowances(pair=Allowance(60, 10)))
    kept = KeptDevices(database)
    return Devices(kept, asking, Buckets(), time.time, lifetimes(settings))


def sign_in(settings: Settings, accounts: Accounts, signer: Signer, devices: Devices) -> SignIn:
    """The platform's own issuer."""
    return SignIn(
        accounts,
        signer,
        Argon2Hasher(),
        Buckets(),
        time.time,
        lifetimes(settings),
        more_grants={DEVICE_CODE: devices.grant},
    )


def surroundings(
    settings: Settings, jobs: Jobs, methods: Methods, places: Mapping[str, Infrastructure]
) -> Surroundings:
    """What the reconciler works with."""
    catalogue, files = Catalogue(methods, time.time), FolderStore(settings.data.resolve() / "jobs")
    return Surroundings(
        jobs=jobs,
        catalogue=catalogue,
        files=files,
        infrastructures=places,
        changes=Changes(),
        outbox=Outbox(jobs, catalogue, files, own_address(settings), progress, failure),
        clock=time.time,
        rules=rules(settings),
    )


async def take_over(
    jobs: Jobs, deliveries: Deliveries, reconciler: Reconciler, *, alone: bool
) -> None:
    """The only process on its database ends what leases an earlier one left; others listen."""
    if alone:
        await jobs.release_leases()
        await deliveries.release()
    else:
        jobs.on_new_job(reconciler.look_again)


@asynccontextmanager
async def reconciling(
    reconciler: Reconciler, places: Collection[Infrastructure], board: Board
) -> AsyncIterator[None]:
    """Jobs are started, watched and finished meanwhile."""
    running = asyncio.create_task(reconciler.run())
    board.look()
    try:
        yield
    finally:
        await board.close()
        reconciler.stop()
        await running
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*(place.close() for place in places)), PARTING)


@asynccontextmanager
async def notifying(
    settings: Settings, services: Services, deliveries: Deliveries, *, hold: bool
) -> AsyncIterator[None]:
    """Callbacks are delivered meanwhile, unless the platform only holds what it is given."""
    if hold:
        yield
        return
    notifier = Notifier(
        deliveries,
        services.fetcher,
        services.webhooks,
        services.clock,
        services.rules.issuer,
        settings.callbacks.retry_seconds,
        by_http=settings.callbacks.http,
    )
    deliveries.on_new(notifier.wake)
    running = asyncio.create_task(notifier.run())
    try:
        yield
    finally:
        notifier.stop()
        await running


def write_provenance(story: Story, form: Form) -> bytes:
    """A PROV document, by code whose library is loaded with the first of them."""
    written: bytes = import_module("openccp.provenance.prov").write(story, form)
    return written


class FetcherAtFirstUse:
    """Fetcher whose code is loaded when somebody first names an address."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def check(self, url: str) -> None:
        """NotFetched for an address that its text alone refuses."""
        self._fetcher.check(url)

    async def get(
        self, url: str, most: int | None = None, accept: str = "*/*", *, by: str = ""
    ) -> Fetched:
        """A 2xx answer of at most `most` bytes."""
        return await self._fetcher.get(url, most, accept, by=by)

    async def post(
        self, url: str, content: bytes, headers: Mapping[str, str], *, by: str = ""
    ) -> Fetched:
        """Any answer, its body cut short."""
        return await self._fetcher.post(url, content, headers, by=by)

    @cached_property
    def _fetcher(self) -> Fetcher:
        fetcher: Fetcher = import_module("openccp.fetch.guarded").from_settings(
            **self._settings.fetch.model_dump()
        )
        return fetcher


def own_address(settings: Settings) -> str:
    """The platform's address as tokens and jobs know it, without a slash at the end."""
    host = settings.server.host
    host = "127.0.0.1" if host in ("", "0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    here = f"http://{host}:{settings.server.port}"
    return (settings.server.public_url or here).rstrip("/")


def limits(settings: Settings) -> Limits:
    """What one job may use."""
    given = settings.limits
    return Limits(
        wall_seconds=given.wall_seconds,
        memory_bytes=given.memory_bytes,
        cpus=given.cpus,
        pids=given.pids,
        output_bytes=given.output_bytes,
        output_files=given.output_files,
        log_bytes=given.log_bytes,
    )


def _policy(settings: Settings, name: str) -> Policy:
    chosen = settings.local if name == "local" else settings.infrastructures[name]
    try:
        return chosen.standing(limits(settings))
    except ValueError as error:
        section = name if name == "local" else f"infrastructures.{name}"
        raise BadSettings(f"{section}.{error}") from error


def rules(settings: Settings) -> Rules:
    """What the settings mean for jobs and requests."""
    given, server, usual = settings.limits, settings.server, limits(settings)
    return Rules(
        limits=usual,
        policies={name: _policy(settings, name) for name in ("local", *settings.infrastructures)},
        infrastructure_names=settings.infrastructure_names,
        undeploy_seconds=given.undeploy_seconds,
        attempts=given.attempts,
        grace=given.grace,
        created_seconds=given.created_days * 86400.0,
        wait_seconds=server.wait_seconds,
        body_bytes=server.body_bytes,
        inline_bytes=server.inline_bytes,
        fetch_bytes=settings.fetch.bytes,
        fetch_seconds=settings.fetch.seconds,
        uploads=Room(
            settings.uploads.bytes,
            settings.uploads.account_bytes,
            settings.uploads.days * 86400.0,
        ),
        public_url=server.public_url,
        issuer=own_address(settings),
        callbacks_by_http=settings.callbacks.http,
        callback_days=settings.callbacks.keep_days,
        origins=server.origins,
        trusted_proxies=server.trusted_proxies,
        requests_per_second=server.requests_per_second,
    )


def shipped_methods() -> Iterator[tuple[Mapping[str, Any], bytes]]:
    """The methods that come with the platform: from the package, or from a checkout."""
    root = next((folder for folder in ROOTS if folder.is_dir()), None)
    for file in sorted(root.glob("*/method.json")) if root else ():
        body = file.read_bytes()
        yield json.loads(body), body
