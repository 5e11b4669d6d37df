"""What a page's plain form sent."""

from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.requests import Request

from openccp.core.problems import MalformedBody, UnsupportedMediaType
from openccp.web.api.token import FORM
from openccp.web.negotiate import bounded

LARGEST = 256 << 10
MOST_FIELDS = 5_000


@dataclass(frozen=True, slots=True)
class Posted:
    """Names and values, in the order of the form."""

    pairs: tuple[tuple[str, str], ...]

    def text(self, name: str) -> str:
        """The first value of a name; empty where there is none."""
        return next((value for one, value in self.pairs if one == name), "")

    def texts(self, name: str) -> list[str]:
        """All values of a name."""
        return [value for one, value in self.pairs if one == name]


def sends_form(request: Request) -> bool:
    """Whether the body says that it is a plain form."""
    return _kind(request) == FORM


async def posted(request: Request) -> Posted:
    """The form in the body; UnsupportedMediaType or MalformedBody where there is none."""
    if not sends_form(request):
        raise UnsupportedMediaType(f"Send the form as {FORM}, in UTF-8.")
    body = await bounded(request.stream(), LARGEST, None)
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError as error:
        raise MalformedBody("The form cannot be read.") from error
    return Posted(tuple(pairs))


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
