"""/embed: the elements for pages of other origins, at an address that stays."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openccp.core.problems import NotFound
from openccp.web.assets import assets
from openccp.web.ranges import not_modified

ELEMENTS = "ccp-elements.js"
KEPT = "public, max-age=300"
"""Not for ever, as other assets: its address says nothing of its content."""


async def get_elements(request: Request) -> Response:
    """GET /embed/ccp-elements.js; NotFound where the pages' script was not built."""
    asset = assets().get(ELEMENTS)
    if asset is None:
        raise NotFound
    headers = {"Cache-Control": KEPT, "ETag": f'"{asset.digest}"'}
    if not_modified(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(asset.content, headers=headers, media_type=asset.media_type)


routes = [Route(f"/embed/{ELEMENTS}", get_elements, methods=["GET"])]
