"""Turn a resource's JSON document into its page."""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request

from openccp.web.negotiate import root


@cache
def environment() -> Environment:
    """The templates, escaping everything; an unknown name is an error."""
    return Environment(
        loader=PackageLoader("openccp.web.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def html(request: Request, page: str, document: Any) -> str:
    """The page `page` (a template's name without `.html.j2`) of a document."""
    template = environment().get_template(f"{page}.html.j2")
    return template.render(it=document, root=root(request), path=request.url.path)
