"""The definition of a job: what a client sent to make it, as it is kept, shown and changed."""

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urljoin

from openccp.core import reference
from openccp.core.fields import Faults
from openccp.core.problems import Fault, InvalidRequest
from openccp.core.schema import token

SECRET = "urn:openccp:secret"
"""Stands in a definition for the value of a secret input, which is never shown."""
_MARKERS: tuple[Any, ...] = (SECRET, {"value": SECRET})


def without_secrets(body: Mapping[str, Any], names: Collection[str]) -> Mapping[str, Any]:
    """The body with the marker SECRET for every secret input among `names` that has a value."""
    inputs = body.get("inputs")
    if not isinstance(inputs, Mapping):
        return body
    shown = {name: SECRET if name in names else value for name, value in inputs.items()}
    return {**body, "inputs": shown}


def without_keys(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The body with no key in any address by which an input is given."""
    inputs = body.get("inputs")
    if not isinstance(inputs, Mapping):
        return body
    return {**body, "inputs": {name: _without_key(value) for name, value in inputs.items()}}


def _without_key(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_key(item) for item in value]
    if isinstance(value, Mapping) and isinstance(value.get("href"), str):
        return {**value, "href": reference.without_secrets(value["href"])}
    return value


def with_secrets(body: Mapping[str, Any], secrets: Mapping[str, str]) -> Mapping[str, Any]:
    """The body with the kept `secrets` where the marker stands for them."""
    inputs = body.get("inputs")
    if not isinstance(inputs, Mapping):
        return body
    kept = {name: secrets[name] for name in marked(body) if name in secrets}
    return {**body, "inputs": {**inputs, **kept}}


def marked(body: Any) -> list[str]:
    """The inputs whose value is the marker, plain or qualified."""
    inputs = body.get("inputs") if isinstance(body, Mapping) else None
    if not isinstance(inputs, Mapping):
        return []
    return [name for name, value in inputs.items() if value in _MARKERS]


def refuse_markers(body: Any, names: Collection[str]) -> None:
    """InvalidRequest where the marker was sent as the value of a secret input."""
    faults = Faults()
    for name in marked(body):
        if name in names:
            faults.add(f"/inputs{token(name)}", "the secret itself is needed, not its marker")
    if faults:
        raise InvalidRequest(faults.summary, faults=faults.all)


def merged(target: Any, patch: Any) -> Any:
    """JSON Merge Patch (RFC 7396): members are replaced, null removes one."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def process_named(body: Any, root: str) -> str:
    """The id of the process of this service that a job's definition names.

    A text without `/` is an id; every other is an address, a relative one from the place of a
    process description, `{root}/processes/{id}` (OGC API - Processes Parts 3 and 4, `process`).
    InvalidRequest where there is none, or it is another service's.
    """
    named = body.get("process") if isinstance(body, Mapping) else None
    if not isinstance(named, str) or not named:
        raise _no_process("say which process: its id, or the address of its description")
    if "/" not in named:
        return named
    place = f"{root}/processes/"
    try:
        address = urljoin(place, named)
    except ValueError:
        raise _no_process("is no address") from None
    found = address.removeprefix(place)
    if found == address or not found or "/" in found:
        raise _no_process("names no process of this service")
    return found


def _no_process(detail: str) -> InvalidRequest:
    fault = Fault("/process", detail)
    return InvalidRequest(f"process: {detail}", faults=[fault])
