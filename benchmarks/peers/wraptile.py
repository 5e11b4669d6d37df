"""wraptile with its local service: jobs in the memory of one process, run by three threads."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.peers.environments import environment, version
from benchmarks.platforms import Platform
from benchmarks.processes import free_port, serving

PACKAGES = ("wraptile==0.3.0",)
SERVICE = """
from wraptile.services.local import LocalService

service = LocalService(title="Benchmark", description="Six hellos")


def hello(name: str = "world") -> str:
    return f"Hello, {name}!"


for number in range(1, 7):
    service.process_registry.process(
        hello, id=f"hello-{number}", title="Hello", description="Says hello to a name."
    )
"""


@contextmanager
def wraptile(cache: Path, folder: Path) -> Iterator[Platform]:
    """wraptile with six processes, as many as OpenCCP ships."""
    bins = environment(cache, "wraptile", PACKAGES)
    (folder / "benchmark_service.py").write_text(SERVICE)
    port = free_port()
    command = [str(bins / "wraptile"), "run", "--host", "127.0.0.1", "--port", str(port)]
    command.append("benchmark_service:service")
    with serving(command, port, folder / "wraptile.log", {"PYTHONPATH": str(folder)}) as running:
        name = f"wraptile {version(bins, 'wraptile')}"
        yield Platform(name, running, "hello-1", {"name": "Ada"})
