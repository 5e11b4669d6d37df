"""Version 1.0: the body of the request says how its results are answered (18-062r2, 7.11.2.5)."""

from openccp.core.request import ExecuteRequest, ResponseForm
from openccp.web.dialects.forms import Asked, Form
from openccp.web.media import JSON, Offer, choose

IDENTITY = {"type": "process"}
"""What a job's status has besides `jobID`."""
_AS_ASKED = Offer("asked", "application/octet-stream")
_PAGE = Offer("html", "text/html")


def spoken(request: ExecuteRequest) -> bool:
    """Whether a request has a word that only this version knows."""
    outputs = (request.outputs or {}).values()
    return request.response is not None or any(output.transmission for output in outputs)


class Version1:
    """`response` decides, raw where it is left out; Accept only asks for the page."""

    tells_profile = False

    def form(self, asked: Asked) -> Form:
        """204, the value, its parts, links to them, or the document."""
        if not asked.parts:
            return Form.NOTHING
        if _wants_page(asked):
            return Form.PAGE
        if asked.document or asked.request.response is ResponseForm.DOCUMENT:
            return Form.DOCUMENT
        if all(part.by_reference for part in asked.parts):
            return Form.LINKS
        return Form.VALUE if len(asked.parts) == 1 else Form.MULTIPART


def _wants_page(asked: Asked) -> bool:
    if asked.f is not None:
        return asked.f == _PAGE.f
    return "text/html" in asked.accept and choose((JSON, _PAGE), asked.accept, None) is _PAGE
