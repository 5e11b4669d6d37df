"""The kinds of infrastructure by name: our own, and those that installed packages bring."""

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from openccp.core.site import InfrastructureKind, InfrastructureSettings

GROUP = "openccp.infrastructures"
OWN = {
    "docker": "openccp.infrastructures.docker.kind:KIND",
    "slurm": "openccp.infrastructures.slurm.kind:KIND",
    "docker-swarm": "openccp.infrastructures.swarm.kind:KIND",
}
"""Written as entry points are; no package can take one of these names."""


def kind_named(name: str) -> InfrastructureKind[Any]:
    """The kind of this name; ValueError, in words, if it is not there or cannot be loaded."""
    if name in OWN:
        found = EntryPoint(name, OWN[name], GROUP)
    else:
        brought = entry_points(group=GROUP)
        if name not in brought.names:
            raise ValueError(f"There is no kind {name!r}. There are: {', '.join(kind_names())}.")
        found = brought[name]
    try:
        kind: InfrastructureKind[Any] = found.load()
    except (ImportError, AttributeError) as error:
        raise ValueError(f"The kind {name!r} ({found.value}) cannot be loaded: {error}.") from error
    return kind


def kind_names() -> list[str]:
    """Every kind there is."""
    return sorted({*OWN, *entry_points(group=GROUP).names})


def section(written: Any) -> InfrastructureSettings:
    """A section `[infrastructures.NAME]`, read as its kind says."""
    if isinstance(written, InfrastructureSettings):
        return written
    name = written.get("kind") if isinstance(written, dict) else None
    if not isinstance(name, str):
        raise ValueError(f'A table with `kind` is expected, such as kind = "{next(iter(OWN))}".')
    return kind_named(name).settings.model_validate(written)
