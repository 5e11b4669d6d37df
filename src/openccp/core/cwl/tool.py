"""A CommandLineTool, read and checked: everything a job of it needs is in the value."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from openccp.core.cwl.bindings import (
    Binding,
    Known,
    binding_of,
    read_binding,
    template,
    template_of,
)
from openccp.core.cwl.needs import Most, Needs, Requirements, gather, most_of, needs_of, types_of
from openccp.core.cwl.references import Reference, Template
from openccp.core.cwl.source import local, named
from openccp.core.cwl.types import Around, Type, read_type
from openccp.core.fields import Fields

RUNTIME = ("outdir", "tmpdir", "cores", "ram", "outdirSize", "tmpdirSize", "exitCode")
CONTENTS = ("$(self[0].contents)", "${return self[0].contents;}", "${return self[0].contents}")
"""The one evaluation of an output that is done: its text."""
MOST_WORDS = 1_000


@dataclass(frozen=True, slots=True)
class Parameter:
    """An input; `binding` None means that it is no part of the command line by itself."""

    type: Type
    binding: Binding | None = None
    default: Any = None
    load_contents: bool = False
    title: str = ""
    description: str = ""
    media_type: str | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """An output: the files that `globs` find, or with `contents` the text of one."""

    type: Type
    globs: tuple[Template, ...]
    contents: bool = False
    title: str = ""
    description: str = ""
    media_type: str | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """A command line tool."""

    inputs: Mapping[str, Parameter]
    outputs: Mapping[str, Product]
    needs: Needs
    base_command: tuple[str, ...] = ()
    arguments: tuple[Binding, ...] = ()
    stdin: Template | None = None
    stdout: Template | None = None
    stderr: Template | None = None
    success_codes: tuple[int, ...] = (0,)

    @property
    def most(self) -> Most:
        """What it needs at most."""
        return most_of([self.needs])


def read_tool(process: Fields, outer: Requirements) -> Tool:
    """The tool; what is wrong with it, or not supported, becomes a fault at its place."""
    requirements = gather(process, outer)
    known = known_names(process)
    inputs = dict(read_inputs(process, requirements, known))
    streams = {name: template(process, name, known) for name in ("stdin", "stdout", "stderr")}
    for name, parameter in inputs.items():
        if parameter.type.name == "stdin":
            streams["stdin"] = Template((Reference("inputs", (name, "path")),))
            inputs[name] = replace(parameter, type=Type("File"))
    outputs = dict(_outputs(process, requirements, known, streams))
    tool = Tool(
        inputs=inputs,
        outputs=outputs,
        needs=needs_of(requirements, known),
        base_command=_base_command(process),
        arguments=tuple(_arguments(process, known)),
        success_codes=_codes(process),
        **streams,
    )
    _check_unquoted(tool, process)
    if not tool.base_command and not tool.arguments and not _bound(tool):
        process.fault("baseCommand", "the tool has no command")
    return tool


def known_names(process: Fields) -> Known:
    """What the references of a process may name."""
    value = process.members.get("inputs")
    names: list[Any] = []
    if isinstance(value, Mapping):
        names = list(value)
    elif isinstance(value, list):
        names = [entry.get("id") for entry in value if isinstance(entry, Mapping)]
    return {"inputs": {local(str(name)) for name in names}, "runtime": RUNTIME}


def read_inputs(
    process: Fields, requirements: Requirements, known: Known
) -> Iterator[tuple[str, Parameter]]:
    """The inputs of a tool or workflow."""
    around = Around(types_of(requirements), known)
    for name, fields in named(process, "inputs", "id", "type"):
        declared = _input_type(fields, around)
        if declared.has_inner_files:
            fields.fault("type", "a file inside of a structure is not supported")
        if fields.members.get("secondaryFiles"):
            fields.fault("secondaryFiles", "an input is one file; declare an input for each")
        default = fields.members.get("default")
        if default is not None and (declared.is_file or declared.is_files):
            fields.fault("default", "a file cannot be a default here")
        bound = fields.members.get("inputBinding") is not None
        binding = read_binding(fields, "inputBinding", known) if bound else None
        loads = fields.boolean("loadContents", default=bool(binding and binding.load_contents))
        yield name, Parameter(declared, binding, default, loads, **_words(fields))


def _input_type(fields: Fields, around: Around) -> Type:
    value = fields.members.get("type")
    if value == "stdin":
        return Type("stdin")
    return read_type(value, fields.at("type"), fields.faults, around)


def _words(fields: Fields) -> dict[str, Any]:
    form = fields.members.get("format")
    return {
        "title": fields.text("label", 300),
        "description": documentation(fields),
        "media_type": _media_type(form) if isinstance(form, str) else None,
    }


def documentation(fields: Fields) -> str:
    """The member `doc`: a text, or its lines."""
    value = fields.members.get("doc")
    if isinstance(value, list):
        return "\n".join(str(line) for line in value)[:20_000]
    return fields.text("doc", 20_000)


def _media_type(form: str) -> str | None:
    """Of formats only those of IANA name a media type."""
    _, found, name = form.partition("iana.org/assignments/media-types/")
    return name if found else form if "/" in form and ":" not in form else None


def _outputs(
    process: Fields,
    requirements: Requirements,
    known: Known,
    streams: dict[str, Template | None],
) -> Iterator[tuple[str, Product]]:
    around = Around(types_of(requirements), known)
    for name, fields in named(process, "outputs", "id", "type"):
        kind = fields.members.get("type")
        if kind in ("stdout", "stderr"):
            file = streams[kind] or Template((f"{name}.{kind}",))
            streams[kind] = file
            yield name, Product(Type("File"), (file,), **_words(fields))
            continue
        declared = read_type(kind, fields.at("type"), fields.faults, around)
        yield name, _product(fields, declared, known)


def _product(fields: Fields, declared: Type, known: Known) -> Product:
    value = fields.members.get("outputBinding")
    binding = Fields(
        value if isinstance(value, Mapping) else {}, fields.at("outputBinding"), fields.faults
    )
    evaluated = binding.members.get("outputEval")
    contents = evaluated is not None and "".join(str(evaluated).split()) in map(
        "".join, (text.split() for text in CONTENTS)
    )
    if evaluated is not None and not contents:
        binding.fault("outputEval", f"only {CONTENTS[0]} is supported here")
    if contents and declared.name != "string":
        fields.fault("type", "a text read from a file is a string; only that is supported")
    if not contents and not (declared.is_file or declared.is_files):
        fields.fault("type", "an output is a File, a list of files, or the text of one (string)")
    globs = tuple(_globs(binding, known))
    if not globs and not evaluated:
        fields.fault("outputBinding", "expected a glob that finds it (cwl.output.json is not read)")
    return Product(declared, globs, contents, **_words(fields))


def _globs(binding: Fields, known: Known) -> Iterator[Template]:
    value = binding.members.get("glob")
    patterns = value if isinstance(value, list) else [] if value is None else [value]
    for pattern in patterns[:100]:
        if not isinstance(pattern, str) or not pattern:
            binding.fault("glob", "expected the name or pattern of a file")
        elif (found := template_of(pattern, binding, "glob", known)) is not None:
            yield found


def _base_command(process: Fields) -> tuple[str, ...]:
    value = process.members.get("baseCommand")
    if isinstance(value, str):
        return (value,)
    return process.texts("baseCommand", MOST_WORDS, 100_000)


def _arguments(process: Fields, known: Known) -> Iterator[Binding]:
    for i, argument in enumerate(process.list("arguments", MOST_WORDS)):
        pointer = f"{process.at('arguments')}/{i}"
        members = argument if isinstance(argument, Mapping) else {"valueFrom": argument}
        fields = Fields(members, pointer, process.faults)
        if fields.members.get("valueFrom") is None:
            fields.fault("valueFrom", "expected the argument's text")
        else:
            yield binding_of(fields, known)


def _codes(process: Fields) -> tuple[int, ...]:
    codes = process.list("successCodes", 256)
    if not all(isinstance(code, int) and 0 <= code <= 255 for code in codes):
        process.fault("successCodes", "expected whole numbers from 0 to 255")
        return (0,)
    return tuple(codes) or (0,)


def _bound(tool: Tool) -> bool:
    return any(parameter.binding for parameter in tool.inputs.values())


def _check_unquoted(tool: Tool, process: Fields) -> None:
    """What a shell is to read must be the author's own text, files' paths and numbers."""
    if not tool.needs.shell:
        return
    bindings: list[tuple[Binding, str, str | None]]
    bindings = [(b, f"/arguments/{i}", None) for i, b in enumerate(tool.arguments)]
    bindings += [
        (p.binding, f"/inputs/{name}", name) for name, p in tool.inputs.items() if p.binding
    ]
    for binding, place, name in bindings:
        if not binding.quoted and not _plain_text(tool, binding, name):
            process.faults.add(
                process.pointer + place,
                "with shellQuote false the shell would run commands hidden in a value: only the "
                "author's own text, numbers and paths of files may stand there",
            )


_SAFE_TYPES = frozenset({"boolean", "int", "long", "float", "double", "enum"})


def _plain_text(tool: Tool, binding: Binding, name: str | None) -> bool:
    if binding.value is None:
        return name is not None and _safe(tool.inputs[name].type, ())
    return all(_safe_reference(tool, it, name) for it in binding.value.references)


def _safe_reference(tool: Tool, reference: Reference, name: str | None) -> bool:
    if reference.root == "runtime":
        return True
    if reference.root == "self":
        return name is not None and _safe(tool.inputs[name].type, reference.path)
    parameter = tool.inputs.get(str(reference.path[0])) if reference.path else None
    return parameter is not None and _safe(parameter.type, reference.path[1:])


def _safe(declared: Type, path: tuple[str | int, ...]) -> bool:
    if declared.is_file:
        return path == ("path",)
    return declared.name in _SAFE_TYPES and declared.name != "enum" and not path
