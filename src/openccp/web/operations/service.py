"""The operations of the service itself: landing page, conformance, API document, places."""

from openccp.core.deliveries import AlreadyDelivered
from openccp.core.problems import Forbidden, NotFound
from openccp.web.media import OPENAPI_30, OPENAPI_31
from openccp.web.operations.parameters import IF_NONE_MATCH
from openccp.web.operations.shape import (
    ANY,
    HTML,
    JSON,
    UNCHANGED,
    Answer,
    Operation,
    Parameter,
    nothing,
    page,
)

API_FORM = Parameter(
    "f", "query", "Which form.", {"type": "string", "enum": ["json", "json31", "html"]}
)
ASSET = Answer(200, "The file, for ever the same.", {ANY: "bytes"}, ("ETag",))
OPERATIONS = (
    Operation(
        "get",
        "/",
        "landingPage",
        "Where everything is",
        (page("landingPage", "The landing page."),),
        open=True,
    ),
    Operation(
        "get",
        "/conformance",
        "conformance",
        "What this service conforms to",
        (page("confClasses", "The conformance classes."),),
        open=True,
    ),
    Operation(
        "get",
        "/api",
        "api",
        "This document; signed in, with the processes you may run",
        (
            Answer(
                200,
                "The API document.",
                {
                    OPENAPI_30.media_type: "object",
                    OPENAPI_31.media_type: "object",
                    JSON: "object",
                    HTML: "html",
                },
            ),
        ),
        parameters=(API_FORM,),
        open=True,
    ),
    Operation(
        "get",
        "/health",
        "health",
        "Whether jobs can be taken and run",
        (page("health", "Yes."), page("health", "No.", status=503)),
        open=True,
    ),
    Operation(
        "get",
        "/assets/{digest}/{asset}",
        "getAsset",
        "A file of the pages, such as their style sheet",
        (ASSET, UNCHANGED),
        refusals=(NotFound,),
        parameters=(IF_NONE_MATCH,),
        open=True,
    ),
    Operation(
        "get",
        "/infrastructures",
        "listInfrastructures",
        "Where processes run",
        (page("infrastructureList", "A list."),),
    ),
    Operation(
        "get",
        "/infrastructures/{infrastructureID}",
        "getInfrastructure",
        "One infrastructure",
        (page("infrastructure", "The infrastructure."),),
    ),
    Operation(
        "get",
        "/embed/ccp-elements.js",
        "getElements",
        "The elements for pages of other origins",
        (Answer(200, "The script.", {ANY: "bytes"}, ("ETag",)), UNCHANGED),
        parameters=(IF_NONE_MATCH,),
        refusals=(NotFound,),
        open=True,
    ),
    Operation(
        "get",
        "/operator",
        "getOperatorView",
        "Infrastructures, queues, accounts, storage and callbacks given up; for administrators",
        (page("operatorView", "What there is."),),
        refusals=(Forbidden,),
    ),
    Operation(
        "post",
        "/operator/deliveries/{deliveryID}/retry",
        "sendDeliveryAgain",
        "Send anybody's callback again; for administrators",
        (
            page("deadDelivery", "The callback, due now."),
            nothing("From the page: back to it.", "Location", status=303),
        ),
        refusals=(AlreadyDelivered, Forbidden),
    ),
)
