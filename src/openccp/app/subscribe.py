"""Whether the addresses that a request wants called back may be called."""

from collections.abc import Mapping, Sequence

from openccp.app.services import Services
from openccp.core.callback import subscriber_of
from openccp.core.ports import Fetcher, NotFetched
from openccp.core.problems import Fault, InvalidRequest
from openccp.core.request import ExecuteRequest

REFUSED = "this platform calls {} addresses of public hosts only, at the usual ports"


def checked_subscriber(
    services: Services, request: ExecuteRequest
) -> Mapping[str, Sequence[str]] | None:
    """What the job keeps of the request's subscribers.

    InvalidRequest, in the same words for all, for addresses that their text alone refuses; what
    a name stands for is looked up and judged when it is called. CCP's scripts name addresses
    inside of CCP under `subscribers`: those are kept, and their deliveries are dead.
    """
    refused = [
        it
        for it in request.subscriptions
        if not it.pointer.startswith("/subscribers/")
        and not may_be_called(services.fetcher, it.url, by_http=services.rules.callbacks_by_http)
    ]
    if refused:
        detail = REFUSED.format("http and https" if services.rules.callbacks_by_http else "https")
        raise InvalidRequest(
            f"{refused[0].pointer}: {detail}", faults=[Fault(it.pointer, detail) for it in refused]
        )
    return subscriber_of(request.subscriptions)


def may_be_called(fetcher: Fetcher, url: str, *, by_http: bool) -> bool:
    """Whether an address is one that is called, by its text alone."""
    if not (by_http or url.startswith("https://")):
        return False
    try:
        fetcher.check(url)
    except NotFetched:
        return False
    return True
