"""Words of strangers stay words, wherever a page shows them."""

import re
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from starlette.requests import Request
from tests.acceptance.hostile_words import WORDS
from tests.acceptance.pages import Page

from openccp.app.search import FACETS
from openccp.web.editor.form import shown
from openccp.web.forms.fields import Field, Widget
from openccp.web.forms.filled import Filled
from openccp.web.pages.page import ENVIRONMENT, html

TEMPLATES = sorted(
    name.removesuffix(".html.j2")
    for name in ENVIRONMENT.list_templates()
    if "/" not in name and name != "layout.html.j2"
)


def request(path: str = "/jobs/1", query: str = "") -> Request:
    signer = SimpleNamespace(issuer="https://ccp.example")
    services = SimpleNamespace(
        sign_in=SimpleNamespace(signer=signer),
        rules=SimpleNamespace(public_url="https://ccp.example"),
    )
    app = SimpleNamespace(state=SimpleNamespace(services=services))
    return Request(
        {
            "type": "http",
            "method": "GET",
            "scheme": "https",
            "path": path,
            "query_string": query.encode(),
            "headers": [(b"host", b"ccp.example")],
            "app": app,
        }
    )


def form(word: str) -> dict[str, Any]:
    """The members of a form: a field of every widget, each filled with the word."""
    fields = [
        Field(f"f{n}", widget, word, word, options=(word,), unit=word, default=word)
        for n, widget in enumerate(Widget)
    ]
    fields += [Field("locked", Widget.JSON, word, locked=True, default=[f"{word} hx-get=/ x"])]
    names = [one.id for one in fields]
    return {
        "process": {"id": word, "title": word},
        "fields": fields,
        "filled": Filled({n: [word] for n in names}, dict.fromkeys(names, word)),
        "faults": dict.fromkeys(names, word),
        "problems": [word],
        "again": word,
        "key": word,
        "has_examples": True,
        "pairs": [(word, word)],
        **dict.fromkeys(("language", "file_name", "needs", "text"), word),
    }


def edited(word: str) -> dict[str, Any]:
    """The members of the editor: every text the word, and wrong."""
    method = {"inputs": {word: {}}, "outputs": {word: {}}, "additionalParameters": []}
    texts = dict.fromkeys(shown(method), word)
    file = {"name": word, "size": 1, "text": word}
    scripts = dict.fromkeys(("deploy", "execute", "undeploy"), word)
    told = {"files": [file], "secrets": [word], "scripts": scripts, "image": word}
    return {
        "process": word,
        "view": "form",
        "base": word,
        "text": word,
        "texts": texts,
        "rows": {"inputs": [0, 1], "outputs": [0, 1]},
        "kinds": [word],
        "values": word,
        "contexts": [word],
        "faults": {key: [word] for key in texts},
        "warnings": {key: [word] for key in texts},
        "told": [{"pointer": word, "detail": word}],
        "task": {**told, "values": {word: word}, "environment": {word: word}},
    }


def place_of(word: str) -> dict[str, Any]:
    """The members of an infrastructure."""
    numbers = ("wall_seconds", "memory_bytes", "cpus", "pids", "output_bytes", "output_files")
    return {
        **dict.fromkeys(("id", "name", "type", "isolation", "network_policy", "version"), word),
        "network": True,
        "lacks": [word],
        "measured": {"at": word, "broken": {word: word}},
        "load": {"slots": 2, "running": 1, "waiting": 1, "oldest_wait": 3},
        "limits": dict.fromkeys((*numbers, "replicas"), 7),
        "queue": dict.fromkeys(("total", "context", "user"), 9),
    }


