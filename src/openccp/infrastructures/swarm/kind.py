"""The kind `docker-swarm`: its section in the settings, and how one is built."""

import os
from importlib import import_module
from pathlib import Path

from pydantic import Field, model_validator

from openccp.core.ports import Infrastructure
from openccp.core.site import InfrastructureSettings, Site
from openccp.infrastructures.attempts import Attempts, open_attempts
from openccp.infrastructures.folders import Ground as Folders
from openccp.infrastructures.place import identity_of, own_folder
from openccp.infrastructures.users import Users

USERS = 4096


class SwarmSettings(InfrastructureSettings):
    """Services of a Docker swarm."""

    address: str = Field(
        default="unix:///var/run/docker.sock", description="A manager of the swarm."
    )
    images: tuple[str, ...] = Field(
        default=("*",), description="Images that may be run, with `*` and `?`."
    )
    slots: int = Field(default=16, ge=1, le=10_000, description="Jobs at a time.")
    first_uid: int = Field(
        default=61000, ge=1000, description="First user id that jobs run under, on every node."
    )
    carrier_image: str = Field(
        default="",
        description="An image with Python 3.8 or newer, whose tasks carry the files of jobs to "
        "and from nodes. Needed without `shared_folder`.",
    )
    platform_url: str = Field(
        default="",
        description="The platform's address as nodes reach it; without it, its own address.",
    )
    node_folder: str = Field(
        default="/var/tmp",
        pattern="^/",
        description="A folder that is there on every node, where the files of its jobs lie.",
    )
    shared_folder: Path | None = Field(
        default=None,
        description="A folder that all nodes and the platform see at the same path: files of "
        "jobs lie there, and none are carried.",
    )
    constraints: tuple[str, ...] = Field(
        default=(), description='Where jobs may run, such as "node.labels.jobs==yes".'
    )
    labels: dict[str, str] = Field(default={}, description="Labels of all services of jobs.")
    grace: float = Field(
        default=10,
        ge=0,
        le=3600,
        description="Seconds that a job has to end in before it is killed.",
    )

    @model_validator(mode="after")
    def _has_a_way(self) -> "SwarmSettings":
        if bool(self.carrier_image) == (self.shared_folder is not None):
            raise ValueError("one of `carrier_image` and `shared_folder` says how files get there")
        return self


class SwarmKind:
    """Builds an infrastructure of services."""

    settings = SwarmSettings

    def build(self, site: Site, settings: SwarmSettings) -> Infrastructure:
        """Loads the swarm's library: only where there is one."""
        service = import_module("openccp.infrastructures.swarm.service")
        ground = service.Ground(
            place=identity_of(site.folder),
            constraints=settings.constraints,
            labels=settings.labels,
            grace=settings.grace,
            node_folder=settings.node_folder.rstrip("/"),
            carrier_image=settings.carrier_image,
            url=(settings.platform_url or site.public_url).rstrip("/"),
        )
        made: Infrastructure = import_module(
            "openccp.infrastructures.swarm.infrastructure"
        ).SwarmInfrastructure(
            open_folders(site, settings),
            ground,
            id=site.name,
            title=site.title,
            slots=settings.slots,
            address=settings.address,
            images=settings.images,
        )
        return made


def open_folders(site: Site, settings: SwarmSettings) -> Attempts:
    """The platform's own folders of attempts, or those that it shares with the nodes."""
    users = (settings.first_uid, settings.first_uid + USERS)
    if settings.shared_folder is None:
        return open_attempts(site.folder, users, site.environment)[0]
    root = settings.shared_folder / f"openccp-{identity_of(site.folder)}"
    state, disk = own_folder(root / "state"), own_folder(root / "tasks")
    drops_user = os.geteuid() == 0
    claims = Users(state, users, own=None if drops_user else os.geteuid())
    claims.sweep()
    return Attempts(Folders(str(state), str(disk)), claims, site.environment, drops_user)


KIND = SwarmKind()
