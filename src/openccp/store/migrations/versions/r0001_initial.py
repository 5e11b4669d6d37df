"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Jobs, methods, accounts, and the context everybody is in."""
    _create_jobs()
    _create_parts_of_jobs()
    _create_idempotency()
    _create_methods()
    _create_accounts()
    _create_credentials()
    op.execute("INSERT INTO contexts (name, title) VALUES ('default', 'Everybody')")


def _create_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", Name, primary_key=True),
        sa.Column("method", Name, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("owner", Name, nullable=False),
        sa.Column("context", Name, nullable=False),
        sa.Column("infrastructure", Name, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("updated", sa.Double, nullable=False),
        sa.Column("status", Name, nullable=False),
        sa.Column("phase", Name, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("progress", sa.Integer),
        sa.Column("started", sa.Double),
        sa.Column("finished", sa.Double),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("handle", sa.Text),
        sa.Column("failure", sa.Text),
        sa.Column("stage_started", sa.Double),
        sa.Column("stop_requested", sa.Double),
        sa.Column("stop_requested_by", sa.Text),
        sa.Column("note", sa.Text),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("last_seq", sa.Integer, nullable=False),
        sa.Column("lease_owner", sa.Text),
        sa.Column("lease_until", sa.Double),
    )
    newest = (sa.text("created DESC"), sa.text("id DESC"))
    undone = sa.text("lease_until IS NOT NULL")
    op.create_index("jobs_newest", "jobs", ["owner", *newest])
    op.create_index("jobs_by_status", "jobs", ["owner", "status", *newest])
    op.create_index("jobs_by_method", "jobs", ["owner", "method", "status", *newest])
    op.create_index(
        "jobs_undone",
        "jobs",
        ["lease_until", "created", "id"],
        sqlite_where=undone,
        postgresql_where=undone,
    )


def _job() -> sa.Column[str]:
    return sa.Column("job_id", Name, sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)


def _create_parts_of_jobs() -> None:
    op.create_table(
        "job_events",
        _job(),
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table("job_requests", _job(), sa.Column("body", sa.LargeBinary, nullable=False))
    op.create_table(
        "job_secrets",
        _job(),
        sa.Column("name", Name, primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )


def _create_idempotency() -> None:
    op.create_table(
        "idempotency",
        sa.Column("scope", Name, primary_key=True),
        sa.Column("key", Name, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("job_id", Name, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("idempotency_job", "idempotency", ["job_id"])
    op.create_index("idempotency_created", "idempotency", ["created"])


def _create_methods() -> None:
    op.create_table(
        "methods",
        sa.Column("id", Name, primary_key=True),
        sa.Column("last", sa.Integer, nullable=False),
        sa.Column("current", sa.Integer),
    )
    op.create_table(
        "revisions",
        sa.Column("method_id", Name, sa.ForeignKey("methods.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("package", sa.LargeBinary, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
    )


def _member(name: str, target: str) -> sa.Column[str]:
    return sa.Column(name, Name, sa.ForeignKey(target, ondelete="CASCADE"), primary_key=True)


def _create_accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", Name, primary_key=True),
        sa.Column("name", Name, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("password_hash", sa.Text),
        sa.Column("not_before", sa.Double, nullable=False, server_default="0"),
        sa.UniqueConstraint("name", name="accounts_name"),
    )
    op.create_table(
        "contexts",
        sa.Column("name", Name, primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
    )
    op.create_table(
        "members",
        _member("account", "accounts.id"),
        _member("context", "contexts.name"),
        sqlite_with_rowid=False,
    )


def _create_credentials() -> None:
    op.create_table(
        "credentials",
        sa.Column("digest", Name, primary_key=True),
        sa.Column("kind", Name, nullable=False),
        sa.Column("account", Name, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("expires", sa.Double),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("context", sa.Text),
        sa.Column("client", sa.Text),
        sa.Column("family", Name),
        sa.Column("spent", sa.Double),
    )
    op.create_index("credentials_account", "credentials", ["account", "kind", "created"])
    op.create_index("credentials_expires", "credentials", ["expires"])
    family = sa.text("family IS NOT NULL")
    op.create_index(
        "credentials_family",
        "credentials",
        ["family"],
        sqlite_where=family,
        postgresql_where=family,
    )
