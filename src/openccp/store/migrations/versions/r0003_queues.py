"""Counts of waiting and running jobs by infrastructure, context and user, and fair claims."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
KINDS = (("user", "owner"), ("context", "context"), ("total", "infrastructure"))


def upgrade() -> None:
    """The table that triggers keep, as it has to be for the jobs that are there already."""
    op.create_table(
        "queues",
        sa.Column("infrastructure", Name, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("name", Name, primary_key=True),
        sa.Column("waiting", sa.Integer, nullable=False),
        sa.Column("running", sa.Integer, nullable=False),
    )
    _index("queues_waiting", "queues", "infrastructure", "name", where=USERS)
    op.drop_index("jobs_undone", "jobs")
    _index("jobs_begun", "jobs", "lease_until", "created", "id", where=BEGUN)
    _index("jobs_waiting", "jobs", "infrastructure", "owner", "created", "id", where=WAITING)
    for kind, column in KINDS:
        op.execute(
            "INSERT INTO queues (infrastructure, kind, name, waiting, running) "
            f"SELECT infrastructure, '{kind}', {column}, "
            "sum(CASE status WHEN 'accepted' THEN 1 ELSE 0 END), "
            "sum(CASE status WHEN 'running' THEN 1 ELSE 0 END) "
            "FROM jobs WHERE status IN ('accepted', 'running') "
            f"GROUP BY infrastructure, {column}"
        )
    for statement in counting(op.get_bind().dialect.name):
        op.execute(statement)


USERS = "kind = 'user' AND waiting > 0"
BEGUN = "lease_until IS NOT NULL AND (phase <> 'queued' OR status <> 'accepted')"
WAITING = "status = 'accepted'"


def _index(name: str, table: str, *columns: str, where: str) -> None:
    there = sa.text(where)
    op.create_index(name, table, list(columns), sqlite_where=there, postgresql_where=there)


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
