"""The only code that talks to the network: two drivers of the same steps."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2

from openccp.client.errors import CCPError, Unreachable
from openccp.client.steps import Emit, Open, Pause, Read, Reply, Request, Run, Send, Steps, T

SECONDS = 30.0
CONNECT_SECONDS = 5.0
QUIET_SECONDS = 60.0
"""A stream without a byte for so long is taken as broken and opened again."""
NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


class Wire:
    """Drives steps with blocking calls."""

    def __init__(self, url: str, seconds: float = SECONDS) -> None:
        self._url = url
        self._http = httpx2.Client(timeout=_timeout(seconds, seconds))

    def run(self, steps: Steps[T]) -> T:
        """Do the steps to their end and return their value."""
        run = Run(steps)
        try:
            while run.effect is not None:
                self._advance(run)
            return run.value
        finally:
            self._finish(run)

    def iterate(self, steps: Steps[None]) -> Iterator[Any]:
        """Do the steps, handing out what they emit."""
        run = Run(steps)
        try:
            while run.effect is not None:
                if isinstance(run.effect, Emit):
                    yield run.effect.value
                    run.answer(None)
                else:
                    self._advance(run)
        finally:
            self._finish(run)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _advance(self, run: Run[Any]) -> None:
        try:
            answer = self._perform(run)
        except httpx2.HTTPError as error:
            run.fail(_unreachable(self._url, error))
        else:
            run.answer(answer)

    def _perform(self, run: Run[Any]) -> Any:
        match run.effect:
            case Pause(seconds):
                return time.sleep(seconds)
            case Read(stream):
                return next(stream, None)
            case Send(request):
                return _reply(self._http.send(_build(self._http, self._url, request)))
            case Open(request, events):
                return self._open(run, request, events)
        raise TypeError(f"cannot do {run.effect}")

    def _open(self, run: Run[Any], request: Request, events: bool) -> Reply:
        response = self._http.send(
            _build(self._http, self._url, request, QUIET_SECONDS), stream=True
        )
        run.bodies.append(response)
        if response.status_code >= 300:
            response.read()
            return _reply(response)
        stream = httpx2.EventSource(response) if events else response.iter_raw()
        return _head(response, iter(stream))

    def _finish(self, run: Run[Any]) -> None:
        run.close()
        for response in run.bodies:
            response.close()


class AsyncWire:
    """Drives steps with awaits."""

    def __init__(self, url: str, seconds: float = SECONDS) -> None:
        self._url = url
        self._http = httpx2.AsyncClient(timeout=_timeout(seconds, seconds))

    async def run(self, steps: Steps[T]) -> T:
        """Do the steps to their end and return their value."""
        run = Run(steps)
        try:
            while run.effect is not None:
                await self._advance(run)
            return run.value
        finally:
            await self._finish(run)

    async def iterate(self, steps: Steps[None]) -> AsyncIterator[Any]:
        """Do the steps, handing out what they emit."""
        run = Run(steps)
        try:
            while run.effect is not None:
                if isinstance(run.effect, Emit):
                    yield run.effect.value
                    run.answer(None)
                else:
                    await self._advance(run)
        finally:
            await self._finish(run)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _advance(self, run: Run[Any]) -> None:
        try:
            answer = await self._perform(run)
        except httpx2.HTTPError as error:
            run.fail(_unreachable(self._url, error))
        else:
            run.answer(answer)

    async def _perform(self, run: Run[Any]) -> Any:
        match run.effect:
            case Pause(seconds):
                return await asyncio.sleep(seconds)
            case Read(stream):
                return await anext(stream, None)
            case Send(request):
                return _reply(await self._http.send(_build(self._http, self._url, request)))
            case Open(request, events):
                return await self._open(run, request, events)
        raise TypeError(f"cannot do {run.effect}")

    async def _open(self, run: Run[Any], request: Request, events: bool) -> Reply:
        sending = self._http.send(
            _build(self._http, self._url, request, QUIET_SECONDS), stream=True
        )
        response = await sending
        run.bodies.append(response)
        if response.status_code >= 300:
            await response.aread()
            return _reply(response)
        stream = httpx2.EventSource(response) if events else response.aiter_raw()
        return _head(response, aiter(stream))

    async def _finish(self, run: Run[Any]) -> None:
        run.close()
        for response in run.bodies:
            await response.aclose()


def checked_url(url: str) -> str:
    """A server's address without its last slash; CCPError if it is none."""
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise CCPError(f"{url!r} is not an address: {error}") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise CCPError(f"{url!r} is not an address: it should start with https:// or http://")
    if parsed.userinfo:
        raise CCPError("This is not an address for us: it must not hold a name or a password.")
    return str(parsed.copy_with(query=None, fragment=None)).rstrip("/")


def _build(
    http: httpx2.Client | httpx2.AsyncClient,
    url: str,
    request: Request,
    quiet: float | None = None,
) -> httpx2.Request:
    return http.build_request(
        request.method,
        url + request.path,
        params=dict(request.query) or None,
        headers={"Accept-Encoding": "identity", **request.headers},
        content=request.content,
        timeout=httpx2.USE_CLIENT_DEFAULT if quiet is None else _timeout(SECONDS, quiet),
    )


def _timeout(seconds: float, read: float) -> httpx2.Timeout:
    return httpx2.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS), read=read)


def _reply(response: httpx2.Response) -> Reply:
    return Reply(response.status_code, response.headers, response.content)


def _head(response: httpx2.Response, stream: Any) -> Reply:
    return Reply(response.status_code, response.headers, stream=stream)


def _unreachable(url: str, error: httpx2.HTTPError) -> Unreachable:
    if isinstance(error, httpx2.TimeoutException):
        return Unreachable(f"{url} does not answer.", sent=not isinstance(error, NEVER_SENT))
    reason = str(error) or type(error).__name__
    return Unreachable(f"Cannot reach {url}: {reason}", sent=not isinstance(error, NEVER_SENT))
