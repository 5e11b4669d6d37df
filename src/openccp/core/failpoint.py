"""Named places of a job's life where a test may end, stop or delay the process.

`CCP_FAILPOINT=place:action[:nth]` is read once, when the process starts; without it
`failpoint` does nothing. Actions: `kill9`, `raise`, `delay` (of DELAY seconds, everything stands
still). It happens once, at the nth time that the place is reached.
"""

import os
import signal
import time
from collections.abc import Callable, Mapping

VARIABLE = "CCP_FAILPOINT"
DELAY = 5.0
PLACES: Mapping[str, str] = {
    "accept.before": "the request was checked; the job is not kept yet",
    "accept.after": "the job is on disk; the client has no answer yet",
    "start.before": "the created job was checked again; its start is not kept yet",
    "start.after": "the start is on disk; the client has no answer yet",
    "claim.after": "the reconciler took the job; no intent is saved",
    "intent.after": "the intent is saved; nothing is started",
    "submit.after": "the job's process is started; its handle is not saved",
    "submit.saved": "the handle is saved",
    "collect.before": "the end was seen; no file is kept yet",
    "collect.after": "files and manifest are kept; the status is not",
    "collect.saved": "the final status is saved; undeploy has not begun",
    "undeploy.after": "the undeploy script is started; its handle is not saved",
    "undeploy.saved": "the undeploy script runs",
    "dismiss.saved": "the wish to stop is on disk; the client has no answer yet",
    "stop.after": "the processes were asked to end",
    "callback.before": "a callback was claimed; nothing is posted",
    "callback.after": "a callback was posted; what came of it is not saved",
    "reap.before": "all is done but the cleaning up",
    "reap.after": "all is cleaned up; the job is not closed",
}


class Injected(Exception):
    """A fault that a test asked for."""


Hook = Callable[[str], None]


def read(text: str | None) -> Hook:
    """The hook that a value of CCP_FAILPOINT asks for; ValueError for one without meaning."""
    if not text:
        return _nothing
    place, _, rest = text.partition(":")
    action, _, nth = rest.partition(":")
    if place not in PLACES or action not in ACTIONS or not (nth or "1").isdigit():
        raise ValueError(f"{VARIABLE}={text}: no such place or action")
    left = int(nth or "1")

    def reach(name: str) -> None:
        nonlocal left
        if name == place:
            left -= 1
            if left == 0:
                ACTIONS[action]()

    return reach


def _nothing(name: str) -> None:
    """In production."""


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _raise() -> None:
    raise Injected("a test asked for this")


def _delay() -> None:
    time.sleep(DELAY)


ACTIONS: Mapping[str, Callable[[], None]] = {"kill9": _kill, "raise": _raise, "delay": _delay}
failpoint: Hook = read(os.environ.get(VARIABLE))
"""Say that a place is reached."""
