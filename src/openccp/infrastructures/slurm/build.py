"""Putting an infrastructure `slurm` together from its settings."""

import pwd
from functools import partial

from openccp.core.site import Site
from openccp.infrastructures.attempts import open_shared_attempts
from openccp.infrastructures.place import digest_of
from openccp.infrastructures.runtimes import Runtimes
from openccp.infrastructures.slurm.commands import Commands
from openccp.infrastructures.slurm.controller import Controller, Share
from openccp.infrastructures.slurm.ground import Account, Ground
from openccp.infrastructures.slurm.infrastructure import SlurmInfrastructure
from openccp.infrastructures.slurm.kind import SlurmSettings
from openccp.infrastructures.slurm.rest import Rest
from openccp.infrastructures.slurm.tokens import Token, from_file
from openccp.infrastructures.system import build_root, pass_on

SLOTS = 100


def build(site: Site, settings: SlurmSettings, user: str) -> SlurmInfrastructure:
    """All of it over one shared folder."""
    found = pwd.getpwnam(user)
    account = Account(user, found.pw_uid, found.pw_gid)
    folder = site.folder if settings.shared_folder is None else settings.shared_folder / site.name
    folder.mkdir(parents=True, exist_ok=True)
    passed = pass_on(site.environment)
    attempts, place = open_shared_attempts(folder, (account.uid, account.gid), passed.environment)
    runtimes = Runtimes(settings.images, place)
    root = build_root(place, runtimes.prefixes, passed.files)
    most = Share(
        settings.wall_seconds,
        settings.memory_bytes,
        settings.cpus,
        settings.gpus,
        settings.partition,
        settings.account,
        settings.qos,
    )
    mark = f"openccp-{digest_of(site.folder)}"
    charged = settings.accounts
    ground = Ground(mark, place, root, attempts, runtimes, account, most, charged)
    controller = _controller(settings, user)
    return SlurmInfrastructure(
        ground, controller, id=site.name, title=site.title, slots=settings.slots or SLOTS
    )


def _controller(settings: SlurmSettings, user: str) -> Controller:
    commands = Commands(settings.prefix, settings.partition, user)
    if not settings.rest:
        return commands
    asked = settings.rest_user or user
    get = from_file(settings.token_file) if settings.token_file else partial(commands.token, asked)
    return Rest(settings.rest, asked, Token(get), user, settings.partition)
