"""The kind `slurm`: its section in the settings, and how one is built."""

import os
import pwd
from importlib import import_module
from pathlib import Path

from pydantic import Field

from openccp.core.ports import Infrastructure
from openccp.core.site import InfrastructureSettings, Site


class SlurmSettings(InfrastructureSettings):
    """Batch jobs of a Slurm cluster."""

    prefix: tuple[str, ...] = Field(
        default=(),
        description="Words before Slurm's commands, such as `ssh -o BatchMode=yes login`.",
    )
    rest: str = Field(
        default="",
        pattern=r"^(https?://[^\s?#@]+)?$",
        description="The address of slurmrestd, to be used instead of commands.",
    )
    rest_user: str = Field(
        default="", description="Whose token slurmrestd gets; without it that of `user`."
    )
    token_file: Path | None = Field(
        default=None,
        description="A file with the token, that somebody renews; without it `scontrol token` "
        "makes one.",
    )
    shared_folder: Path | None = Field(
        default=None,
        description="A folder that the nodes see under the same path; without it one in the data "
        "folder.",
    )
    user: str = Field(
        default="",
        description="The account that jobs run as; without it the platform's own.",
    )
    partition: str = Field(default="", description="The partition; without it the cluster's own.")
    account: str = Field(default="", description="The account that is charged.")
    accounts: dict[str, str] = Field(
        default_factory=dict,
        description="Context -> the account that is charged for its jobs instead of `account`.",
    )
    qos: str = Field(default="", description="The quality of service.")
    wall_seconds: float = Field(default=0, ge=0, description="Longest run; 0: as jobs may.")
    memory_bytes: int = Field(default=0, ge=0, description="Most memory; 0: as jobs may.")
    cpus: int = Field(default=0, ge=0, le=4096, description="Most processors; 0: as jobs may.")
    gpus: int = Field(default=0, ge=0, le=64, description="GPUs of every job.")
    images: dict[str, Path] = Field(
        default_factory=dict,
        description="Image name -> unpacked root file system, under a path that the nodes see.",
    )
    slots: int = Field(
        default=0,
        ge=0,
        le=100_000,
        description="Jobs queued or running at a time; 0: a hundred.",
    )


class SlurmKind:
    """Builds an infrastructure of batch jobs."""

    settings = SlurmSettings

    def build(self, site: Site, settings: SlurmSettings) -> Infrastructure:
        """Loads what it is made of: only where there is one."""
        user = settings.user or pwd.getpwuid(os.geteuid()).pw_name
        if user == "root":
            raise ValueError("`user` has to name an account that jobs run as: root's is refused.")
        try:
            pwd.getpwnam(user)
        except KeyError:
            raise ValueError(f"There is no account {user!r} on this machine.") from None
        build = import_module("openccp.infrastructures.slurm.build").build
        made: Infrastructure = build(site, settings, user)
        return made


KIND = SlurmKind()
