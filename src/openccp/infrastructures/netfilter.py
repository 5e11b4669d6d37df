"""Keeping jobs with network away from the platform's own addresses, where the machine can."""

import shutil
import subprocess

CHAIN = "OPENCCP"
PROGRAMS = ("iptables", "ip6tables")
OPEN = "open: jobs with network can reach this machine's own addresses"
FILTERED = "filtered: jobs with network cannot reach this machine's own addresses"


def close_own_addresses(uid_range: tuple[int, int]) -> str:
    """Reject what users of the range send to this machine (names may be asked for); idempotent.

    Whatever goes to an own address leaves by the loopback interface, by whatever address.
    Answers the policy that holds now.
    """
    users = f"{uid_range[0]}-{uid_range[1] - 1}"
    return FILTERED if all([_close(program, users) for program in PROGRAMS]) else OPEN


def _close(program: str, users: str) -> bool:
    path = shutil.which(program, path="/usr/sbin:/sbin:/usr/bin:/bin")
    if path is None:
        return False
    chain = f"{CHAIN}-{users}"
    if not _run(path, "-n", "-L", chain) and not _run(path, "-N", chain):
        return False
    rules = [
        ["-p", "udp", "--dport", "53", "-j", "RETURN"],
        ["-p", "tcp", "--dport", "53", "-j", "RETURN"],
        ["-j", "REJECT"],
    ]
    jump = ["-o", "lo", "-m", "owner", "--uid-owner", users, "-j", chain]
    return all([_ensure(path, chain, rule) for rule in rules]) and _ensure(path, "OUTPUT", jump)


def _ensure(program: str, chain: str, rule: list[str]) -> bool:
    return _run(program, "-C", chain, *rule) or _run(program, "-A", chain, *rule)


def _run(program: str, *words: str) -> bool:
    try:
        result = subprocess.run(
            [program, "-w", "5", *words], capture_output=True, timeout=20, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return result.returncode == 0
