"""What a job cannot see or do, seen from inside and from outside."""

import asyncio
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from openccp.core.job import Stage, TaskKey
from openccp.core.ports import CannotStart
from openccp.infrastructures import machine, processes
from openccp.infrastructures.folders import StageFolder
from openccp.infrastructures.local import LocalInfrastructure
from openccp.infrastructures.runs import Run
from openccp.infrastructures.sandbox import NoSandbox
from openccp.testing.infrastructure import log, make_task, output, run, up

pytestmark = pytest.mark.sandbox
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can change the user")


def run_of(local: LocalInfrastructure, key: TaskKey) -> Run:
    return local._running[key]


@root_only
async def test_a_root_only_file_is_not_readable(
    infrastructure: LocalInfrastructure, tmp_path: Path
) -> None:
    canary = Path("/usr/local/share/openccp-canary")
    canary.write_text("canary")
    canary.chmod(0o600)
    try:
        text = await output(
            infrastructure,
            make_task(f"cat {canary} 2>&1; cat /etc/shadow 2>&1; ls /root 2>&1; true"),
        )
    finally:
        canary.unlink()
    assert "Permission denied" in text
    assert "canary\n" not in text.replace("openccp-canary", "")
    assert text.count("No such file") == 2


@root_only
async def test_outside_it_is_a_user_that_owns_nothing(infrastructure: LocalInfrastructure) -> None:
    one = make_task("echo up; sleep 60 & wait")
    handle = await up(infrastructure, one)
    running = run_of(infrastructure, one.key)
    for pid in running.members():
        status = dict(
            line.split(":\t", 1)
            for line in Path(f"/proc/{pid}/status").read_text().splitlines()
            if ":\t" in line
        )
        assert set(status["Uid"].split()) == {str(running.plan.uid)}
        assert set(status["Gid"].split()) == {str(running.plan.uid)}
        assert status["Groups"].split() == []
        assert status["NoNewPrivs"] == "1"
    for init in running.inits():
        for kind in ("pid", "ipc", "uts", "user", "net", "mnt"):
            assert os.readlink(f"/proc/{init}/ns/{kind}") != os.readlink(f"/proc/self/ns/{kind}")
    await infrastructure.reap(handle)


async def test_no_capability_and_no_way_to_one(infrastructure: LocalInfrastructure) -> None:
    text = await output(
        infrastructure,
        make_task("grep -E 'Cap|NoNew' /proc/self/status; unshare -Ur true 2>&1 || echo refused"),
    )
    assert text.count("0000000000000000") == 5
    assert "NoNewPrivs:\t1" in text
    assert "refused" in text


async def test_the_system_is_read_only(infrastructure: LocalInfrastructure) -> None:
    places = "/usr/bin/x /etc/x /x /ccp_in/x /run/secrets/x /run/ccp/script/x /ccp/x /dev/x"
    script = f"for f in {places}; do touch $f 2>/dev/null && echo wrote $f; done; true"
    assert await output(infrastructure, make_task(script)) == ""


async def test_other_processes_and_networks_are_not_there(
    infrastructure: LocalInfrastructure,
) -> None:
    server = await asyncio.start_server(lambda _r, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    script = f"""
        (echo >/dev/tcp/127.0.0.1/{port}) 2>/dev/null && echo connected
        tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '
        ls -d /proc/[0-9]* | wc -l
    """
    async with server:
        interfaces, count = (await output(infrastructure, make_task(script))).split()
    assert interfaces == "lo"
    assert int(count) < 8


async def test_no_descriptor_of_the_platform_is_left(infrastructure: LocalInfrastructure) -> None:
    ours = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(ours, True)
    try:
        text = await output(infrastructure, make_task("ls /proc/$$/fd"))
    finally:
        os.close(ours)
    assert set(text.split()) <= {"0", "1", "2", "10", "255"}


async def test_two_jobs_do_not_see_each_other(infrastructure: LocalInfrastructure) -> None:
    first = make_task("echo canary >/tmp/x; echo canary >/dev/shm/x; echo up; sleep 60")
    handle = await up(infrastructure, first)
    assert await output(infrastructure, make_task("cat /tmp/x /dev/shm/x 2>/dev/null; ls")) == ""
    uids = {run_of(infrastructure, first.key).plan.uid}
    second = make_task("echo up; sleep 60")
    other = await up(infrastructure, second)
    if os.geteuid() == 0:
        uids.add(run_of(infrastructure, second.key).plan.uid)
        assert len(uids) == 2
    await infrastructure.reap(handle)
    await infrastructure.reap(other)


async def test_programs_can_write_to_dev_stderr(infrastructure: LocalInfrastructure) -> None:
    one = make_task("echo a; echo b >/dev/stderr; echo c >/dev/stdout; echo d | tee /dev/stderr")
    observation, handle = await run(infrastructure, one)
    assert observation.failure is None
    streams = await log(infrastructure, handle)
    assert streams == {"stdout.0": b"a\nc\nd\n", "stderr.0": b"b\nd\n"}


async def test_pip_and_python_are_commands(infrastructure: LocalInfrastructure) -> None:
    if not infrastructure.has_runtime("python:3"):
        pytest.skip("no Python that everybody may run")
    script = (
        "python -c 'import sys; print(sys.version_info[0])'; python3 -m site --user-base; pip -V"
    )
    lines = (await output(infrastructure, make_task(script, image="python:3"))).splitlines()
    assert lines[:2] == ["3", "/home/ccp/.local"]
    assert lines[2].startswith("pip ")


def copy_with_libraries(program: str, rootfs: Path) -> None:
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    for path in [program, *re.findall(r"/lib\S*", listed)]:
        target = rootfs / "usr" / path.removeprefix("/usr").lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)


