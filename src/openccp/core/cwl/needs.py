"""What a tool needs to run (CWL's requirements and hints)."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from openccp.core.cwl.bindings import Known, template
from openccp.core.cwl.references import Template
from openccp.core.cwl.source import named
from openccp.core.fields import Fields

IMAGE_SCHEMES = ("docker://", "oci://")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_NOTHING_TO_DO = frozenset(
    {
        "InlineJavascriptRequirement",
        "InplaceUpdateRequirement",
        "LoadListingRequirement",
        "MultipleInputFeatureRequirement",
        "SchemaDefRequirement",
        "SoftwareRequirement",
        "StepInputExpressionRequirement",
        "WorkReuse",
    }
)
_OURS = frozenset(
    {
        "DockerRequirement",
        "EnvVarRequirement",
        "InitialWorkDirRequirement",
        "NetworkAccess",
        "ResourceRequirement",
        "ShellCommandRequirement",
        "ToolTimeLimit",
    }
)


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that stands in the working folder before the tool starts."""

    content: Template
    name: Template | None


@dataclass(frozen=True, slots=True)
class Needs:
    """Everything besides the command line. Memory in MiB, time in seconds."""

    image: str | None = None
    environment: tuple[tuple[str, Template], ...] = ()
    workdir: tuple[Entry, ...] = ()
    shell: bool = False
    network: bool | None = None
    cores: float = 1
    memory: float = 256
    most_cores: float | None = None
    most_memory: float | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Most:
    """What a process says it needs at most, where it says so: cores, MiB, seconds."""

    cores: float = math.inf
    memory: float = math.inf
    seconds: float = math.inf


def most_of(several: Iterable[Needs]) -> Most:
    """What tools that run one after another need at most."""
    listed = list(several)
    return Most(
        max(needs.most_cores or math.inf for needs in listed),
        max(needs.most_memory or math.inf for needs in listed),
        sum(needs.seconds or math.inf for needs in listed),
    )


Requirements = Mapping[str, Fields]
"""The requirements that hold, by class; each is one that was written somewhere."""


def gather(process: Fields, outer: Requirements) -> Requirements:
    """Those of a tool or step over those of what it stands in; a hint is the weakest."""
    own = dict(_entries(process, "requirements"))
    for name in own.keys() - _OURS - _NOTHING_TO_DO:
        own[name].fault("class", f"{name} is not supported")
    hints = {name: hint for name, hint in _entries(process, "hints") if name in _OURS}
    return {**hints, **outer, **own}


def _entries(process: Fields, name: str) -> Iterator[tuple[str, Fields]]:
    yield from named(process, name, "class")


def types_of(requirements: Requirements) -> Mapping[str, Any]:
    """The types that a SchemaDefRequirement defines."""
    if "SchemaDefRequirement" not in requirements:
        return {}
    found = named(requirements["SchemaDefRequirement"], "types", "name")
    return {name: fields.members for name, fields in found}


def needs_of(requirements: Requirements, known: Known) -> Needs:
    """What these requirements mean."""
    empty = Fields({}, "", next(iter(requirements.values())).faults) if requirements else None
    if empty is None:
        return Needs()
    get = requirements.get
    resources = get("ResourceRequirement", empty)
    return Needs(
        image=_image(get("DockerRequirement", empty)),
        environment=tuple(_environment(get("EnvVarRequirement", empty), known)),
        workdir=tuple(_workdir(get("InitialWorkDirRequirement", empty), known)),
        shell="ShellCommandRequirement" in requirements,
        network=_network(requirements.get("NetworkAccess")),
        cores=_number(resources, "coresMin", _number(resources, "coresMax", 1)),
        memory=_number(resources, "ramMin", _number(resources, "ramMax", 256)),
        most_cores=_number(resources, "coresMax", 0) or None,
        most_memory=_number(resources, "ramMax", 0) or None,
        seconds=_number(get("ToolTimeLimit", empty), "timelimit", 0) or None,
    )


def image_name(name: str) -> str:
    """The name as infrastructures know it."""
    for scheme in IMAGE_SCHEMES:
        name = name.removeprefix(scheme)
    return name.strip()


def _image(docker: Fields) -> str | None:
    name = docker.text("dockerPull", 255) or docker.text("dockerImageId", 255)
    if not name and docker.members:
        docker.fault("dockerPull", "expected the name of an image; none is built or loaded here")
    if docker.text("dockerOutputDirectory", 1_000) not in ("", "/ccp_data"):
        docker.fault("dockerOutputDirectory", "the working folder is /ccp_data here")
    return image_name(name) if name else None


def _environment(fields: Fields, known: Known) -> Iterator[tuple[str, Template]]:
    for name, entry in named(fields, "envDef", "envName", "envValue"):
        value = template(entry, "envValue", known)
        if _NAME.fullmatch(name) is None or name.startswith("ccp_"):
            entry.fault("envName", "expected a name of letters, digits and _")
        elif value is not None:
            yield name, value


def _workdir(fields: Fields, known: Known) -> Iterator[Entry]:
    listing = fields.members.get("listing")
    entries = listing if isinstance(listing, list) else [] if listing is None else [listing]
    inner = Fields(
        {str(i): entry for i, entry in enumerate(entries)}, fields.at("listing"), fields.faults
    )
    for place, entry in inner.members.items():
        if entry is None:
            continue
        found = _entry(inner, place, entry, known)
        if found is not None:
            yield found


def _entry(fields: Fields, place: str, entry: Any, known: Known) -> Entry | None:
    if isinstance(entry, str):
        content = template(fields, place, known)
        return Entry(content, None) if content is not None else None
    if not isinstance(entry, Mapping) or "entry" not in entry:
        fields.fault(place, "expected an entry with its text or its file")
        return None
    inner = Fields(entry, fields.at(place), fields.faults)
    content, name = template(inner, "entry", known), template(inner, "entryname", known)
    if name is None and content is not None and content.constant is not None:
        inner.fault("entryname", "expected a name for this text")
    return Entry(content, name) if content is not None else None


def _network(fields: Fields | None) -> bool | None:
    if fields is None:
        return None
    return fields.boolean("networkAccess", default=False)


def _number(fields: Fields, name: str, default: float) -> float:
    value = fields.members.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e12:
        fields.fault(name, "expected a number; expressions are not supported here")
        return default
    return value
