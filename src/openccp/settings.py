"""Settings: one TOML file plus CCP__SECTION__FIELD; unknown keys are errors (design section 8)."""

import json
import os
import tomllib
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializeAsAny,
    ValidationError,
)

from openccp.core.site import InfrastructureSettings, PlaceSettings
from openccp.plugins import section

SETTINGS_FILE = "openccp.toml"
PREFIX = "CCP__"
Seconds = Annotated[float, Field(gt=0, le=366 * 86400)]


def _network(text: str) -> str:
    ip_network(text)
    return text


Network = Annotated[str, AfterValidator(_network)]
Bytes = Annotated[int, Field(ge=1 << 20, le=1 << 50)]


def _free(name: str) -> str:
    if name == "local":
        raise ValueError("`local` is there anyway, and is set in the section [local].")
    return name


InfrastructureName = Annotated[
    str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$"), AfterValidator(_free)
]
OneInfrastructure = Annotated[SerializeAsAny[InfrastructureSettings], BeforeValidator(section)]


class Section(BaseModel):
    """A group of settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Server(Section):
    """Where the platform listens, and how it is reached."""

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(
        default=8080, ge=0, le=65535, description="Port to listen on; 0 takes a free one."
    )
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$",
        description="The address by which people reach the platform, when behind a proxy.",
    )
    trusted_proxies: tuple[Network, ...] = Field(
        default=(),
        description="Addresses or networks whose word on clients (Forwarded) is believed.",
    )
    origins: tuple[str, ...] = Field(
        default=("*",),
        description="Origins whose pages may read answers (CORS), never with cookies; or `*`.",
    )
    requests_per_second: float = Field(
        default=1000,
        ge=0,
        le=1e6,
        description="Of one user, or one address if not signed in; five minutes' worth may come "
        "at once. 0: no limit.",
    )
    body_bytes: Bytes = Field(default=32 << 20, description="Largest request body.")
    wait_seconds: Seconds = Field(
        default=60, description="Longest wait of a synchronous execution."
    )
    inline_bytes: Bytes = Field(
        default=1 << 20, description="Most bytes of values in a results document."
    )


class Database(Section):
    """Where jobs, methods and accounts are kept."""

    url: str | None = Field(
        default=None, description="postgresql://...; without it SQLite in the data folder."
    )


class Local(Section, PlaceSettings):
    """The infrastructure `local`: sandboxed processes on this machine."""

    slots: int = Field(
        default=0, ge=0, le=1024, description="Jobs at a time; 0: two for each core."
    )
    first_uid: int = Field(
        default=61000, ge=1000, description="First host user id that jobs run under."
    )
    images: dict[str, Path] = Field(
        default_factory=dict, description="Image name -> unpacked root file system."
    )
    environment: dict[str, str] = Field(
        default_factory=dict,
        description="Variables that every job gets, such as PIP_INDEX_URL or HTTPS_PROXY.",
    )
    pass_environment: tuple[str, ...] = Field(
        default=(
            "PIP_INDEX_URL",
            "PIP_EXTRA_INDEX_URL",
            "PIP_CERT",
            "PIP_FIND_LINKS",
            "SSL_CERT_FILE",
            "REQUESTS_CA_BUNDLE",
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "NO_PROXY",
        ),
        description="Variables of the platform's own environment that jobs get as well.",
    )


class Limits(Section):
    """What one job may use; a request may only lower the time."""

    wall_seconds: Seconds = Field(default=86400, description="Longest run.")
    memory_bytes: Bytes = Field(default=2 << 30, description="Memory.")
    cpus: float = Field(default=1.0, gt=0, le=1024, description="Cores.")
    pids: int = Field(default=256, ge=16, le=1 << 20, description="Processes and threads.")
    output_bytes: Bytes = Field(default=2 << 30, description="Bytes left in /ccp_data.")
    output_files: int = Field(default=100_000, ge=1, description="Files left in /ccp_data.")
    log_bytes: Bytes = Field(default=64 << 20, description="Bytes of standard output and error.")
    undeploy_seconds: Seconds = Field(default=60, description="Longest run of an undeploy script.")
    grace: Seconds = Field(default=10, description="From TERM to KILL.")
    attempts: int = Field(
        default=2, ge=1, le=10, description="Tries when the platform loses a job."
    )
    created_days: int = Field(
        default=30, ge=1, description="Days until a created job that nobody starts is removed."
    )


class Fetch(Section):
    """How the platform fetches what a user names by address: inputs, packages, callbacks."""

    allow_hosts: tuple[str, ...] = Field(
        default=(),
        description="Hosts reached though they are not public: names, `*.example.org`, "
        "addresses and networks such as `10.1.0.0/16`.",
    )
    ports: tuple[Annotated[int, Field(ge=1, le=65535)], ...] = Field(
        default=(80, 443, 8443), description="Ports that may be asked."
    )
    https_only: bool = Field(default=False, description="Refuse plain http.")
    seconds: Seconds = Field(default=30, description="Longest fetch, from first to last byte.")
    bytes: Bytes = Field(default=32 << 20, description="Most that is fetched for one request.")
    ca_file: Path | None = Field(
        default=None, description="Certificates trusted besides the machine's, in PEM."
    )


class Uploads(Section):
    """Files that people bring to be inputs of jobs."""

    bytes: Bytes = Field(
        default=32 << 20,
        description="Largest one; as an input it counts among what is fetched for a request.",
    )
    account_bytes: Bytes = Field(default=1 << 30, description="Most bytes of one account.")
    days: float = Field(
        default=7, gt=0, le=3660, description="How long one is kept after its last byte came."
    )


class Callbacks(Section):
    """Who is told of jobs by `subscriber`; hosts and ports are a matter of `[fetch]`."""

    http: bool = Field(default=False, description="Call plain http addresses too.")
    progress_seconds: Seconds = Field(
        default=10, description="At least so long from one message of progress to the next."
    )
    retry_seconds: tuple[Seconds, ...] = Field(
        default=(5, 60, 300, 1800, 7200, 21600, 86400),
        description="From each failed attempt to the next; after the last it is given up.",
    )
    keep_days: float = Field(
        default=30, gt=0, le=3660, description="How long ended deliveries are listed."
    )


class Tokens(Section):
    """Lifetimes in seconds. A script polls with one RPT, so it must outlast queue plus run."""

    access_seconds: int = Field(default=300, ge=10, description="Access tokens.")
    refresh_seconds: int = Field(default=1800, ge=60, description="Refresh tokens.")
    rpt_seconds: int = Field(default=7 * 86400, ge=60, description="Tokens for a context (UMA).")
    session_seconds: int = Field(default=7 * 86400, ge=60, description="Browser sessions.")
    sign_in_seconds: int = Field(
        default=600, ge=30, description="The one-time address of the start."
    )
    device_seconds: int = Field(
        default=600, ge=10, le=3600, description="Time to allow a program (device authorization)."
    )
    device_interval: int = Field(
        default=5,
        ge=1,
        le=60,
        description="How often such a program may ask whether it is.",
    )


class Settings(Section):
    """All settings. Values given in the environment win over the file."""

    data: Path = Field(default=Path("data"), description="Folder of everything the platform keeps.")
    server: Server = Server()
    database: Database = Database()
    local: Local = Local()
    limits: Limits = Limits()
    fetch: Fetch = Fetch()
    uploads: Uploads = Uploads()
    callbacks: Callbacks = Callbacks()
    tokens: Tokens = Tokens()
    infrastructures: dict[InfrastructureName, OneInfrastructure] = Field(
        default_factory=dict, description="Infrastructures besides `local`, by name."
    )
    infrastructure_names: dict[str, str] = Field(
        default_factory=dict,
        description="Names in compatibleWith links of imported methods -> infrastructures here.",
    )


class BadSettings(Exception):
    """The settings cannot be used; the text says which and why, a line each."""


def load(data: Path, **overrides: Mapping[str, object]) -> Settings:
    """Settings of a data folder: its openccp.toml, the environment, and command line overrides.

    `overrides` maps a section to its fields (None: not given). BadSettings names what is wrong.
    """
    file = data / SETTINGS_FILE
    try:
        written = tomllib.loads(file.read_text()) if file.exists() else {}
        given = {
            section: {name: value for name, value in fields.items() if value is not None}
            for section, fields in overrides.items()
        }
        merged = _merged(_merged(written, from_environment(os.environ)), given)
        return Settings.model_validate({**merged, "data": data})
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{file}: {error}") from None
    except ValidationError as error:
        lines = [
            f"{'.'.join(map(str, e['loc']))}: {e['msg'].removeprefix('Value error, ')}"
            for e in error.errors()
        ]
        raise BadSettings("\n".join(lines)) from None


def from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """CCP__SECTION__FIELD=value as nested settings; lists and tables are written as JSON."""
    found: dict[str, Any] = {}
    for name, text in environment.items():
        if name.startswith(PREFIX):
            *sections, field = name.removeprefix(PREFIX).lower().split("__")
            place = found
            for section in sections:
                place = place.setdefault(section, {})
            place[field] = _read(text)
    return found


def _read(text: str) -> Any:
    if not text.startswith(("[", "{")):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _merged(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(lower)
    for name, above in upper.items():
        value, below = above, merged.get(name)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            value = _merged(below, value)
        merged[name] = value
    return merged


def job_environment(local: Local) -> dict[str, str]:
    """What every job's environment holds because the operator says so."""
    passed = {name: os.environ[name] for name in local.pass_environment if name in os.environ}
    return passed | local.environment
