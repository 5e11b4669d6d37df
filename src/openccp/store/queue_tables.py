"""Counts of waiting and running jobs, kept by the database itself: no change can forget them.

A trigger counts in the transaction that changes the job. Rows are changed in one fixed order,
so that transactions never wait for each other in a circle.
"""

from typing import Any

from sqlalchemy import Column, Connection, Index, Integer, MetaData, Table, Text, event, text

from openccp.store.tables import Name, jobs, metadata

KINDS = (("user", "owner"), ("context", "context"), ("total", "infrastructure"))
"""What is counted of an infrastructure, and the job's column that names it."""

queues = Table(
    "queues",
    metadata,
    Column("infrastructure", Name, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("name", Name, primary_key=True),
    Column("waiting", Integer, nullable=False),
    Column("running", Integer, nullable=False),
    Index(
        "queues_waiting",
        "infrastructure",
        "name",
        sqlite_where=text("kind = 'user' AND waiting > 0"),
    ),
)
Index(
    "jobs_waiting",
    jobs.c.infrastructure,
    jobs.c.owner,
    jobs.c.created,
    jobs.c.id,
    sqlite_where=text("status = 'accepted'"),
)


def _counted(row: str, sign: str) -> str:
    """Count a row of jobs in, or out again."""
    return "\n".join(
        f"INSERT INTO queues (infrastructure, kind, name, waiting, running) VALUES "
        f"({row}.infrastructure, '{kind}', {row}.{column}, "
        f"{sign}CASE {row}.status WHEN 'accepted' THEN 1 ELSE 0 END, "
        f"{sign}CASE {row}.status WHEN 'running' THEN 1 ELSE 0 END) "
        "ON CONFLICT (infrastructure, kind, name) DO UPDATE SET "
        "waiting = queues.waiting + excluded.waiting, "
        "running = queues.running + excluded.running;"
        for kind, column in KINDS
    )


_LIVE = "{}.status IN ('accepted', 'running')"
_CHANGED = f"OLD.status <> NEW.status AND ({_LIVE.format('OLD')} OR {_LIVE.format('NEW')})"
_TRIGGERS = (
    ("insert", "INSERT", _LIVE.format("NEW"), _counted("NEW", "")),
    ("update", "UPDATE OF status", _CHANGED, _counted("OLD", "-") + "\n" + _counted("NEW", "")),
    ("delete", "DELETE", _LIVE.format("OLD"), _counted("OLD", "-")),
)


def counting(dialect: str) -> list[str]:
    """The statements that make the triggers."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER jobs_counted_{name} AFTER {change} ON jobs WHEN {condition} BEGIN\n"
            f"{counted}\nEND"
            for name, change, condition, counted in _TRIGGERS
        ]
    return [statement for one in _TRIGGERS for statement in _of_postgresql(*one)]


def _of_postgresql(name: str, change: str, condition: str, counted: str) -> tuple[str, str]:
    return (
        f"CREATE OR REPLACE FUNCTION jobs_counted_{name}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN\n{counted}\nRETURN NULL; END $$",
        f"CREATE TRIGGER jobs_counted_{name} AFTER {change} ON jobs FOR EACH ROW "
        f"WHEN ({condition}) EXECUTE FUNCTION jobs_counted_{name}()",
    )


@event.listens_for(metadata, "after_create")
def _count(_: MetaData, connection: Connection, **__: Any) -> None:
    for statement in counting(connection.dialect.name):
        connection.exec_driver_sql(statement)
