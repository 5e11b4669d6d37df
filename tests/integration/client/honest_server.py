"""A small platform for the client's tests: real HTTP, and faults that can be ordered."""

import asyncio
import hashlib
import json
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

Endpoint = Callable[["Platform", Request], Awaitable[Response]]
TOKEN = "ccp_right"
METHOD = {
    "id": "count-words",
    "title": "Count words",
    "version": "1.0.0",
    "description": "Counts",
    "inputs": {
        "doc": {"title": "Document", "schema": {"type": "string", "format": "file"}},
        "mode": {"schema": {"type": "string"}},
        "times": {"schema": {"type": "integer"}},
        "tags": {"schema": {"type": "array", "items": {"type": "string"}}, "maxOccurs": 5},
    },
    "outputs": {"count": {"schema": {"type": "string"}}},
}


@dataclass
class World:
    """What the server knows, what it was asked, and which faults it shall show."""

    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    executions: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    listing: list[dict[str, Any]] | None = None
    results: dict[str, Any] = field(default_factory=dict)
    raw_results: bytes | None = None
    log: list[tuple[str, str]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=lambda: {TOKEN})
    refreshes: list[str] = field(default_factory=list)
    families_revoked: int = 0
    lose_replies: int = 0
    cut_after: list[int] = field(default_factory=list)
    cut_log_after: list[int] = field(default_factory=list)
    resumed_from: list[str | None] = field(default_factory=list)
    ranges: list[str | None] = field(default_factory=list)
    busy: int = 0
    ends_as: str = "successful"
    polls_before_end: int = 1
    hold: threading.Event = field(default_factory=threading.Event)
    refuse: list[dict[str, str]] | None = None

    def add_job(self, status: str = "accepted") -> str:
        job = f"job-{len(self.jobs) + 1}"
        self.jobs[job] = {
            "jobID": job,
            "id": job,
            "status": status,
            "type": "process",
            "processID": "count-words",
            "message": status,
            "created": "2026-01-01T00:00:00.000Z",
        }
        return job

    def end(self, job: str, status: str) -> None:
        document = self.jobs[job]
        document.update(status=status, message=status)
        if status == "failed":
            document["exception"] = {"detail": "the script ended with exit code 3"}


def problem(status: int, detail: str, **more: Any) -> Response:
    return JSONResponse({"status": status, "detail": detail, **more}, status)


def for_the_known(endpoint: Endpoint) -> Endpoint:
    @wraps(endpoint)
    async def guarded(self: "Platform", request: Request) -> Response:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        if bearer not in self.world.tokens:
            return problem(401, "Sign in first")
        return await endpoint(self, request)

    return guarded


