"""Deploy, replace and undeploy a method (OGC API - Processes Part 2, and CCP's method.json)."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from openccp.app.describe import visible_method
from openccp.app.packages import Sent, read_descriptor
from openccp.app.services import Services
from openccp.core.access import Who, may_change_method, may_publish
from openccp.core.descriptor import read_method
from openccp.core.method import InvalidMethod, Method, Revision
from openccp.core.packages.media import METHOD
from openccp.core.packages.tools import tool_of
from openccp.core.problems import Fault, Forbidden, ImmutableProcess, NoSuchProcess, Problem
from openccp.core.script import render

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Deployed:
    """A kept revision, and what its author should know."""

    revision: Revision
    warnings: tuple[Fault, ...]


async def deploy(
    services: Services, who: Who, sent: Sent, *, public: bool = False, expect: str | None = None
) -> Deployed:
    """Keep a new method, or with `expect` (its id) a new revision of it.

    Raises InvalidMethod with a fault for each thing wrong; DuplicatedProcess, ImmutableProcess,
    WorkflowNotFound, Forbidden (publishing without being an administrator).
    """
    if public and not may_publish(who):
        raise Forbidden("Only an administrator can make a method public to every account.")
    document = await read_descriptor(services, sent, who.id)
    method = await asyncio.to_thread(checked, document)
    before = await _replaced(services, who, method, expect)
    revision = Revision(
        method=method,
        number=0,
        owner=before.owner if before else who.id,
        public=public or bool(before and before.public),
        mutable=True,
        created=services.clock(),
        contexts=tuple(name for name in method.contexts if name in who.contexts),
    )
    kept = await services.catalogue.add(
        revision, sent.body, sent.media_type, replace=before is not None
    )
    return Deployed(kept, remarks(services, who, method))


def remarks(services: Services, who: Who, method: Method) -> tuple[Fault, ...]:
    """What the author of a method should know that is kept all the same."""
    return (
        *method.warnings,
        *_unknown_infrastructures(services, method),
        *_unknown_image(services, method),
        *_unshared(who, method),
    )


async def undeploy(services: Services, who: Who, method_id: str) -> None:
    """Remove a method; the records of its jobs stay readable."""
    revision = await visible_method(services, who, method_id)
    check_may_change(who, revision)
    await services.catalogue.remove(method_id)


async def package(services: Services, who: Who, method_id: str) -> tuple[bytes, str]:
    """The body that was deployed, and its media type."""
    revision = await visible_method(services, who, method_id)
    return await services.catalogue.methods.package(method_id, revision.number)


def checked(document: Any) -> Method:
    """A method whose descriptor and scripts are all right; else InvalidMethod with each fault."""
    if not isinstance(document, Mapping):
        raise InvalidMethod("A method is a JSON object.", faults=[Fault("", "not an object")])
    method = read_method(document)
    faults = [fault for name in ("deploy", "execute", "undeploy") for fault in _lint(method, name)]
    if faults:
        raise InvalidMethod("A script uses a value in an unsafe way.", faults=faults)
    tool_of(method)
    return method


def _lint(method: Method, name: str) -> Iterable[Fault]:
    kinds = {i.id: i.kind for i in method.inputs.values()}
    try:
        render(getattr(method.scripts, name), kinds, pointer=f"/{name}-script")
    except Problem as unsafe:
        return unsafe.faults
    return ()


async def _replaced(
    services: Services, who: Who, method: Method, expect: str | None
) -> Revision | None:
    current = (await services.catalogue.current()).get(method.id)
    if expect is None:
        if current is not None and not current.mutable:
            raise ImmutableProcess
        return None
    if method.id != expect:
        raise InvalidMethod(
            f"The address names the process {expect!r}, the descriptor another.",
            faults=[Fault("/id", f"expected {expect!r}")],
        )
    if current is None:
        raise NoSuchProcess
    revision = await visible_method(services, who, expect)
    check_may_change(who, revision)
    return revision


def check_may_change(who: Who, revision: Revision) -> None:
    """ImmutableProcess or Forbidden for whoever may not change a method."""
    if not revision.mutable:
        raise ImmutableProcess
    if not may_change_method(who, revision):
        raise Forbidden("Only its owner can change this method.")


def _unknown_infrastructures(services: Services, method: Method) -> Iterable[Fault]:
    known = {*services.infrastructures, *services.rules.infrastructure_names}
    for position, name in enumerate(method.infrastructures):
        if name not in known:
            yield Fault(
                f"/links/{position}",
                f"the infrastructure {name!r} is not known here; where no other is named that "
                "is, the method runs wherever methods may that name none",
            )


def _unknown_image(services: Services, method: Method) -> Iterable[Fault]:
    places = services.infrastructures.values()
    if method.image and not any(place.has_runtime(method.image) for place in places):
        yield Fault(
            "/x-ccp-image",
            f"no infrastructure has the image {method.image!r} yet; until one has, the method "
            "cannot be run",
        )


def _unshared(who: Who, method: Method) -> Iterable[Fault]:
    for name in method.contexts:
        if name not in who.contexts:
            words = f"not shared in the context {name!r}: you are not a member of it here"
            yield Fault("/metadata", words)


async def install(
    services: Services, documents: Iterable[tuple[Mapping[str, Any], bytes]], owner: str
) -> None:
    """Keep the methods that ship: public, immutable, a new revision where one changed."""
    current = await services.catalogue.current()
    for document, body in documents:
        method = checked(document)
        before = current.get(method.id)
        if before is not None and before.method.document == method.document:
            continue
        if before is not None and before.owner != owner:
            log.warning("the shipped method %s is left out: somebody has this id", method.id)
            continue
        revision = Revision(method, 0, owner, True, False, services.clock())
        await services.catalogue.add(revision, body, METHOD, replace=before is not None)
