"""A method: what a scientist publishes. In the API it is an OGC process."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from openccp.core.problems import Fault, Problem

JSON = Any
RESERVED = ("ccpimage", "ccpreplicas", "ccpnote", "ccpmaxtime", "ccpsize")
ALL_FILES = "output"
"""The output every CCP method accepts besides its own: all files, as CCP's clients ask for it."""


class InvalidMethod(Problem):
    """The descriptor cannot be accepted; `errors` says why."""

    status, type, title = 400, "urn:openccp:problem:invalid-method", "Invalid method"


class Kind(StrEnum):
    """How an input's value is read, checked and handed to a script.

    OBJECT is also whatever a schema leaves open: a `oneOf`, or no type at all.
    """

    TEXT = "text"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    ARRAY = "array"
    OBJECT = "object"
    FILE = "file"
    SECRET = "secret"


@dataclass(frozen=True, slots=True)
class Input:
    """One declared input; `maximum` None means unbounded.

    `schema` is JSON Schema 2020-12 without references. With CCP's way of writing types it may
    say `type: string, format: number`; `kind` is what the value really is.
    """

    id: str
    kind: Kind
    schema: Mapping[str, JSON]
    title: str = ""
    description: str = ""
    minimum: int = 1
    maximum: int | None = 1
    read_only: bool = False

    @property
    def repeated(self) -> bool:
        """Whether several values may be given (maxOccurs above 1)."""
        return self.maximum is None or self.maximum > 1

    @property
    def has_default(self) -> bool:
        """Whether the value may be left out because the method gives one."""
        return self.schema.get("default") is not None


@dataclass(frozen=True, slots=True)
class Output:
    """One declared output: `stdout`, `stderr`, or files found by globs in /ccp_data.

    `path` and `also` are those globs. `minimum` 0: a job without it is a success all the same.
    """

    id: str
    schema: Mapping[str, JSON]
    title: str = ""
    description: str = ""
    path: str | None = None
    also: tuple[str, ...] = ()
    minimum: int = 1

    @property
    def media_type(self) -> str | None:
        """The declared media type, if any."""
        value = self.schema.get("contentMediaType")
        return value if isinstance(value, str) else None


@dataclass(frozen=True, slots=True)
class Scripts:
    """The three shell texts of a method as its author wrote them (placeholders unrendered)."""

    deploy: str = ""
    execute: str = ""
    undeploy: str = ""


@dataclass(frozen=True, slots=True)
class Method:
    """A checked descriptor. `document` is the descriptor as deployed, for records and export."""

    id: str
    title: str
    version: str
    description: str
    keywords: tuple[str, ...]
    inputs: Mapping[str, Input]
    outputs: Mapping[str, Output]
    scripts: Scripts
    infrastructures: tuple[str, ...]
    contexts: tuple[str, ...]
    synchronous: bool
    network: bool
    document: Mapping[str, JSON]
    image: str = ""
    """The runtime of every job, where the method does not let it be chosen by `ccpimage`."""
    warnings: tuple[Fault, ...] = field(default=())
    synchronous_job: bool = True
    """Whether a synchronous execution leaves a job behind."""

    root: bool = False
    """Whether its jobs have to be root inside."""
    gpus: int = 0
    """Graphics processors that each job needs."""

    def __hash__(self) -> int:
        """Methods are keys of caches; equal ones have equal ids and versions."""
        return hash((self.id, self.version))

    @property
    def secrets(self) -> frozenset[str]:
        """The ids of the secret inputs."""
        return frozenset(i.id for i in self.inputs.values() if i.kind is Kind.SECRET)


@dataclass(frozen=True, slots=True)
class Revision:
    """One immutable deployment of a method: what a job refers to for ever."""

    method: Method
    number: int
    owner: str
    public: bool
    mutable: bool
    created: float
    contexts: tuple[str, ...] = ()
    """Contexts in which the method is shared; membership lets people see and run it."""
