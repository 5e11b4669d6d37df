"""What the core needs of the database: Protocols for jobs, methods and accounts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from openccp.core.access import Role
from openccp.core.deliveries import Delivery
from openccp.core.job import Event, Job
from openccp.core.job_list import JobFilter, JobPage
from openccp.core.method import Revision
from openccp.core.policy import QueueLimits
from openccp.core.problems import Problem
from openccp.core.queue import Load, Room


class Conflict(Exception):
    """Somebody else changed the job since it was read, or the lease is no longer ours."""


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A client's key in the scope of its owner and context, with a digest of the request.

    `former` is the digest that was kept for the same request before digests had a key. It is
    never kept again.
    """

    scope: str
    key: str
    digest: str
    former: str | None = field(default=None, repr=False)

    def is_of(self, kept: str) -> bool:
        """Whether a kept digest is of this request."""
        return kept in (self.digest, self.former)


class JobStore(Protocol):
    """Jobs, their events and requests. Every change is one durable transaction."""

    async def add(
        self,
        job: Job,
        request: bytes,
        secrets: Mapping[str, str],
        key: IdempotencyKey | None = None,
        sent: bytes = b"{}",
        most: QueueLimits | None = None,
    ) -> Job:
        """Keep a new job with an event named after its status; on return it is on disk.

        With a known `key` the job first made under it is returned instead; KeyReused if the
        digest differs. `request` is the checked request without secrets, as JSON; `sent` is
        what the client sent, without secrets too. An accepted job is due at once, a created
        one never. QueueFull, and nothing is kept, if more than `most` would then
        wait (be `accepted`) on its infrastructure; so with `redefine`.
        """

    async def redefine(
        self,
        job: Job,
        request: bytes,
        secrets: Mapping[str, str],
        sent: bytes,
        event: Event,
        most: QueueLimits | None = None,
    ) -> Job:
        """Replace a created job; as one that is accepted it is started, and due from now on.

        Compare-and-set on `version`, one transaction with request, secrets and event; Conflict
        if the job moved on or is not `created` any more. Returns it with its new version.
        """

    async def made_under(self, key: IdempotencyKey, now: float) -> Job | None:
        """The job that `add` would return for a known key; KeyReused if the digest differs."""

    async def get(self, job_id: str) -> Job | None:
        """One job."""

    async def request(self, job_id: str) -> bytes:
        """The request as given to `add` or `redefine`; NoSuchJob if there is none."""

    async def sent(self, job_id: str) -> bytes:
        """What the client sent, as given to `add` or `redefine`; NoSuchJob if there is none."""

    async def secrets(self, job_id: str) -> Mapping[str, str]:
        """The job's secrets, decrypted; empty once dropped."""

    async def page(self, wanted: JobFilter) -> JobPage:
        """One page, newest first: at most `limit` jobs that fit.

        What no index answers is looked for among a bounded number of jobs: the page may then
        hold fewer, and `searched_to` says so; its `older` (or `newer`) goes on from there.
        """

    async def save(
        self, job: Job, events: Sequence[Event] = (), deliveries: Sequence[Delivery] = ()
    ) -> Job:
        """Compare-and-set on `version` and `fence`, append events; Conflict if it moved on.

        The deliveries that tell of the change go into the outbox with it.

        A job saved in phase DONE drops its secrets and its lease in the same transaction.
        Returns the job with its new version.
        """

    async def label(self, job: Job) -> Job:
        """Save the note and the tags of a job and nothing else of it; Conflict if it moved on.

        Returns it with its new version.
        """

    async def waiting(self, infrastructure: str, owner: str, most: int) -> list[str]:
        """The ids of somebody's waiting jobs on an infrastructure, the next one first."""

    async def claim(
        self,
        reconciler: str,
        now: float,
        lease: float,
        limit: int,
        rooms: Mapping[str, Room] | None = None,
    ) -> list[Job]:
        """Take undone jobs without a live lease; raises the fence. Sorted oldest first.

        Up to `limit` of those under way; of those that wait, on each infrastructure, as many as
        there is room for by `rooms`: of each user his share, his oldest first. Where places are
        scarce they go to users who hold least, and among these to the oldest job. Where `rooms`
        says nothing, what those under way leave of `limit` is the room.
        """

    async def loads(self) -> Mapping[str, Load]:
        """How many jobs wait (`accepted`) and run (`running`), by infrastructure; always quick."""

    async def oldest_waiting(self) -> Mapping[str, float]:
        """When the job that waits longest was made, by infrastructure; quick."""

    async def renew(self, reconciler: str, jobs: Iterable[str], until: float) -> None:
        """Extend the leases of jobs that are still ours."""

    async def events(self, job_id: str, after: int = 0) -> list[Event]:
        """Events with `seq` above `after`, in order."""

    async def remove(self, job_id: str) -> None:
        """Forget a finished job; idempotent. Conflict while it is not done."""

    async def forget_keys(self, before: float) -> int:
        """Forget some keys that were taken until `before`; says how many, like forget_created."""

    async def forget_created(self, before: float) -> int:
        """Forget some jobs that were created, last changed until `before`, and never started.

        Says how many; there may be more as long as it is not 0.
        """


