"""Whether the addresses that a request wants called back may be called."""

from collections.abc import Mapping, Sequence

from openccp.app.services import Services
from openccp.core.callback import subscriber_of
from openccp.core.ports import NotFetched
from openccp.core.problems import Fault, InvalidRequest
from openccp.core.request import ExecuteRequest

REFUSED = "this platform calls {} addresses of public hosts only, at the usual ports"


def checked_subscriber(
    services: Services, request: ExecuteRequest
) -> Mapping[str, Sequence[str]] | None:
    """What the job keeps of the request's subscribers.

    InvalidRequest, in the same words for all, for addresses that their text alone refuses; what
    a name stands for is looked up and judged when it is called.
    """
    refused = [it for it in request.subscriptions if not _may_be_called(services, it.url)]
    if refused:
        detail = REFUSED.format("http and https" if services.rules.callbacks_by_http else "https")
        raise InvalidRequest(
            f"{refused[0].pointer}: {detail}", faults=[Fault(it.pointer, detail) for it in refused]
        )
    return subscriber_of(request.subscriptions)


def _may_be_called(services: Services, url: str) -> bool:
    if not (services.rules.callbacks_by_http or url.startswith("https://")):
        return False
    try:
        services.fetcher.check(url)
    except NotFetched:
        return False
    return True
