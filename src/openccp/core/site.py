"""What a kind of infrastructure is to the platform: its settings, and how one of it is built.

Every kind is written against this page, the platform's own and those that packages bring.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from openccp.core.ports import Infrastructure, Limits


class InfrastructureSettings(BaseModel):
    """What every section `[infrastructures.NAME]` may hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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
