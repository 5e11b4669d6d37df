"""Typed looks into a foreign document that collect faults instead of stopping at the first."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from openccp.core.problems import Fault
from openccp.core.schema import token
from openccp.core.strict_json import shorten

MAX_FAULTS = 50


class Faults:
    """A bounded list of what is wrong."""

    def __init__(self) -> None:
        self._found: list[Fault] = []
        self._more = 0

    def add(self, pointer: str, detail: str) -> None:
        """Note one fault."""
        self.extend([Fault(pointer, detail)])

    def extend(self, faults: list[Fault]) -> None:
        """Note several faults."""
        room = MAX_FAULTS - len(self._found)
        self._found.extend(faults[:room])
        self._more += max(0, len(faults) - room)

    def add_named(self, pointer: str, name: str, words: Callable[[str], str]) -> None:
        """Note that a foreign name is wrong; thousands of them cost next to nothing."""
        if len(self._found) >= MAX_FAULTS:
            self._more += 1
        else:
            self.add(pointer + token(shorten(name)), words(name))

    def __bool__(self) -> bool:
        return bool(self._found)

    @property
    def all(self) -> tuple[Fault, ...]:
        """What was noted; the last one counts what was left out."""
        if not self._more:
            return tuple(self._found)
        return (*self._found, Fault("", f"and {self._more} more faults"))

    @property
    def summary(self) -> str:
        """The first fault in a sentence, and how many more there are."""
        first = self._found[0]
        detail = f"{first.pointer}: {first.detail}" if first.pointer else first.detail
        rest = len(self._found) + self._more - 1
        return f"{detail} (and {rest} more)" if rest else detail


class Fields:
    """An object of a document with the place where it stands."""

    def __init__(self, members: Mapping[str, Any], pointer: str, faults: Faults) -> None:
        self.members = members
        self.pointer = pointer
        self.faults = faults

    def at(self, name: object) -> str:
        """The pointer of a member, a foreign name shortened."""
        return self.pointer + token(shorten(str(name)))

    def fault(self, name: str, detail: str) -> None:
        """Note that a member is wrong."""
        self.faults.add(self.at(name), detail)

    def text(self, name: str, most: int, default: str = "") -> str:
        """A text member of at most so many characters; null and absent give the default."""
        value = self.members.get(name)
        if value is None:
            return default
        if not isinstance(value, str):
            self.fault(name, "expected text")
        elif len(value) > most:
            self.fault(name, f"expected at most {most} characters")
        else:
            return value
        return default

    def boolean(self, name: str, *, default: bool) -> bool:
        """A true-or-false member."""
        value = self.members.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.fault(name, "expected true or false")
            return default
        return value

    def texts(self, name: str, most: int, length: int) -> tuple[str, ...]:
        """A member that is a list of at most `most` texts of at most `length` characters."""
        values = self.list(name, most)
        for i, value in enumerate(values):
            if not isinstance(value, str) or len(value) > length:
                self.faults.add(f"{self.at(name)}/{i}", f"expected text of at most {length}")
        return tuple(value for value in values if isinstance(value, str))

    def list(self, name: str, most: int) -> list[Any]:
        """A list member with at most `most` items."""
        value = self.members.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > most:
            self.fault(name, f"expected a list of at most {most} items")
            return []
        return value

    def objects(self, name: str, most: int) -> Iterator["Fields"]:
        """The objects of a list member."""
        for i, value in enumerate(self.list(name, most)):
            pointer = f"{self.at(name)}/{i}"
            if isinstance(value, Mapping):
                yield Fields(value, pointer, self.faults)
            else:
                self.faults.add(pointer, "expected an object")

    def named(self, name: str, most: int) -> Iterator[tuple[str, "Fields"]]:
        """The objects of a map by name, or of a list of objects that have an `id`."""
        value = self.members.get(name)
        if isinstance(value, list):
            yield from self._identified(name, most)
        elif isinstance(value, Mapping) and len(value) <= most:
            inner = Fields(value, self.at(name), self.faults)
            for key, member in value.items():
                if not isinstance(member, Mapping):
                    inner.fault(key, "expected an object")
                    continue
                if member.get("id", key) not in (key, None):
                    inner.fault(key, "its id is not the name it stands under")
                yield key, Fields(member, inner.at(key), self.faults)
        elif value is not None:
            self.fault(name, f"expected an object of at most {most} members")

    def _identified(self, name: str, most: int) -> Iterator[tuple[str, "Fields"]]:
        seen: set[str] = set()
        for fields in self.objects(name, most):
            identifier = fields.text("id", 128)
            if not identifier or identifier in seen:
                fields.fault("id", "expected an id that no other has")
            else:
                yield identifier, fields
            seen.add(identifier)
