"""The descriptor of the method that a CWL process is."""

from collections.abc import Iterator, Mapping
from typing import Any

from openccp.core.cwl.process import read_process
from openccp.core.cwl.references import Template
from openccp.core.cwl.source import local
from openccp.core.cwl.tool import Parameter, Product, Tool, documentation
from openccp.core.cwl.types import Type, schema_of
from openccp.core.cwl.workflow import Workflow
from openccp.core.descriptor import TOOL
from openccp.core.method import RESERVED, InvalidMethod
from openccp.core.plan import BASIC_IMAGE
from openccp.core.problems import Fault

VERSION_MEMBERS = ("s:softwareVersion", "schema:softwareVersion", "version")
MODES = ["sync-execute", "async-execute", "dismiss"]
UNKNOWN_NAME = "*"


def describe_cwl(document: Mapping[str, Any], fallback_id: str | None = None) -> dict[str, Any]:
    """A method.json for one CWL process; InvalidMethod with a fault for each thing wrong."""
    process, fields = read_process(document)
    reserved = sorted(process.inputs.keys() & set(RESERVED))
    if reserved:
        raise InvalidMethod(
            faults=[Fault(f"/inputs/{n}", "this name is reserved") for n in reserved]
        )
    written = fields.members.get("id")
    identifier = local(written) if isinstance(written, str) and written else fallback_id
    if identifier is None:
        raise InvalidMethod("/id: expected an id.", faults=[Fault("/id", "expected an id")])
    return {
        "id": identifier,
        "title": fields.text("label", 300) or identifier,
        "description": documentation(fields),
        "version": _version(document),
        "jobControlOptions": MODES,
        "inputs": {name: _input(parameter) for name, parameter in process.inputs.items()},
        "outputs": dict(_outputs(process)),
        "x-ccp-image": image_of(process),
        "x-ccp-network": _network(process, document),
        TOOL: dict(document),
    }


def image_of(process: Tool | Workflow) -> str:
    """The runtime; of a workflow that of all its steps."""
    tool = process if isinstance(process, Tool) else process.steps[0].tool
    return tool.needs.image or BASIC_IMAGE


def _version(document: Mapping[str, Any]) -> str:
    found = (document.get(name) for name in VERSION_MEMBERS)
    return next((value for value in found if isinstance(value, str)), "1.0.0")


def _input(parameter: Parameter) -> dict[str, Any]:
    declared = parameter.type
    repeated = declared.is_files and declared.items is not None
    one = declared.items if repeated and declared.items is not None else declared
    schema = schema_of(Type(one.name, False, one.items, one.fields, one.symbols, one.options))
    if parameter.default is not None:
        schema["default"] = parameter.default
    if parameter.media_type is not None:
        schema["contentMediaType"] = parameter.media_type
    described = {
        "title": parameter.title,
        "description": parameter.description,
        "schema": schema,
        "minOccurs": 0 if declared.optional else 1,
    }
    return {**described, "maxOccurs": "unbounded"} if repeated else described


def _outputs(process: Tool | Workflow) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(process, Tool):
        found = {name: (product, "") for name, product in process.outputs.items()}
    else:
        found = {n: (process.product(n), f"{step}/") for n, (step, _) in process.outputs.items()}
    for name, (product, folder) in found.items():
        yield name, _output(product, folder)


def _output(product: Product, folder: str) -> dict[str, Any]:
    described: dict[str, Any] = {
        "title": product.title,
        "description": product.description,
        "schema": {"type": "string"},
        "minOccurs": 0 if product.type.optional or product.type.is_files else 1,
        "x-ccp-path": folder + shown(product.globs[0]),
    }
    if product.media_type is not None:
        described["schema"]["contentMediaType"] = product.media_type
    if product.type.is_files:
        described["maxOccurs"] = "unbounded"
    return described


def shown(glob: Template) -> str:
    """Where the output will be, as far as that is known before a job."""
    parts = (part if isinstance(part, str) else UNKNOWN_NAME for part in glob.parts)
    return "".join(parts).removeprefix(UNKNOWN_NAME + "/").lstrip("/") or UNKNOWN_NAME


def _network(process: Tool | Workflow, document: Mapping[str, Any]) -> bool:
    tools = [process] if isinstance(process, Tool) else [step.tool for step in process.steps]
    default = document.get("cwlVersion") == "v1.0"
    return any(default if t.needs.network is None else t.needs.network for t in tools)
