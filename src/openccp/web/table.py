"""The routes, found by the first word of a path: a request meets few of them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from starlette.routing import Route

from openccp.core.problems import MethodNotAllowed, NotFound


class Table:
    """All routes. Among those that fit the first is taken."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes: dict[str, list[Route]] = defaultdict(list)
        for route in routes:
            self._routes[first_word(route.path)].append(route)

    def find(self, path: str, method: str) -> tuple[Route, dict[str, Any]]:
        """The route of a request and the parameters in its path.

        Raises NotFound where there is no such path, MethodNotAllowed where it knows others.
        """
        for route in self._routes.get(first_word(path), ()):
            if method in (route.methods or ()) and (match := route.path_regex.match(path)):
                return route, match.groupdict()
        if known := self.methods(path):
            raise MethodNotAllowed(headers={"Allow": ", ".join(known)})
        raise NotFound

    def at(self, path: str) -> Iterator[Route]:
        """Every route of a path, whatever the method."""
        of_word = self._routes.get(first_word(path), ())
        return (route for route in of_word if route.path_regex.match(path))

    def methods(self, path: str) -> list[str]:
        """What a path knows, in order; nothing where there is no such path."""
        found = {method for route in self.at(path) for method in route.methods or ()}
        return sorted(found | {"OPTIONS"}) if found else []


def first_word(path: str) -> str:
    """What stands between the first two slashes."""
    return path.split("/", 2)[1] if path.startswith("/") else ""
