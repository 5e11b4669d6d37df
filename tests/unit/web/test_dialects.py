"""Which version a request speaks, and the form that each gives its results."""

import pytest

from openccp.core.method import Output
from openccp.core.ports import FileEntry
from openccp.core.problems import InvalidQueryParameter, NotAcceptable
from openccp.core.request import ExecuteRequest, OutputRequest, ResponseForm, Transmission
from openccp.core.results import Part, Result
from openccp.web.dialects import Asked, Form, dialect_of, one_output

RAW, DOCUMENT = ResponseForm.RAW, ResponseForm.DOCUMENT
VALUE, REFERENCE = OutputRequest(Transmission.VALUE), OutputRequest(Transmission.REFERENCE)


def asked(
    *kinds: str,
    response: ResponseForm | None = None,
    outputs: dict[str, OutputRequest] | None = None,
    document: bool = False,
    accept: str = "",
    f: str | None = None,
) -> Asked:
    parts = [
        Part(
            Result(kind, FileEntry(kind, 1, "", 0, kind.removeprefix("&"))),
            Output(kind, {}),
            kind.startswith("&"),
        )
        for kind in kinds
    ]
    request = ExecuteRequest(inputs={}, secrets={}, outputs=outputs, response=response)
    return Asked(request, parts, document, accept, f)


@pytest.mark.parametrize(
    ("question", "told"),
    [
        (asked(), True),
        (asked(outputs={"x": OutputRequest()}), True),
        (asked(response=RAW), False),
        (asked(outputs={"x": VALUE}), False),
        (asked(outputs={"x": OutputRequest(), "y": REFERENCE}), False),
    ],
)
def test_the_version_of_a_request(question: Asked, told: bool) -> None:
    assert dialect_of(question.request).tells_profile is told


@pytest.mark.parametrize(
    ("question", "form"),
    [
        (asked(response=RAW), Form.NOTHING),
        (asked("a/b", response=RAW), Form.VALUE),
        (asked("a/b", response=RAW, accept="application/json"), Form.VALUE),
        (asked("a/b", outputs={"x": VALUE}), Form.VALUE),
        (asked("a/b", "c/d", outputs={"x": VALUE}), Form.MULTIPART),
        (asked("a/b", "&c/d", response=RAW), Form.MULTIPART),
        (asked("&a/b", response=RAW), Form.LINKS),
        (asked("&a/b", "&c/d", response=RAW), Form.LINKS),
        (asked("&a/b", response=DOCUMENT), Form.DOCUMENT),
        (asked("a/b", response=RAW, document=True), Form.DOCUMENT),
        (asked("a/b", response=RAW, accept="text/html, */*;q=0.5"), Form.PAGE),
        (asked("a/b", response=DOCUMENT, f="html"), Form.PAGE),
        # version 2.0
        (asked(), Form.NOTHING),
        (asked("text/plain"), Form.VALUE),
        (asked("text/plain", accept="application/json"), Form.JSON),
        (asked("text/plain", accept="text/*;q=0.1, application/json;q=0.2"), Form.JSON),
        (asked("text/plain", f="json"), Form.JSON),
        (asked("text/plain", f="raw"), Form.VALUE),
        (asked("application/json", accept="application/json"), Form.VALUE),
        (asked("application/json", f="json"), Form.VALUE),
        (asked("text/html", accept="text/html"), Form.VALUE),
        (asked("text/plain", accept="text/html"), Form.PAGE),
        (asked("text/plain", document=True), Form.DOCUMENT),
        (asked("a/b", "c/d"), Form.DOCUMENT),
        (asked("a/b", "c/d", accept="multipart/related"), Form.MULTIPART),
        (asked("a/b", "c/d", f="multipart"), Form.MULTIPART),
        (asked("a/b", "c/d", accept="text/html"), Form.PAGE),
    ],
)
def test_the_form_of_results(question: Asked, form: Form) -> None:
    assert dialect_of(question.request).form(question) is form


def test_what_is_not_there() -> None:
    for kinds in (("text/plain",), ("a/b", "c/d")):
        question = asked(*kinds, accept="image/png")
        with pytest.raises(NotAcceptable):
            dialect_of(question.request).form(question)
    with pytest.raises(InvalidQueryParameter):
        one_output(asked("a/b", f="picture"))


def test_the_form_of_one_output() -> None:
    assert one_output(asked("a/b")) is Form.VALUE
    assert one_output(asked("a/b", "a/b")) is Form.JSON
    assert one_output(asked("a/b", "a/b", accept="multipart/*")) is Form.MULTIPART
