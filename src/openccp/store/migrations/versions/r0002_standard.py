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
    op.create_table(
        "deliveries",
        sa.Column("id", Name, primary_key=True),
        sa.Column("job_id", Name, sa.ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
        sa.Column("owner", Name, nullable=False),
        sa.Column("event", Name, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("state", Name, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("due", sa.Double),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("deliveries_job", "deliveries", ["job_id", "created"])
    op.create_index("deliveries_owner", "deliveries", ["owner", "state", "created"])
    there = sa.text("due IS NOT NULL")
    op.create_index(
        "deliveries_due", "deliveries", ["due", "id"], sqlite_where=there, postgresql_where=there
    )
