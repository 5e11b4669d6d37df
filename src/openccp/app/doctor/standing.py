"""What is said of an infrastructure because of what `ccp doctor` last found there."""

import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from openccp.core.promises import PROMISES, Measured, Measurements

log = logging.getLogger(__name__)


def standing(measured: Measured | None) -> dict[str, Any] | None:
    """For everybody: when it was measured, and which promises did not hold; None if never.

    What exactly was seen is for the operator alone.
    """
    if measured is None:
        return None
    at = datetime.fromtimestamp(measured.at, UTC).isoformat(timespec="seconds")
    broken = {one.promise: _words(one.promise) for one in measured.broken}
    return {"at": at, "broken": broken}


def warn(names: Iterable[str], kept: Measurements) -> None:
    """Tell the log what did not hold when it was last tried."""
    for name in names:
        measured = kept.of(name)
        for one in measured.broken if measured else ():
            log.warning(
                "infrastructure %s: it does not hold, as measured last, that %s (%s): %s",
                name,
                _words(one.promise),
                one.how,
                one.detail,
            )


def _words(promise: str) -> str:
    return PROMISES.get(promise, f"it is {promise}")
