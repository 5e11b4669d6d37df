"""pygeoapi under gunicorn (four workers of four threads) with its PostgreSQL manager."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.peers.environments import environment, newest_python, version
from benchmarks.platforms import Platform
from benchmarks.processes import free_port, serving
from openccp.testing.postgresql import Server, running_server

PACKAGES = ("pygeoapi>=0.21,<0.25", "gunicorn", "psycopg2-binary", "geoalchemy2")
JOBS = """
INSERT INTO jobs (identifier, process_id, created, started, finished, updated,
                  status, location, mimetype, message, progress)
SELECT gen_random_uuid(), 'hello-world', now() - n * interval '1 second', now(), now(), now(),
       'successful', 'None', 'application/json', 'Job complete', 100
"""
PROCESSES = ("hello-world", "hello-2", "hello-3", "hello-4", "hello-5", "hello-6")


@contextmanager
def pygeoapi(cache: Path, folder: Path) -> Iterator[Platform]:
    """pygeoapi with six processes, as many as OpenCCP ships."""
    bins = environment(cache, "pygeoapi", PACKAGES, newest_python())
    port = free_port()
    with running_server() as server, server.database() as database:
        environ = _configure(bins, folder, port, _connection(server, database))
        command = [str(bins / "gunicorn"), "--workers=4", "--threads=4", "--log-level=error"]
        command += [f"--bind=127.0.0.1:{port}", "pygeoapi.flask_app:APP"]
        with serving(command, port, folder / "pygeoapi.log", environ) as running:
            name = f"pygeoapi {version(bins, 'pygeoapi')}"
            fill = _Fill(server, database)
            yield Platform(name, running, "hello-world", {"name": "Ada"}, fill=fill)


def _connection(server: Server, database: str) -> dict[str, str]:
    return {
        "host": str(server.folder),
        "port": "5432",
        "database": database,
        "user": "postgres",
        "password": "none",
    }


def _configure(
    bins: Path, folder: Path, port: int, connection: Mapping[str, str]
) -> dict[str, str]:
    config, openapi = folder / "pygeoapi.json", folder / "pygeoapi-openapi.json"
    config.write_text(json.dumps(_config(port, connection), indent=2))
    environ = {"PYGEOAPI_CONFIG": str(config), "PYGEOAPI_OPENAPI": str(openapi)}
    generate = [str(bins / "pygeoapi"), "openapi", "generate", str(config), "--format=json"]
    subprocess.run(
        [*generate, f"--output-file={openapi}"],
        check=True,
        env={**os.environ, **environ},
        stdout=subprocess.DEVNULL,
    )
    return environ


def _config(port: int, connection: Mapping[str, str]) -> dict[str, object]:
    url = f"http://127.0.0.1:{port}"
    about = {"en": "Benchmark"}
    return {
        "server": {
            "bind": {"host": "127.0.0.1", "port": port},
            "url": url,
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "languages": ["en-US"],
            "limits": {"default_items": 100, "max_items": 10000},
            "map": {"url": url, "attribution": "none"},
            "manager": {"name": "PostgreSQL", "connection": dict(connection)},
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": {
                "title": about,
                "description": about,
                "keywords": {"en": ["benchmark"]},
                "keywords_type": "theme",
                "terms_of_service": url,
                "url": url,
            },
            "license": {"name": "none", "url": url},
            "provider": {"name": "none", "url": url},
            "contact": {"name": "none", "email": "nobody@example.org", "url": url},
        },
        "resources": {
            name: {"type": "process", "processor": {"name": "HelloWorld"}} for name in PROCESSES
        },
    }


class _Fill:
    def __init__(self, server: Server, database: str) -> None:
        self._server, self._database = server, database

    def __call__(self, count: int) -> None:
        statement = f"TRUNCATE jobs; {JOBS} FROM generate_series(1, {count}) AS n"
        with self._server.connect(self._database) as connection:
            connection.execute(statement.encode())
