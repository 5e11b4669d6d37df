"""Keeping jobs with network away from the platform's own addresses, where the machine can."""

import shutil
import subprocess
from collections.abc import Mapping
from urllib.parse import urlsplit

CHAIN = "OPENCCP"
PROGRAMS = ("iptables", "ip6tables")
OWN_NAMES = ("localhost", "127.0.0.1", "::1")
PORTS = {"http": 80, "https": 443, "socks5": 1080}
OPEN = "open: jobs with network can reach this machine's own addresses"
FILTERED = "filtered: jobs with network cannot reach this machine's own addresses"


def close_own_addresses(
    uid_range: tuple[int, int], environment: Mapping[str, str] | None = None
) -> str:
    """Reject what users of the range send to this machine; idempotent. Answers the policy.

    Whatever goes to an own address leaves by the loopback interface, by whatever address.
    Names may be asked for, and services that the operator's variables name are let through.
    """
    users = f"{uid_range[0]}-{uid_range[1] - 1}"
    ports = sorted({53} | _own_services(environment or {}))
    return FILTERED if all([_close(program, users, ports) for program in PROGRAMS]) else OPEN


def _own_services(environment: Mapping[str, str]) -> set[int]:
    """Ports of proxies and indexes on this machine that jobs were told to use."""
    found = set()
    for value in environment.values():
        for word in value.split():
            try:
                url = urlsplit(word)
                if url.hostname in OWN_NAMES and url.scheme in PORTS:
                    found.add(url.port or PORTS[url.scheme])
            except ValueError:
                continue
    return found


def _close(program: str, users: str, ports: list[int]) -> bool:
    path = shutil.which(program, path="/usr/sbin:/sbin:/usr/bin:/bin")
    if path is None:
        return False
    chain = f"{CHAIN}-{users}"
    if not _run(path, "-n", "-L", chain) and not _run(path, "-N", chain):
        return False
    let_through = [
        ["-p", protocol, "--dport", str(port), "-j", "RETURN"]
        for port in ports
        for protocol in ("tcp", "udp")
    ]
    jump = ["-o", "lo", "-m", "owner", "--uid-owner", users, "-j", chain]
    return (
        all([_ensure(path, "-I", chain, rule) for rule in let_through])
        and _ensure(path, "-A", chain, ["-j", "REJECT"])
        and _ensure(path, "-I", "OUTPUT", jump)
    )


def _ensure(program: str, how: str, chain: str, rule: list[str]) -> bool:
    return _run(program, "-C", chain, *rule) or _run(program, how, chain, *rule)


def _run(program: str, *words: str) -> bool:
    try:
        result = subprocess.run(
            [program, "-w", "5", *words], capture_output=True, timeout=20, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return result.returncode == 0
