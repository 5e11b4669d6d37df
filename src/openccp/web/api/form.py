"""/processes/{id}/form: a process's inputs as a form, and what its button sends."""

import secrets
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import orjson
from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from openccp.app.created import definition
from openccp.app.describe import visible_method
from openccp.app.execute import Preference, execute
from openccp.core.method import Method
from openccp.core.problems import (
    InvalidQueryParameter,
    MalformedBody,
    NoSuchJob,
    NotAuthenticated,
    Problem,
    UnsupportedMediaType,
)
from openccp.web.api.sign_in import prefix
from openccp.web.api.token import FORM
from openccp.web.forms.fields import fields_of
from openccp.web.forms.filled import (
    SECRET,
    Filled,
    Upload,
    example_of,
    faults_by_field,
    filled_with,
    inputs_of,
    read_pairs,
)
from openccp.web.negotiate import bounded, caller, known_parameters, root, services
from openccp.web.render import page

MULTIPART = "multipart/form-data"
MOST_FILES, MOST_FIELDS = 100, 2_000
LARGEST_SIGNED_OUT = 1 << 20
UTF8 = (b"utf-8", b"utf8")
KEY = "key"
NO_STORE = {"Cache-Control": "no-store"}
Pair = tuple[str, str | Upload]


@dataclass(frozen=True, slots=True)
class Shown:
    """A form to show: what is in it, and what is wrong with that."""

    method: Method
    filled: Filled
    problem: Problem | None = None
    again: str | None = None
    """The job whose values it holds."""


async def get_form(request: Request) -> Response:
    """GET /processes/{id}/form; filled from a job of mine by `job`, from examples by `fill`."""
    who = await caller(request)
    known_parameters(request, "job", "fill")
    revision = await visible_method(services(request), who, request.path_params["process_id"])
    method, job_id = revision.method, request.query_params.get("job")
    if job_id is None:
        return _form(request, Shown(method, _prefilled(request, method)))
    sent = await definition(services(request), who, job_id, root(request))
    if not str(sent["process"]).endswith(f"/processes/{method.id}"):
        raise NoSuchJob("That is a job of another process.")
    inputs = sent.get("inputs") or {}
    return _form(request, Shown(method, filled_with(fields_of(method), inputs), again=job_id))


def _prefilled(request: Request, method: Method) -> Filled:
    match request.query_params.get("fill"):
        case None:
            return filled_with(fields_of(method), _defaults(method))
        case "example":
            return example_of(fields_of(method))
    raise InvalidQueryParameter("fill is example.")


def _defaults(method: Method) -> dict[str, Any]:
    return {i.id: i.schema["default"] for i in method.inputs.values() if i.has_default}


async def send_form(request: Request) -> Response:
    """POST /processes/{id}/form: execute, and go to the page of the job."""
    known_parameters(request)
    try:
        who = await caller(request)
    except NotAuthenticated:
        if request.headers.get("sec-fetch-site") != "same-origin":
            raise
        return _signed_out(request, await _pairs(request, LARGEST_SIGNED_OUT))
    revision = await visible_method(services(request), who, request.path_params["process_id"])
    pairs = await _pairs(request, services(request).rules.body_bytes)
    method, filled = revision.method, read_pairs(pairs)
    body = orjson.dumps({"inputs": inputs_of(fields_of(method), filled)})
    key, once = _key(pairs), Preference(respond_async=True)
    try:
        job = await execute(services(request), who, method.id, body, once, key, root(request))
    except Problem as problem:
        return _form(request, Shown(method, filled, problem))
    return RedirectResponse(f"{prefix(request)}/jobs/{job.job.id}", 303, NO_STORE)


def _key(pairs: list[Pair]) -> str | None:
    """Two presses of one button make one job; a form that was changed since makes another."""
    text = next((one for name, one in pairs if name == KEY and isinstance(one, str)), "")
    return f"form-{text}" if text.isascii() and text.isalnum() and len(text) <= 64 else None


# --- pages ------------------------------------------------------------------------------------


def _form(request: Request, shown: Shown) -> Response:
    fields, problem = fields_of(shown.method), shown.problem
    at, elsewhere = faults_by_field(fields, problem.faults if problem else ())
    told = elsewhere or ([] if at or problem is None else [problem.detail])
    document = {
        "process": {"id": shown.method.id, "title": shown.method.title or shown.method.id},
        "fields": fields,
        "filled": shown.filled,
        "faults": at,
        "problems": told,
        "again": shown.again,
        "key": secrets.token_hex(16),
        "has_examples": any(one.example is not None for one in fields),
    }
    return page(request, "form", document, problem.status if problem else 200, NO_STORE)


def _signed_out(request: Request, pairs: list[Pair]) -> Response:
    """What was typed, kept in a page until its writer has signed in again; but no secrets."""
    texts = [
        (name, one) for name, one in pairs if isinstance(one, str) and not name.startswith(SECRET)
    ]
    return page(request, "signed_out", {"pairs": texts}, 401, NO_STORE)


# --- reading ----------------------------------------------------------------------------------


async def _pairs(request: Request, most: int) -> list[Pair]:
    """The parts of the form, files as bytes. Only browsers' encoding: others can cost hours."""
    kind, words = parse_options_header(request.headers.get("content-type", ""))
    known = kind.decode("latin-1").lower()
    if known not in (FORM, MULTIPART) or words.get(b"charset", b"utf-8").lower() not in UTF8:
        raise UnsupportedMediaType(f"Send the form as {MULTIPART} or {FORM}, in UTF-8.")
    body = await bounded(request.stream(), most, None)
    try:
        form = await _parser(known, request.headers, body).parse()
    except MultiPartException as error:
        raise MalformedBody(f"The form cannot be read: {error.message}") from error
    pairs: list[Pair] = []
    for name, one in form.multi_items():
        if not isinstance(one, UploadFile):
            pairs.append((name, one))
        elif one.filename:
            pairs.append((name, Upload(await one.read())))
    await form.close()
    return pairs


def _parser(kind: str, headers: Headers, body: bytes) -> FormParser | MultiPartParser:
    bounds = {"max_fields": MOST_FIELDS, "max_part_size": len(body)}
    if kind == FORM:
        return FormParser(headers, _stream(body), **bounds)
    return MultiPartParser(headers, _stream(body), max_files=MOST_FILES, **bounds)


async def _stream(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body
    yield b""


routes = [
    Route("/processes/{process_id}/form", get_form, methods=["GET"]),
    Route("/processes/{process_id}/form", send_form, methods=["POST"]),
]
