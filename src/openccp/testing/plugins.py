"""Kinds of infrastructure brought to a platform under test, as an installed package would."""

from collections.abc import Mapping
from pathlib import Path

from openccp.plugins import GROUP

SIMULATED = {"simulated": "openccp.testing.simulated:KIND"}


def bring_kinds(folder: Path, kinds: Mapping[str, str] = SIMULATED) -> Path:
    """Make `folder` one that brings these kinds (name -> `module:attribute`) on PYTHONPATH."""
    about = folder / "openccp_test_kinds-1.dist-info"
    about.mkdir(parents=True, exist_ok=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: openccp-test-kinds\nVersion: 1\n")
    lines = [f"[{GROUP}]", *(f"{name} = {value}" for name, value in kinds.items())]
    (about / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return folder
