"""/editor and /processes/{id}/editor: write a method, look what it would do, publish it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from openccp.app.describe import visible_method
from openccp.app.editor import Verdict, edited_method, examine, keep_draft, publish, received
from openccp.core.access import Who, may_publish
from openccp.core.describe import describe
from openccp.core.descriptor import MAX_DOCUMENT
from openccp.core.method import Method, Revision
from openccp.core.ports import Task
from openccp.core.problems import Fault, NotAuthenticated, Problem
from openccp.core.strict_json import loads
from openccp.web import media
from openccp.web.api.form import NO_STORE, form_pairs, signed_out
from openccp.web.api.sign_in import prefix
from openccp.web.editor import draft as buttons
from openccp.web.editor.draft import FORM, JSON, LOAD, NEW, Draft, read_draft, written
from openccp.web.editor.form import GROUPS, fits, places, shown
from openccp.web.editor.words import KINDS
from openccp.web.negotiate import answer, caller, known_parameters, services
from openccp.web.pages.example import example
from openccp.web.ranges import content_disposition
from openccp.web.render import chosen, page
from openccp.web.sending import GUARDED

SHOWN_BYTES = 2_000
LARGEST = 6 * MAX_DOCUMENT
"""A page of the editor carries the descriptor as it was and as it is, encoded."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A page of the editor: a draft, and what is to be said of it."""

    document: Any
    view: str = FORM
    text: str | None = None
    values: str = ""
    number: int | None = None
    public: bool = False
    verdict: Verdict | None = None
    problem: Problem | None = None
    task: Task | None = None


async def new_method(request: Request) -> Response:
    """GET /editor: a new method, or with `from` a copy of one."""
    who = await caller(request)
    known_parameters(request, "from")
    source = request.query_params.get("from")
    if source is None:
        return await _editor(request, who, Shown(dict(NEW)))
    revision = await visible_method(services(request), who, source)
    metadata = revision.method.document.get("metadata") or []
    kept = [one for one in metadata if one.get("role") != "context"]
    copied = {**revision.method.document, "id": f"{source}-copy", "metadata": kept}
    return await _editor(request, who, Shown(copied))


async def edit_method(request: Request) -> Response:
    """GET /processes/{id}/editor: for whoever may change it."""
    who, process_id = await caller(request), request.path_params["process_id"]
    revision = await edited_method(services(request), who, process_id)
    known_parameters(request)
    document = dict(revision.method.document)
    return await _editor(
        request, who, Shown(document, number=revision.number, public=revision.public)
    )


async def send_editor(request: Request) -> Response:
    """POST /editor and /processes/{id}/editor: what its buttons do."""
    try:
        who = await caller(request)
    except NotAuthenticated:
        return await signed_out(request)
    known_parameters(request)
    edited = await _edited(request, who)
    most = min(LARGEST, services(request).rules.body_bytes)
    draft = await asyncio.to_thread(read_draft, await form_pairs(request, most))
    return await _acted(request, who, edited, draft)


async def _acted(request: Request, who: Who, edited: Revision | None, draft: Draft) -> Response:
    begun = Shown(None, draft.view, None, draft.texts.get("values", ""), draft.number, draft.public)
    try:
        written_down = replace(begun, document=await asyncio.to_thread(draft.document))
    except Problem as problem:
        return await _editor(request, who, _unread(begun, draft, problem))
    try:
        return await _done(request, who, edited, draft, written_down)
    except Problem as problem:
        return await _editor(request, who, replace(written_down, problem=problem))


async def _edited(request: Request, who: Who) -> Revision | None:
    process_id = request.path_params.get("process_id")
    if process_id is None:
        return None
    return await edited_method(services(request), who, process_id)


def _unread(begun: Shown, draft: Draft, problem: Problem) -> Shown:
    """Nothing that was typed is lost: a text as it is, a form as it was beside a wrong file."""
    if draft.view == JSON:
        return replace(begun, text=draft.text, problem=problem)
    return replace(begun, document=replace(draft, do=FORM).document(), problem=problem)


async def _done(
    request: Request, who: Who, edited: Revision | None, draft: Draft, begun: Shown
) -> Response:
    there, document, do = services(request), begun.document, draft.do
    if do in (FORM, JSON, LOAD):
        return await _editor(request, who, replace(begun, view=do if do != LOAD else FORM))
    if do == buttons.EXPORT:
        return _exported(document)
    expect = edited.method.id if edited else None
    if do == buttons.PUBLISH:
        kept = await publish(
            there, who, document, public=draft.public, expect=expect, number=draft.number
        )
        return _seen(request, kept.revision.method.id)
    return await _looked_at(request, who, expect, do, begun)