async def test_an_image_is_a_root_folder() -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        os.chmod(folder, 0o755)
        rootfs = Path(folder, "rootfs")
        for name in ("bin", "lib", "lib64"):
            (rootfs / "usr" / name).mkdir(parents=True)
            (rootfs / name).symlink_to(f"usr/{name}")
        (rootfs / "etc").mkdir()
        (rootfs / "etc/mine").write_text("of the image\n")
        for program in ("/bin/sh", "/bin/cat"):
            copy_with_libraries(program, rootfs)
        local = LocalInfrastructure(Path(folder, "data"), slots=1, images={"mine:1": rootfs})
        assert not local.has_runtime("mine:2")
        script = "cat /etc/mine /run/secrets/s; (: >/x) 2>/dev/null || echo refused; [ -x /bin/ls ]"
        one = make_task(f"{script} || echo only", image="mine:1", secrets={"s": "hidden\n"})
        assert await output(local, one) == "of the image\nhidden\nrefused\nonly\n"
        await local.close()


async def test_a_file_that_a_variable_names_is_shown(tmp_path: Path) -> None:
    certificate = tmp_path / "ca.pem"
    certificate.write_text("certificate\n")
    local = LocalInfrastructure(
        tmp_path / "data", slots=1, environment={"PIP_CERT": str(certificate), "X": "y"}
    )
    assert await output(local, make_task('cat "$PIP_CERT"; echo $X')) == "certificate\ny\n"
    await local.close()


async def test_without_a_sandbox_nothing_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object, **__: object) -> None:
        raise NoSandbox("no sandbox on this machine")

    monkeypatch.setattr(machine, "find_sandbox", none)
    local = LocalInfrastructure(tmp_path, slots=1)
    health = await local.check()
    assert not health.reachable
    assert "no sandbox on this machine" in health.detail
    with pytest.raises(CannotStart, match="no sandbox on this machine"):
        await local.submit(make_task())
    await local.close()


async def test_without_a_sandbox_and_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object, **__: object) -> None:
        raise NoSandbox("no sandbox on this machine")

    monkeypatch.setattr(machine, "find_sandbox", none)
    local = LocalInfrastructure(tmp_path, slots=1, unsafe_no_sandbox=True)
    assert "none" in (await local.check()).isolation
    assert await output(local, make_task("cat kept", "echo kept >kept")) == "kept\n"
    observation, handle = await run(local, make_task("sleep 99 & exit 3"))
    assert observation.failure is not None
    assert observation.failure.exit_code == 3
    await local.reap(handle)
    hard = make_task("trap '' TERM; echo up; while :; do sleep 1; done")
    handle = await up(local, hard)
    running = run_of(local, hard.key)
    await local.stop(handle, 0.2)
    await local.reap(handle)
    assert running.members() == []
    await local.close()


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".", "x" * 300])
async def test_names_that_lead_elsewhere_are_refused(
    infrastructure: LocalInfrastructure, name: str
) -> None:
    with pytest.raises(CannotStart):
        await infrastructure.submit(make_task(files={name: b""}))
    with pytest.raises(CannotStart):
        await infrastructure.submit(make_task(job=name or "/"))
    assert await infrastructure.find(TaskKey("..", 1, Stage.RUN)) is None


async def test_a_dead_pid_is_not_taken_for_another(infrastructure: LocalInfrastructure) -> None:
    one = make_task()
    await run(infrastructure, one)
    replica = StageFolder(infrastructure._machine.ground, one.key).replica(0)
    identity = processes.claimed(replica.pid)
    assert identity is not None
    assert not processes.alive(identity)
    assert not processes.alive(processes.Identity(os.getpid(), identity.start, identity.boot))
