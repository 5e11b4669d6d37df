"""Every flag that keeps a job in its container: as the daemon holds them, and from inside."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.engines.daemons import _docker as docker

from openccp.core.ports import Limits
from openccp.infrastructures.docker.filter import Policy
from openccp.infrastructures.docker.infrastructure import DockerInfrastructure
from openccp.infrastructures.folders import attempt_name
from openccp.testing.infrastructure import make_task, output, up

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]
LIMITS = Limits(memory_bytes=64 << 20, pids=50, cpus=0.5)
PROBE = r"""
grep -E '^(Uid|Gid|Groups|CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp):' /proc/self/status
for place in / /etc /usr /ccp_in /run/ccp/script /run /ccp; do
    (: >$place/written) 2>/dev/null && echo "written $place"
done
(echo >>/ccp_in/inputs.json) 2>/dev/null && echo "written input"
head -c 40000000 /dev/zero >/tmp/big 2>/dev/null && echo "big in tmp"
find / -xdev \( -name 'docker.sock' -o -perm -4000 -type b \) 2>/dev/null
[ -e /var/run/docker.sock ] && echo "socket"
ls /dev | tr '\n' ' '; echo
ls /sys/class/net | tr '\n' ' '; echo
(unshare -U true) 2>/dev/null && echo "user namespace"
(mount -t tmpfs none /tmp) 2>/dev/null && echo "mounted"
cat /proc/1/comm; ulimit -n; ulimit -c
touch ~/home /ccp_data/data /tmp/tmp && echo "room where there should be"
"""


@pytest.fixture
async def place(tmp_path: Path, docker_address: str) -> AsyncIterator[DockerInfrastructure]:
    made = DockerInfrastructure(tmp_path, slots=1, address=docker_address, network=Policy("open"))
    yield made
    await made.close()


async def test_the_daemon_holds_every_flag(
    place: DockerInfrastructure, docker_address: str
) -> None:
    task = make_task("echo up; sleep 99", limits=LIMITS, network=True, secrets={"key": "s"})
    handle = await up(place, task)
    (shown,) = json.loads(docker(docker_address, "inspect", f"{task.key.name}-0"))
    host: dict[str, Any] = shown["HostConfig"]
    fixed = {
        "Privileged": False,
        "ReadonlyRootfs": True,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges"],
        "Init": True,
        "IpcMode": "private",
        "PidMode": "",
        "UTSMode": "",
        "UsernsMode": "",
        "NetworkMode": attempt_name(task.key),
        "PublishAllPorts": False,
        "PidsLimit": LIMITS.pids,
        "Memory": LIMITS.memory_bytes,
        "MemorySwap": LIMITS.memory_bytes,
        "OomKillDisable": False,
        "CpuQuota": 50_000,
        "CpuPeriod": 100_000,
        "Runtime": "runc",
        "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
        "LogConfig": {"Type": "none", "Config": {}},
    }
    assert {name: host[name] for name in fixed} == fixed
    for name in ("CapAdd", "Devices", "DeviceRequests", "PortBindings", "VolumesFrom", "Links"):
        assert not host[name], name
    assert "/proc/kcore" in host["MaskedPaths"]
    assert "/proc/sys" in host["ReadonlyPaths"]
    assert all("nosuid" in how and "size=" in how for how in host["Tmpfs"].values())
    limits = {one["Name"]: one["Hard"] for one in host["Ulimits"]}
    assert limits["core"] == 0
    assert 0 < limits["nofile"] <= 65_536
    uid, gid = shown["Config"]["User"].split(":")
    assert int(uid) == int(gid) >= 1000
    sources = [one.split(":")[0] for one in host["Binds"]]
    assert not any("docker.sock" in source for source in sources)
    inside = {one.split(":")[1]: one.split(":")[2] for one in host["Binds"]}
    writable = {path for path, how in inside.items() if how == "rw"}
    assert writable == {"/ccp_data", "/home/ccp", "/ccp/stdout", "/ccp/stderr"}
    await place.reap(handle)


async def test_a_job_finds_itself_kept(place: DockerInfrastructure) -> None:
    lines = (await output(place, make_task(PROBE, limits=LIMITS))).splitlines()
    status = {line.split(":")[0]: line.split(":")[1].split() for line in lines[:10]}
    assert set(map(int, status["Uid"])) == set(map(int, status["Gid"]))
    assert int(status["Uid"][0]) >= 1000
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[kind][0], 16) == 0, kind
    assert status["NoNewPrivs"] == ["1"]
    assert status["Seccomp"] == ["2"]
    devices, interfaces, *rest = lines[10:]
    assert not {"sda", "vda", "mem", "kmsg", "fuse", "kvm"} & set(devices.split())
    assert interfaces.strip() == "lo"
    assert rest == ["docker-init", "4096", "0", "room where there should be"]
