"""What an operation answers: its successes, and every problem that can come of it."""

from collections.abc import Iterable
from typing import Any

from openccp.core.deliveries import NoSuchDelivery
from openccp.core.problems import (
    BodyTooLarge,
    Forbidden,
    InvalidQueryParameter,
    MalformedBody,
    NoSuchJob,
    NoSuchProcess,
    NotAcceptable,
    NotAuthenticated,
    NotFound,
    Problem,
    TooManyRequests,
    Unavailable,
    UnsupportedMediaType,
)
from openccp.core.uploads import NoSuchUpload
from openccp.web.openapi.headers import header_references
from openccp.web.openapi.schema_words import ref
from openccp.web.operations.shape import HTML, JSON, Answer, Operation

PROBLEM_JSON = "application/problem+json"
ALWAYS: tuple[type[Problem], ...] = (Problem, Unavailable, TooManyRequests)
PLACES: dict[str, type[Problem]] = {
    "{processID}": NoSuchProcess,
    "{jobID}": NoSuchJob,
    "{infrastructureID}": NotFound,
    "{deliveryID}": NoSuchDelivery,
    "{uploadID}": NoSuchUpload,
}
HEADERS = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}
Responses = dict[str, dict[str, Any]]


def responses(operation: Operation) -> Responses:
    """Every answer by its status; refusals are referred to, for many operations share them."""
    found = {str(answer.status): _success(answer) for answer in operation.answers}
    for status, problems in _by_status(refusals(operation)).items():
        there = found.setdefault(str(status), {"$ref": f"#/components/responses/{_name(problems)}"})
        if "content" in there:
            there["content"] = {**_refusal(status, problems)["content"], **there["content"]}
    return dict(sorted(found.items()))


def refusal_responses(operations: Iterable[Operation]) -> Responses:
    """What `responses` refers to."""
    return {
        _name(problems): _refusal(status, problems)
        for operation in operations
        for status, problems in _by_status(refusals(operation)).items()
    }


def refusals(operation: Operation) -> tuple[type[Problem], ...]:
    """The problems an operation has, its own and those that follow from what it takes."""
    found = [*operation.refusals, *ALWAYS]
    found += [problem for place, problem in PLACES.items() if place in operation.path]
    if not operation.open:
        found += [NotAuthenticated, Forbidden]
    if any(HTML in answer.content and JSON in answer.content for answer in operation.answers):
        found += [NotAcceptable, InvalidQueryParameter]
    if any(parameter.place == "query" for parameter in operation.parameters):
        found.append(InvalidQueryParameter)
    if operation.body is not None and not operation.open:
        found += [MalformedBody, BodyTooLarge, UnsupportedMediaType]
    return tuple(dict.fromkeys(found))


def _success(answer: Answer) -> dict[str, Any]:
    response: dict[str, Any] = {"description": answer.words}
    if answer.headers:
        response["headers"] = header_references(answer.headers)
    if answer.content:
        response["content"] = {kind: {"schema": ref(s)} for kind, s in answer.content.items()}
    return response


def _by_status(problems: Iterable[type[Problem]]) -> dict[int, list[type[Problem]]]:
    found: dict[int, list[type[Problem]]] = {}
    for problem in problems:
        found.setdefault(problem.status, []).append(problem)
    return found


def _name(problems: list[type[Problem]]) -> str:
    return ".".join(problem.__name__ for problem in problems)


def _refusal(status: int, problems: list[type[Problem]]) -> dict[str, Any]:
    examples = {
        problem.__name__: {"summary": problem.title, "value": _example(problem)}
        for problem in problems
    }
    response: dict[str, Any] = {
        "description": ", or ".join(problem.title for problem in problems),
        "content": {
            PROBLEM_JSON: {"schema": ref("problem"), "examples": examples},
            JSON: {"schema": ref("problem")},
            HTML: {"schema": ref("html")},
        },
    }
    if status in HEADERS:
        response["headers"] = header_references(HEADERS[status])
    return response


def _example(problem: type[Problem]) -> dict[str, Any]:
    return {
        "type": problem.type,
        "title": problem.title,
        "status": problem.status,
        "detail": (problem.__doc__ or "").strip(),
    }
