"""The controller by Slurm's commands, on this machine or behind a prefix such as `ssh host`."""

import asyncio
import math
import os
import secrets
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from openccp.infrastructures.slurm.controller import (
    BatchJob,
    ControllerGone,
    Listed,
    Order,
    Refused,
)
from openccp.infrastructures.slurm.tokens import LIFE, bare

FIELDS = "%F|%A|%K|%T|%r|%N|%u|%k|%j"
"""What people may write themselves comes last."""
LINE = "%F %Q"
LINE_SECONDS = 15.0
"""How long a look at the whole queue is good for: its order is told, nothing is decided by it."""
ACCOUNTED = "JobID,JobIDRaw,State,NodeList"
SECONDS = 30
"""A command that takes longer is given up: the controller does not answer."""
GONE = (
    "Unable to contact slurm controller",
    "Socket timed out",
    "Connection refused",
    "Zero Bytes were transmitted",
    "Transport endpoint",
    "slurm_persist_conn_open",
)
PASSED_ON = ("SLURM_CONF", "HOME", "USER", "SSH_AUTH_SOCK")
BATCH_SCRIPT = "#!/bin/sh\nexec {}\n"


class Commands:
    """Runs sbatch, squeue, scancel. Nothing but names and numbers is in their arguments."""

    def __init__(self, prefix: Sequence[str], partition: str, user: str) -> None:
        self._prefix = tuple(prefix)
        self._partition = partition
        self._user = user
        self._line: list[int] = []
        self._lined_up = -LINE_SECONDS
        self._is_root: bool | None = None

    async def version(self) -> str:
        """Of the commands, once the controller answered."""
        try:
            told = await self._run("scontrol", "ping")
        except Refused as error:
            raise ControllerGone("slurmctld does not answer") from error
        if " UP" not in told:
            raise ControllerGone(told.strip() or "slurmctld does not answer")
        return (await self._run("sbatch", "--version")).split()[-1]

    async def submit(self, order: Order) -> int:
        """The script comes by standard input: no node has to see a file to queue it."""
        script = BATCH_SCRIPT.format(order.script)
        if self._is_root is None:
            self._is_root = (await self._run("id", "-u")).strip() == "0"
        words = _words(order, as_root=self._is_root)
        told = await self._run("sbatch", *words, stdin=script)
        return int(told.strip().split(";")[0])

    async def listed(self) -> Listed:
        """One squeue; now and then another for the order of all that wait, in numbers only."""
        row = secrets.token_hex(8)
        words = ("-h", "-r", "-a", "-t", "all", f"--user={self._user}", "-o", f"{row}|{FIELDS}")
        jobs = list(_read(await self._run("squeue", *words), row))
        if any(job.state == "PENDING" for job in jobs):
            await self._line_up()
        return Listed(jobs, self._line)

    async def _line_up(self) -> None:
        now = time.monotonic()
        if now - self._lined_up < LINE_SECONDS:
            return
        where = [f"--partition={self._partition}"] if self._partition else []
        told = await self._run("squeue", "-h", "-a", "-t", "PD", "-o", LINE, *where)
        rows = [[int(word) for word in line.split()] for line in told.splitlines()]
        self._line = [id for id, _ in sorted(rows, key=lambda row: (-row[1], row[0]))]
        self._lined_up = now

    async def ended(self, name: str) -> Sequence[BatchJob]:
        """One sacct."""
        words = ("-n", "-X", "-P", "-D", f"--name={name}", f"--user={self._user}")
        since = ("-S", "now-30days", "-o", ACCOUNTED)
        with suppress(Refused):
            return list(_read_accounted(await self._run("sacct", *words, *since), name, self._user))
        return []

    async def signal(self, name: str, jobs: Sequence[int], sign: str) -> None:
        """To the batch script and all that it started; scancel waits a minute for what waits."""
        await self._cancel(name, jobs, "--state=RUNNING", "--full", f"--signal={sign}")

    async def cancel(self, name: str, jobs: Sequence[int]) -> None:
        """What is not there any more is no error."""
        await self._cancel(name, jobs)

    async def _cancel(self, name: str, jobs: Sequence[int], *more: str) -> None:
        """By name and account too: a number may have been given to somebody else."""
        whose = (f"--name={name}", f"--user={self._user}")
        with suppress(Refused):
            if jobs:
                await self._run("scancel", *more, *whose, *map(str, jobs))

    async def token(self, user: str) -> str:
        """A new token for slurmrestd."""
        try:
            told = await self._run("scontrol", "token", f"username={user}", f"lifespan={LIFE}")
        except Refused as error:
            raise ControllerGone(f"No token can be had: {error}") from error
        return bare(told)

    async def close(self) -> None:
        """Nothing is held."""

    async def _run(self, *words: str, stdin: str = "") -> str:
        command = ["env", "LC_ALL=C", *words]
        if self._prefix:
            command = [*self._prefix, shlex.join(command)]
        try:
            running = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=_environment(os.environ),
                cwd="/",
            )
        except OSError as error:
            raise ControllerGone(f"{command[0]} cannot be run: {error.strerror}") from error
        try:
            async with asyncio.timeout(SECONDS):
                out, err = await running.communicate(stdin.encode())
        except TimeoutError:
            running.kill()
            await running.wait()
            raise ControllerGone(f"{words[0]} did not end within {SECONDS} seconds") from None
        return _answer(running.returncode or 0, out.decode("utf-8", "replace"), err)


