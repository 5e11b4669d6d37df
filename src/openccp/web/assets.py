"""The files that pages need, kept by browsers for as long as they like: ours, and Swagger UI's."""

import mimetypes
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openccp.core.problems import NotFound
from openccp.web.ranges import not_modified

FOLDER = Path(__file__).parent / "static"
BUILT = Path(__file__).parent / "built"
"""What `ui/` was built into; pages do without it where it was not."""
SCRIPT = "ui.js"
SWAGGER_UI = ("swagger-ui-bundle.js", "swagger-ui.css")
FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file; `digest` is in its address, so another content has another address."""

    content: bytes
    digest: str
    media_type: str


@cache
def assets() -> Mapping[str, Asset]:
    """Every file of `static`, what was built, and Swagger UI's where it is installed, by name."""
    files = (*sorted(FOLDER.iterdir()), *BUILT.glob("*.js"), *_swagger_ui())
    return {file.name: _read(file) for file in files}


def _swagger_ui() -> Iterator[Path]:
    """What the package that carries it has of Swagger UI; nothing without the package."""
    package = find_spec("swagger_ui_bundle")
    for place in (package.submodule_search_locations or ()) if package else ():
        for name in SWAGGER_UI:
            yield from Path(place).glob(f"vendor/swagger-ui-*/{name}")


def _read(file: Path) -> Asset:
    content = file.read_bytes()
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return Asset(content, sha256(content).hexdigest()[:16], kind)


def address(name: str) -> str:
    """Where a file is served, below the address of the service."""
    return f"/assets/{assets()[name].digest}/{name}"


async def get_asset(request: Request) -> Response:
    """GET /assets/{digest}/{asset}."""
    asset = assets().get(request.path_params["asset"])
    if asset is None or asset.digest != request.path_params["digest"]:
        raise NotFound
    headers = {"Cache-Control": FOREVER, "ETag": f'"{asset.digest}"'}
    if not_modified(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(asset.content, headers=headers, media_type=asset.media_type)


routes = [Route("/assets/{digest}/{asset}", get_asset, methods=["GET"])]
