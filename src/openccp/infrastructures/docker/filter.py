"""What jobs with network may send to, held by the packet filter where the daemon's bridges are."""

import shutil
import socket
import struct
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Literal

CLOSED = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "168.63.129.16/32",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
)
"""Nothing public lies here; 168.63.129.16 is where one cloud keeps its metadata."""
RESOLVERS = ("etc/resolv.conf", "run/systemd/resolve/resolv.conf")
PROGRAMS = "/usr/sbin:/sbin:/usr/bin:/bin"
SUBNETS = IPv4Network("10.213.0.0/16")
RESET = "-p tcp -j REJECT --reject-with tcp-reset"
HOOKS = ("FORWARD", "INPUT")
BRIDGE = "ccp"
"""How the bridges of all platforms begin."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator decided. `subnets` is cut into small parts, one an attempt."""

    mode: Literal["none", "filtered", "open"] = "filtered"
    allowed: tuple[IPv4Network, ...] = ()
    subnets: IPv4Network = SUBNETS
    resolvers: tuple[IPv4Address, ...] = ()


class NoFilter(Exception):
    """The filter cannot be put; the text says why, after "... because "."""


@dataclass(frozen=True, slots=True)
class Filter:
    """The rules for all bridges whose names begin with `prefix`, in the daemon's own network.

    Addresses of the daemon's machine are closed whatever they are, other jobs too; IPv6 is
    closed whole. `resolvers` may be asked for names.
    """

    process: int
    prefix: str
    allowed: tuple[IPv4Network, ...] = ()
    resolvers: tuple[IPv4Address, ...] = ()

    def put(self) -> None:
        """Put what is not there; the chains are written anew whole. NoFilter if it fails."""
        if shutil.which("nsenter", path=PROGRAMS) is None:
            raise NoFilter("the program nsenter is not installed")
        command = ["nsenter", f"--net=/proc/{self.process}/ns/net", "sh", "-e"]
        try:
            done = subprocess.run(
                command,
                input=self.script().encode(),
                capture_output=True,
                timeout=30,
                check=False,
                env={"PATH": PROGRAMS},
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise NoFilter(f"iptables could not be run ({error})") from error
        if done.returncode:
            words = done.stderr.decode(errors="replace").strip().splitlines()
            raise NoFilter(f"iptables refused it ({words[-1][:200] if words else 'no reason'})")

    def script(self) -> str:
        """As a shell runs it: the chains are exchanged at once, then the ways into them are there.

        What holds is in the table `security`, which the daemon leaves alone: in `filter` it takes
        its own chain out and in again whenever a network is made. There a job is told at once.
        """
        tables = "\n".join([*self._table("security", "-j DROP"), *self._table("filter", RESET)])
        ways = [
            self._way("security", "FORWARD", ""),
            self._way("security", "INPUT", "-IN"),
            self._way("filter", "INPUT", "-IN"),
            self._way("filter", "DOCKER-USER", "") + " || true",
        ]
        if Path("/proc/sys/net/ipv6").is_dir():
            closed = f"-i {self.prefix}+ -j DROP"
            ways += [_ensure(f"ip6tables -t security {{}} {hook} {closed}") for hook in HOOKS]
        return "\n".join([f"iptables-restore -w 5 --noflush <<'END'\n{tables}\nEND", *ways, ""])

    def _table(self, name: str, refuse: str) -> Iterable[str]:
        """Which rule of a chain comes first counts: other jobs are never allowed."""
        chain = self._chain
        yield f"*{name}"
        yield f":{chain} - [0:0]"
        yield f":{chain}-IN - [0:0]"
        yield f"-A {chain} -o {BRIDGE}+ {refuse}"
        for one in (chain, f"{chain}-IN"):
            for address in self.resolvers:
                for protocol in ("udp", "tcp"):
                    yield f"-A {one} -d {address} -p {protocol} --dport 53 -j RETURN"
            for network in self.allowed:
                yield f"-A {one} -d {network} -j RETURN"
        for closed in CLOSED:
            yield f"-A {chain} -d {closed} {refuse}"
        yield f"-A {chain}-IN {refuse}"
        yield "COMMIT"

    def _way(self, table: str, hook: str, end: str) -> str:
        return _ensure(f"iptables -t {table} {{}} {hook} -i {self.prefix}+ -j {self._chain}{end}")

    @property
    def _chain(self) -> str:
        return f"OPENCCP-{self.prefix}"

    def sees(self, bridge: str) -> bool:
        """Whether a bridge is where the rules are."""
        try:
            devices = Path(f"/proc/{self.process}/net/dev").read_text()
        except OSError:
            return False
        return any(line.strip().startswith(f"{bridge}:") for line in devices.splitlines())


def _ensure(rule: str) -> str:
    return f"{rule.format('-w 5 -C')} 2>/dev/null || {rule.format('-w 5 -I')}"


def process_behind(address: str) -> int:
    """The process that listens at `unix://...` on this machine; NoFilter if it is elsewhere."""
    path = address.removeprefix("unix://")
    if path == address:
        raise NoFilter("its daemon is on another machine")
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
            asking.settimeout(5)
            asking.connect(path)
            credentials = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    except OSError as error:
        raise NoFilter("its daemon does not answer") from error
    process = int(struct.unpack("3i", credentials)[0])
    if process <= 0:
        raise NoFilter("its daemon is no process that is seen here")
    return process


def resolvers_of(process: int) -> tuple[IPv4Address, ...]:
    """The name servers that a process's machine asks over the network; empty: it asks itself."""
    for name in RESOLVERS:
        try:
            lines = Path(f"/proc/{process}/root/{name}").read_text(errors="replace").splitlines()
        except OSError:
            continue
        found = [_address(words[1]) for words in map(str.split, lines) if _names_server(words)]
        outside = tuple(one for one in found if one is not None and not one.is_loopback)
        if outside:
            return outside
    return ()


def _names_server(words: list[str]) -> bool:
    return len(words) > 1 and words[0] == "nameserver"


def _address(text: str) -> IPv4Address | None:
    try:
        return IPv4Address(text)
    except ValueError:
        return None