def _words(order: Order, *, as_root: bool) -> list[str]:
    share = order.share
    given = {
        "--job-name": order.name,
        "--comment": order.comment,
        "--time": str(math.ceil(share.seconds / 60)),
        "--mem": f"{math.ceil(share.memory_bytes / (1 << 20))}M",
        "--cpus-per-task": str(share.cpus),
        "--partition": share.partition,
        "--account": share.account,
        "--qos": share.qos,
        "--gres": f"gpu:{share.gpus}" if share.gpus else "",
        "--array": f"0-{order.replicas - 1}" if order.replicas > 1 else "",
        "--uid": str(order.uid) if as_root else "",
        "--gid": str(order.gid) if as_root else "",
    }
    fixed = ["--parsable", "--no-requeue", "--export=LANG", "--chdir=/", "--ntasks=1"]
    silent = ["--output=/dev/null", "--error=/dev/null", "--input=/dev/null"]
    return [*fixed, *silent, *(f"{name}={value}" for name, value in given.items() if value)]


def _answer(code: int, told: str, complaint: bytes) -> str:
    if code == 0:
        return told
    words = " ".join(complaint.decode("utf-8", "replace").split())[-300:]
    if code in (126, 127, 255) or any(sign in words for sign in GONE):
        raise ControllerGone(words or "Slurm's commands cannot be run")
    raise Refused(words)


def _environment(own: Mapping[str, str]) -> dict[str, str]:
    """Of the platform's own variables only those that lead to the cluster."""
    kept = {name: own[name] for name in PASSED_ON if name in own}
    return {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin", **kept}


def _read(told: str, row: str) -> Iterator[BatchJob]:
    """Lines that begin with this call's own word; others are parts of what somebody wrote."""
    for line in told.splitlines():
        fields = line.split("|", 9)
        if len(fields) < 10 or fields[0] != row:
            continue
        _, id, own, index, state, reason, node, user, comment, name = fields
        yield BatchJob(
            id=int(id),
            own=int(own),
            index=int(index) if index.isdigit() else 0,
            name=name,
            comment=comment,
            user=user,
            state=state,
            reason=reason,
            node=node,
        )


def _read_accounted(told: str, name: str, user: str) -> Iterator[BatchJob]:
    for line in told.splitlines():
        job, own, state, node = line.split("|")
        id, _, index = job.partition("_")
        yield BatchJob(
            id=int(id),
            own=int(own) if own.isdigit() else 0,
            index=int(index) if index.isdigit() else 0,
            name=name,
            comment="",
            user=user,
            state=state.split()[0],
            node=node,
        )
