"""The operations of the editor of methods, which is a page."""

from openccp.core.problems import Forbidden, ImmutableProcess, NoSuchProcess
from openccp.web.operations.shape import (
    FORM,
    HTML,
    JSON,
    Answer,
    Operation,
    Parameter,
    nothing,
)

PAGE = Answer(200, "The editor.", {HTML: "html"})
NOT_DONE = {
    400: "The editor again, with what is wrong at each field.",
    401: "What was written, to be sent again after signing in.",
    403: "The editor again: you may not do this.",
    404: "The editor again: what is meant is not there any more.",
    409: "The editor again: there is a process of this id.",
    412: "The editor again: it was changed since it was looked at.",
}
DONE = (
    nothing("Published, or kept as a draft; the page is at Location.", "Location", status=303),
    Answer(
        200,
        "The editor again; to do=export the method, to do=check in JSON what was found.",
        {HTML: "html", JSON: "object"},
        ("Content-Disposition",),
    ),
    *(Answer(status, words, {HTML: "html"}) for status, words in NOT_DONE.items()),
)
BODY = {"multipart/form-data": "editorForm", FORM: "editorForm"}
COPIED = Parameter("from", "query", "A process to copy.")
OPERATIONS = (
    Operation(
        "get",
        "/editor",
        "newMethod",
        "The editor with a new method",
        (PAGE,),
        parameters=(COPIED,),
        refusals=(NoSuchProcess,),
    ),
    Operation("post", "/editor", "sendNewMethod", "Check, try or publish it", DONE, body=BODY),
    Operation(
        "get",
        "/processes/{processID}/editor",
        "editMethod",
        "The editor with a process that you may change",
        (PAGE,),
        refusals=(ImmutableProcess, Forbidden),
    ),
    Operation(
        "post",
        "/processes/{processID}/editor",
        "sendMethod",
        "Check, try or publish a new version",
        DONE,
        refusals=(ImmutableProcess, Forbidden),
        body=BODY,
    ),
)
