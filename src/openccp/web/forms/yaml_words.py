"""JSON values as YAML that is read back as the same values, by YAML 1.2 and by 1.1."""

import re
from typing import Any

import yaml

from openccp.app.yaml_text import loads

__all__ = ["dumps", "loads"]
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:[ ./-][A-Za-z0-9_]+)*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"})


class _Dumper(yaml.SafeDumper):
    """Texts in quotes wherever any reader could take them for something else."""

    def ignore_aliases(self, data: Any) -> bool:
        """Values are written out each time."""
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    bare = _BARE.fullmatch(text) and text.lower() not in _WORDS
    style = None if bare else "|" if "\n" in text and text.replace("\n", "").isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def dumps(value: Any) -> str:
    """The YAML of a JSON value."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
    return text
