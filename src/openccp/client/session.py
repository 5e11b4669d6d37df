"""How one request is made good: signed, repeated where that is safe, its refusal raised."""

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote, urlencode

from openccp.client.credentials import Credentials, Login
from openccp.client.errors import NotAuthenticated, Unreachable, refusal
from openccp.client.steps import Open, Pause, Reply, Request, Send, Steps

PATIENCE = 6.0
"""Seconds spent between tries of one request before giving up."""
LONG_PATIENCE = 120.0
"""The same for whoever waits for a job: a server that is started again is no reason to stop."""
LONGEST_PAUSE = 5.0
EARLY = 10.0
CLIENT_ID = "ccp-client-id"
IN_FLIGHT = "request-in-flight"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
SLOWER = 5.0
PENDING = ("authorization_pending", "slow_down")
Document = dict[str, Any]


class Backoff:
    """Growing pauses until their sum is more than `patience`."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._left = patience
        self._next = 0.1

    def pause(self, asked: float | None = None) -> float | None:
        """How long to wait before the next try (`asked` by the server), None to give up."""
        seconds = self._next if asked is None else max(asked, 0.05)
        self._next = min(self._next * 2, LONGEST_PAUSE)
        self._left -= seconds
        return seconds if self._left >= 0 else None


class Session:
    """The server's address and who we are there."""

    def __init__(
        self,
        url: str,
        login: Login | None = None,
        credentials: Credentials | None = None,
        patience: float = PATIENCE,
        context: str | None = None,
    ) -> None:
        self.url = url
        self._context = context
        self._patience = patience
        self._login = login
        self._credentials = credentials

    def signed_in(self, login: Login, credentials: Credentials | None = None) -> "Session":
        """The same server and context for somebody who has just signed in."""
        return Session(self.url, login, credentials, self._patience, self._context)

    def call(
        self, request: Request, *, repeatable: bool = True, patience: float | None = None
    ) -> Steps[Reply]:
        """Send, and return a reply that is a success.

        A request that is not `repeatable` is sent again only if it surely never arrived.
        """
        reply = yield from self._signed(Send(request), repeatable, patience)
        return _success(reply)

    def open(
        self, request: Request, *, events: bool = False, patience: float | None = None
    ) -> Steps[Reply]:
        """The same, with the body left open."""
        reply = yield from self._signed(Open(request, events), True, patience)
        return _success(reply)

    def sign_in(self, name: str, password: str) -> Steps[Login]:
        """Trade a password for a sign-in."""
        form = {"grant_type": "password", "username": name, "password": password}
        reply = yield from _persist(Send(_token_request(form)), False, self._patience)
        return _login(reply)

    @property
    def is_signed_in(self) -> bool:
        """Whether requests name somebody."""
        return self._login is not None

    def ask_device(self) -> Steps[Document]:
        """Ask to be let in by a person with a browser (RFC 8628): codes, and where they go."""
        request = replace(_token_request({}), path="/device_authorization")
        reply = yield from _persist(Send(request), False, self._patience)
        return _device(reply)

    def await_device(self, device: Document) -> Steps[Login]:
        """Wait until that person has let us in."""
        form = {"grant_type": DEVICE_CODE, "device_code": str(device["device_code"])}
        pause = float(device.get("interval", SLOWER))
        while True:
            yield Pause(pause)
            reply = yield from _persist(Send(_token_request(form)), True, LONG_PATIENCE)
            error = _error(reply)
            if error not in PENDING:
                return _login(reply)
            pause += SLOWER if error == "slow_down" else 0

    def _signed(
        self, effect: Send | Open, repeatable: bool, patience: float | None
    ) -> Steps[Reply]:
        patience = self._patience if patience is None else patience
        if self._login and self._login.expires and self._login.expires - EARLY < time.time():
            yield from self._renew()
        reply = yield from _persist(self._sign(effect), repeatable, patience)
        if reply.status == 401 and (yield from self._renew()):
            reply = yield from _persist(self._sign(effect), repeatable, patience)
        return reply

    def _sign(self, effect: Send | Open) -> Send | Open:
        if self._login is None:
            return effect
        known = {"Authorization": f"Bearer {self._login.token}"}
        if self._context:
            known["X-D4Science-Context"] = quote(unquote(self._context), safe="")
        request = effect.request
        return replace(effect, request=replace(request, headers={**request.headers, **known}))

    def _renew(self) -> Steps[bool]:
        """Get a new token; one process at a time, for a refresh token is good only once."""
        if self._credentials is None or self._login is None or not self._login.refresh_token:
            return False
        lock = self._credentials.lock()
        try:
            while not lock.acquire():
                yield Pause(0.05)
            kept = self._credentials.login(self.url)
            if kept is not None and kept.token != self._login.token:
                self._login = kept
                return True
            yield from self._refresh(self._credentials, self._login)
        finally:
            lock.release()
        return True

    def _refresh(self, credentials: Credentials, login: Login) -> Steps[None]:
        form = {"grant_type": "refresh_token", "refresh_token": login.refresh_token or ""}
        reply = yield from _persist(Send(_token_request(form)), False, self._patience)
        if reply.status in (400, 401):
            raise NotAuthenticated("Your sign-in has expired: sign in again with `ccp login`.")
        fresh = _login(reply)
        self._login = replace(fresh, refresh_token=fresh.refresh_token or login.refresh_token)
        credentials.keep(self.url, self._login, as_last=False)


