"""The kind `docker`: its section in the settings, and how one is built."""

import os
from importlib import import_module
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from openccp.core.ports import Infrastructure
from openccp.core.site import InfrastructureSettings, Site
from openccp.infrastructures.docker.credentials import Credentials
from openccp.infrastructures.docker.filter import SUBNETS, Policy
from openccp.infrastructures.docker.privileges import Privileges
from openccp.infrastructures.docker.reference import Login, password_from


class RegistryLogin(BaseModel):
    """Whom the platform is to a registry of images."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    username: str = Field(min_length=1, description="The user's name.")
    password_file: Path | None = Field(default=None, description="File that holds the password.")
    password_variable: str = Field(
        default="", description="Variable of the platform's environment that holds it, if no file."
    )

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if not self.password_file and not self.password_variable:
            raise ValueError("expected password_file or password_variable")
        return self


HERE = "openccp.infrastructures.docker"
CLASSES = {
    "bind": (f"{HERE}.infrastructure", "DockerInfrastructure"),
    "volumes": (f"{HERE}.elsewhere", "DockerElsewhere"),
}


class DockerSettings(InfrastructureSettings):
    """Containers of a Docker daemon."""

    address: str = Field(
        default="unix:///var/run/docker.sock",
        pattern=r"^(unix:///.+|tcp://[^/@]+:\d+|ssh://([^/@]+@)?[^-/@][^/@]*(/.+)?)$",
        description="The daemon: `unix://` and its socket, `tcp://host:port` with TLS, or "
        "`ssh://user@host`.",
    )
    staging: Literal["bind", "volumes"] = Field(
        default="bind",
        description="How files reach jobs: folders of this machine, or volumes of a daemon "
        "elsewhere.",
    )
    ca: Path | None = Field(default=None, description="TLS: whom to trust, in PEM.")
    cert: Path | None = Field(default=None, description="TLS: the platform's certificate, in PEM.")
    key: Path | None = Field(default=None, description="TLS or SSH: the private key, in PEM.")
    known_hosts: Path | None = Field(
        default=None, description="SSH: keys of hosts; without it, those of the platform's user."
    )
    images: tuple[str, ...] = Field(
        default=("*",), description="Images that may be run, with `*` and `?`."
    )
    registries: dict[str, RegistryLogin] = Field(
        default_factory=dict,
        description="Host of a registry -> user name and password; `docker.io` is Docker Hub.",
    )
    pull_seconds: float = Field(
        default=3600, gt=0, le=7 * 86400, description="Longest pull of an image."
    )
    allow_root: bool = Field(
        default=False, description="Run methods with `x-ccp-root` as root inside."
    )
    root_capabilities: tuple[Annotated[str, Field(pattern=r"^[A-Z_]+$")], ...] = Field(
        default=(), description="Capabilities that root keeps inside, such as `CHOWN`."
    )
    gpus: int = Field(default=0, ge=0, le=64, description="Most GPUs of one job.")
    slots: int = Field(
        default=0, ge=0, le=1024, description="Jobs at a time; 0: two for each core."
    )
    warm: dict[str, Annotated[int, Field(ge=1, le=64)]] = Field(
        default_factory=dict,
        description="Image -> containers of it that wait for jobs without network.",
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

    @model_validator(mode="after")
    def _is_reached_safely(self) -> Self:
        if self.address.startswith("tcp://") and None in (self.ca, self.cert, self.key):
            raise ValueError(
                "a daemon at tcp:// needs ca, cert and key: without TLS it is anybody's"
            )
        if not self.address.startswith("unix://") and self.staging == "bind":
            raise ValueError('a daemon elsewhere needs staging = "volumes"')
        if self.warm and self.staging == "volumes":
            raise ValueError('containers can wait with staging = "bind" only')
        return self

    def credentials(self) -> Credentials:
        """By which the daemon and the platform know each other."""
        return Credentials(self.ca, self.cert, self.key, self.known_hosts)

    def policy(self) -> Policy:
        """What they say of the network."""
        return Policy(self.network, self.allowed_networks, self.subnets, self.resolvers)


class DockerKind:
    """Builds an infrastructure of containers."""

    settings = DockerSettings

    def build(self, site: Site, settings: DockerSettings) -> Infrastructure:
        """Loads the daemon's library: only where there is one."""
        module, name = CLASSES[settings.staging]
        made: Infrastructure = getattr(import_module(module), name)(
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
            logins={
                host: Login(one.username, password_from(one.password_file, one.password_variable))
                for host, one in settings.registries.items()
            },
            pull_seconds=settings.pull_seconds,
            privileges=Privileges(settings.allow_root, settings.root_capabilities, settings.gpus),
            warm=settings.warm,
            limits=site.limits,
            credentials=settings.credentials(),
        )
        return made


KIND = DockerKind()
