"""A Workflow, read and checked: tools that run one after another inside one job."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from openccp.core.cwl.bindings import Known, template
from openccp.core.cwl.needs import Most, Requirements, gather, most_of
from openccp.core.cwl.references import Template
from openccp.core.cwl.source import named
from openccp.core.cwl.tool import (
    RUNTIME,
    Parameter,
    Product,
    Tool,
    known_names,
    read_inputs,
    read_tool,
)
from openccp.core.fields import Fields

NOT_HERE = {
    "scatter": "scatter is not supported: deploy the tool and run it once for each value",
    "when": "a step that runs only sometimes (when) is not supported",
}


@dataclass(frozen=True, slots=True)
class Source:
    """Where the value of a step's input comes from: (step, output), or ("", workflow input)."""

    places: tuple[tuple[str, str], ...]
    many: bool = False
    flat: bool = False
    default: Any = None
    value: Template | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A tool with its inputs' sources."""

    id: str
    tool: Tool
    sources: Mapping[str, Source]


@dataclass(frozen=True, slots=True)
class Workflow:
    """Steps in an order in which they can run; outputs as (step, output)."""

    inputs: Mapping[str, Parameter]
    outputs: Mapping[str, tuple[str, str]]
    steps: tuple[Step, ...]

    @property
    def most(self) -> Most:
        """What its steps need at most."""
        return most_of(step.tool.needs for step in self.steps)

    def product(self, output: str) -> Product:
        """What an output of the workflow is."""
        step, name = self.outputs[output]
        return next(s for s in self.steps if s.id == step).tool.outputs[name]


def read_workflow(process: Fields) -> Workflow:
    """The workflow; what is wrong with it, or not supported, becomes a fault at its place."""
    requirements = gather(process, {})
    inputs = dict(read_inputs(process, requirements, known_names(process)))
    found = named(process, "steps", "id")
    steps = {
        name: step for name, step in ((n, _step(n, f, requirements)) for n, f in found) if step
    }
    if not steps and not process.faults:
        process.fault("steps", "the workflow has no steps")
    _check_sources(process, steps, inputs)
    outputs = dict(_outputs(process, steps))
    if not process.faults:
        _check_images(process, steps)
    return Workflow(inputs, outputs, _ordered(process, steps))


def _step(name: str, fields: Fields, outer: Requirements) -> Step | None:
    if name in ("", ".", ".."):
        fields.fault("id", "expected a name: the step has a folder of it")
    for member, words in NOT_HERE.items():
        if fields.members.get(member) is not None:
            fields.fault(member, words)
    run = fields.members.get("run")
    if not isinstance(run, Mapping):
        fields.fault("run", "expected a tool: a package holds all its parts")
        return None
    inner = Fields(run, fields.at("run"), fields.faults)
    if run.get("class") != "CommandLineTool":
        inner.fault(
            "class",
            f"a step that is no CommandLineTool is not supported ({run.get('class')!s:.40})",
        )
        return None
    tool = read_tool(inner, gather(fields, outer))
    known: Known = {
        "inputs": {
            entry
            for entry, _ in named(Fields(fields.members, "", fields.faults), "in", "id", "source")
        },
        "runtime": RUNTIME,
    }
    sources = {entry: _source(place, known) for entry, place in named(fields, "in", "id", "source")}
    return Step(name, tool, sources)


def _source(fields: Fields, known: Known) -> Source:
    written = fields.members.get("source")
    listed = written if isinstance(written, list) else [] if written is None else [written]
    if not all(isinstance(place, str) for place in listed):
        fields.fault("source", "expected the name of an input, or step/output")
        listed = []
    if fields.text("pickValue", 40):
        fields.fault("pickValue", "pickValue is not supported")
    return Source(
        places=tuple(_place(place) for place in listed),
        many=isinstance(written, list) and (len(written) > 1 or "linkMerge" in fields.members),
        flat=fields.text("linkMerge", 40) == "merge_flattened",
        default=fields.members.get("default"),
        value=template(fields, "valueFrom", {**known, "self": ()}),
    )


def _place(source: str) -> tuple[str, str]:
    """`#main/step/out`, `#step/out` and `step/out` are the same; `#main/in` is told apart later."""
    step, _, name = source.rsplit("#", 1)[-1].rpartition("/")
    return step.rsplit("/", 1)[-1], name


def _check_sources(
    process: Fields, steps: dict[str, Step], inputs: Mapping[str, Parameter]
) -> None:
    for name, step in steps.items():
        pointer = f"{process.at('steps')}/{name}"
        for entry, source in step.sources.items():
            for place in source.places:
                words = _wrong(place, steps, inputs)
                if words:
                    process.faults.add(f"{pointer}/in/{entry}", words)
        for missing in step.tool.inputs.keys() - step.sources.keys():
            parameter = step.tool.inputs[missing]
            if not parameter.type.optional and parameter.default is None:
                process.faults.add(
                    f"{pointer}/in", f"the input {missing} of the tool has no source"
                )


def _wrong(
    place: tuple[str, str], steps: Mapping[str, Step], inputs: Mapping[str, Parameter]
) -> str | None:
    step, name = place
    if step not in steps:
        return None if name in inputs else f"there is no input {name[:64]}"
    product = steps[step].tool.outputs.get(name)
    if product is None:
        return f"the step {step} has no output {name[:64]}"
    if product.type.is_files or product.type.optional or len(product.globs) != 1:
        return f"{step}/{name} may be no file or several: only one file can go to the next step"
    return None


def _outputs(process: Fields, steps: Mapping[str, Step]) -> Iterator[tuple[str, tuple[str, str]]]:
    for name, fields in named(process, "outputs", "id", "type"):
        source = fields.members.get("outputSource")
        if isinstance(source, list) and len(source) == 1:
            source = source[0]
        step, output = _place(source) if isinstance(source, str) else ("", "")
        if step not in steps or output not in steps[step].tool.outputs:
            fields.fault("outputSource", "expected one output of a step, like step/output")
        else:
            yield name, (step, output)


def _check_images(process: Fields, steps: Mapping[str, Step]) -> None:
    images = sorted({step.tool.needs.image or "bash" for step in steps.values()})
    if len(images) > 1:
        process.fault(
            "steps",
            f"all steps must run in the same image, for they run in one job: {', '.join(images)}",
        )


def _ordered(process: Fields, steps: Mapping[str, Step]) -> tuple[Step, ...]:
    graph = {
        name: {step for source in it.sources.values() for step, _ in source.places if step in steps}
        for name, it in steps.items()
    }
    try:
        return tuple(steps[name] for name in TopologicalSorter(graph).static_order())
    except CycleError:
        process.fault("steps", "the steps wait for each other")
        return ()
