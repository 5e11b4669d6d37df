"""From a tool or workflow and the values of one job to the script that runs it: a pure function."""

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from openccp.core.cwl.references import Scope, Template, as_text, evaluate
from openccp.core.cwl.script import DATA, Draft, inside, runtime, write_run
from openccp.core.cwl.shell import has_mark, mark, quote, refuse_nul, without_marks
from openccp.core.cwl.tool import Parameter, Product, Tool
from openccp.core.cwl.words import File, is_file
from openccp.core.cwl.workflow import Source, Step, Workflow
from openccp.core.ports import CannotStart, Limits

MOST_CONTENTS = 64 << 10
Process = Tool | Workflow


@dataclass(frozen=True, slots=True)
class Given:
    """What a job brings: typed values, and for files where they lie and what is in them."""

    values: Mapping[str, Any]
    files: Mapping[str, bytes]
    limits: Limits


@dataclass(frozen=True, slots=True)
class Run:
    """What to run: the execute script, more files below /ccp_in, and where the outputs are.

    `paths` are globs relative to /ccp_data, by output.
    """

    script: str
    files: Mapping[str, bytes]
    paths: Mapping[str, tuple[str, ...]]


def compiled(process: Process, given: Given) -> Run:
    """The run of one job. CannotStart if a value makes it impossible; its text says why."""
    for name, value in given.values.items():
        refuse_nul(value, name)
    inputs = {name: _given(name, parameter, given) for name, parameter in process.inputs.items()}
    draft = Draft()
    if isinstance(process, Tool):
        paths = _run_tool(draft, process, inputs, given.limits)
    else:
        paths = _run_steps(draft, process, inputs, given.limits)
    return Run("\n".join([*draft.lines, ""]), draft.files, paths)


def _given(name: str, parameter: Parameter, given: Given) -> Any:
    value = given.values.get(name, parameter.default)
    if value is None:
        return None
    if parameter.type.is_file:
        return _file(name, given.files[name], parameter.load_contents)
    if parameter.type.is_files:
        names = [f"{i}.{name}" for i in range(len(value))]
        return [_file(n, given.files[n], parameter.load_contents) for n in names]
    return value


def _file(name: str, content: bytes, loads: bool) -> dict[str, Any]:
    file = described(f"/ccp_in/{name}", len(content))
    if loads:
        file["contents"] = _contents(name, content)
    return file


def _contents(name: str, content: bytes) -> str:
    if len(content) > MOST_CONTENTS:
        raise CannotStart(f"{name!r} is larger than the {MOST_CONTENTS} bytes a tool can load")
    text = content.decode(errors="replace")
    refuse_nul(text, name)
    return text


def described(path: str, size: Any) -> File:
    """A file as references see it."""
    name = posixpath.basename(path)
    root, extension = posixpath.splitext(name)
    return File(
        {
            "class": "File",
            "path": path,
            "location": "file://" + path,
            "dirname": posixpath.dirname(path),
            "basename": name,
            "nameroot": root,
            "nameext": extension,
            "size": size,
        }
    )


def _run_tool(
    draft: Draft, tool: Tool, inputs: Mapping[str, Any], limits: Limits
) -> dict[str, tuple[str, ...]]:
    scope = _scope(tool, inputs, DATA, limits)
    write_run(draft, tool, scope, DATA, "")
    return {name: _paths(product, scope, DATA) for name, product in tool.outputs.items()}


def _scope(tool: Tool, inputs: Mapping[str, Any], folder: str, limits: Limits) -> Scope:
    around = runtime(folder, tool, limits.cpus, limits.memory_bytes)
    return {"inputs": inputs, "runtime": around}


def _paths(product: Product, scope: Scope, folder: str) -> tuple[str, ...]:
    """Globs relative to /ccp_data; a name that is not known yet can be any."""
    prefix = folder.removeprefix(DATA).lstrip("/")
    return tuple(
        "/".join(filter(None, (prefix, without_marks(pattern, "*"))))
        for glob in product.globs
        for pattern in _patterns(glob, scope, folder)
    )


def _patterns(glob: Template, scope: Scope, folder: str) -> Iterator[str]:
    value = evaluate(glob, scope)
    for pattern in value if isinstance(value, list) else [value]:
        text = as_text(pattern).removeprefix(folder).lstrip("/").removeprefix("./")
        yield inside(text)


# --- workflows --------------------------------------------------------------------------------


