"""Version 2.0 (draft): the media types a client accepts say how results are answered."""

from openccp.core.output_types import JSON_TYPE, bare
from openccp.core.results import Part
from openccp.web.dialects.forms import Asked, Form
from openccp.web.media import Offer, choose

IDENTITY = {"processingEntityType": "ogc-api-processes"}
"""What a job's status has besides `id`."""
_DOCUMENT = Offer("json", JSON_TYPE)
_MULTIPART = Offer("multipart", "multipart/related")
_PAGE = Offer("html", "text/html")


class Version2:
    """One value is itself, several are a document; others are negotiated."""

    tells_profile = True

    def form(self, asked: Asked) -> Form:
        """The form of what was asked for at execution."""
        if not asked.parts:
            return Form.NOTHING
        if asked.document:
            return _chosen({_DOCUMENT: Form.DOCUMENT, _PAGE: Form.PAGE}, asked)
        if len(asked.parts) == 1:
            return one_output(asked)
        offers = {_DOCUMENT: Form.DOCUMENT, _MULTIPART: Form.MULTIPART, _PAGE: Form.PAGE}
        return _chosen(offers, asked)


def one_output(asked: Asked) -> Form:
    """The form of the values of one output: as it is, in JSON, in parts."""
    if len(asked.parts) > 1:
        offers = {_DOCUMENT: Form.JSON, _MULTIPART: Form.MULTIPART, _PAGE: Form.PAGE}
        return _chosen(offers, asked)
    itself = _itself(asked.parts[0])
    return _chosen({_DOCUMENT: Form.JSON, _PAGE: Form.PAGE, itself: Form.VALUE}, asked, itself)


def _itself(part: Part) -> Offer:
    media_type = part.result.media_type
    return Offer("json" if bare(media_type) == JSON_TYPE else "raw", media_type)


def _chosen(forms: dict[Offer, Form], asked: Asked, *best: Offer) -> Form:
    """What is chosen of the offers, of equally good ones the `best`, else the first."""
    offers = tuple(dict.fromkeys((*best, *forms)))
    return forms[choose(offers, asked.accept, asked.f)]
