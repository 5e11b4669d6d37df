"""What a request says of its answer besides what it is about: Accept, `f`, Prefer, profiles."""

from dataclasses import dataclass

from starlette.requests import Request

from openccp.web.prefer import NOTHING_PREFERRED, Prefer, read_prefer
from openccp.web.profiles import Profile, asked_profiles


@dataclass(frozen=True, slots=True)
class Wishes:
    """How the answer should be. `document`: the profile ogc-results was asked for."""

    accept: str = ""
    f: str | None = None
    prefer: Prefer = NOTHING_PREFERRED
    document: bool = False


def wishes(request: Request, accept: str | None = None, prefer: str | None = None) -> Wishes:
    """What the headers and the address say; `accept` and `prefer` stand for the headers."""
    said = read_prefer(request.headers.getlist("prefer") if prefer is None else [prefer])
    return Wishes(
        accept=", ".join(request.headers.getlist("accept")) if accept is None else accept,
        f=request.query_params.get("f"),
        prefer=said,
        document=Profile.RESULTS in asked_profiles(request, said.profile),
    )