class Platform:
    def __init__(self, world: World) -> None:
        self.world = world

    @for_the_known
    async def methods(self, request: Request) -> Response:
        if self.world.busy:
            self.world.busy -= 1
            return JSONResponse({}, 503, {"Retry-After": "0"})
        other = {"id": "echo", "title": "Echo", "version": "1", "description": ""}
        if "after" in request.query_params:
            return JSONResponse({"processes": [other], "links": []})
        following = {"rel": "next", "href": "http://elsewhere.invalid/processes?limit=1&after=x"}
        return JSONResponse({"processes": [METHOD], "links": [following]})

    @for_the_known
    async def describe(self, request: Request) -> Response:
        if request.path_params["id"] != METHOD["id"]:
            return problem(404, "There is no process of this id")
        return JSONResponse(METHOD)

    @for_the_known
    async def execute(self, request: Request) -> Response:
        self.world.headers.append(dict(request.headers))
        body = await request.json()
        if self.world.refuse is not None:
            return problem(400, "The inputs do not fit", errors=self.world.refuse)
        key = request.headers["idempotency-key"]
        if key not in self.world.keys:
            self.world.keys[key] = self.world.add_job()
            self.world.executions.append(body)
        if self.world.lose_replies:
            self.world.lose_replies -= 1
            return broken()
        job = self.world.keys[key]
        return JSONResponse(self.world.jobs[job], 201, {"Location": f"/jobs/{job}"})

    @for_the_known
    async def jobs(self, request: Request) -> Response:
        wanted = request.query_params.get("status", "").split(",")
        found = [j for j in self.world.jobs.values() if wanted == [""] or j["status"] in wanted]
        return JSONResponse({"jobs": found[: int(request.query_params["limit"])], "links": []})

    @for_the_known
    async def job(self, request: Request) -> Response:
        document = self.world.jobs.get(request.path_params["id"])
        if document is None:
            return problem(404, "There is no job of this id")
        if request.method == "DELETE":
            self.world.end(document["id"], "dismissed")
            self.world.hold.set()
        elif document["status"] in ("accepted", "running") and not self.world.log:
            self.world.polls_before_end -= 1
            document["status"] = "running"
            if self.world.polls_before_end <= 0:
                self.world.end(document["id"], self.world.ends_as)
        return JSONResponse(document)

    @for_the_known
    async def results(self, request: Request) -> Response:
        document = self.world.jobs[request.path_params["id"]]
        if document["status"] != "successful":
            return problem(404, "The job has not finished yet")
        if self.world.raw_results is not None:
            return Response(self.world.raw_results, media_type="application/zip")
        return JSONResponse(self.world.results)

    @for_the_known
    async def output(self, request: Request) -> Response:
        return PlainTextResponse("42")

    @for_the_known
    async def logs(self, request: Request) -> Response:
        if "text/event-stream" in request.headers["accept"]:
            after = request.headers.get("last-event-id")
            self.world.resumed_from.append(after)
            return StreamingResponse(
                self.log_events(request.path_params["id"], int(after or 0)),
                media_type="text/event-stream",
            )
        stream = request.query_params["stream"]
        return PlainTextResponse("".join(t for name, t in self.world.log if name == stream))

    async def log_events(self, job: str, after: int) -> AsyncIterator[str]:
        cut = self.world.cut_log_after.pop(0) if self.world.cut_log_after else None
        for number, (stream, text) in enumerate(self.world.log[after:], after + 1):
            if cut is not None and number > cut:
                raise ConnectionAbortedError
            data = json.dumps({"stream": stream, "replica": 0, "text": text})
            yield f"event: log\nid: {number}\ndata: {data}\n\n"
        while not self.world.hold.is_set():
            await asyncio.sleep(0.02)
            yield ": still here\n\n"
        if self.world.jobs[job]["status"] in ("accepted", "running"):
            self.world.end(job, self.world.ends_as)
        yield f"event: end\nid: end\ndata: {json.dumps(self.world.jobs[job])}\n\n"

    @for_the_known
    async def execution(self, request: Request) -> Response:
        listing = self.world.listing or [
            {"path": path, "size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
            for path, body in self.world.files.items()
        ]
        return JSONResponse({"id": request.path_params["id"], "files": listing})

    @for_the_known
    async def file(self, request: Request) -> Response:
        content = self.world.files[request.path_params["path"]]
        self.world.ranges.append(request.headers.get("range"))
        start = int(request.headers.get("range", "bytes=0-")[6:].rstrip("-"))
        if start >= len(content) > 0:
            return problem(416, "The range lies outside of the file")
        headers = {"Content-Length": str(len(content) - start), "ETag": '"1"'}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        cut = self.world.cut_after.pop(0) if self.world.cut_after else None
        return StreamingResponse(pieces(content[start:], cut), 206 if start else 200, headers)

    async def token(self, request: Request) -> Response:
        form = await request.form()
        if form["grant_type"] == "password" and form["password"] != "right":
            return JSONResponse({"error": "invalid_grant"}, 401)
        if form["grant_type"] == "refresh_token":
            await asyncio.sleep(0.05)
            if str(form["refresh_token"]) != f"refresh-{len(self.world.refreshes)}":
                self.world.families_revoked += 1
                return JSONResponse({"error": "invalid_grant"}, 400)
        self.world.refreshes.append(str(form.get("refresh_token", "")))
        number = len(self.world.refreshes)
        self.world.tokens.add(f"access-{number}")
        return JSONResponse(
            {
                "access_token": f"access-{number}",
                "refresh_token": f"refresh-{number}",
                "expires_in": 300,
            }
        )

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/processes", self.methods),
                Route("/processes/{id}", self.describe),
                Route("/processes/{id}/execution", self.execute, methods=["POST"]),
                Route("/jobs", self.jobs),
                Route("/jobs/{id}", self.job, methods=["GET", "DELETE"]),
                Route("/jobs/{id}/results", self.results),
                Route("/jobs/{id}/results/{name}", self.output),
                Route("/jobs/{id}/logs", self.logs),
                Route("/executions/{id}", self.execution),
                Route("/executions/{id}/outputs/{path:path}", self.file),
                Route("/token", self.token, methods=["POST"]),
            ]
        )


def broken() -> Response:
    """A reply that never comes whole."""
    return StreamingResponse(pieces(b"x" * 100, 1), headers={"Content-Length": "100"})


async def pieces(content: bytes, cut: int | None) -> AsyncIterator[bytes]:
    if cut is None:
        yield content
        return
    yield content[:cut]
    raise ConnectionAbortedError


class Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextmanager
def serving(world: World, port: int = 0) -> Iterator[str]:
    """The server on a loopback port, in a thread."""
    listener = socket.create_server(("127.0.0.1", port))
    app = Platform(world).app()
    server = Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    assert server.ready.wait(10)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        world.hold.set()
        server.should_exit = True
        thread.join(10)
        listener.close()
