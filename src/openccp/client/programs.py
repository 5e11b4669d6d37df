"""Programs that the platform writes, as steps."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from openccp.client.session import Session
from openccp.client.steps import Request, Steps


def of_method(
    session: Session, method: str, language: str, inputs: Mapping[str, Any]
) -> Steps[str]:
    """The program that runs a method; a Path among the inputs is read where the program runs."""
    body = {"inputs": {name: _named(value) for name, value in inputs.items()}}
    request = Request(
        "POST",
        f"/processes/{quote(method, safe='')}/code",
        {"language": language},
        {"Content-Type": "application/json"},
        json.dumps(body).encode(),
    )
    reply = yield from session.call(request)
    return reply.content.decode()


def of_job(session: Session, job: str, language: str) -> Steps[str]:
    """The program that does again what a job did."""
    path = f"/jobs/{quote(job, safe='')}/code"
    reply = yield from session.call(Request("GET", path, {"language": language}))
    return reply.content.decode()


def _named(value: Any) -> Any:
    if isinstance(value, Path):
        return {"href": "file:" + quote(str(value))}
    return [_named(one) for one in value] if isinstance(value, list | tuple) else value
