"""What an infrastructure of containers says of itself."""

from collections.abc import Sequence

from openccp.core.ports import Health

BY_DAEMON = (
    "memory", "pids", "cpus", "network", "read-only", "capabilities", "privileges", "seccomp",
    "user", "jobs", "processes", "platform",
)  # fmt: skip
"""What the daemon is told to hold."""


def health_of(version: str, free: int, slots: int, images: Sequence[str], policy: str) -> Health:
    """Of a daemon that answers; `free` is bytes for scratch, `policy` what jobs may reach."""
    held = dict.fromkeys(BY_DAEMON, "docker")
    if policy.startswith("filtered"):
        held["private"] = "netfilter"
    return Health(
        True,
        f"Docker {version}",
        f"{free >> 20} MiB free for scratch",
        slots,
        tuple(images),
        f"Docker {version}, a user of its own",
        policy,
        {**held, "output": "watched", "files": "watched", "log": "watched"},
    )
