"""Executing the echo process in every way, and taking the answers apart."""

from collections.abc import Mapping
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

import httpx2

from openccp.testing.platform import User

INPUTS: Mapping[str, Any] = {
    "message": "hello",
    "numbers": [1, 2, 3],
    "area": {"bbox": [5.5, 47.2, 15.1, 55.1]},
    "document": {"value": "<a>b</a>", "mediaType": "application/xml"},
    "choice": {"value": {"answer": 42}},
    "pause": 0,
}
DOCUMENT: Mapping[str, Any] = {
    **INPUTS,
    "document": "<a>b</a>",
    "choice": {"value": {"answer": 42}, "mediaType": "application/json"},
}
EXECUTION = "/processes/echo/execution"
RESULTS_PROFILE = "https://www.opengis.net/def/profile/OGC/0/ogc-results"


def outputs(*values: str, by_reference: tuple[str, ...] = ()) -> dict[str, Any]:
    """`outputs` of a request in the words of version 1.0."""
    modes = [(values, "value"), (by_reference, "reference")]
    return {name: {"transmissionMode": mode} for names, mode in modes for name in names}


def results(user: User, how: str, body: Mapping[str, Any], **headers: str) -> httpx2.Response:
    """The answer with the results: of a synchronous execution, or of an asynchronous job's."""
    body = {"inputs": INPUTS, **body}
    if how == "sync":
        return user.http.post(EXECUTION, json=body, headers=headers)
    job = asynchronous(user, body)
    return user.http.get(f"/jobs/{job}/results", headers=headers)


def asynchronous(user: User, body: Mapping[str, Any]) -> str:
    """The id of a job that has ended well."""
    prefer = {"Prefer": "respond-async"}
    made = user.http.post(EXECUTION, json={"inputs": INPUTS, **body}, headers=prefer)
    assert made.status_code == 201, made.text
    assert made.headers["preference-applied"] == "respond-async"
    status = user.wait(made.json()["jobID"])
    assert status["status"] == "successful", status
    return str(status["jobID"])


def parts(answer: httpx2.Response) -> dict[str, Any]:
    """Content-ID -> the part of a multipart answer."""
    kind = answer.headers["content-type"]
    assert kind.startswith("multipart/related"), kind
    assert int(answer.headers["content-length"]) == len(answer.content)
    head = f"Content-Type: {kind}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + answer.content)
    assert message.is_multipart()
    return {str(part["Content-ID"]): part for part in message.iter_parts()}


def content(part: Any) -> bytes:
    """The bytes of a part."""
    found = part.get_payload(decode=True)
    assert isinstance(found, bytes)
    return found


def links(answer: httpx2.Response) -> dict[str, str]:
    """Relation -> address of the Link headers."""
    found = {}
    for line in answer.headers.get_list("link"):
        for one in line.split(", <"):
            address, _, rest = one.strip("<").partition(">")
            relation = next(p.strip() for p in rest.split(";") if p.strip().startswith("rel="))
            found[relation.removeprefix("rel=").strip('"')] = address
    return found
