"""Read `method.json`: CCP's descriptors, and OGC's process descriptions."""

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import orjson

from openccp.core.fields import Faults, Fields
from openccp.core.kinds import kind_of, plain_type
from openccp.core.method import RESERVED, Input, InvalidMethod, Kind, Method, Output, Scripts
from openccp.core.plan import IMAGE, reader_of
from openccp.core.problems import Fault
from openccp.core.scalars import Unfit
from openccp.core.schema import SchemaFault, normalise
from openccp.core.strict_json import has_nul

METHOD_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}", re.ASCII)
MAX_DOCUMENT = 1 << 20
MAX_SCRIPT = 256 << 10
MAX_PUTS = 200
MAX_GPUS = 64
SCRIPTS = {"deploy-script": "deploy", "execute-script": "execute", "undeploy-script": "undeploy"}
STREAMS = ("stdout", "stderr")
TOOL = "x-ccp-tool"
"""What a method runs instead of an execute script: a CWL process, whatever it came as."""
README = "x-ccp-readme"
"""What a method has to say at length, in Markdown."""
LONGEST_README = 100_000
_NO_FILE_NAME = "output.zip"
_COMPATIBLE = re.compile(r"(?:.*/)?infrastructures/([A-Za-z0-9][A-Za-z0-9._-]{0,127})/?", re.ASCII)
_GLOB = re.compile(r"(?!/)(?!(.*/)?\.\.(/|$))[^\\\0]{1,255}")


def read_method(document: Mapping[str, Any]) -> Method:
    """The method a descriptor describes.

    Raises InvalidMethod with one fault for each thing wrong. Members nobody knows are kept in
    `Method.document` and are no fault. `read_method(method.document)` gives the same method.
    """
    document = _storable(document)
    faults, warnings = Faults(), Faults()
    fields = Fields(document, "", faults)
    inputs = {i.id: i for i in _inputs(fields, warnings)}
    scripts = _scripts(fields, warnings)
    image = _image(fields, inputs)
    fields.text(README, LONGEST_README)
    if scripts.execute and not image and "ccpimage" not in inputs:
        faults.add("/inputs", _NO_RUNTIME)
    method = Method(
        id=_method_id(fields),
        title=fields.text("title", 300) or fields.text("id", 128),
        version=fields.text("version", 64, "1.0.0"),
        description=fields.text("description", 20_000),
        keywords=fields.texts("keywords", 100, 100),
        inputs=inputs,
        outputs={o.id: o for o in _outputs(fields)},
        scripts=scripts,
        infrastructures=tuple(dict.fromkeys(_infrastructures(fields, warnings))),
        contexts=tuple(dict.fromkeys(_contexts(fields))),
        synchronous="sync-execute" in fields.texts("jobControlOptions", 10, 64),
        network=fields.boolean("x-ccp-network", default=True),
        root=fields.boolean("x-ccp-root", default=False),
        gpus=_gpus(fields),
        synchronous_job=fields.boolean("x-ccp-sync-job", default=True),
        document=document,
        image=image,
    )
    if faults:
        raise InvalidMethod(faults.summary, faults=faults.all)
    kept = _without_secret_defaults(method, warnings)
    return replace(kept, warnings=warnings.all)


_NO_RUNTIME = (
    'a method with scripts needs the input "ccpimage": its runtime, or "x-ccp-image" beside '
    '"inputs" where every job has the same'
)


