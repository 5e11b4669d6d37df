"""OGC application packages (ogcapppkg): a description and what is executed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from openccp.core.cwl.needs import image_name
from openccp.core.cwl.references import NotPlain, parse
from openccp.core.descriptor import TOOL
from openccp.core.fields import Faults, Fields
from openccp.core.kinds import kind_of, plain_type
from openccp.core.method import InvalidMethod, Kind
from openccp.core.packages.cwl import MODES, UNKNOWN_NAME, describe_cwl, shown
from openccp.core.packages.media import CWL_TYPES
from openccp.core.problems import Fault

DOCKER_PROFILE = "http://www.opengis.net/profiles/eoc/dockerizedApplication"
DOCKER = ("docker", "oci")
ENTRYPOINT = "/entrypoint"
"""What an unpacked image runs if the package names no command."""
_MEBIBYTES = 10**9 / 2**20


@dataclass(frozen=True, slots=True)
class Link:
    """A CWL document somewhere else."""

    href: str
    media_type: str

    @property
    def name(self) -> str:
        """The file's name without its suffix: the id if nothing else gives one."""
        path = unquote(urlsplit(self.href).path)
        return path.rsplit("/", 1)[-1].rsplit(".", 1)[0]


@dataclass(frozen=True, slots=True)
class Text:
    """A CWL document that stands in the package: an object, or its text."""

    value: Any
    media_type: str


@dataclass(frozen=True, slots=True)
class Container:
    """An image, and how its command gets the inputs."""

    fields: Fields


Unit = Link | Text | Container


@dataclass(frozen=True, slots=True)
class Package:
    """A package as it was sent; `description` None leaves all to the unit."""

    description: Mapping[str, Any] | None
    unit: Unit


def is_package(document: Any) -> bool:
    """Whether a JSON document is an OGC package and no method.json."""
    return isinstance(document, Mapping) and "executionUnit" in document


def read_package(document: Any) -> Package:
    """The parts of a package; InvalidMethod with a fault for each thing wrong."""
    faults = Faults()
    fields = Fields(document if isinstance(document, Mapping) else {}, "", faults)
    _check_profile(fields)
    description = _description(fields)
    unit = _unit(fields)
    if isinstance(unit, Container) and description is None and not faults:
        fields.fault("processDescription", "expected a description: an image does not tell its own")
    if faults or unit is None:
        raise InvalidMethod(faults.summary, faults=faults.all)
    return Package(description, unit)


def _check_profile(fields: Fields) -> None:
    described = fields.members.get("processDescription")
    inner = (
        Fields(described, fields.at("processDescription"), fields.faults)
        if isinstance(described, Mapping)
        else fields
    )
    for place in (fields, inner):
        profile = place.members.get("deploymentProfile", place.members.get("deploymentProfileName"))
        if profile not in (None, DOCKER_PROFILE):
            place.fault("deploymentProfile", f"only {DOCKER_PROFILE} is known here")
            return


def _description(fields: Fields) -> Mapping[str, Any] | None:
    """Flat, or wrapped as the schema has it."""
    value = fields.members.get("processDescription")
    if value is None:
        return None
    if isinstance(value, Mapping) and isinstance(value.get("process"), Mapping):
        value = value["process"]
    if not isinstance(value, Mapping):
        fields.fault("processDescription", "expected a process description")
        return None
    return value


def _unit(fields: Fields) -> Unit | None:
    value = fields.members.get("executionUnit")
    listed = value if isinstance(value, list) else [value]
    if len(listed) != 1:
        fields.fault("executionUnit", "expected one execution unit: a process runs one thing here")
        return None
    if not isinstance(listed[0], Mapping):
        fields.fault("executionUnit", "expected an image, a link, or a CWL document")
        return None
    return _one(Fields(listed[0], fields.at("executionUnit"), fields.faults))


