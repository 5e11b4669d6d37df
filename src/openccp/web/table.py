"""The routes, found by the first word of a path: a request meets few of them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

FOUND = "openccp.route"


class Table(BaseRoute):
    """All routes as one. Among those of the same first word the first that fits is taken."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes: dict[str, list[Route]] = defaultdict(list)
        for route in routes:
            self._routes[first_word(route.path)].append(route)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """The first route for path and method, or else the first for the path alone."""
        best: tuple[Match, Scope] = (Match.NONE, {})
        for route in self._routes.get(first_word(scope["path"]), ()):
            match, found = route.matches(scope)
            if match is Match.FULL:
                return match, {**found, FOUND: route}
            if match is Match.PARTIAL and best[0] is Match.NONE:
                best = match, {**found, FOUND: route}
        return best

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand over to the route that was found."""
        await scope[FOUND].handle(scope, receive, send)

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
