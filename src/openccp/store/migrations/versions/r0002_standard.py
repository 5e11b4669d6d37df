"""Callbacks and their outbox; jobs that are created and not started."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """What the standard asks for beyond jobs that start at once."""
    op.add_column("jobs", sa.Column("subscriber", sa.Text))
    op.add_column("job_requests", sa.Column("sent", sa.LargeBinary))
    created = sa.text("status = 'created'")
    op.create_index(
        "jobs_created", "jobs", ["updated"], sqlite_where=created, postgresql_where=created
    )
    _deliveries()


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", Name, primary_key=True),
        sa.Column("job", Name, sa.ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
        sa.Column("owner", Name, nullable=False),
        sa.Column("news", Name, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("target", Name, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("due", sa.Double),
        sa.Column("state", Name, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("tried", sa.Double),
        sa.Column("detail", sa.Text, nullable=False),
    )
    _index("deliveries_of_job", "deliveries", "job", "created")
    _index("deliveries_newest", "deliveries", "owner", "created", "id")
    _index("deliveries_by_state", "deliveries", "owner", "state", "created", "id")
    _index("deliveries_due", "deliveries", "owner", "target", "due", where="due IS NOT NULL")
    _index("deliveries_ended", "deliveries", "created", where="due IS NULL")
    op.create_table(
        "delivery_targets",
        sa.Column("owner", Name, primary_key=True),
        sa.Column("target", Name, primary_key=True),
        sa.Column("due", sa.Double),
        sa.Column("free", sa.Double, nullable=False),
        sqlite_with_rowid=False,
    )
    _index("delivery_targets_due", "delivery_targets", "due", where="due IS NOT NULL")
    op.create_table(
        "webhook_secrets",
        sa.Column("owner", Name, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("since", sa.Double, nullable=False),
        sqlite_with_rowid=False,
    )


def _index(name: str, table: str, *columns: str, where: str | None = None) -> None:
    there = None if where is None else sa.text(where)
    op.create_index(name, table, list(columns), sqlite_where=there, postgresql_where=there)