def _one(unit: Fields) -> Unit | None:
    kind = unit.members.get("type")
    if kind in DOCKER:
        return Container(unit)
    if "href" in unit.members:
        media_type = unit.text("type", 200, "application/cwl")
        if bare(media_type) not in CWL_TYPES:
            unit.fault("type", f"only a link to CWL is understood ({CWL_TYPES[0]})")
        return Link(unit.text("href", 2_000), bare(media_type))
    if "value" in unit.members:
        media_type = unit.text("mediaType", 200, "application/cwl")
        if bare(media_type) not in CWL_TYPES:
            unit.fault("mediaType", f"only CWL is understood here ({CWL_TYPES[0]})")
        return Text(unit.members["value"], bare(media_type))
    if "class" in unit.members or "$graph" in unit.members:
        return Text(dict(unit.members), "application/cwl+json")
    unit.fault("type", "expected docker, oci, a link with href, or a value")
    return None


def bare(media_type: str) -> str:
    """A media type without parameters."""
    return media_type.partition(";")[0].strip().lower()


def describe_container(package: Package) -> dict[str, Any]:
    """A method.json for an image: its command line is a tool with OGC's bindings."""
    assert isinstance(package.unit, Container)
    unit = package.unit.fields
    description = dict(package.description or {})
    image = image_name(unit.text("image", 300))
    if not image:
        unit.fault("image", "expected the name of an image")
    bindings = _part(unit, "bindings")
    inputs = _inputs(description, _part(bindings, "inputBindings"))
    tool: dict[str, Any] = {
        "class": "CommandLineTool",
        "cwlVersion": "v1.2",
        "requirements": [
            {"class": "DockerRequirement", "dockerPull": image},
            {"class": "NetworkAccess", "networkAccess": True},
            *_limits(_part(unit, "config")),
            *([{"class": "ShellCommandRequirement"}] if _unquoted(inputs) else []),
        ],
        "baseCommand": _command(unit),
        "inputs": inputs,
        "outputs": _outputs(description, _part(bindings, "outputBindings")),
    }
    if unit.faults:
        raise InvalidMethod(unit.faults.summary, faults=unit.faults.all)
    return {
        "jobControlOptions": MODES,
        **description,
        "x-ccp-image": image,
        **({"outputs": _found(description, tool["outputs"])} if tool["outputs"] else {}),
        TOOL: tool,
    }


def _found(description: Mapping[str, Any], globbed: Mapping[str, Any]) -> dict[str, Any]:
    """The described outputs, each with where it will be, as far as that is known."""
    return {
        name: {**described, "x-ccp-path": _shown(globbed[name])}
        if name in globbed and isinstance(described, Mapping)
        else described
        for name, described in _entries(description, "outputs").items()
    }


def _part(fields: Fields, name: str) -> Fields:
    value = fields.members.get(name)
    if value is not None and not isinstance(value, Mapping):
        fields.fault(name, "expected an object")
    return Fields(value if isinstance(value, Mapping) else {}, fields.at(name), fields.faults)


