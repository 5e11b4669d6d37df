import asyncio
import os
import shutil

import pytest

from openccp.infrastructures.local import LocalInfrastructure
from openccp.infrastructures.netfilter import FILTERED, OPEN, close_own_addresses
from openccp.testing.infrastructure import make_task, output

filtering = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("iptables") is None, reason="no packet filter here"
)


@filtering
def test_closing_twice_is_closing_once() -> None:
    policies = {close_own_addresses((64_000, 64_010)) for _ in range(2)}
    assert len(policies) == 1
    assert policies <= {FILTERED, OPEN}


@filtering
@pytest.mark.sandbox
async def test_a_job_with_network_cannot_reach_the_platform(
    infrastructure: LocalInfrastructure,
) -> None:
    if (await infrastructure.check()).network_policy != FILTERED:
        pytest.skip("the packet filter cannot be set here")
    server = await asyncio.start_server(lambda _, writer: writer.close(), "0.0.0.0", 0)
    port = server.sockets[0].getsockname()[1]
    script = f"(: >/dev/tcp/127.0.0.1/{port}) 2>/dev/null && echo connected; true"
    async with server:
        assert await output(infrastructure, make_task(script, network=True)) == ""
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
