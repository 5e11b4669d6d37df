"""What a kind of infrastructure is to the platform: its settings, and how one of it is built.

Every kind is written against this page, the platform's own and those that packages bring.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Protocol, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from openccp.core.policy import Policy, QueueLimits
from openccp.core.ports import Infrastructure, Limits
from openccp.core.promises import PROMISES

MAX_REPLICAS = 64
_FROZEN = ConfigDict(frozen=True, extra="forbid")


def _promise(name: str) -> str:
    if name not in PROMISES:
        raise ValueError(f"is one of {', '.join(PROMISES)}")
    return name


Promise = Annotated[str, AfterValidator(_promise)]
SizeName = Annotated[str, Field(min_length=1, max_length=64)]


class Size(BaseModel):
    """What one job of a size may use, where that is less than what every job may."""

    model_config = _FROZEN

    wall_seconds: float | None = Field(default=None, gt=0, le=366 * 86400)
    memory_bytes: int | None = Field(default=None, ge=1 << 20, le=1 << 50)
    cpus: float | None = Field(default=None, gt=0, le=1024)
    pids: int | None = Field(default=None, ge=16, le=1 << 20)
    output_bytes: int | None = Field(default=None, ge=1 << 20, le=1 << 50)
    output_files: int | None = Field(default=None, ge=1)
    log_bytes: int | None = Field(default=None, ge=1 << 20, le=1 << 50)


class Ceilings(Size):
    """What one job may use there, where that differs from the section `[limits]`."""

    replicas: int | None = Field(default=None, ge=1, le=MAX_REPLICAS)


class QueueSettings(BaseModel):
    """How many jobs may wait there: in all, of one context, of one user."""

    model_config = _FROZEN

    total: int = Field(default=100_000, ge=1)
    context: int = Field(default=50_000, ge=1)
    user: int = Field(default=10_000, ge=1)


class PlaceSettings(BaseModel):
    """What the section of every infrastructure may hold, that of `local` too."""

    model_config = _FROZEN

    contexts: tuple[str, ...] | None = Field(
        default=None, description="The contexts whose members may use it; without it, all."
    )
    default: bool = Field(
        default=True,
        description="Whether it takes methods that name no infrastructure that is known here.",
    )
    priority: int = Field(
        default=0, ge=-1000, le=1000, description="Where several will do, the highest is chosen."
    )
    limits: Ceilings = Field(
        default=Ceilings(),
        description="What one job may use there, where it differs from `[limits]`; and `replicas`.",
    )
    sizes: dict[SizeName, Size] = Field(
        default_factory=dict,
        description="What a job may use that names a size (`ccpsize`), by its name: fields of "
        "`limits`, none above them.",
    )
    may_lack: tuple[Promise, ...] = Field(
        default=(),
        description="Promises without which it takes jobs all the same, though `ccp doctor` found "
        "that they do not hold.",
    )
    queue: QueueSettings = Field(
        default=QueueSettings(),
        description="How many jobs may wait there: `total`, of one `context`, of one `user`.",
    )

    def standing(self, limits: Limits) -> Policy:
        """What it says, where `limits` hold unless it says otherwise.

        ValueError where a size has more than they allow.
        """
        given = self.limits.model_dump(exclude_none=True)
        replicas = given.pop("replicas", MAX_REPLICAS)
        most = replace(limits, **given)
        return Policy(
            limits=most,
            replicas=replicas,
            contexts=None if self.contexts is None else frozenset(self.contexts),
            default=self.default,
            priority=self.priority,
            queue=QueueLimits(**self.queue.model_dump()),
            sizes={name: _within(most, name, size) for name, size in self.sizes.items()},
            may_lack=frozenset(self.may_lack),
        )


def _within(most: Limits, name: str, size: Size) -> Limits:
    given = size.model_dump(exclude_none=True)
    for field, value in given.items():
        if value > getattr(most, field):
            raise ValueError(
                f"sizes.{name}.{field}: {value} is above the limit of {getattr(most, field)}"
            )
    return replace(most, **given)


class InfrastructureSettings(PlaceSettings):
    """What every section `[infrastructures.NAME]` may hold."""

    kind: str = Field(description="What it is: `docker`, or the name of a plug-in.")
    title: str = Field(default="", description="What people read; without it, its name.")


@dataclass(frozen=True, slots=True)
class Site:
    """What the platform gives to an infrastructure that is built."""

    name: str
    """What it is called in the settings, in addresses and in jobs: it has to be its `id`."""
    title: str
    folder: Path
    """Its own, absolute, the same at the next start; nobody else looks in. It may not be there."""
    environment: Mapping[str, str]
    """Variables that every job gets because the operator says so."""
    public_url: str
    """The platform's address as jobs can reach it, without a slash at the end."""
    limits: Limits
    """What one job may use at most."""


Chosen = TypeVar("Chosen", bound=InfrastructureSettings, contravariant=True)


class InfrastructureKind(Protocol[Chosen]):
    """A kind, found by its name. Its module is imported only where its name is used."""

    @property
    def settings(self) -> type[InfrastructureSettings]:
        """The model of its section; it refuses names that it does not know."""

    def build(self, site: Site, settings: Chosen) -> Infrastructure:
        """An infrastructure that has not been asked anything yet. Quick: it connects to nothing.

        ValueError, in words for the operator, where these settings cannot be used here.
        """
