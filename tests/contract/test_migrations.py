"""The tables are the sum of the migrations, however a database came to be."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, text

from openccp.store.connect import UnsupportedDatabase, connect, parse_url
from openccp.store.migrate import HEAD, MIGRATIONS, migrate, stamp, upgrade
from openccp.store.tables import metadata
from openccp.testing.postgresql import Server

BOTH = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql))


@pytest.fixture(params=BOTH)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: Server = request.getfixturevalue("postgresql_server")
    with server.database() as name:
        yield server.url(name)


@pytest.fixture
def engine(empty: str) -> Iterator[Engine]:
    made = create_engine(parse_url(empty))
    yield made
    made.dispose()


def test_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def _upgraded_from_nothing(engine: Engine) -> None:
    with engine.begin() as connection:
        upgrade(connection)


def test_the_migrations_make_the_tables(engine: Engine) -> None:
    _upgraded_from_nothing(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_a_fresh_database_is_what_the_migrations_make(empty: str, engine: Engine) -> None:
    _upgraded_from_nothing(engine)
    with engine.begin() as connection:
        migrated = _described(connection)
        metadata.drop_all(connection)
        stamp.drop(connection)
    migrate(empty)
    with engine.connect() as connection:
        assert _described(connection) == migrated


def _described(connection: Connection) -> set[tuple[str, ...]]:
    rows = connection.execute(text(DESCRIBE[connection.dialect.name])).all()
    contexts = connection.execute(text("SELECT name, title FROM contexts")).all()
    stamped = connection.execute(stamp.select()).all()
    return {tuple(" ".join(str(value).split()) for value in row) for row in [*rows, *contexts]} | {
        tuple(row) for row in stamped
    }


DESCRIBE = {
    "sqlite": "SELECT type, name, sql FROM sqlite_master",
    "postgresql": """
        SELECT table_name, column_name, data_type, is_nullable, collation_name
        FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL SELECT tablename, indexname, indexdef, '', ''
        FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', ''
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    """,
}


def test_an_older_database_is_upgraded(empty: str, engine: Engine) -> None:
    with engine.begin() as connection:
        stamp.create(connection)
    migrate(empty)
    with engine.connect() as connection:
        assert connection.scalar(stamp.select()) == HEAD
        assert connection.scalar(text("SELECT name FROM contexts")) == "default"


def test_many_may_migrate_at_once(empty: str, engine: Engine) -> None:
    failures: list[BaseException] = []

    def one() -> None:
        try:
            migrate(empty)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with engine.connect() as connection:
        assert connection.scalar(stamp.select()) == HEAD


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://h/d", "redis://h"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(UnsupportedDatabase):
        connect(url)