def _run_steps(
    draft: Draft, workflow: Workflow, inputs: Mapping[str, Any], limits: Limits
) -> dict[str, tuple[str, ...]]:
    made: dict[tuple[str, str], Any] = {}
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    passed = {p for step in workflow.steps for s in step.sources.values() for p in s.places}
    for step in workflow.steps:
        folder = f"{DATA}/{step.id}"
        values = _step_inputs(draft, step, made, inputs)
        scope = _scope(step.tool, values, folder, limits)
        write_run(draft, step.tool, scope, folder, step.id)
        for name, product in step.tool.outputs.items():
            found[step.id, name] = _paths(product, scope, folder)
            if (step.id, name) in passed:
                made[step.id, name] = _made(draft, step.id, name, product, scope, folder)
    return {name: found[place] for name, place in workflow.outputs.items()}


def _step_inputs(
    draft: Draft, step: Step, made: Mapping[tuple[str, str], Any], inputs: Mapping[str, Any]
) -> dict[str, Any]:
    plain = {name: _sourced(source, made, inputs) for name, source in step.sources.items()}
    values: dict[str, Any] = {}
    for name, source in step.sources.items():
        value = plain[name]
        if source.value is not None:
            value = evaluate(source.value, {"inputs": plain, "self": value})
        values[name] = value
    for name, parameter in step.tool.inputs.items():
        if values.get(name) is None:
            values[name] = parameter.default
        if parameter.load_contents and is_file(values[name]):
            values[name] = _loaded(draft, values[name])
    return values


def _sourced(source: Source, made: Mapping[tuple[str, str], Any], inputs: Mapping[str, Any]) -> Any:
    values = [made[place] if place in made else inputs.get(place[1]) for place in source.places]
    if not source.many:
        value = values[0] if values else None
        return source.default if value is None else value
    if not source.flat:
        return values
    return [item for value in values for item in (value if isinstance(value, list) else [value])]


def _made(draft: Draft, step: str, name: str, product: Product, scope: Scope, folder: str) -> Any:
    """The one file that a step made: found while the job runs, and kept in variables."""
    variable = draft.variable()
    pattern = next(_patterns(product.globs[0], scope, folder))
    complaint = quote(f"The output {name} of the step {step} is not one file.")
    draft.lines += [
        "ccp_found=0",
        f"for ccp_file in {quote(folder + '/')}{_globbed(pattern)}; do",
        f"ccp_{variable}=$ccp_file ccp_found=$((ccp_found + 1))",
        "done",
        f'if [ "$ccp_found" != 1 ] || ! [ -f "$ccp_{variable}" ]; then',
        f"printf '%s\\n' {complaint} >&2; return 1",
        "fi",
        *_name_lines(f"ccp_{variable}"),
    ]
    if product.contents:
        draft.lines += _content_lines(variable)
        return mark(f"{variable}_text")
    return _marked(variable)


def _globbed(pattern: str) -> str:
    """A pattern whose stars are the shell's, and nothing else of it is."""
    if has_mark(pattern):
        return quote(pattern)
    return "".join(char if char in "*?[]!-" else quote(char) for char in pattern)


def _name_lines(variable: str) -> list[str]:
    return [
        f"{variable}_name=${{{variable}##*/}}",
        f"case ${variable}_name in",
        f"?*.*) {variable}_root=${{{variable}_name%.*}}",
        f"{variable}_ext=.${{{variable}_name##*.}} ;;",
        f"*) {variable}_root=${variable}_name {variable}_ext= ;;",
        "esac",
        f'{variable}_size=$(($(wc -c <"${variable}")))',
    ]


def _content_lines(variable: str) -> list[str]:
    text = f"ccp_{variable}_text"
    return [f'{text}=$(cat "$ccp_{variable}"; printf .)', f"{text}=${{{text}%.}}"]


def _marked(variable: str) -> File:
    path = mark(variable)
    return File(
        {
            "class": "File",
            "path": path,
            "location": "file://" + path,
            "basename": mark(f"{variable}_name"),
            "nameroot": mark(f"{variable}_root"),
            "nameext": mark(f"{variable}_ext"),
            "size": mark(f"{variable}_size"),
        }
    )


def _loaded(draft: Draft, file: File) -> File:
    if "contents" in file or not has_mark(file["path"]):
        return file
    variable = file["path"].strip("\0")
    draft.lines += _content_lines(variable)
    return File({**file, "contents": mark(f"{variable}_text")})