async def _looked_at(
    request: Request, who: Who, expect: str | None, do: str, begun: Shown
) -> Response:
    there, document = services(request), begun.document
    verdict = await examine(there, who, document, expect)
    checked = replace(begun, verdict=verdict, values=begun.values or _samples(verdict.method))
    if do == buttons.CHECK and chosen(request) is media.JSON:
        return answer(_said(checked), headers=NO_STORE)
    if verdict.method is None or do not in (buttons.TRY, buttons.RUN):
        return await _editor(request, who, checked)
    if do == buttons.RUN:
        return _seen(request, (await keep_draft(there, who, document)).method.id, "/form")
    task = await received(there, who, verdict.method, loads(checked.values.encode()))
    return await _editor(request, who, replace(checked, task=task))


def _samples(method: Method | None) -> str:
    """Inputs to try a method with: its defaults and examples."""
    if method is None:
        return ""
    revision = Revision(method, 0, "", public=False, mutable=True, created=0)
    return written(example(describe(revision))["inputs"])


def _seen(request: Request, method_id: str, below: str = "") -> Response:
    return RedirectResponse(f"{prefix(request)}/processes/{method_id}{below}", 303, NO_STORE)


def _exported(document: Any) -> Response:
    headers = {**GUARDED, "Content-Disposition": content_disposition("method.json")}
    return Response(written(document), 200, headers | NO_STORE, "application/json")


# --- pages ------------------------------------------------------------------------------------


async def _editor(request: Request, who: Who, it: Shown) -> Response:
    told = await asyncio.to_thread(_document, who, it)
    document = told | {"process": request.path_params.get("process_id")}
    status = it.problem.status if it.problem else 200
    return page(request, "editor", document, status, NO_STORE)


def _document(who: Who, it: Shown) -> dict[str, Any]:
    usable = fits(it.document)
    texts = shown(it.document) if usable else {}
    listed = [name for name in texts.get("context", "").split("\n") if name]
    return {
        "number": it.number,
        "view": it.view if usable else JSON,
        "asked": it.view,
        "base": written(it.document) if usable else "",
        "texts": texts,
        "rows": {group: _numbers(texts, group) for group in GROUPS},
        "text": it.text if it.text is not None else written(it.document),
        "kinds": list(KINDS),
        "values": it.values,
        "contexts": [*listed, *sorted(who.contexts - {*listed})],
        "chosen": listed,
        "may_publish": may_publish(who),
        "public": it.public,
        "task": _told(it.task) if it.task else None,
        **_said(it),
    }


def _numbers(texts: Mapping[str, str], group: str) -> list[int]:
    return sorted(
        int(name.split("/")[1])
        for name in texts
        if name.startswith(f"{group}/") and name.endswith("/id")
    )


def _said(it: Shown) -> dict[str, Any]:
    """The words at the fields, and those of none."""
    faults = list(it.verdict.faults) if it.verdict else []
    if it.problem is not None:
        faults += it.problem.faults or (Fault("", it.problem.detail),)
    warnings = it.verdict.warnings if it.verdict else ()
    document = it.document if fits(it.document) else {}
    return {
        "faults": places(document, faults),
        "warnings": places(document, warnings),
        "told": [{"pointer": one.pointer, "detail": one.detail} for one in faults],
        "right": it.verdict is not None and it.verdict.method is not None and it.problem is None,
    }


def _told(task: Task) -> dict[str, Any]:
    """A task in words: files as the beginning of their text."""
    return {
        "image": task.image,
        "replicas": task.replicas,
        "network": task.network,
        "environment": {**task.environment, "CCP_REPLICA": "0", "ccptaskid": "JOB-0"},
        "values": {f"CCP_IN_{name}": text[:SHOWN_BYTES] for name, text in task.values.items()},
        "files": [
            {
                "name": f"/ccp_in/{name}",
                "size": len(content),
                "text": content[:SHOWN_BYTES].decode(errors="replace"),
            }
            for name, content in task.files.items()
        ],
        "secrets": [f"/run/secrets/{name}" for name in task.secrets],
        "scripts": {
            name: getattr(task.scripts, name) for name in ("deploy", "execute", "undeploy")
        },
    }


routes = [
    Route("/editor", new_method, methods=["GET"]),
    Route("/editor", send_editor, methods=["POST"]),
    Route("/processes/{process_id}/editor", edit_method, methods=["GET"]),
    Route("/processes/{process_id}/editor", send_editor, methods=["POST"]),
]
