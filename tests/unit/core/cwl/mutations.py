"""Documents with one thing in them changed to something that nobody expects."""

import copy
import random
from collections.abc import Iterator
from typing import Any

STRANGE: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1e308,
    2**63,
    "",
    "x",
    "#x/y",
    "$(inputs.nobody)",
    "$(self)",
    "${return 1}",
    "\u0000",
    "../../etc/passwd",
    [],
    [None],
    [[]],
    ["null"],
    {},
    {"class": 1},
    {"type": ["null", {"type": "array", "items": "File?"}]},
    {"id": 7},
    {"$graph": []},
    {"a": {"b": {"c": []}}},
)


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a document, also inside."""
    yield path
    if isinstance(document, dict):
        for name, value in document.items():
            yield from places(value, (*path, name))
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from places(value, (*path, index))


def changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy with another value at a place."""
    if not path:
        return value
    made = copy.deepcopy(document)
    parent = made
    for step in path[:-1]:
        parent = parent[step]
    parent[path[-1]] = value
    return made


def mutations(document: Any, seed: int) -> Iterator[Any]:
    """Each place with some strange values, chosen anew for each seed."""
    chance = random.Random(seed)
    for path in places(document):
        for value in chance.sample(STRANGE, 6):
            yield changed(document, path, value)
