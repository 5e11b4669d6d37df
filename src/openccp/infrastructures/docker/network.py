"""A network of its own for each attempt that may have one, and what it can reach."""

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from openccp.core.job import Stage, TaskKey
from openccp.core.ports import CannotStart
from openccp.infrastructures.docker.container import Ground, labels_of
from openccp.infrastructures.docker.daemon import Daemon, Overlap
from openccp.infrastructures.docker.filter import (
    BRIDGE,
    Filter,
    NoFilter,
    Policy,
    process_behind,
    resolvers_of,
)
from openccp.infrastructures.folders import attempt_name

ADDRESSES = 16
"""How many addresses the smallest network of an attempt has."""
TRIES = 200
NO_NETWORK: Mapping[str, Any] = {"NetworkMode": "none"}


class Networks:
    """Makes and removes them; says in words what they reach."""

    def __init__(self, daemon: Daemon, address: str, ground: Ground, policy: Policy) -> None:
        self._daemon, self._address, self._ground, self._policy = daemon, address, ground, policy
        self._putting, self._proving = asyncio.Lock(), asyncio.Lock()
        self._proven = 0

    async def say(self) -> str:
        """What jobs with network can reach, for people; the first word is the mode."""
        if self._policy.mode == "none":
            return "none: jobs that want network are refused"
        if self._policy.mode == "open":
            return "open: jobs with network reach all that this host does, but not each other"
        try:
            await self._prove()
        except (NoFilter, CannotStart) as reason:
            return f"none: jobs that want network are refused: no filter, because {reason}"
        allowed = ", ".join(map(str, self._policy.allowed))
        return "filtered: jobs with network reach public addresses" + (
            f" and {allowed}" if allowed else ""
        )

    async def make(self, key: TaskKey, replicas: int) -> Mapping[str, Any]:
        """The attempt's network, unless it is there; answers what a container says of it.

        CannotStart if the operator lets jobs have none, or if it could not be filtered.
        """
        if self._policy.mode == "none":
            raise CannotStart("Methods that use the network are not run here")
        if self._policy.mode == "open":
            await self._make(key, replicas)
            return _joined(key, self._policy.resolvers)
        try:
            return _joined(key, await self._make_filtered(key, replicas))
        except NoFilter as reason:
            raise CannotStart(
                f"Methods that use the network are not run here: no filter, because {reason}"
            ) from reason

    async def remove(self, key: TaskKey) -> None:
        """Nothing if it is not there."""
        await self._daemon.remove_network(attempt_name(key))

    async def sweep(self, kept: Callable[[], set[str]]) -> None:
        """Remove those of attempts that are no more; one with a container in it stays."""
        async with self._proving:
            for name in await self._daemon.networks(label=self._ground.label):
                if name not in kept():
                    await self._daemon.remove_network(name)

    def bridge(self, key: TaskKey) -> str:
        """The name of the attempt's bridge: at most 15 characters."""
        return f"{self._prefix}{_digest(key)[:7]}"

    @property
    def _prefix(self) -> str:
        return f"{BRIDGE}{self._ground.place[:5]}"

    async def _prove(self) -> None:
        """By a network made and removed: the rules are where this daemon's bridges are."""
        async with self._proving:
            process = process_behind(self._address)
            if process != self._proven:
                probe = TaskKey(f"probe-{self._ground.place}", 1, Stage.RUN)
                await self._make_filtered(probe, 1)
                await self.remove(probe)
                self._proven = process

    async def _make_filtered(self, key: TaskKey, replicas: int) -> Sequence[IPv4Address]:
        """Put before each start, since a firewall may have been loaded anew; nowhere else."""
        held = await asyncio.to_thread(self._filter)
        await self._make(key, replicas)
        try:
            if not held.sees(self.bridge(key)):
                raise NoFilter("its daemon's networks are not on this machine")
            async with self._putting:
                await asyncio.to_thread(held.put)
        except NoFilter:
            await self.remove(key)
            raise
        return held.resolvers

    def _filter(self) -> Filter:
        process = process_behind(self._address)
        resolvers = self._policy.resolvers or resolvers_of(process)
        return Filter(process, self._prefix, self._policy.allowed, resolvers)

    async def _make(self, key: TaskKey, replicas: int) -> None:
        name, labels = attempt_name(key), labels_of(self._ground, key)
        there = (await self._daemon.networks(name=f"^{name}$")).get(name)
        if there is not None:
            if labels.items() <= there.items():
                return
            raise CannotStart(f"The name {name} is taken by a network of somebody else")
        for subnet in self._parts(key, replicas):
            try:
                await self._daemon.make_network(name, self._config(key, subnet))
                return
            except Overlap:
                continue
        raise CannotStart(f"{self._policy.subnets} has no room for another job's network")

    def _parts(self, key: TaskKey, replicas: int) -> Iterator[IPv4Network]:
        """Small parts of the operator's range, in an order that differs from job to job."""
        wanted = max(ADDRESSES, replicas + 4)
        prefix = max(self._policy.subnets.prefixlen, 32 - (wanted - 1).bit_length())
        count = 1 << (prefix - self._policy.subnets.prefixlen)
        first, size = int(self._policy.subnets.network_address), 1 << (32 - prefix)
        begin = int(_digest(key), 16)
        for step in range(min(count, TRIES)):
            yield IPv4Network((first + (begin + step) % count * size, prefix))

    def _config(self, key: TaskKey, subnet: IPv4Network) -> dict[str, Any]:
        return {
            "Driver": "bridge",
            "EnableIPv6": False,
            "IPAM": {"Driver": "default", "Config": [{"Subnet": str(subnet)}]},
            "Options": {
                "com.docker.network.bridge.name": self.bridge(key),
                "com.docker.network.bridge.enable_icc": "false",
            },
            "Labels": labels_of(self._ground, key),
            "CheckDuplicate": True,
        }


def _joined(key: TaskKey, resolvers: Sequence[IPv4Address]) -> Mapping[str, Any]:
    """Without name servers the daemon asks for names itself."""
    return {"NetworkMode": attempt_name(key), "Dns": [str(one) for one in resolvers]}


def _digest(key: TaskKey) -> str:
    return hashlib.sha256(attempt_name(key).encode()).hexdigest()
