"""Who may do what: the one place that says so (security.md S-16, S-17, S-20)."""

from dataclasses import dataclass
from enum import StrEnum

from openccp.core.deliveries import Delivery
from openccp.core.job import Job
from openccp.core.method import Revision

DEFAULT_CONTEXT = "default"
PLATFORM = "openccp"
"""Owner of the methods that ship with the platform."""


class Role(StrEnum):
    """What an account may do beyond its own things."""

    USER = "user"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Who:
    """The authenticated caller. `contexts` are those the token is good for."""

    id: str
    name: str
    contexts: frozenset[str]
    context: str = DEFAULT_CONTEXT
    role: Role = Role.USER
    reads: str | None = None
    """The one job that a link lets him look at, who is nobody otherwise."""


def may_see_method(who: Who, revision: Revision) -> bool:
    """Public, own, or shared in a context the caller belongs to."""
    return (
        revision.public
        or revision.owner == who.id
        or not who.contexts.isdisjoint(revision.contexts)
    )


def may_change_method(who: Who, revision: Revision) -> bool:
    """The owner, or an administrator where the method is visible."""
    return revision.owner == who.id or (who.role is Role.ADMIN and may_see_method(who, revision))


def may_see_job(who: Who, job: Job) -> bool:
    """Own jobs, and the one that a link was given for."""
    return job.owner == who.id or job.id == who.reads


def may_change_job(who: Who, job: Job) -> bool:
    """The owner alone: whoever else may look changes nothing."""
    return job.owner == who.id


def may_see_delivery(who: Who, delivery: Delivery) -> bool:
    """Those of own jobs only."""
    return delivery.owner == who.id


def may_publish(who: Who) -> bool:
    """Only administrators make a method public to every account."""
    return who.role is Role.ADMIN


def may_operate(who: Who) -> bool:
    """Only administrators see what everybody holds, and mend it."""
    return who.role is Role.ADMIN
