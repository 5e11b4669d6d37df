"""What the service offers, operation by operation: the one source of the API document."""

from openccp.web.operations import (
    callbacks,
    carriers,
    code,
    editor,
    executions,
    jobs,
    monitor,
    processes,
    service,
    shared,
    sign_in,
    uploads,
)
from openccp.web.operations.shape import Operation

OPERATIONS: tuple[Operation, ...] = (
    *service.OPERATIONS,
    *processes.OPERATIONS,
    *editor.OPERATIONS,
    *jobs.OPERATIONS,
    *monitor.OPERATIONS,
    *code.OPERATIONS,
    *executions.OPERATIONS,
    *shared.OPERATIONS,
    *callbacks.OPERATIONS,
    *sign_in.OPERATIONS,
    *carriers.OPERATIONS,
    *uploads.OPERATIONS,
)

__all__ = ["OPERATIONS", "Operation"]