def _gpus(fields: Fields) -> int:
    """How many graphics processors every job needs."""
    value = fields.members.get("x-ccp-gpus", 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_GPUS:
        fields.fault("x-ccp-gpus", f"expected a whole number from 0 to {MAX_GPUS}")
        return 0
    return value


def _image(fields: Fields, inputs: Mapping[str, Input]) -> str:
    """The fixed runtime; with a `ccpimage` input that decides."""
    image = fields.text("x-ccp-image", 255)
    if image and "ccpimage" in inputs:
        fields.fault("x-ccp-image", 'the input "ccpimage" names the runtime already')
    elif image and IMAGE.fullmatch(image) is None:
        fields.fault("x-ccp-image", "expected the name of a runtime, like python:3.11")
    return image


def _storable(document: Any) -> dict[str, Any]:
    if not isinstance(document, Mapping):
        raise InvalidMethod(faults=[Fault("", "expected an object")])
    try:
        kept = dict(document)
        size = len(orjson.dumps(kept))
    except TypeError:
        raise InvalidMethod(faults=[Fault("", "expected JSON of usual depth")]) from None
    if size > MAX_DOCUMENT:
        raise InvalidMethod(faults=[Fault("", f"expected at most {MAX_DOCUMENT} bytes")])
    if has_nul(kept):
        raise InvalidMethod(faults=[Fault("", "expected no NUL characters")])
    return kept


def _method_id(fields: Fields) -> str:
    identifier = fields.text("id", 128)
    if METHOD_ID.fullmatch(identifier) is None:
        fields.fault("id", "expected 1 to 128 letters, digits, dots, dashes and underscores")
    return identifier


def _inputs(fields: Fields, warnings: Faults) -> Iterator[Input]:
    for identifier, described in fields.named("inputs", MAX_PUTS):
        if NAME.fullmatch(identifier) is None:
            described.faults.add(described.pointer, _NAME_WORDS)
            continue
        schema = _schema(described)
        if schema is None:
            continue
        minimum, maximum = _occurrences(described)
        if identifier in RESERVED and maximum != 1:
            described.fault("maxOccurs", "a reserved input is given once")
            continue
        declared = Input(
            id=identifier,
            kind=kind_of(identifier, schema),
            schema=schema,
            title=described.text("title", 300),
            description=described.text("description", 20_000),
            minimum=minimum,
            maximum=maximum,
            read_only=schema.get("readOnly") is True,
        )
        yield _checked(declared, described, warnings)


_NAME_WORDS = "a name has 1 to 64 letters, digits, _ . - and begins with a letter or _"


def _schema(fields: Fields) -> dict[str, Any] | None:
    schema = fields.members.get("schema")
    if not isinstance(schema, Mapping):
        fields.fault("schema", "expected a schema (an object)")
        return None
    try:
        return normalise(schema, fields.at("schema"))
    except SchemaFault as error:
        fields.faults.extend([error.fault])
        return None


def _occurrences(fields: Fields) -> tuple[int, int | None]:
    minimum = _count(fields, "minOccurs")
    if fields.members.get("maxOccurs") == "unbounded":
        return minimum, None
    maximum = _count(fields, "maxOccurs")
    if maximum < max(1, minimum):
        fields.fault("maxOccurs", "expected at least 1, and not less than minOccurs")
    return minimum, maximum


def _count(fields: Fields, name: str) -> int:
    value = fields.members.get(name)
    if value is None:
        return 1
    if isinstance(value, str) and value.isdecimal() and len(value) < 7:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 1_000_000:
        fields.fault(name, "expected a whole number, or unbounded for maxOccurs")
        return 1
    return value


def _checked(declared: Input, fields: Fields, warnings: Faults) -> Input:
    """The input with a default that fits, or a fault."""
    if declared.kind is Kind.SECRET:
        return _checked_secret(declared, fields, warnings)
    try:
        read = reader_of(declared)
    except Unfit as error:
        prefixed = [Fault(fields.pointer + f.pointer, f.detail) for f in error.faults]
        fields.faults.extend(prefixed)
        return declared
    default = declared.schema.get("default")
    if default == "" and declared.kind is Kind.FILE:
        return _without_default(declared)
    if default is not None:
        try:
            read(default, fields.at("schema") + "/default")
        except Unfit as error:
            if default != "" or plain_type(declared.schema) != "string":
                fields.faults.extend(error.faults)
            return _without_default(declared)
    elif declared.read_only:
        fields.fault("schema", "a readOnly input needs a default")
    return declared


def _checked_secret(declared: Input, fields: Fields, warnings: Faults) -> Input:
    if declared.repeated or declared.read_only:
        fields.fault("schema", "a secret can be neither repeated nor readOnly")
    if declared.schema.get("default"):
        warnings.add(
            fields.at("schema") + "/default",
            "a secret's default would be seen by everybody; it was left out",
        )
    return _without_default(declared)


def _without_default(declared: Input) -> Input:
    return replace(declared, schema={k: v for k, v in declared.schema.items() if k != "default"})


def _without_secret_defaults(method: Method, warnings: Faults) -> Method:
    if not warnings or not method.secrets:
        return method
    document = copy.deepcopy(dict(method.document))
    puts = document["inputs"]
    by_id = {put["id"]: put for put in puts} if isinstance(puts, list) else puts
    for name in method.secrets:
        by_id[name]["schema"] = dict(method.inputs[name].schema)
    return replace(method, document=document)


def _outputs(fields: Fields) -> Iterator[Output]:
    for identifier, described in fields.named("outputs", MAX_PUTS):
        if NAME.fullmatch(identifier) is None or identifier == _NO_FILE_NAME:
            described.faults.add(described.pointer, _NAME_WORDS)
            continue
        schema: dict[str, Any] | None = {"type": "string"}
        if described.members.get("schema") is not None:
            schema = _schema(described)
        if schema is not None:
            yield Output(
                id=identifier,
                schema=schema,
                title=described.text("title", 300),
                description=described.text("description", 20_000),
                path=_path(identifier, described, schema),
                minimum=min(1, _count(described, "minOccurs")),
            )


def _path(identifier: str, fields: Fields, schema: Mapping[str, Any]) -> str | None:
    path = fields.members.get("x-ccp-path", schema.get("x-ccp-path"))
    if path is None:
        return None
    if identifier in STREAMS:
        fields.fault("x-ccp-path", f"{identifier} is a stream, not a file")
    elif not isinstance(path, str) or _GLOB.fullmatch(path.removeprefix("/ccp_data/")) is None:
        fields.fault("x-ccp-path", "expected a path below /ccp_data, like results/*.csv")
    else:
        return path.removeprefix("/ccp_data/")
    return None


def _scripts(fields: Fields, warnings: Faults) -> Scripts:
    texts: dict[str, str] = {}
    for parameter in _parameters(fields):
        name = SCRIPTS.get(str(parameter.members.get("name")))
        if name is None:
            continue
        if name in texts:
            parameter.fault("name", "this script is given twice")
        texts[name] = _script(parameter)
    scripts = Scripts(**texts)
    if not scripts.execute.strip() and TOOL not in fields.members:
        warnings.add("/additionalParameters", "the method has no execute-script: it does nothing")
    return scripts


def _parameters(fields: Fields) -> Iterator[Fields]:
    additional = fields.members.get("additionalParameters")
    if isinstance(additional, Mapping):
        pointer = fields.at("additionalParameters")
        yield from Fields(additional, pointer, fields.faults).objects("parameters", 100)
    elif additional is not None:
        yield from fields.objects("additionalParameters", 100)


def _script(parameter: Fields) -> str:
    value = parameter.members.get("value")
    lines = [value] if isinstance(value, str) else value
    if lines is None:
        return ""
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        parameter.fault("value", "expected the lines of the script, as a list of texts")
        return ""
    text = "\n".join(lines).replace("\r\n", "\n")
    if len(text.encode()) > MAX_SCRIPT:
        parameter.fault("value", f"expected at most {MAX_SCRIPT} bytes")
    return text


def _infrastructures(fields: Fields, warnings: Faults) -> Iterator[str]:
    for link in fields.objects("links", 100):
        if link.members.get("rel") != "compatibleWith":
            continue
        matched = _COMPATIBLE.fullmatch(link.text("href", 2_000))
        if matched is None:
            warnings.add(link.at("href"), "expected infrastructures/<id>; the link is ignored")
        else:
            yield matched[1]


def _contexts(fields: Fields) -> Iterator[str]:
    for entry in fields.objects("metadata", 100):
        if entry.members.get("role") == "context" and (title := entry.text("title", 300)):
            yield title
