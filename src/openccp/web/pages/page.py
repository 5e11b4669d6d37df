"""Pages: HTML of the documents that programs get as JSON, with all that is in them."""

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, TemplateNotFound
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from openccp.core.access import may_operate
from openccp.web.api.sign_in import prefix
from openccp.web.assets import SCRIPT, address, assets
from openccp.web.language import LANGUAGES, wanted
from openccp.web.negotiate import here, site
from openccp.web.pages.citation import citation, titles
from openccp.web.pages.example import curl, example, has_example, kind
from openccp.web.pages.lasting import lasted, spoken
from openccp.web.pages.markdown import markdown
from openccp.web.pages.words import SPOKEN, say, say_many

POLICY = (
    "default-src 'none'; script-src {assets}; connect-src 'self'; style-src {assets}; "
    "img-src {pictures}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Nothing that a job wrote is ever run: only what is served as an asset."""
PICTURES = {"preview": ("/executions/", "/shared/")}
"""The pages that show pictures which jobs left, and where those are: a picture runs nothing."""
GUARDED = {
    "Cross-Origin-Opener-Policy": "same-origin",
    # Not no-referrer: a browser would then send `Origin: null` with our own forms, and we
    # could not tell our pages from foreign ones. Nobody else is told anything either way.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
SCHEMES = frozenset({"http", "https"})
VARY = ("Accept", "Accept-Language", "Cookie")
PLAIN = "resource"
SUFFIX = ".html.j2"


def web_address(text: object) -> str | None:
    """The address a reader may follow; None for anything else, such as `javascript:`."""
    if not isinstance(text, str) or any(letter.isspace() for letter in text):
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    return text if parts.scheme in SCHEMES and parts.netloc else None


ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    extensions=["jinja2.ext.i18n"],
)
ENVIRONMENT.policies["ext.i18n.trimmed"] = True
ENVIRONMENT.install_gettext_callables(say, say_many, newstyle=True)  # type: ignore[attr-defined]
ENVIRONMENT.filters |= {
    "web_address": web_address,
    "example": example,
    "curl": curl,
    "kind": kind,
    "lasted": lasted,
    "spoken": spoken,
    "citation": citation,
    "titles": titles,
    "has_example": has_example,
    "markdown": markdown,
    # For a word that is not written in the template: what `_()` says is taken as markup.
    "said": say,
}


class Page(Response):
    """A page that is written beside the event loop: a long list takes a while."""

    media_type = "text/html"

    def __init__(
        self,
        request: Request,
        page: str,
        document: Any,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        assets, places = f"{site(request)}/assets/", PICTURES.get(page, ())
        pictures = " ".join([assets, *(site(request) + place for place in places)])
        policy = POLICY.format(assets=assets, pictures=pictures)
        guarded = GUARDED | {"Content-Security-Policy": policy}
        guarded["Content-Language"] = wanted(request)
        super().__init__(None, status, guarded | dict(headers or {}))
        for name in VARY:
            self.headers.add_vary_header(name)
        self._request, self._page, self._document = request, page, document

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write it, then answer."""
        text = await asyncio.to_thread(html, self._request, self._page, self._document)
        self.body = text.encode()
        self.headers["Content-Length"] = str(len(self.body))
        await super().__call__(scope, receive, send)


def html(request: Request, page: str, document: Any) -> str:
    """The page `page` of a document; a plain one for a resource that has none of its own."""
    try:
        template = ENVIRONMENT.get_template(page + SUFFIX)
    except TemplateNotFound:
        template = ENVIRONMENT.get_template(PLAIN + SUFFIX)
    language = wanted(request)
    SPOKEN.set(language)
    return template.render(
        it=document,
        path=request.url.path,
        this=urlsplit(here(request))._replace(scheme="", netloc="").geturl(),
        language=language,
        languages=LANGUAGES,
        prefix=prefix(request),
        as_json=partial(here, request, f="json"),
        address=partial(here, request),
        asset=address,
        script=SCRIPT if SCRIPT in assets() else None,
        built=assets(),
        operates="who" in request.scope and may_operate(request.scope["who"]),
        session=any(name.endswith("ccp-session") for name in request.cookies),
    )