def document(word: str) -> dict[str, Any]:
    """A document with the members of all pages, each of them a word of the stranger."""
    link = {"href": word, "rel": word, "type": word, "title": word, word: word}
    links = [link, {**link, "rel": "next"}, {**link, "rel": "self"}, {"href": word}]
    field = {"title": word, "description": word, "schema": {"type": word, "default": word}}
    job: dict[str, Any] = {
        name: word
        for name in ("jobID", "id", "status", "phase", "processID", "message", "note", "created")
    }
    job |= {"progress": 5, "exception": {"title": word, "detail": word}, "links": links}
    file = {"path": word, "href": word, "type": word, "sha256": word, "size": 1}
    place = place_of(word) | {"links": links, word: word}
    return {
        **job,
        "title": word,
        "description": word,
        "version": word,
        "detail": word,
        "keywords": [word],
        "inputs": {word: field, "n": {"schema": {"enum": [word], "maxOccurs": word}}},
        "outputs": {word: field},
        "processes": [{"id": word, "title": word, "version": word, "links": links}],
        "numberMatched": 1,
        "x-ccp-facets": {one: {word: 1} for one in (*FACETS, "infrastructure")},
        "view": {
            "asked": {"q": word, "category": "", "keyword": word, "context": word, "sort": ""},
            "orders": ["title"],
            "places": [{"places": [word], "authors": [word]}],
            "last": 2,
            "number": 1,
        },
        "jobs": [job],
        "deliveries": [{**job, "event": word, "state": word, "url": word}],
        "infrastructures": [place],
        **place_of(word),
        "queues": [{"infrastructure": word, "kind": word, "name": word}],
        "accounts": [{"name": word, "role": word, "created": word, "signedIn": word}],
        "numberOfAccounts": 1,
        "deadDeliveries": [dict.fromkeys(("id", "event", "jobID", "target", "detail"), word)],
        "path": word,
        "size": 1,
        "preview": {"kind": "tree", "tree": {word: [word, {word: word}]}},
        "conformsTo": [word],
        "files": [file],
        "logs": [file],
        "metadata": [word, link],
        "archive": link,
        "errors": [{"pointer": word, "detail": word}],
        "secret": word,
        "tags": [word],
        "do": word,
        "refused": [{"jobID": word, "detail": word}],
        "rows": [{"kind": "run", "name": word, "first": word, "second": word}],
        "shares": [{"id": word, "label": word}],
        "explanation": {"title": word, "means": word, "advice": [word], "lastLines": [word]},
        "timeline": [{"phase": word, "began": word, "seconds": 1.0}],
        "queue": {"place": word, "own": word, "all": word},
        "more": {
            "asked": {"q": word, "tag": word, "from": word},
            "key": word,
            "versions": [{"number": 1, "version": word, "title": word}],
            "year": word,
            "address": word,
            "seconds": 1.0,
            "counted": 2,
        },
        "versions": [{"number": word, "version": word}, {"number": word, "version": word}],
        "from": {"number": word, "version": word},
        "to": {"number": word, "version": word},
        "changes": [{"name": word, "lines": [f"+{word}", f"-{word}"]}, {"name": word}],
        "label": word,
        "next": f"https://ccp.example/{quote(word)}",
        word: {word: [word, {word: word}]},
    }


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("word", WORDS, ids=range(len(WORDS)))
def test_a_page_of_hostile_words_runs_nothing(template: str, word: str) -> None:
    told = form if template in ("form", "signed_out", "program") else document
    page = Page(html(request(), template, told(word)))
    plain = Page(html(request(), template, told("word")))
    assert not page.faults
    kinds = {tag for tag, _ in page.tags} - {"a", "pre", "time"}
    assert kinds <= {tag for tag, _ in plain.tags} | {"span", "code"}
    for link in page.links:
        assert re.match(r"https?://|/(?!/)|#", link), link


@pytest.mark.parametrize("word", WORDS, ids=range(len(WORDS)))
def test_an_address_of_hostile_words_too(word: str) -> None:
    asked = request(f"/jobs/{word}", f"q={word}")
    for template in ("resource", "problem", "metadata"):
        assert not Page(html(asked, template, {"title": word, "detail": word})).faults


def test_every_template_is_tried() -> None:
    assert {"landing", "process", "processes", "job", "jobs", "execution", "problem"} <= set(
        TEMPLATES
    )
    assert len(WORDS) >= 60