def _entries(description: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = description.get(name)
    if isinstance(value, list):
        return {str(e.get("id")): e for e in value if isinstance(e, Mapping)}
    return dict(value) if isinstance(value, Mapping) else {}


def _inputs(description: Mapping[str, Any], bindings: Fields) -> dict[str, Any]:
    """The tool's inputs: whatever their schema says, files are told from values."""
    declared = _entries(description, "inputs")
    for name in bindings.members.keys() - declared.keys():
        bindings.fault(name, "the description has no such input")
    inputs: dict[str, Any] = {}
    for name, described in declared.items():
        if name == "ccpimage" or not isinstance(described, Mapping):
            continue
        binding = _part(bindings, name).members
        inputs[name] = {"type": _type(name, described)}
        if name in bindings.members:
            inputs[name]["inputBinding"] = {
                key: value for key, value in binding.items() if key != "inputSeparator"
            }
    return inputs


def _type(name: str, described: Mapping[str, Any]) -> list[Any]:
    schema = described.get("schema")
    is_file = isinstance(schema, Mapping) and kind_of(name, schema) is Kind.FILE
    one: Any = "File" if is_file else "Any"
    if isinstance(schema, Mapping) and plain_type(schema) == "array":
        one = {"type": "array", "items": "Any"}
    repeated = described.get("maxOccurs", 1) not in (1, "1")
    return ["null", {"type": "array", "items": one} if repeated else one]


def _unquoted(inputs: Mapping[str, Any]) -> bool:
    bindings = (one.get("inputBinding") or {} for one in inputs.values())
    return any(binding.get("shellQuote") is False for binding in bindings)


def _outputs(description: Mapping[str, Any], bindings: Fields) -> dict[str, Any]:
    """The outputs that are found by a glob; the others are by the platform's own rules."""
    declared = _entries(description, "outputs")
    outputs: dict[str, Any] = {}
    for name in bindings.members:
        if name not in declared:
            bindings.fault(name, "the description has no such output")
        glob = _part(bindings, name).members.get("glob")
        if glob is not None:
            outputs[name] = {"type": "File", "outputBinding": {"glob": glob}}
    return outputs


def _shown(output: Mapping[str, Any]) -> str:
    glob = output["outputBinding"]["glob"]
    first = glob[0] if isinstance(glob, list) and glob else glob
    try:
        return shown(parse(str(first)))
    except NotPlain:
        return UNKNOWN_NAME


def _command(unit: Fields) -> list[str]:
    value = unit.members.get("command", unit.members.get("entrypoint"))
    if value is None:
        return [ENTRYPOINT]
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        unit.fault("command", "expected the words of the command")
        return [ENTRYPOINT]
    return value


def _limits(config: Fields) -> list[dict[str, Any]]:
    """CWL's way of saying what OGC's `config` says; memory is in GB there."""
    numbers: dict[str, float] = {}
    for name in ("cpuMin", "cpuMax", "memoryMin", "memoryMax", "jobTimeout"):
        value = config.members.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e9:
            config.fault(name, "expected a number above 0")
        else:
            numbers[name] = value * _MEBIBYTES if name.startswith("memory") else value
    named = {
        "coresMin": "cpuMin",
        "coresMax": "cpuMax",
        "ramMin": "memoryMin",
        "ramMax": "memoryMax",
    }
    resources = {ours: numbers[theirs] for ours, theirs in named.items() if theirs in numbers}
    found: list[dict[str, Any]] = (
        [{"class": "ResourceRequirement", **resources}] if resources else []
    )
    if "jobTimeout" in numbers:
        found.append({"class": "ToolTimeLimit", "timelimit": numbers["jobTimeout"]})
    return found


def describe_unit(package: Package, process: Mapping[str, Any]) -> dict[str, Any]:
    """A method.json for a package whose unit is this CWL process, in the package's words."""
    name = package.unit.name if isinstance(package.unit, Link) else None
    description = package.description or {}
    given = description.get("id")
    made = describe_cwl(process, given if isinstance(given, str) else name)
    words = {
        key: description[key]
        for key in (
            "id",
            "title",
            "description",
            "version",
            "keywords",
            "metadata",
            "links",
            "jobControlOptions",
            "additionalParameters",
            "examples",
        )
        if key in description
    }
    for puts in ("inputs", "outputs"):
        described = _entries(description, puts)
        for put in described.keys() - made[puts].keys():
            raise InvalidMethod(
                faults=[
                    Fault(
                        f"/processDescription/{puts}/{put[:64]}", "the tool has none of this name"
                    )
                ]
            )
        for put, entry in described.items():
            if isinstance(entry, Mapping):
                made[puts][put].update(
                    {
                        k: entry[k]
                        for k in ("title", "description", "keywords", "metadata")
                        if k in entry
                    }
                )
    return {**made, **words}
