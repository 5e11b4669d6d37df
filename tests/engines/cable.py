"""A network of its own for one node, tied to this machine by a cable that can be cut."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tests.engines.daemons import NoEngine


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise NoEngine(f"{' '.join(words)}: {done.stderr.strip()}")


@dataclass(frozen=True)
class Cable:
    """Its two ends."""

    holder: int
    device: str
    near: str
    far: str

    @property
    def inside(self) -> Sequence[str]:
        """Words before a command that is to run at the far end."""
        return ("nsenter", f"--net=/proc/{self.holder}/ns/net")

    def cut(self) -> None:
        """Nothing comes through, and nobody is told."""
        _run("ip", "link", "set", self.device, "down")

    def mend(self) -> None:
        _run("ip", "link", "set", self.device, "up")


@contextmanager
def laid_cable() -> Iterator[Cable]:
    """Between this machine's network and a new one, while the block lasts."""
    hold = "ip link set lo up && echo up && exec sleep infinity"
    holder = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", hold], stdout=subprocess.PIPE, start_new_session=True
    )
    assert holder.stdout is not None
    try:
        if holder.stdout.readline() != b"up\n":
            raise NoEngine("a network of its own cannot be made")
        net = f"198.18.{holder.pid >> 6 & 255}.{(holder.pid & 63) << 2}".rpartition(".")
        near, far = (f"{net[0]}.{int(net[2]) + end}" for end in (1, 2))
        cable = Cable(holder.pid, f"ccp-n{holder.pid}", near, far)
        _run("ip", "link", "add", cable.device, "type", "veth", "peer", "eth0", "netns",
             str(holder.pid))  # fmt: skip
        _run("ip", "addr", "add", f"{near}/30", "dev", cable.device)
        _run(*cable.inside, "ip", "addr", "add", f"{far}/30", "dev", "eth0")
        _run(*cable.inside, "ip", "link", "set", "eth0", "up")
        cable.mend()
        yield cable
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
