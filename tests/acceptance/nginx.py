"""A real nginx before a platform, with the configuration that the documentation shows."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
needs_nginx = pytest.mark.skipif(not Path(NGINX).exists(), reason="nginx is not installed")
SHOWN = re.compile(r"```nginx\n(.*?)```", re.DOTALL)
CONFIGURATION = """
daemon off;
worker_processes 1;
error_log {folder}/error.log;
pid {folder}/nginx.pid;
{user}
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    proxy_cache_path {folder}/cache keys_zone=shared:1m;
    server {{
        listen 127.0.0.1:{port};
        {cache}
        add_header X-Cache $upstream_cache_status always;
        {locations}
    }}
}}
"""


def shown() -> str:
    """The block of docs/operate.md."""
    found = SHOWN.search((ROOT / "docs" / "operate.md").read_text())
    assert found
    return found[1]


@contextmanager
def nginx(
    folder: Path, port: int, behind: int, *, stripped: bool = False, cache: bool = False
) -> Iterator[None]:
    """nginx on `port`, before a platform on the port `behind`, until the block ends."""
    target = f"http://127.0.0.1:{behind}" + ("/" if stripped else "")
    locations = shown().replace("http://127.0.0.1:8080", target)
    caching = "proxy_cache shared; proxy_cache_valid 200 1h;" if cache else ""
    folder.mkdir(parents=True)
    file = folder / "nginx.conf"
    user = "user root;" if os.getuid() == 0 else ""
    text = CONFIGURATION.format(
        folder=folder, port=port, locations=locations, cache=caching, user=user
    )
    file.write_text(text)
    started = subprocess.Popen([NGINX, "-c", str(file), "-e", f"{folder}/error.log"])
    try:
        _await(port, started)
        yield
    finally:
        started.send_signal(signal.SIGTERM)
        started.wait(20)


def _await(port: int, started: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert started.poll() is None, "nginx did not start"
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
    raise AssertionError("nginx does not listen")
