"""All that a Docker host may reach, as one network namespace: public, private, metadata, names.

Run as a program it is that namespace's servers: HTTP at every address, names at NAMES.
"""

import contextlib
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOST, GATE, NAMES, PUBLIC = "11.0.0.1", "11.0.0.2", "11.53.53.53", "11.22.33.44"
CLOSED = (
    "10.77.0.5",
    "10.255.255.1",
    "100.64.1.1",
    "100.100.100.200",
    "168.63.129.16",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.9.9",
    "172.31.200.9",
    "192.0.0.192",
    "192.0.2.7",
    "192.168.77.5",
    "198.18.0.9",
    "198.51.100.7",
    "203.0.113.7",
)
CLOSED_V6 = ("fd00:ec2::254", "fd20:ce::254")


@contextmanager
def outside(process: int) -> Iterator["Outside"]:
    """Joined to the network namespace of a process, whose way out it is."""
    words = ["unshare", "--net", sys.executable, __file__]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as servers:
        assert servers.stdin is not None
        assert servers.stdout is not None
        try:
            servers.stdout.readline()
            made = Outside(process, servers.pid)
            made.join()
            servers.stdin.write(b"serve\n")
            servers.stdin.flush()
            servers.stdout.readline()
            yield made
        finally:
            servers.kill()


class Outside:
    """What is there, and what arrived."""

    def __init__(self, inside: int, process: int) -> None:
        self.inside, self.process = inside, process

    def join(self) -> None:
        """A cable between both; the inside's default route leads here."""
        link = f"{self.process}"
        run(
            f"ip link add in{link} netns {self.inside} type veth peer name out netns {self.process}"
        )
        for command in (
            f"ip address add {HOST}/24 dev in{link}",
            f"ip link set in{link} up",
            f"ip route replace default via {GATE}",
        ):
            run(command, self.inside)
        addresses = [*CLOSED, NAMES, PUBLIC]
        for command in (
            f"ip address add {GATE}/24 dev out",
            "ip link set out up",
            "ip link set lo up",
            *(f"ip address add {one}/32 dev lo" for one in addresses),
            *(f"ip -6 address add {one}/128 dev lo nodad" for one in CLOSED_V6),
            "iptables -A INPUT -d 11.0.0.0/8 -j ACCEPT",
            "iptables -A INPUT -i out",
        ):
            run(command, self.process)

    def packets(self) -> int:
        """How many came for addresses that are not public."""
        listed = run("iptables -nvxL INPUT", self.process)
        return int(listed.splitlines()[-1].split()[0])


def run(command: str, process: int | None = None) -> str:
    """In the network namespace of a process."""
    words = ["nsenter", f"--net=/proc/{process}/ns/net"] if process else []
    done = subprocess.run([*words, *command.split()], capture_output=True, text=True)
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout


class Page(BaseHTTPRequestHandler):
    """Says at which address it was asked."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"this is {self.connection.getsockname()[0]}\n".encode())

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


class Web(ThreadingHTTPServer):
    """At every address, old and new."""

    address_family = socket.AF_INET6
    daemon_threads = True


def answer(question: bytes) -> bytes:
    """Every name is at PUBLIC; nothing has an IPv6 address."""
    end = question.index(b"\0", 12) + 5
    is_v4 = question[end - 4 : end - 2] == b"\0\1"
    head = question[:2] + struct.pack("!HHHHH", 0x8180, 1, is_v4, 0, 0)
    record = b"\xc0\x0c\0\1\0\1" + struct.pack("!IH", 60, 4) + socket.inet_aton(PUBLIC)
    return head + question[12:end] + (record if is_v4 else b"")


def serve_names() -> None:
    """Over UDP, for ever."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as names:
        names.bind((NAMES, 53))
        while True:
            question, asker = names.recvfrom(512)
            with contextlib.suppress(ValueError, IndexError):
                names.sendto(answer(question), asker)


if __name__ == "__main__":
    sys.stdout.write("a namespace is here\n")
    sys.stdout.flush()
    sys.stdin.readline()
    threading.Thread(target=Web(("::", 80), Page).serve_forever, daemon=True).start()
    threading.Thread(target=serve_names, daemon=True).start()
    sys.stdout.write("and is served\n")
    sys.stdout.flush()
    sys.stdin.read()