class MethodStore(Protocol):
    """Methods and their immutable revisions."""

    async def add(
        self, revision: Revision, package: bytes, media_type: str, *, replace: bool
    ) -> Revision:
        """Keep a revision (numbered by the store).

        DuplicatedProcess if one of this id is deployed and `replace` is false; NoSuchProcess
        if `replace` is true and there is none.
        """

    async def get(self, method_id: str) -> Revision | None:
        """The current revision, None when undeployed."""

    async def revision(self, method_id: str, number: int) -> Revision | None:
        """A revision by number, also of a method since removed: old jobs refer to it."""

    async def package(self, method_id: str, number: int) -> tuple[bytes, str]:
        """The body that was deployed and its media type."""

    async def all(self) -> Sequence[Revision]:
        """Every current revision, by id. Callers filter by `access`."""

    async def remove(self, method_id: str) -> None:
        """Undeploy: no longer listed or run; its revisions stay for old jobs."""


# --- accounts ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Account:
    """A local account. `password_hash` None means that no password signs in.

    Tokens that were signed before `not_before` are void: the password was changed since.
    """

    id: str
    name: str
    role: Role
    created: float
    password_hash: str | None = None
    not_before: float = 0.0


class Credential(StrEnum):
    """What a stored, hashed bearer secret is for."""

    PERSONAL = "personal"
    SESSION = "session"
    SIGN_IN = "sign-in"
    REFRESH = "refresh"
    DEVICE = "device"
    SHARE = "share"


@dataclass(frozen=True, slots=True)
class StoredCredential:
    """A bearer secret, kept only as its SHA-256 `digest` (hex).

    `family` groups refreshes, and is the job that a SHARE shows.
    """

    digest: str
    kind: Credential
    account: str
    created: float
    expires: float | None
    label: str = ""
    context: str | None = None
    client: str | None = None
    family: str | None = None
    spent: float | None = None


class AccountStore(Protocol):
    """Accounts, contexts, memberships and bearer secrets."""

    async def add_account(self, account: Account) -> None:
        """Keep a new account, a member of `default`; DuplicateName problem if taken."""

    async def account(self, account_id: str) -> Account | None:
        """By id."""

    async def account_named(self, name: str) -> Account | None:
        """By name."""

    async def set_password(self, account_id: str, password_hash: str, not_before: float) -> None:
        """Replace the password hash, and make tokens void that were signed earlier."""

    async def add_context(self, name: str, title: str) -> None:
        """Keep a new context; DuplicateName problem if taken."""

    async def add_member(self, context: str, account_id: str) -> None:
        """Put an account into a context; idempotent."""

    async def contexts(self, account_id: str) -> frozenset[str]:
        """The contexts an account belongs to."""

    async def add_credential(self, credential: StoredCredential) -> None:
        """Keep a bearer secret's digest."""

    async def credential(self, digest: str) -> StoredCredential | None:
        """By digest."""

    async def credentials(self, account_id: str, kind: Credential) -> Sequence[StoredCredential]:
        """All of a kind, newest first."""

    async def spend(self, digest: str, now: float) -> bool:
        """Mark as used; True for exactly one caller, False if it was spent or is not there."""

    async def revoke(self, digest: str) -> None:
        """Forget one; idempotent."""

    async def revoke_family(self, family: str) -> None:
        """Forget every refresh secret of a family; idempotent."""

    async def forget_expired(self, now: float) -> None:
        """Forget the secrets whose time is over; idempotent."""


class DuplicateName(Problem):
    """This name is already taken."""

    status, type, title = 409, "urn:openccp:problem:duplicate-name", "Duplicate name"
