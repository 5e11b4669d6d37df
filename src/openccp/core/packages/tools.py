"""The tool of a method that was deployed as a package: a member of its descriptor."""

from functools import lru_cache

from openccp.core.cwl.compile import Process
from openccp.core.cwl.process import read_process
from openccp.core.descriptor import TOOL
from openccp.core.method import InvalidMethod, Method
from openccp.core.problems import Fault


@lru_cache(maxsize=512)
def tool_of(method: Method) -> Process | None:
    """What the method runs instead of an execute script; InvalidMethod if it makes no sense."""
    document = method.document.get(TOOL)
    if document is None:
        return None
    process, _ = read_process(document, f"/{TOOL}")
    strangers = process.inputs.keys() - method.inputs.keys()
    faults = [Fault(f"/inputs/{name}", "the tool has this input") for name in sorted(strangers)]
    if method.scripts.execute.strip():
        faults.append(Fault(f"/{TOOL}", "a method with a tool has no execute-script"))
    if faults:
        raise InvalidMethod(faults=faults)
    return process
