"""Brings a database to the tables this version of the program knows."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    create_engine,
    inspect,
    select,
    text,
)
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from openccp.core.access import DEFAULT_CONTEXT
from openccp.store.connect import parse_url
from openccp.store.queue_tables import queues
from openccp.store.sqlite import WRITE_PRAGMAS, open_connection
from openccp.store.tables import contexts, prepare_for_postgresql

HEAD = "0005"
MIGRATIONS = Path(__file__).parent / "migrations"
ADVISORY_LOCK = 0x0CC9
stamp = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def migrate(url_text: str) -> None:
    """Create or upgrade the tables; safe when several processes start at once."""
    url = parse_url(url_text)
    sqlite = url.get_backend_name() == "sqlite"
    with _locked_sqlite(url) if sqlite else _locked_postgresql(url) as connection:
        if inspect(connection).has_table(stamp.name):
            if connection.scalar(select(stamp.c.version_num)) != HEAD:
                upgrade(connection)
        else:
            _create(connection)


def _create(connection: Connection) -> None:
    """What all migrations together make, without reading them: a fresh start is quick."""
    if connection.dialect.name == "postgresql":
        prepare_for_postgresql()
    queues.metadata.create_all(connection)
    stamp.create(connection)
    connection.execute(stamp.insert(), {"version_num": HEAD})
    connection.execute(contexts.insert(), {"name": DEFAULT_CONTEXT, "title": "Everybody"})


def upgrade(connection: Connection) -> None:
    """Run the migrations that are missing, on this connection."""
    from alembic import command  # takes longer to import than everything else here
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@contextmanager
def _locked_sqlite(url: URL) -> Iterator[Connection]:
    connection, driver = open_connection(url, WRITE_PRAGMAS)
    lock = os.open(f"{url.database}.migration", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        driver.execute("BEGIN IMMEDIATE")
        yield connection
        driver.execute("COMMIT")
    finally:
        connection.close()
        os.close(lock)


@contextmanager
def _locked_postgresql(url: URL) -> Iterator[Connection]:
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))
        yield connection
