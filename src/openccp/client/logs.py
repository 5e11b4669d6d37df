"""A job's log: as it is, or followed to its end over broken connections."""

import codecs
import json
import math
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from openccp.client import calls
from openccp.client.body import Body
from openccp.client.errors import NotFound, Unreachable
from openccp.client.session import LONG_PATIENCE, Backoff, Session
from openccp.client.steps import Emit, Pause, Read, Request, Steps


@dataclass(frozen=True, slots=True)
class LogText:
    """A piece of one stream (`stdout` or `stderr`) of one replica."""

    stream: str
    text: str
    replica: int = 0


def plain(session: Session, job: str) -> Steps[None]:
    """What has been written so far: standard output, then standard error."""
    yield from calls.status(session, job)
    for stream in ("stdout", "stderr"):
        request = Request("GET", _path(job), {"stream": stream}, {"Accept": "text/plain"})
        try:
            yield from _stream(Body(session, request, grows=True), stream)
        except NotFound:
            continue


def _stream(body: Body, stream: str) -> Steps[None]:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while (piece := (yield from body.read())) is not None:
        yield Emit(LogText(stream, decoder.decode(piece)))
    if rest := decoder.decode(b"", final=True):
        yield Emit(LogText(stream, rest))


def follow(session: Session, job: str) -> Steps[None]:
    """Every piece once, in order; at the job's end its final status document."""
    cursor = ""
    backoff = Backoff(math.inf)
    while True:
        heard = False
        try:
            reply = yield from session.open(
                _events(job, cursor), events=True, patience=LONG_PATIENCE
            )
            while (event := (yield Read(reply.stream))) is not None:
                cursor, heard = event.id or cursor, True
                if (value := _value(event.event, event.data)) is not None:
                    yield Emit(value)
                if event.event == "end":
                    return
        except Unreachable:
            pass
        if heard:
            backoff = Backoff(math.inf)
        elif (yield from _ended(session, job)):
            return
        yield Pause(backoff.pause() or 0)


def _events(job: str, cursor: str) -> Request:
    resume = {"Last-Event-ID": cursor} if cursor else {}
    return Request("GET", _path(job), headers={"Accept": "text/event-stream", **resume})


def _value(event: str, data: str) -> Any:
    try:
        document = json.loads(data)
    except ValueError:
        return None
    if event == "end" or not isinstance(document, dict):
        return document
    if event != "log":
        return None
    stream, replica = document.get("stream", "stdout"), document.get("replica", 0)
    return LogText(str(stream), str(document.get("text", "")), int(replica))


def _ended(session: Session, job: str) -> Steps[bool]:
    """Whether the job is over although its stream did not say so."""
    document = yield from calls.status(session, job)
    if document.get("status") not in calls.FINAL:
        return False
    yield Emit(document)
    return True


def _path(job: str) -> str:
    return f"/jobs/{quote(job, safe='')}/logs"
