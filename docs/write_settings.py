"""Writes docs/settings.md from the settings' models: python docs/write_settings.py."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from openccp.core.site import InfrastructureSettings
from openccp.plugins import OWN, kind_named
from openccp.settings import SETTINGS_FILE, Settings

PAGE = Path(__file__).with_name("settings.md")
HEAD = f"""# Settings

Written from the models in `src/openccp/settings.py` by `docs/write_settings.py`.

Settings stand in `{SETTINGS_FILE}` in the data folder, one table a section. Each can also be given
in the environment as `CCP__SECTION__FIELD`, such as `CCP__SERVER__PORT=8090`; the environment wins
over the file, and `--host` and `--port` win over both. An unknown name or a value out of bounds is
an error at the start. Lists and tables in the environment are JSON. A change takes effect at the
next start.
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    top = {n: f for n, f in Settings.model_fields.items() if not _is_section(f) and n != "data"}
    for name, field in Settings.model_fields.items():
        if _is_section(field):
            section: type[BaseModel] = type(field.default)
            words = " ".join((section.__doc__ or "").split())
            parts += [f"\n## `[{name}]`\n{words}\n", *_table(section.model_fields)]
    parts += _infrastructures()
    parts += ["\n## At the top of the file\nBefore the first table.\n", *_table(top)]
    return "\n".join(parts) + "\n"


def _infrastructures() -> Iterator[str]:
    every = InfrastructureSettings.model_fields
    yield "\n## `[infrastructures.NAME]`\nOf whatever kind. [Plug-ins](plug-ins.md) bring others.\n"
    yield from _table(every)
    for name in OWN:
        kind = kind_named(name).settings
        words = " ".join((kind.__doc__ or "").split())
        yield f'\n## `[infrastructures.NAME]`, `kind = "{name}"`\n{words}\n'
        yield from _table({n: f for n, f in kind.model_fields.items() if n not in every})


def _is_section(field: FieldInfo) -> bool:
    return isinstance(field.default, BaseModel)


def _table(fields: dict[str, FieldInfo]) -> Iterator[str]:
    yield "| name | default | bounds | meaning |\n|---|---|---|---|"
    for name, field in fields.items():
        default = _written(field.get_default(call_default_factory=True, validated_data={}))
        yield f"| `{name}` | {default} | {_bounds(field)} | {field.description} |"


def _written(value: Any) -> str:
    if value is None or value is PydanticUndefined or value in ({}, (), ""):
        return ""
    if isinstance(value, tuple):
        return ", ".join(f"`{item}`" for item in value)
    return f"`{value}`"


def _bounds(field: FieldInfo) -> str:
    words = {"ge": "from", "gt": "above", "le": "to", "lt": "below"}
    found = [
        f"{word} {getattr(part, name):,}"
        for part in field.metadata
        for name, word in words.items()
        if getattr(part, name, None) is not None
    ]
    return " ".join(found)


if __name__ == "__main__":
    PAGE.write_text(page())
