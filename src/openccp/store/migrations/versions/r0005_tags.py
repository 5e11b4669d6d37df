"""Tags of jobs, and their index in the order of job lists."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """A column for what a job's row says, and a table that finds jobs by it."""
    op.add_column("jobs", sa.Column("tags", sa.Text))
    op.create_table(
        "job_tags",
        sa.Column("job_id", Name, sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("tag", Name, primary_key=True),
        sa.Column("owner", Name, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sqlite_with_rowid=False,
    )
    newest = (sa.text("created DESC"), sa.text("job_id DESC"))
    op.create_index("job_tags_newest", "job_tags", ["owner", "tag", *newest])
