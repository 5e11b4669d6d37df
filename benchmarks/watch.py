"""Thousands of jobs running at once, watched by one reconciler: `python -m benchmarks.watch`.

The jobs are simulated (they cost the machine nothing), and the platform is a real one in a process
of its own. Each job says something new every minute, at a time that its message tells; what the
database says meanwhile is read ten times a second, and so is seen how old it is.
"""

import argparse
import json
import os
import sqlite3
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from openccp.testing.platform import RunningPlatform, User, bash_method
from openccp.testing.plugins import bring_kinds

STEP = 60.0
SAMPLE = 0.1
CLIENTS = 8
METHOD = "watched"
SETTINGS = """
infrastructure_names = {{ local = "simulated" }}
[server]
requests_per_second = 0
[infrastructures.simulated]
kind = "simulated"
slots = {jobs}
seconds = 86400
step = {step}
tells = false
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was seen. Seconds, and cores."""

    jobs: int
    seconds: float
    started_in: float
    cores: float
    changes_each_second: float
    shown_after_median: float
    shown_after_p99: float
    stale_worst: float
    """The oldest that the database was seen to be, waiting for its commit included."""
    memory_mib: float


def watch(folder: Path, jobs: int, seconds: float) -> Figures:
    """Start the jobs, let them settle, and measure."""
    data, kinds = folder / "data", bring_kinds(folder / "kinds")
    data.mkdir()
    (data / "openccp.toml").write_text(SETTINGS.format(jobs=jobs, step=STEP))
    path = os.pathsep.join([str(kinds), *filter(None, [os.environ.get("PYTHONPATH")])])
    sys.path.append(str(kinds))
    platform = RunningPlatform(data, {"PYTHONPATH": path})
    platform.start()
    try:
        user = platform.user("ada")
        begun = time.monotonic()
        _submit(user, jobs)
        with closing(sqlite3.connect(f"file:{data}/openccp.db?mode=ro", uri=True)) as database:
            _await_running(database, jobs)
            started = time.monotonic() - begun
            user.close()
            time.sleep(10)
            return _measure(platform, database, jobs, seconds, started)
    finally:
        platform.stop()


def _submit(user: User, jobs: int) -> None:
    user.deploy(bash_method(METHOD, "true"))
    with ThreadPoolExecutor(CLIENTS) as threads:
        list(threads.map(lambda _: user.run(METHOD), range(jobs)))


def _await_running(database: sqlite3.Connection, jobs: int) -> None:
    counted = "SELECT count(*) FROM jobs WHERE phase = 'executing'"
    while database.execute(counted).fetchone()[0] < jobs:
        time.sleep(0.2)


def _measure(
    platform: RunningPlatform,
    database: sqlite3.Connection,
    jobs: int,
    seconds: float,
    started: float,
) -> Figures:
    assert platform.process is not None
    pid = platform.process.pid
    worst = 0.0
    begun, used, before = time.monotonic(), _processor_seconds(pid), _versions(database)
    while time.monotonic() - begun < seconds:
        worst = max(worst, _oldest(database))
        time.sleep(SAMPLE)
    took = time.monotonic() - begun
    after = _shown_after(database)
    return Figures(
        jobs,
        took,
        started,
        (_processor_seconds(pid) - used) / took,
        (_versions(database) - before) / took,
        after[len(after) // 2],
        after[len(after) * 99 // 100],
        worst,
        _memory_mib(pid),
    )


def _oldest(database: sqlite3.Connection) -> float:
    """How long the truth about some job has been another than what is kept."""
    rows = database.execute("SELECT message FROM jobs WHERE phase = 'executing'").fetchall()
    now = time.time()
    since = (float(message.partition(" at ")[2] or now) for (message,) in rows)
    return max(0.0, max(now - STEP - one for one in since))


def _shown_after(database: sqlite3.Connection) -> list[float]:
    """From when something came to be true until it was kept, for each job's last change."""
    rows = database.execute("SELECT message, updated FROM jobs WHERE phase = 'executing'")
    said = ((message.partition(" at "), updated) for message, updated in rows)
    return sorted(updated - float(at) for (step, _, at), updated in said if int(step))


def _versions(database: sqlite3.Connection) -> int:
    total: int = database.execute("SELECT sum(version) FROM jobs").fetchone()[0]
    return total


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    held = next(line for line in lines if line.startswith("VmRSS"))
    return int(held.split()[1]) / 1024


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=60)
    chosen = parser.parse_args()
    with TemporaryDirectory(prefix="openccp-watch-") as folder:
        figures = watch(Path(folder), chosen.jobs, chosen.seconds)
    json.dump(asdict(figures), sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
