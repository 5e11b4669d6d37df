"""The kind `docker`: its section in the settings, and how one is built."""

import os
from importlib import import_module
from ipaddress import IPv4Address, IPv4Network
from typing import Literal

from pydantic import Field

from openccp.core.ports import Infrastructure
from openccp.core.site import InfrastructureSettings, Site
from openccp.infrastructures.docker.filter import SUBNETS, Policy


class DockerSettings(InfrastructureSettings):
    """Containers of a Docker daemon."""

    address: str = Field(
        default="unix:///var/run/docker.sock", description="The daemon, on this machine."
    )
    images: tuple[str, ...] = Field(
        default=("*",), description="Images that may be run, with `*` and `?`."
    )
    slots: int = Field(
        default=0, ge=0, le=1024, description="Jobs at a time; 0: two for each core."
    )
    first_uid: int = Field(
        default=61000, ge=1000, description="First host user id that jobs run under."
    )
    network: Literal["none", "filtered", "open"] = Field(
        default="filtered",
        description="What jobs that want network get: none (they are refused), public addresses "
        "and `allowed_networks`, or everything that the daemon's host reaches.",
    )
    allowed_networks: tuple[IPv4Network, ...] = Field(
        default=(), description="Networks that jobs may reach though they are not public."
    )
    resolvers: tuple[IPv4Address, ...] = Field(
        default=(), description="Name servers of jobs; without any, those of the daemon's host."
    )
    subnets: IPv4Network = Field(
        default=SUBNETS,
        description="Addresses of the networks of jobs, a small part each: nobody else's.",
    )
    runtime: str = Field(
        default="", description="The daemon's runtime for jobs, such as `runsc`; or its default."
    )

    def policy(self) -> Policy:
        """What they say of the network."""
        return Policy(self.network, self.allowed_networks, self.subnets, self.resolvers)


class DockerKind:
    """Builds an infrastructure of containers."""

    settings = DockerSettings

    def build(self, site: Site, settings: DockerSettings) -> Infrastructure:
        """Loads the daemon's library: only where there is one."""
        made: Infrastructure = import_module(
            "openccp.infrastructures.docker.infrastructure"
        ).DockerInfrastructure(
            site.folder,
            id=site.name,
            title=site.title,
            slots=settings.slots or 2 * (os.cpu_count() or 1),
            address=settings.address,
            images=settings.images,
            uid_range=(settings.first_uid, settings.first_uid + 4096),
            environment=site.environment,
            network=settings.policy(),
            runtime=settings.runtime,
        )
        return made


KIND = DockerKind()
