"""The tool of a method that was deployed as a package: a member of its descriptor."""

from functools import lru_cache

from openccp.core.cwl.compile import Process
from openccp.core.cwl.process import read_process
from openccp.core.cwl.types import Type
from openccp.core.descriptor import TOOL
from openccp.core.method import Input, InvalidMethod, Kind, Method
from openccp.core.problems import Fault


@lru_cache(maxsize=512)
def tool_of(method: Method) -> Process | None:
    """What the method runs instead of an execute script; InvalidMethod if it makes no sense."""
    document = method.document.get(TOOL)
    if document is None:
        return None
    process, _ = read_process(document, f"/{TOOL}")
    faults = [
        Fault(f"/inputs/{name}", "the tool has this input, as a file or a value like here")
        for name, parameter in process.inputs.items()
        if not _same(parameter.type, method.inputs.get(name))
    ]
    if method.scripts.execute.strip():
        faults.append(Fault(f"/{TOOL}", "a method with a tool has no execute-script"))
    if faults:
        raise InvalidMethod(faults=faults)
    return process


def _same(declared: Type, given: Input | None) -> bool:
    """Whether an input of the method is what the tool takes, as far as files go."""
    if given is None:
        return False
    files = (given.kind is Kind.FILE, given.kind is Kind.FILE and given.repeated)
    return files == (declared.is_file or declared.is_files, declared.is_files)
