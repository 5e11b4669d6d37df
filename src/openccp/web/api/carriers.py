"""/carriers: the files of jobs on nodes that share none with us, for tasks of ours only."""

import re

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from openccp.app.carry import admit, give_inputs, hear, take_results
from openccp.core.problems import MalformedBody, NotFound
from openccp.core.strict_json import loads
from openccp.web.negotiate import answer, bounded, services

BEARER = re.compile(r"Bearer ([A-Za-z0-9_-]{20,200})\Z")
MOST_NEWS = 64 << 20
TAR = "application/x-tar"


def token(request: Request) -> str:
    """The attempt's token; whoever has none finds nothing here."""
    found = BEARER.match(request.headers.get("authorization", ""))
    if found is None:
        raise NotFound
    return found[1]


async def get_inputs(request: Request) -> Response:
    """GET /carriers/{infrastructure_id}/{attempt}/{stage}."""
    names = request.path_params
    content = give_inputs(
        services(request),
        names["infrastructure_id"],
        names["attempt"],
        names["stage"],
        token(request),
    )
    return StreamingResponse(content, media_type=TAR)


async def put_results(request: Request) -> Response:
    """PUT /carriers/{infrastructure_id}/{attempt}/{stage}."""
    names = request.path_params
    await take_results(
        services(request),
        names["infrastructure_id"],
        names["attempt"],
        names["stage"],
        token(request),
        request.stream(),
    )
    return Response(status_code=204)


async def post_news(request: Request) -> Response:
    """POST /carriers/{infrastructure_id}/{attempt}."""
    names, mine = request.path_params, token(request)
    place, attempt = names["infrastructure_id"], names["attempt"]
    admit(services(request), place, attempt, mine)
    news = loads(await bounded(request.stream(), MOST_NEWS, None))
    if not isinstance(news, dict):
        raise MalformedBody("An object is expected.")
    return answer(await hear(services(request), place, attempt, mine, news))


routes = [
    Route("/carriers/{infrastructure_id}/{attempt}", post_news, methods=["POST"]),
    Route("/carriers/{infrastructure_id}/{attempt}/{stage}", get_inputs, methods=["GET"]),
    Route("/carriers/{infrastructure_id}/{attempt}/{stage}", put_results, methods=["PUT"]),
]
