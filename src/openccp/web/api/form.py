"""/processes/{id}/form: a process's inputs as a form, and what its button sends."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson
from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from openccp.app.choose import places_to_run
from openccp.app.created import definition
from openccp.app.describe import visible_method
from openccp.app.execute import Preference, execute
from openccp.codegen.languages import LANGUAGES
from openccp.core.access import Who
from openccp.core.method import Method, Revision
from openccp.core.problems import (
    InvalidQueryParameter,
    MalformedBody,
    NoSuchJob,
    NotAuthenticated,
    Problem,
    UnsupportedMediaType,
)
from openccp.core.reference import draft
from openccp.web.api.sign_in import prefix
from openccp.web.api.token import FORM
from openccp.web.forms.body import body_of, filled_from
from openccp.web.forms.fields import fields_of
from openccp.web.forms.filled import SECRET, Upload, example_of, faults_by_field
from openccp.web.forms.sent import CHECK, RUN, VIEWS, Pair, Sent, read_sent, without
from openccp.web.forms.views import View, written
from openccp.web.negotiate import bounded, caller, known_parameters, root, services
from openccp.web.render import page

MULTIPART = "multipart/form-data"
MOST_FILES, MOST_FIELDS = 100, 2_000
LARGEST_SIGNED_OUT, SMALL = 1 << 20, 64 << 10
"""Urlencoded forms are small: megabytes of nothing but `&` take seconds to read."""
UTF8 = (b"utf-8", b"utf8")
NO_STORE = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A form to show: the request in it, how, and what is wrong with that.

    `text` is what somebody wrote that is no request, or is one as he wrote it.
    """

    revision: Revision
    body: Mapping[str, Any]
    view: View = View.FORM
    text: str | None = None
    problem: Problem | None = None
    again: str | None = None
    """The job whose values it holds."""


async def get_form(request: Request) -> Response:
    """GET /processes/{id}/form; filled from a job of mine by `job`, from examples by `fill`."""
    who = await caller(request)
    known_parameters(request, "job", "fill", "view")
    revision = await visible_method(services(request), who, request.path_params["process_id"])
    view, job_id = request.query_params.get("view", View.FORM), request.query_params.get("job")
    if view not in VIEWS:
        raise InvalidQueryParameter("view is form, json or yaml.")
    if job_id is None:
        return await _form(
            request, who, Shown(revision, _prefilled(request, revision.method), View(view))
        )
    sent = await definition(services(request), who, job_id, root(request))
    if not str(sent["process"]).endswith(f"/processes/{revision.method.id}"):
        raise NoSuchJob("That is a job of another process.")
    body = {name: value for name, value in sent.items() if name != "process"}
    return await _form(request, who, Shown(revision, body, View(view), again=job_id))


def _prefilled(request: Request, method: Method) -> Mapping[str, Any]:
    match request.query_params.get("fill"):
        case None:
            free = [i for i in method.inputs.values() if i.has_default and not i.read_only]
            return {"inputs": {i.id: i.schema["default"] for i in free}}
        case "example":
            fields = fields_of(method)
            return body_of(method, fields, example_of(fields))
    raise InvalidQueryParameter("fill is example.")


async def send_form(request: Request) -> Response:
    """POST /processes/{id}/form: execute, and go to the page of the job; or show it otherwise."""
    known_parameters(request)
    try:
        who = await caller(request)
    except NotAuthenticated:
        return await signed_out(request)
    revision = await visible_method(services(request), who, request.path_params["process_id"])
    pairs = await form_pairs(request, services(request).rules.body_bytes)
    sent = await asyncio.to_thread(read_sent, pairs)
    if sent.do == CHECK:
        await asyncio.to_thread(_check, revision.method, sent)
        return Response(status_code=204, headers=NO_STORE)
    try:
        return await _done(request, who, revision, sent)
    except Problem as problem:
        refused = await asyncio.to_thread(_refused, revision, sent, problem)
        return await _form(request, who, refused)


