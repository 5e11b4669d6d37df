"""/processes/{id}/code and /jobs/{id}/code: programs that run a method, and run a job again."""

import asyncio
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openccp.app.code import job_program, method_program
from openccp.app.describe import visible_method
from openccp.app.jobs import visible_job
from openccp.codegen.languages import LANGUAGES, Language
from openccp.codegen.program import Program
from openccp.core.describe import describe
from openccp.core.method import Revision
from openccp.core.problems import InvalidQueryParameter, InvalidRequest
from openccp.core.strict_json import loads
from openccp.web.api.form import NO_STORE, form_pairs, is_form
from openccp.web.documents import as_page, link
from openccp.web.forms.fields import fields_of
from openccp.web.forms.sent import Sent, read_sent
from openccp.web.kvp import read_address
from openccp.web.negotiate import caller, json_body, known_parameters, root, services
from openccp.web.pages.example import example
from openccp.web.ranges import content_disposition
from openccp.web.render import page, render
from openccp.web.sending import GUARDED

MEMBERS = ("inputs", "outputs", "infrastructure", "response", "subscriber", "subscribers")


async def process_code(request: Request) -> Response:
    """GET /processes/{id}/code: the languages, or a program with the values in the address."""
    who = await caller(request)
    revision = await visible_method(services(request), who, request.path_params["process_id"])
    language = _language(request)
    if language is None:
        known_parameters(request)
        return _languages(request, "The process")
    pairs = [pair for pair in request.query_params.multi_items() if pair[0] != "language"]
    sent = read_address(revision.method, pairs).body
    return await _written(language, _program(request, revision, sent))


async def process_code_for(request: Request) -> Response:
    """POST /processes/{id}/code: a program that sends this body, or what is in this form."""
    who = await caller(request)
    known_parameters(request, "language")
    revision = await visible_method(services(request), who, request.path_params["process_id"])
    if is_form(request):
        return await _of_form(request, revision)
    language = _language(request)
    if language is None:
        raise InvalidQueryParameter("Say in which language.")
    sent = await asyncio.to_thread(loads, await json_body(request))
    return await _written(language, _program(request, revision, _checked(sent)))


async def _of_form(request: Request, revision: Revision) -> Response:
    """The program with the values of a form, as a page or a file."""
    pairs = await form_pairs(request, services(request).rules.body_bytes)
    said = dict(pairs)
    language = _named(str(said.get("language", "")))
    program = _filled_in(revision, read_sent(pairs), root(request))
    if said.get("show") == "file":
        return await _written(language, program)
    document = {
        "process": {"id": revision.method.id, "title": revision.method.title or program.label},
        "language": language.title,
        "needs": language.needs,
        "file_name": language.file_name(program.label),
        "text": await asyncio.to_thread(_text, language, program),
    }
    return page(request, "program", document, headers=NO_STORE)


def _filled_in(revision: Revision, sent: Sent, server: str) -> Program:
    """What stands in a form, and where it is empty only what has to be there."""
    method, fields = revision.method, fields_of(revision.method)
    required = {field.id for field in fields if field.required}
    samples = example(describe(revision))["inputs"].items()
    wanted = {name: value for name, value in samples if name in required}
    return method_program(method, _checked(sent.body(method, fields)), wanted, server)


async def job_code(request: Request) -> Response:
    """GET /jobs/{id}/code: the languages, or a program that does the same again."""
    who, job_id = await caller(request), request.path_params["job_id"]
    known_parameters(request, "language")
    language = _language(request)
    if language is None:
        await visible_job(services(request), who, job_id)
        return _languages(request, "The job")
    program = await job_program(services(request), who, job_id, root(request))
    return await _written(language, program)


def _language(request: Request) -> Language | None:
    name = request.query_params.get("language")
    return None if name is None else _named(name)


def _named(name: str) -> Language:
    if name not in LANGUAGES:
        raise InvalidQueryParameter(f"language is one of {', '.join(LANGUAGES)}.")
    return LANGUAGES[name]


def _checked(sent: Any) -> Mapping[str, Any]:
    """A request as far as a program needs one; the program's own is checked as every other."""
    if not isinstance(sent, dict) or not sent.keys() <= set(MEMBERS):
        raise InvalidRequest(f"Expected an object with some of {', '.join(MEMBERS)}.")
    if not isinstance(sent.get("infrastructure", ""), str):
        raise InvalidRequest("infrastructure: expected a name.")
    for member in ("inputs", "outputs"):
        if not isinstance(sent.get(member, {}), dict):
            raise InvalidRequest(f"{member}: expected an object.")
    return sent


def _languages(request: Request, words: str) -> Response:
    path = request.url.path
    here = f"{root(request)}{path}"
    of = link(f"{root(request)}{path.removesuffix('/code')}", "up", words)
    links = [link(here, "self", "Programs"), as_page(here), of]
    offers = [_offer(language, here) for language in LANGUAGES.values()]
    return render(request, {"languages": offers, "links": links}, "code")


def _offer(language: Language, here: str) -> dict[str, str]:
    return {
        "id": language.id,
        "title": language.title,
        "kind": language.kind,
        "needs": language.needs,
        "tested": language.tested,
        "remark": language.remark,
        "type": language.media_type,
        "href": f"{here}?language={language.id}",
    }


def _program(request: Request, revision: Revision, sent: Mapping[str, Any]) -> Program:
    samples = example(describe(revision))["inputs"]
    return method_program(revision.method, sent, samples, root(request))


async def _written(language: Language, program: Program) -> Response:
    """The program, written beside the event loop: its template may have to be loaded first."""
    text = await asyncio.to_thread(_text, language, program)
    name = content_disposition(language.file_name(program.label))
    headers = {**GUARDED, "Content-Disposition": name}
    return Response(text, 200, headers, f"{language.media_type}; charset=utf-8")


def _text(language: Language, program: Program) -> str:
    """The template engine is loaded with the first program (docs/decisions/0013)."""
    written: str = import_module("openccp.codegen.generate").generate(language, program)
    return written


routes = [
    Route("/processes/{process_id}/code", process_code, methods=["GET"]),
    Route("/processes/{process_id}/code", process_code_for, methods=["POST"]),
    Route("/jobs/{job_id}/code", job_code, methods=["GET"]),
]
