"""Which server, and who we are there: from arguments, the environment, or the last sign-in."""

import os

from openccp.client.credentials import DEFAULT_URL, Credentials, Login
from openccp.client.session import PATIENCE, Session
from openccp.client.wire import checked_url


def session(
    url: str | None, token: str | None, context: str | None, patience: float = PATIENCE
) -> Session:
    """A session with what was given; else CCP_URL and CCP_TOKEN; else what `ccp login` kept.

    Without `context` (None) it is the one in CCP_CONTEXT; empty means none.
    """
    credentials = Credentials()
    chosen = checked_url(url or os.environ.get("CCP_URL") or credentials.last_url() or DEFAULT_URL)
    context = os.environ.get("CCP_CONTEXT") if context is None else context
    token = token or os.environ.get("CCP_TOKEN")
    if token:
        return Session(chosen, Login(token), patience=patience, context=context)
    return Session(chosen, credentials.login(chosen), credentials, patience, context)