def _check(method: Method, sent: Sent) -> None:
    draft(method, sent.body(method, fields_of(method)))


async def _done(request: Request, who: Who, revision: Revision, sent: Sent) -> Response:
    method = revision.method
    body = await asyncio.to_thread(sent.body, method, fields_of(method))
    if sent.do != RUN:
        return await _form(request, who, Shown(revision, body, sent.next))
    once, content = Preference(respond_async=True), orjson.dumps(body)
    made = await execute(services(request), who, method.id, content, once, sent.key, root(request))
    return RedirectResponse(f"{prefix(request)}/jobs/{made.job.id}", 303, NO_STORE)


def _refused(revision: Revision, sent: Sent, problem: Problem) -> Shown:
    """The page as it was, and why: a text as it was written, unless there is a secret in it."""
    fields = fields_of(revision.method)
    try:
        body = replace(sent, loaded=None).body(revision.method, fields)
    except Problem:
        return Shown(revision, {}, sent.view, sent.text, problem)
    secret = not revision.method.secrets.isdisjoint(body["inputs"] or {})
    return Shown(revision, body, sent.view, None if secret else sent.text, problem)


# --- pages ------------------------------------------------------------------------------------


async def _form(request: Request, who: Who, shown: Shown) -> Response:
    there, problem = services(request), shown.problem
    document = await asyncio.to_thread(_document, shown) | {
        "key": secrets.token_hex(16),
        "places": await places_to_run(there, who, shown.revision.method),
        "largest": there.rules.uploads.largest,
    }
    return page(request, "form", document, problem.status if problem else 200, NO_STORE)


def _document(shown: Shown) -> dict[str, Any]:
    method, problem = shown.revision.method, shown.problem
    fields = fields_of(method)
    at, elsewhere = faults_by_field(fields, problem.faults if problem else ())
    told = elsewhere or ([] if at or problem is None else [problem.detail])
    body = without(method.secrets, shown.body)
    filled = filled_from(method, fields, body)
    return {
        "process": {"id": method.id, "title": method.title or method.id},
        "fields": fields,
        "filled": filled,
        "choose": filled.outputs is not None or "outputs" not in body,
        "outputs": {name: output.title or name for name, output in method.outputs.items()},
        "view": shown.view,
        "text": "" if shown.view is View.FORM else shown.text or written(shown.view, body),
        "faults": at,
        "problems": told,
        "again": shown.again,
        "languages": list(LANGUAGES.values()),
        "has_examples": any(one.example is not None for one in fields),
    }


async def signed_out(request: Request) -> Response:
    """What was typed, kept in a page until its writer has signed in again; but no secrets.

    NotAuthenticated for whoever does not come from a page of ours.
    """
    if request.headers.get("sec-fetch-site") != "same-origin":
        raise NotAuthenticated
    pairs = await form_pairs(request, LARGEST_SIGNED_OUT)
    texts = [
        (name, one) for name, one in pairs if isinstance(one, str) and not name.startswith(SECRET)
    ]
    return page(request, "signed_out", {"pairs": texts}, 401, NO_STORE)


# --- reading ----------------------------------------------------------------------------------


def is_form(request: Request) -> bool:
    """Whether a body comes as browsers send forms."""
    kind, _ = parse_options_header(request.headers.get("content-type", ""))
    return kind.decode("latin-1").lower() in (FORM, MULTIPART)


async def form_pairs(request: Request, most: int) -> list[Pair]:
    """The parts of the form, files as bytes. Only browsers' encoding: others can cost hours."""
    kind, words = parse_options_header(request.headers.get("content-type", ""))
    known = kind.decode("latin-1").lower()
    if known not in (FORM, MULTIPART) or words.get(b"charset", b"utf-8").lower() not in UTF8:
        raise UnsupportedMediaType(f"Send the form as {MULTIPART} or {FORM}, in UTF-8.")
    body = await bounded(request.stream(), most if known == MULTIPART else SMALL, None)
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
