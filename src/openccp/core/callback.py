"""Callbacks, purely: whom a change of a job is told to, and what follows from an attempt.

OGC API - Processes, requirements class `callback`: the request's `subscriber` names addresses
for the results, for progress and for failure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from openccp.core.deliveries import Delivery, DeliveryState, News
from openccp.core.fields import Faults
from openccp.core.job import Job, Status
from openccp.core.method import Output
from openccp.core.output_types import JSON_TYPE
from openccp.core.ports import Fetched, Manifest
from openccp.core.request import Subscription
from openccp.core.results import results_of

KINDS: Mapping[str, News] = {
    "successUri": News.SUCCESS,
    "inProgressUri": News.PROGRESS,
    "failedUri": News.FAILURE,
}
MOST_SUBSCRIBERS = 10
LONGEST_ADDRESS = 2048
MOST_LINKS = 100
MOST_LINKS_IN_ALL = 1000
SCHEDULE = (5.0, 60.0, 300.0, 1800.0, 7200.0, 21600.0, 86400.0)
"""Seconds from a failed attempt to the next one; after the last of them it is given up."""
JITTER = 0.2
PROGRESS_APART = 10.0
"""Seconds between two messages of progress to one address."""
GONE = 410
_ENDS = {
    Status.SUCCESSFUL: News.SUCCESS,
    Status.FAILED: News.FAILURE,
    Status.DISMISSED: News.FAILURE,
}


# --- the request ------------------------------------------------------------------------------


def read_subscriptions(body: Mapping[str, Any], faults: Faults) -> tuple[Subscription, ...]:
    """The addresses of `subscriber`, and of CCP's list `subscribers`; each is named once."""
    found: list[Subscription] = []
    if body.get("subscriber") is not None:
        found += _read_one(body["subscriber"], "/subscriber", faults)
    many = body.get("subscribers")
    if isinstance(many, list) and len(many) <= MOST_SUBSCRIBERS:
        for index, one in enumerate(many):
            found += _read_one(one, f"/subscribers/{index}", faults)
    elif many is not None:
        faults.add("/subscribers", f"expected a list of at most {MOST_SUBSCRIBERS}")
    return tuple({(it.kind, it.url): it for it in reversed(found)}.values())[::-1]


def _read_one(value: Any, pointer: str, faults: Faults) -> list[Subscription]:
    if not isinstance(value, dict) or not value.keys() <= KINDS.keys():
        faults.add(pointer, "expected an object with successUri, inProgressUri or failedUri")
        return []
    found = []
    for kind, url in value.items():
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            faults.add(f"{pointer}/{kind}", "expected an http or https address")
        elif len(url) > LONGEST_ADDRESS:
            faults.add(f"{pointer}/{kind}", f"expected at most {LONGEST_ADDRESS} characters")
        else:
            found.append(Subscription(kind, url, f"{pointer}/{kind}"))
    return found


def subscriber_of(subscriptions: Sequence[Subscription]) -> Mapping[str, Sequence[str]] | None:
    """The addresses by kind as a job keeps them; None without any."""
    kinds = dict.fromkeys(it.kind for it in subscriptions)
    return {kind: [it.url for it in subscriptions if it.kind == kind] for kind in kinds} or None


# --- a job changed ----------------------------------------------------------------------------


def news_of(before: Job, after: Job) -> News | None:
    """What a change is to subscribers: the end, progress, or nothing."""
    if after.status is not before.status and after.final:
        return _ENDS[after.status]
    shown = [(job.status, job.progress, job.message) for job in (before, after)]
    if after.status is Status.RUNNING and shown[0] != shown[1]:
        return News.PROGRESS
    return None


def addresses(job: Job, news: News) -> Sequence[str]:
    """Where the job's subscribers want to be told so."""
    kind = next(kind for kind, told in KINDS.items() if told is news)
    return (job.subscriber or {}).get(kind, ())


def results_by_link(
    manifest: Manifest, outputs: Mapping[str, Output], results: str
) -> dict[str, Any]:
    """The results document (results.yaml) with every value as a link below `results`.

    No value leaves the platform: who follows a link has to sign in. An output of very many
    values, or after very many others, is one link to all of its values.
    """
    document: dict[str, Any] = {}
    room = MOST_LINKS_IN_ALL
    for output in outputs.values():
        found = results_of(manifest, output)
        room -= len(found)
        if len(found) > (MOST_LINKS if room >= 0 else 1):
            document[output.id] = _link(f"{results}?outputs={quote(output.id, safe='')}", JSON_TYPE)
        elif found:
            links = [_link(f"{results}/{quote(it.content_id)}", it.media_type) for it in found]
            document[output.id] = links if len(links) > 1 else links[0]
    return document


def _link(href: str, media_type: str) -> dict[str, str]:
    return {"href": href, "rel": "item", "type": media_type}


def queued(
    new: Delivery, earlier: Sequence[Delivery], apart: float
) -> tuple[Delivery | None, Sequence[str]]:
    """The delivery as it goes into the outbox (None: not at all), and the ids it replaces.

    `earlier` are all deliveries of the job. Progress replaces what was said before of progress
    to the same address, comes `apart` seconds after it, and inherits its waiting; the end of a
    job replaces all progress that is still to be told. An address that said Gone gets nothing.
    """
    gone = any(it.url == new.url and it.state is DeliveryState.GONE for it in earlier)
    progress = [it for it in earlier if it.news is News.PROGRESS]
    if new.news is not News.PROGRESS:
        stale = [it.id for it in progress if it.state is DeliveryState.PENDING]
        said = replace(new, due=None, state=DeliveryState.GONE, detail=_GONE)
        return (said if gone else new), stale
    if gone:
        return None, ()
    said_before = [it for it in progress if it.url == new.url]
    for before in said_before:
        new = _after(new, before, apart)
    return new, [it.id for it in said_before]


def _after(new: Delivery, before: Delivery, apart: float) -> Delivery:
    due = max(new.due or 0.0, before.due or 0.0)
    if before.tried is not None:
        due = max(due, before.tried + apart)
    waits = before.state is DeliveryState.PENDING
    return replace(new, due=due, attempts=before.attempts if waits else 0)


# --- an attempt was made ----------------------------------------------------------------------

_GONE = "The address said that it is gone (410); nothing more is sent to it."


def outcome(
    delivery: Delivery,
    answered: Fetched | str,
    now: float,
    *,
    schedule: Sequence[float] = SCHEDULE,
    chance: float = 0.0,
) -> Delivery:
    """What follows from an answer, or from the words for why there was none.

    `chance` in [0, 1) shortens the pause, so that many that failed together do not return
    together.
    """
    if isinstance(answered, Fetched):
        status, detail = answered.status, f"It answered {answered.status}."
    else:
        status, detail = 0, answered
    if 200 <= status < 300:
        return _ended(delivery, DeliveryState.DELIVERED, detail)
    if status == GONE:
        return _ended(delivery, DeliveryState.GONE, _GONE)
    if delivery.attempts > len(schedule):
        return _ended(delivery, DeliveryState.DEAD, detail)
    pause = schedule[delivery.attempts - 1] * (1 - JITTER * chance)
    return replace(delivery, due=now + pause, detail=detail)


def given_up(delivery: Delivery, detail: str) -> Delivery:
    """It is not tried again, whatever the schedule."""
    return _ended(delivery, DeliveryState.DEAD, detail)


def _ended(delivery: Delivery, state: DeliveryState, detail: str) -> Delivery:
    return replace(delivery, state=state, due=None, detail=detail)
