"""The carrier as one file that Python runs on a node: the modules it consists of, and no more."""

import io
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
MODULES = (HERE.parent / "bounded.py", HERE / "left.py", HERE / "carrier.py")
CARRIER = "openccp.infrastructures.swarm.carrier"


def carrier_program() -> bytes:
    """A zip for Python's path; the same modules are the same bytes."""
    made = io.BytesIO()
    packages = {parent for path in MODULES for parent in path.relative_to(ROOT).parents[:-1]}
    with zipfile.ZipFile(made, "w") as program:
        for package in sorted(packages):
            program.writestr(zipfile.ZipInfo(f"{package}/__init__.py"), "")
        for path in MODULES:
            name = path.relative_to(ROOT).as_posix()
            program.writestr(zipfile.ZipInfo(name), path.read_bytes())
    return made.getvalue()
