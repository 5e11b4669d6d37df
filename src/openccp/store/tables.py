"""The tables. What they look like is decided here and repeated by the migrations (a test compares).

Identifiers sort by code point on every database, so that keyset pages agree with Python's order.
"""

from sqlalchemy import (
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()
Name = Text().with_variant(Text(collation="C"), "postgresql")

jobs = Table(
    "jobs",
    metadata,
    Column("id", Name, primary_key=True),
    Column("method", Name, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("owner", Name, nullable=False),
    Column("context", Name, nullable=False),
    Column("infrastructure", Name, nullable=False),
    Column("created", Double, nullable=False),
    Column("updated", Double, nullable=False),
    Column("status", Name, nullable=False),
    Column("phase", Name, nullable=False),
    Column("message", Text, nullable=False),
    Column("progress", Integer),
    Column("started", Double),
    Column("finished", Double),
    Column("version", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("handle", Text),
    Column("failure", Text),
    Column("stage_started", Double),
    Column("stop_requested", Double),
    Column("stop_requested_by", Text),
    Column("note", Text),
    Column("fence", Integer, nullable=False),
    Column("last_seq", Integer, nullable=False),
    Column("lease_owner", Text),
    # 0 while nobody holds the job, NULL before its start and once it is done: only jobs
    # that have something to do are in the index of claims
    Column("lease_until", Double),
    Column("subscriber", Text),
    Column("tags", Text),
)
Index("jobs_newest", jobs.c.owner, jobs.c.created.desc(), jobs.c.id.desc())
Index("jobs_by_status", jobs.c.owner, jobs.c.status, jobs.c.created.desc(), jobs.c.id.desc())
Index(
    "jobs_by_method",
    jobs.c.owner,
    jobs.c.method,
    jobs.c.status,
    jobs.c.created.desc(),
    jobs.c.id.desc(),
)
Index("jobs_created", jobs.c.updated, sqlite_where=jobs.c.status == text("'created'"))
Index(
    "jobs_begun",
    jobs.c.lease_until,
    jobs.c.created,
    jobs.c.id,
    sqlite_where=text("lease_until IS NOT NULL AND (phase <> 'queued' OR status <> 'accepted')"),
)


def _of_job() -> Column[str]:
    return Column(
        "job_id", Name, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True, nullable=False
    )


# the tags again, in the order of job lists: what `jobs.tags` says is true, this is its index
tags = Table(
    "job_tags",
    metadata,
    _of_job(),
    Column("tag", Name, primary_key=True),
    Column("owner", Name, nullable=False),
    Column("created", Double, nullable=False),
    sqlite_with_rowid=False,
)
Index("job_tags_newest", tags.c.owner, tags.c.tag, tags.c.created.desc(), tags.c.job_id.desc())

events = Table(
    "job_events",
    metadata,
    _of_job(),
    Column("seq", Integer, primary_key=True),
    Column("at", Double, nullable=False),
    Column("kind", Text, nullable=False),
    Column("data", Text, nullable=False),
    sqlite_with_rowid=False,
)

requests = Table(
    "job_requests",
    metadata,
    _of_job(),
    Column("body", LargeBinary, nullable=False),
    # what a client sent, secrets replaced (OGC API - Processes Part 4, definition)
    Column("sent", LargeBinary),
)

secrets = Table(
    "job_secrets",
    metadata,
    _of_job(),
    Column("name", Name, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# the outbox of callbacks: `due` is NULL once one is delivered or given up
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Name, primary_key=True),
    Column("job", Name, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("owner", Name, nullable=False),
    Column("news", Name, nullable=False),
    Column("url", Text, nullable=False),
    Column("target", Name, nullable=False),
    Column("body", Text, nullable=False),
    Column("created", Double, nullable=False),
    Column("due", Double),
    Column("state", Name, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("tried", Double),
    Column("detail", Text, nullable=False),
    Index("deliveries_of_job", "job", "created"),
    Index("deliveries_newest", "owner", "created", "id"),
    Index("deliveries_by_state", "owner", "state", "created", "id"),
    Index("deliveries_due", "owner", "target", "due", sqlite_where=text("due IS NOT NULL")),
    Index("deliveries_ended", "created", sqlite_where=text("due IS NULL")),
)

# whom deliveries go to: `due` as the first of them, nobody asks before `free` (a lease, a pause)
delivery_targets = Table(
    "delivery_targets",
    metadata,
    Column("owner", Name, primary_key=True),
    Column("target", Name, primary_key=True),
    Column("due", Double),
    Column("free", Double, nullable=False),
    Index("delivery_targets_due", "due", sqlite_where=text("due IS NOT NULL")),
    sqlite_with_rowid=False,
)

# which of an owner's derived signing secrets is in use; no row means the first
webhook_secrets = Table(
    "webhook_secrets",
    metadata,
    Column("owner", Name, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("since", Double, nullable=False),
    sqlite_with_rowid=False,
)

# no foreign key: the key is taken before the job is written, which decides between two writers
idempotency = Table(
    "idempotency",
    metadata,
    Column("scope", Name, primary_key=True),
    Column("key", Name, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("job_id", Name, nullable=False),
    Column("created", Double, nullable=False),
    Index("idempotency_job", "job_id"),
    Index("idempotency_created", "created"),
    sqlite_with_rowid=False,
)

methods = Table(
    "methods",
    metadata,
    Column("id", Name, primary_key=True),
    Column("last", Integer, nullable=False),
    Column("current", Integer),
)

revisions = Table(
    "revisions",
    metadata,
    Column("method_id", Name, ForeignKey("methods.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("document", Text, nullable=False),
    Column("package", LargeBinary, nullable=False),
    Column("media_type", Text, nullable=False),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", Name, primary_key=True),
    Column("name", Name, nullable=False),
    Column("role", Text, nullable=False),
    Column("created", Double, nullable=False),
    Column("password_hash", Text),
    Column("not_before", Double, nullable=False, server_default="0"),
    UniqueConstraint("name", name="accounts_name"),
)

contexts = Table(
    "contexts",
    metadata,
    Column("name", Name, primary_key=True),
    Column("title", Text, nullable=False),
)

members = Table(
    "members",
    metadata,
    Column("account", Name, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    Column("context", Name, ForeignKey("contexts.name", ondelete="CASCADE"), primary_key=True),
    sqlite_with_rowid=False,
)

credentials = Table(
    "credentials",
    metadata,
    Column("digest", Name, primary_key=True),
    Column("kind", Name, nullable=False),
    Column("account", Name, nullable=False),
    Column("created", Double, nullable=False),
    Column("expires", Double),
    Column("label", Text, nullable=False),
    Column("context", Text),
    Column("client", Text),
    Column("family", Name),
    Column("spent", Double),
    Index("credentials_account", "account", "kind", "created"),
    Index("credentials_expires", "expires"),
    Index(
        "credentials_family",
        "family",
        sqlite_where=text("family IS NOT NULL"),
    ),
)

# what programs ask for until a person has decided (RFC 8628); both codes only as SHA-256
device_requests = Table(
    "device_requests",
    metadata,
    Column("digest", Name, primary_key=True),
    Column("user_code", Name, nullable=False),
    Column("client", Text, nullable=False),
    Column("context", Text),
    Column("address", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("created", Double, nullable=False),
    Column("expires", Double, nullable=False),
    Column("interval", Integer, nullable=False),
    Column("polled", Double, nullable=False),
    Column("decided", Double),
    Column("account", Text),
    Index("device_requests_expires", "expires"),
    UniqueConstraint("user_code", name="device_requests_user_code"),
)


def prepare_for_postgresql() -> None:
    """Give PostgreSQL the conditions of partial indexes.

    Not said above: naming a dialect loads it, which costs every start on SQLite time and memory.
    """
    for table in metadata.tables.values():
        for index in table.indexes:
            index.dialect_kwargs["postgresql_where"] = index.dialect_options["sqlite"]["where"]
