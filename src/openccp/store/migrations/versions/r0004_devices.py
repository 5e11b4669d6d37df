"""What programs ask for until a person has decided (RFC 8628)."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """One table."""
    op.create_table(
        "device_requests",
        sa.Column("digest", Name, primary_key=True),
        sa.Column("user_code", Name, nullable=False),
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("context", sa.Text),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("expires", sa.Double, nullable=False),
        sa.Column("interval", sa.Integer, nullable=False),
        sa.Column("polled", sa.Double, nullable=False),
        sa.Column("decided", sa.Double),
        sa.Column("account", sa.Text),
        sa.UniqueConstraint("user_code", name="device_requests_user_code"),
    )
    op.create_index("device_requests_expires", "device_requests", ["expires"])