def _persist(effect: Send | Open, repeatable: bool, patience: float) -> Steps[Reply]:
    backoff = Backoff(patience)
    while True:
        try:
            reply: Reply = yield effect
        except Unreachable as error:
            pause = backoff.pause() if repeatable or not error.sent else None
            if pause is None:
                raise
        else:
            asked = _asked_to_wait(reply)
            pause = backoff.pause(asked) if asked is not None else None
            if pause is None:
                return reply
        yield Pause(pause)


def _asked_to_wait(reply: Reply) -> float | None:
    """Seconds, if the server says that the same request may succeed later."""
    if reply.status == 409 and IN_FLIGHT.encode() in reply.content:
        return retry_after(reply) or 0.2
    return retry_after(reply) if reply.status in (429, 503) else None


def retry_after(reply: Reply) -> float | None:
    """The seconds of a Retry-After header."""
    value = reply.headers.get("retry-after", "")
    return float(value) if value.isascii() and value.isdigit() else None


def _success(reply: Reply) -> Reply:
    if reply.status < 300:
        return reply
    if reply.status < 400:
        there = reply.headers.get("location", "another address")
        raise refusal(400, {"detail": f"The server sends us to {there}: use that address."})
    raise refusal(reply.status, _document(reply))


def _document(reply: Reply) -> object:
    try:
        return json.loads(reply.content)
    except (ValueError, RecursionError):
        return None


def _error(reply: Reply) -> str | None:
    document = _document(reply)
    return document.get("error") if isinstance(document, dict) else None


def _device(reply: Reply) -> Document:
    answer = _success(reply).json()
    if not isinstance(answer, dict) or not isinstance(answer.get("device_code"), str):
        raise refusal(500, {"detail": "this server lets nobody in by browser"})
    return answer


def _token_request(form: Mapping[str, str]) -> Request:
    return Request(
        "POST",
        "/token",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        content=urlencode({**form, "client_id": CLIENT_ID}).encode(),
    )


def _login(reply: Reply) -> Login:
    document = _document(reply)
    if reply.status in (400, 401, 403):
        described = document.get("error_description") if isinstance(document, dict) else None
        raise NotAuthenticated(str(described or "The name or the password is wrong."))
    answer = _success(reply).json()
    if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
        raise refusal(500, {"detail": "the sign-in brought no token"})
    life = answer.get("expires_in")
    expires = time.time() + life if isinstance(life, int | float) else None
    return Login(answer["access_token"], answer.get("refresh_token"), expires)
