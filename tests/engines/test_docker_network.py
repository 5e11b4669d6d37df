"""What a job in a container can reach, tried from inside."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import pytest
from tests.engines.daemons import _docker as docker
from tests.engines.outside import CLOSED, CLOSED_V6, HOST, NAMES, PUBLIC, Outside, outside

from openccp.core.ports import CannotStart
from openccp.infrastructures.docker.filter import Policy, process_behind
from openccp.infrastructures.docker.infrastructure import DockerInfrastructure
from openccp.infrastructures.folders import attempt_name
from openccp.testing.infrastructure import log, make_task, output, up

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]
PROBE = r"""
for target in {targets}; do
    if timeout 2 bash -c "exec 3<>/dev/tcp/$target/80" 2>/dev/null; then echo $target; fi
done
"""
LISTEN = r"""
hostname -I
exec perl -MSocket -e '$| = 1; socket(S, PF_INET, SOCK_STREAM, 0);
bind(S, sockaddr_in(80, INADDR_ANY)); listen(S, 5); print "up\n"; accept(C, S) while 1'
"""


@pytest.fixture(scope="module")
def world(docker_address: str) -> Iterator[Outside]:
    with outside(process_behind(docker_address)) as made:
        yield made


Place = Callable[..., Any]


@pytest.fixture
def place(tmp_path: Path, docker_address: str) -> Place:
    @asynccontextmanager
    async def made(
        mode: Any = "filtered", *allowed: str, address: str = docker_address
    ) -> AsyncIterator[DockerInfrastructure]:
        policy = Policy(
            mode,
            tuple(map(IPv4Network, allowed)),
            IPv4Network("10.213.0.0/16"),
            (IPv4Address(NAMES),),
        )
        one = DockerInfrastructure(tmp_path, slots=4, address=address, network=policy)
        try:
            yield one
        finally:
            await one.close()

    return made


async def reached(infrastructure: DockerInfrastructure, *targets: str) -> set[str]:
    task = make_task(PROBE.format(targets=" ".join(targets)), network=True)
    return set((await output(infrastructure, task)).split())


def networks(address: str) -> set[str]:
    return set(docker(address, "network", "ls", "--format", "{{.Name}}").split()) - {
        *("bridge", "host", "none")
    }


async def test_without_a_filter_all_of_it_would_be_reached(place: Place, world: Outside) -> None:
    async with place("open") as infrastructure:
        assert (await infrastructure.check()).network_policy.startswith("open")
        assert await reached(infrastructure, *CLOSED, PUBLIC) == {*CLOSED, PUBLIC}
    assert world.packets() > 0


async def test_filtered_only_the_public_is_reached(
    place: Place, world: Outside, docker_address: str
) -> None:
    before = world.packets()
    udp = "\n".join(f"echo x >/dev/udp/{one}/53" for one in CLOSED)
    page = "exec 3<>/dev/tcp/www.example.org/80; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3"
    async with place() as infrastructure:
        assert (await infrastructure.check()).network_policy.startswith("filtered")
        assert await reached(infrastructure, *CLOSED, *CLOSED_V6, PUBLIC) == {PUBLIC}
        text = await output(infrastructure, make_task(f"{udp}\n{page}", network=True))
        assert text.endswith(f"this is ::ffff:{PUBLIC}\n")
    assert world.packets() == before
    assert networks(docker_address) == set()


async def test_neither_the_host_nor_another_job_is_reached(
    place: Place, world: Outside, docker_address: str
) -> None:
    """The host answers at port 80, at each of its addresses, as the platform may."""
    daemon = process_behind(docker_address)
    server = await asyncio.create_subprocess_exec(
        *("nsenter", f"--net=/proc/{daemon}/ns/net", "python3", "-m", "http.server", "80"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    other = make_task(LISTEN, network=True)
    try:
        async with place() as infrastructure:
            handle = await up(infrastructure, other)
            address = (await log(infrastructure, handle))["stdout.0"].decode().split()[0]
            gate = str(IPv4Network(f"{address}/28", strict=False)[1])
            probe = ("bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/80")
            docker(docker_address, "exec", f"{other.key.name}-0", *probe)
            found = await reached(infrastructure, HOST, gate, "172.30.0.1", address)
            assert found == set()
            await infrastructure.reap(handle)
        async with place("filtered", "10.0.0.0/8", f"{HOST}/32") as infrastructure:
            handle = await up(infrastructure, other)
            address = (await log(infrastructure, handle))["stdout.0"].decode().split()[0]
            found = await reached(infrastructure, HOST, "172.30.0.1", address)
            assert found == {HOST}
            await infrastructure.reap(handle)
    finally:
        server.kill()
        await server.wait()


async def test_what_the_operator_allows_is_reached(place: Place, world: Outside) -> None:
    async with place("filtered", "10.77.0.0/24", "169.254.170.2/32") as infrastructure:
        found = await reached(infrastructure, *CLOSED)
        assert found == {"10.77.0.5", "169.254.170.2"}


async def test_without_network_there_is_none(place: Place, world: Outside) -> None:
    async with place() as infrastructure:
        task = make_task(f"ls /sys/class/net; {PROBE.format(targets=PUBLIC)}")
        assert await output(infrastructure, task) == "lo\n"


async def test_none_and_no_filter_refuse(place: Place, docker_address: str, tmp_path: Path) -> None:
    """A socket that something else forwards does not tell where the bridges are."""
    task = make_task(network=True)
    forwarded = tmp_path / "forwarded.sock"

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, here = await asyncio.open_unix_connection(docker_address.removeprefix("unix://"))

        async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            while block := await source.read(4096):
                target.write(block)
            target.close()

        await asyncio.gather(copy(reader, here), copy(there, writer))

    async with await asyncio.start_unix_server(forward, forwarded):
        async with place("none") as infrastructure:
            assert (await infrastructure.check()).network_policy.startswith("none")
            with pytest.raises(CannotStart, match="not run here"):
                await infrastructure.submit(task)
        async with place(address=f"unix://{forwarded}") as infrastructure:
            assert (await infrastructure.check()).network_policy.startswith("none")
            with pytest.raises(CannotStart, match="no filter, because"):
                await infrastructure.submit(task)
            await infrastructure.reap({"v": 1, "job": task.key.job, "attempt": 1, "stage": "run"})
    assert networks(docker_address) == set()


async def test_a_network_that_a_killed_platform_left_goes(
    place: Place, docker_address: str
) -> None:
    """By the reap of its job; by the next start if there is no such job any more."""
    job, gone = make_task("sleep 99", network=True), make_task(network=True)
    async with place() as infrastructure:
        await infrastructure.submit(job)
        await infrastructure._networks.make(gone.key, 1)
        assert networks(docker_address) == {attempt_name(job.key), attempt_name(gone.key)}
    async with place() as infrastructure:
        await infrastructure.check()
        assert networks(docker_address) == {attempt_name(job.key)}
        handle = await infrastructure.find(job.key)
        assert handle is not None
        await infrastructure.reap(handle)
    assert networks(docker_address) == set()


async def test_many_jobs_have_networks_at_once(place: Place, docker_address: str) -> None:
    """More than the daemon's own pools hold."""
    keys = [make_task().key for _ in range(40)]
    async with place() as infrastructure:
        await asyncio.gather(*(infrastructure._networks.make(key, 1) for key in keys))
        await asyncio.gather(*(infrastructure._networks.make(key, 1) for key in keys))
        assert networks(docker_address) == {attempt_name(key) for key in keys}
        await asyncio.gather(*(infrastructure._networks.remove(key) for key in keys))
    assert networks(docker_address) == set()
