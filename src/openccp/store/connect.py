"""From a URL to a database that is up to date."""

from sqlalchemy.engine import URL, make_url

from openccp.store.database import Database
from openccp.store.sqlite import SqliteDatabase


class UnsupportedDatabase(Exception):
    """The URL names neither a SQLite file nor a PostgreSQL server."""


def parse_url(text: str) -> URL:
    """The parsed URL of a database of a kind that is supported."""
    url = make_url(text)
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        return url
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    raise UnsupportedDatabase(
        f"{url.render_as_string()} is not sqlite:///FILE or postgresql://HOST/NAME"
    )


def connect(text: str, busy_timeout: float = 5.0) -> Database:
    """The database of a URL; `migrate` it first. `busy_timeout` is SQLite's, in seconds."""
    url = parse_url(text)
    if url.get_backend_name() == "sqlite":
        return SqliteDatabase(url, busy_timeout)
    from openccp.store.postgresql import PostgresqlDatabase  # optional extra

    return PostgresqlDatabase(url)
