"""The controller by Slurm's commands, on this machine or behind a prefix such as `ssh host`."""

import asyncio
import math
import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from openccp.infrastructures.slurm.controller import BatchJob, ControllerGone, Order, Refused
from openccp.infrastructures.slurm.tokens import LIFE, bare

FIELDS = "%F|%K|%T|%r|%N|%Q|%u|%k|%j"
ACCOUNTED = "JobID,State,NodeList,User,Comment,JobName"
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

    def __init__(self, prefix: Sequence[str], partition: str, *, as_root: bool) -> None:
        self._prefix = tuple(prefix)
        self._partition = partition
        self._as_root = as_root

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
        told = await self._run("sbatch", *self._words(order), stdin=script)
        return int(told.strip().split(";")[0])

    def _words(self, order: Order) -> list[str]:
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
            "--uid": str(order.uid) if self._as_root else "",
            "--gid": str(order.gid) if self._as_root else "",
        }
        fixed = ["--parsable", "--no-requeue", "--export=LANG", "--chdir=/", "--ntasks=1"]
        silent = ["--output=/dev/null", "--error=/dev/null", "--input=/dev/null"]
        return [*fixed, *silent, *(f"{name}={value}" for name, value in given.items() if value)]

    async def listed(self) -> Sequence[BatchJob]:
        """One squeue; a partition of our own is enough to see our place in its queue."""
        where = [f"--partition={self._partition}"] if self._partition else []
        told = await self._run("squeue", "-h", "-r", "-a", "-t", "all", "-o", FIELDS, *where)
        return list(_read(told))

    async def ended(self, name: str) -> Sequence[BatchJob]:
        """One sacct."""
        words = ("-n", "-X", "-P", "-D", f"--name={name}", "-S", "now-30days", "-o", ACCOUNTED)
        with suppress(Refused):
            return list(_read_accounted(await self._run("sacct", "-a", *words)))
        return []

    async def signal(self, job: int, sign: str) -> None:
        """To the batch script and all that it started."""
        with suppress(Refused):
            await self._run("scancel", "--full", f"--signal={sign}", str(job))

    async def cancel(self, job: int) -> None:
        """What is not there any more is no error."""
        with suppress(Refused):
            await self._run("scancel", str(job))

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


def _answer(code: int, told: str, complaint: bytes) -> str:
    if code == 0:
        return told
    words = " ".join(complaint.decode("utf-8", "replace").split())[:300]
    if code in (126, 127, 255) or any(sign in words for sign in GONE):
        raise ControllerGone(words or "Slurm's commands cannot be run")
    raise Refused(words)


def _environment(own: Mapping[str, str]) -> dict[str, str]:
    """Of the platform's own variables only those that lead to the cluster."""
    kept = {name: own[name] for name in PASSED_ON if name in own}
    return {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin", **kept}


def _read(told: str) -> Iterable[BatchJob]:
    for line in told.splitlines():
        fields = line.split("|", 8)
        if len(fields) < 9 or not fields[0].isdigit():
            continue
        id, index, state, reason, node, priority, user, comment, name = fields
        yield BatchJob(
            id=int(id),
            index=int(index) if index.isdigit() else 0,
            name=name,
            comment=comment,
            user=user,
            state=state,
            reason=reason,
            node=node,
            priority=int(priority) if priority.isdigit() else 0,
        )


def _read_accounted(told: str) -> Iterable[BatchJob]:
    for line in told.splitlines():
        fields = line.split("|", 5)
        id, _, index = fields[0].partition("_")
        if len(fields) == 6 and id.isdigit():
            _, state, node, user, comment, name = fields
            number = int(index) if index.isdigit() else 0
            state = state.split()[0] if state else ""
            yield BatchJob(int(id), number, name, comment, user, state, node=node)
