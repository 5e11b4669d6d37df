"""What a reconciler works with in tests: one method, memory, and a clock that is told."""

from collections.abc import Mapping
from typing import Any

from openccp.app.catalogue import Catalogue
from openccp.app.changes import Changes
from openccp.app.outbox import Outbox
from openccp.app.perform import Surroundings
from openccp.app.services import Rules
from openccp.core.method import Method, Revision, Scripts
from openccp.core.ports import Clock
from openccp.testing.memory import NoFiles
from openccp.web.callbacks import failure, progress


class OneMethod:
    """MethodStore with one method in one revision."""

    def __init__(self, undeploy: bool) -> None:
        scripts = Scripts(execute="true", undeploy="true" if undeploy else "")
        method = Method("m", "m", "1", "", (), {}, {}, scripts, (), (), False, False, {})
        self.revision_ = Revision(method, 1, "o", False, True, 0.0)

    async def revision(self, method_id: str, number: int) -> Revision:
        return self.revision_


def surrounded(
    jobs: Any, places: Mapping[str, Any], clock: Clock, *, undeploy: bool, files: NoFiles
) -> Surroundings:
    """Any: the store and the places may be wrapped."""
    catalogue = Catalogue(OneMethod(undeploy), clock)  # type: ignore[arg-type]
    return Surroundings(
        jobs=jobs,
        catalogue=catalogue,
        files=files,
        infrastructures=places,
        changes=Changes(),
        outbox=Outbox(jobs, catalogue, files, "", progress, failure),
        clock=clock,
        rules=Rules(),
    )
