"""Packages as people send them: CWL tools and workflows, OGC application packages."""

import json
from typing import Any

PART2 = "http://www.opengis.net/def/exceptions/ogcapi-processes-2/1.0/"
YAML = "application/cwl+yaml"
OGC = "application/ogcapppkg+json"

SORT = """\
cwlVersion: v1.2
class: CommandLineTool
id: sorted-lines
label: Sort lines
doc: The lines of a text in their order, each once.
hints:
  DockerRequirement: {dockerPull: bash}
requirements:
  EnvVarRequirement:
    envDef: {LC_ALL: $(inputs.locale)}
  InitialWorkDirRequirement:
    listing:
      - entryname: work/said.txt
        entry: "locale $(inputs.locale), $(inputs.text.size) bytes\\n"
baseCommand: [sort]
arguments:
  - {valueFrom: -u, position: -1}
inputs:
  text: {type: File, inputBinding: {position: 9}}
  locale: {type: string, default: C}
  reverse: {type: boolean?, inputBinding: {prefix: -r}}
  key: {type: int?, inputBinding: {prefix: --key=, separate: false, position: 2}}
stdout: $(inputs.text.nameroot).sorted
outputs:
  lines: stdout
  said: {type: File, outputBinding: {glob: work/said.txt}}
  never: {type: File?, outputBinding: {glob: "*.never"}}
"""
WORKFLOW = """\
cwlVersion: v1.2
$graph:
  - id: main
    class: Workflow
    label: Count matching lines
    inputs:
      text: File
      pattern: {type: string, default: a}
    outputs:
      count: {type: File, outputSource: count/number}
      kept: {type: File, outputSource: keep/lines}
    steps:
      count: {run: "#count", in: {lines: keep/lines}, out: [number]}
      keep: {run: "#keep", in: {text: text, pattern: pattern}, out: [lines]}
  - id: keep
    class: CommandLineTool
    baseCommand: [grep]
    successCodes: [0, 1]
    inputs:
      pattern: {type: string, inputBinding: {prefix: -e, position: 1}}
      text: {type: File, inputBinding: {position: 2}}
    stdout: kept lines.txt
    outputs:
      lines: {type: File, outputBinding: {glob: "*.txt"}}
  - id: count
    class: CommandLineTool
    baseCommand: [wc, -l]
    inputs: {lines: File}
    stdin: $(inputs.lines.path)
    stdout: $(inputs.lines.nameroot).count
    outputs: {number: stdout}
"""


def cwl(text: str, identifier: str) -> str:
    """A CWL package of another id."""
    return text.replace("sorted-lines", identifier).replace("main\n", f"{identifier}\n")


def band_math(identifier: str) -> dict[str, Any]:
    """A package of the shape that the official suite sends: flat, its parameters a list."""
    raster = {
        "oneOf": [
            {"type": "string", "contentEncoding": "base64", "contentMediaType": kind}
            for kind in ("image/tiff", "image/jpeg", "image/png")
        ]
    }
    pattern = [{"name": "pattern", "value": "-name value"}]
    return {
        "processDescription": {
            "id": identifier,
            "title": "Outputs a monoband image",
            "version": "1.0.0",
            "jobControlOptions": ["sync-execute", "async-execute", "dismiss"],
            "outputTransmission": ["value", "reference"],
            "links": [],
            "additionalParameters": [{"name": "entry-point", "value": "otbcli_BandMath"}],
            "inputs": {
                "il": {
                    "title": "Images",
                    "maxOccurs": 1024,
                    "additionalParameters": pattern,
                    "schema": raster,
                },
                "ram": {"schema": {"type": "integer", "default": 128, "nullable": True}},
                "exp": {"additionalParameters": pattern, "schema": {"type": "string"}},
                "out": {
                    "schema": {
                        "type": "string",
                        "default": "float",
                        "enum": ["uint8", "int32", "int32", "float"],
                    }
                },
            },
            "outputs": {"out": {"title": "Image", "schema": raster}},
        },
        "executionUnit": {"type": "docker", "image": "docker://otbtf/4.1.0-cpu"},
    }


def image_package(identifier: str, image: str, *, wrapped: bool, listed: bool) -> dict[str, Any]:
    """A package whose image really runs, with bindings."""
    description = {
        "id": identifier,
        "title": "Repeat a text",
        "version": "2.0.0",
        "inputs": {
            "text": {"schema": {"type": "string"}},
            "times": {"schema": {"type": "integer", "default": 2}},
        },
        "outputs": {"said": {"schema": {"type": "string"}}},
    }
    unit = {
        "type": "docker",
        "image": f"docker://{image}",
        "command": ["sh", "-c", 'for i in $(seq "$2"); do echo "$1"; done >said-$2.txt', "sh"],
        "config": {"cpuMax": 1, "memoryMax": 0.5, "jobTimeout": 60},
        "bindings": {
            "inputBindings": {"text": {"position": 1}, "times": {"position": 2}},
            "outputBindings": {"said": {"glob": "said-$(inputs.times).txt"}},
        },
    }
    return {
        "processDescription": {"process": description} if wrapped else description,
        "executionUnit": [unit] if listed else unit,
    }


def encoded(document: Any) -> bytes:
    """As JSON."""
    return json.dumps(document).encode()
