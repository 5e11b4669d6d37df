"""What use cases work with: the ports, filled in by `compose` and by nobody else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from openccp.app.authenticate import Authenticate
from openccp.app.board import Board
from openccp.app.catalogue import Catalogue
from openccp.app.changes import Changes
from openccp.app.devices import Devices
from openccp.app.outbox import Outbox
from openccp.app.repeats import Repeats
from openccp.app.sign_in import SignIn
from openccp.app.storage import Storage
from openccp.app.webhooks import Webhooks
from openccp.core.deliveries import DeliveryStore
from openccp.core.overview import Overview
from openccp.core.policy import Policy
from openccp.core.ports import Clock, Fetcher, FileStore, Infrastructure, Limits
from openccp.core.promises import Measurements
from openccp.core.provenance import WriteProvenance
from openccp.core.stores import AccountStore, JobStore
from openccp.core.uploads import Room, UploadStore


class Wakes(Protocol):
    """Somebody who works when told that there is something to do."""

    def wake(self, job_id: str) -> None:
        """There is news of a job; return at once."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the operator decided about jobs and requests."""

    limits: Limits = field(default_factory=Limits)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    infrastructure_names: Mapping[str, str] = field(default_factory=dict)
    undeploy_seconds: float = 60.0
    attempts: int = 2
    grace: float = 10.0
    created_seconds: float = 30 * 86400.0
    wait_seconds: float = 60.0
    body_bytes: int = 32 << 20
    inline_bytes: int = 64 << 10
    fetch_bytes: int = 32 << 20
    fetch_seconds: float = 30.0
    uploads: Room = field(default_factory=Room)
    public_url: str | None = None
    issuer: str = ""
    callbacks_by_http: bool = False
    callback_days: float = 30.0
    origins: tuple[str, ...] = ("*",)
    trusted_proxies: tuple[str, ...] = ()
    requests_per_second: float = 1000.0

    def policy(self, infrastructure: str) -> Policy:
        """What the operator decided about an infrastructure."""
        return self.policies.get(infrastructure) or Policy(limits=self.limits)


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a use case may reach."""

    jobs: JobStore
    catalogue: Catalogue
    files: FileStore
    uploads: UploadStore
    accounts: AccountStore
    infrastructures: Mapping[str, Infrastructure]
    board: Board
    authenticate: Authenticate
    sign_in: SignIn
    devices: Devices
    changes: Changes
    outbox: Outbox
    deliveries: DeliveryStore
    webhooks: Webhooks
    repeats: Repeats
    reconciler: Wakes
    fetcher: Fetcher
    provenance: WriteProvenance
    measurements: Measurements
    overview: Overview
    storage: Storage
    clock: Clock
    rules: Rules
