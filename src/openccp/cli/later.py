"""Commands whose module is imported when they are used, so that the others start quickly."""

from importlib import import_module
from typing import Any

import click


class Later(click.Command):
    """Stands for the command `source` (`module:name`); `short_help` is its line in `--help`."""

    def __init__(self, name: str, source: str, short_help: str) -> None:
        super().__init__(name, short_help=short_help)
        self._source = source

    def command(self) -> click.Command:
        """The command itself."""
        module, _, attribute = self._source.partition(":")
        found = getattr(import_module(module), attribute)
        assert isinstance(found, click.Command)
        return found

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """The context of the command itself, which click then invokes."""
        return self.command().make_context(info_name, args, parent, **extra)
