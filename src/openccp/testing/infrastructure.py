"""The contract of an infrastructure as tests: subclass it and give `infrastructure`.

    class TestMine(InfrastructureContract):
        @pytest.fixture
        async def infrastructure(self): ...

Set `image` where `bash` is not an image's name there. What an infrastructure honestly does not do
it names in `Health.lacks`: those tests are skipped, and it is held to what is said there instead.
`PromisesContract` tries whether all that it promises in `Health.enforced` holds.
"""

import asyncio
import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from openccp.app.doctor.measure import measure
from openccp.core.job import Blame, Phase, Stage, TaskKey
from openccp.core.method import Scripts
from openccp.core.ports import CannotStart, Infrastructure, NoSuchRuntime, State, Task
from openccp.core.promises import LACKS, PROMISES
from openccp.testing.tasks import (
    MIB,
    MakeTask,
    eventually,
    log,
    make_task,
    output,
    run,
    until,
    up,
)

__all__ = [
    "MIB",
    "InfrastructureContract",
    "MakeTask",
    "PromisesContract",
    "eventually",
    "log",
    "make_task",
    "output",
    "run",
    "until",
    "up",
]


async def needs(infrastructure: Infrastructure, what: str) -> None:
    """Skip the test where the infrastructure says that it lacks this."""
    if what in (await infrastructure.check()).lacks:
        pytest.skip(f"it lacks {what!r} by its own word: {LACKS[what]}")


class InfrastructureContract:
    """What every infrastructure keeps."""

    image = "bash"
    unknown_image = "no-such-image"

    @pytest.fixture
    def task(self) -> MakeTask:
        """Makes tasks."""
        return partial(make_task, image=self.image)

    async def test_it_can_be_reached(self, infrastructure: Infrastructure) -> None:
        """And says what runs here."""
        health = await infrastructure.check()
        assert health.reachable, health.detail
        assert self.image in health.runtimes, "check() does not name the image among its runtimes"
        assert infrastructure.has_runtime(self.image)
        assert not infrastructure.has_runtime(self.unknown_image)

    async def test_its_words_are_known(self, infrastructure: Infrastructure) -> None:
        """What it promises and lacks is said by the names of core.promises."""
        health = await infrastructure.check()
        assert set(health.enforced) <= set(PROMISES), "enforced holds a name nobody knows"
        assert set(health.lacks) <= set(LACKS), "lacks holds a name nobody knows"
        assert all(health.enforced.values()), "say how each promise is held, in a few words"
        assert health.isolation, "say what holds a job, or `none`"

    async def test_what_it_lacks_it_refuses(
        self, infrastructure: Infrastructure, task: MakeTask
    ) -> None:
        """A task that would not be run as it was meant is not run."""
        lacks = (await infrastructure.check()).lacks
        refused = []
        if "paths" in lacks:
            refused.append(task(secrets={"token": "s3cret"}))
        if "replicas" in lacks:
            refused.append(task(replicas=2))
        for one in refused:
            with pytest.raises(CannotStart):
                await infrastructure.submit(one)
            assert await infrastructure.find(one.key) is None

    async def test_a_task_ends_well(self, infrastructure: Infrastructure, task: MakeTask) -> None:
        """Exit code 0 and its output."""
        observation, handle = await run(infrastructure, task("echo out; echo err >&2; echo x >f"))
        assert observation.failure is None
        assert observation.phase is Phase.EXECUTING
        assert await log(infrastructure, handle) == {"stdout.0": b"out\n", "stderr.0": b"err\n"}
        workspace = infrastructure.workspace(handle)
        assert (workspace.files / "f").read_bytes() == b"x\n"
        assert workspace.logs["stdout"].read_bytes() == b"out\n"

    async def test_an_unknown_runtime_is_refused(
        self, infrastructure: Infrastructure, task: MakeTask
    ) -> None:
        """By name."""
        with pytest.raises(NoSuchRuntime, match=self.unknown_image):
            await infrastructure.submit(task(image=self.unknown_image))

    async def test_submitting_twice_starts_once(
        self, infrastructure: Infrastructure, task: MakeTask
    ) -> None:
        """At the same time, and after the end."""
        one = task("echo start >>starts")
        handles = await asyncio.gather(*(infrastructure.submit(one) for _ in range(5)))
        await until(infrastructure, one.key, handles[0])
        again = await infrastructure.submit(one)
        await until(infrastructure, one.key, again)
        assert (infrastructure.workspace(again).files / "starts").read_text() == "start\n"

    async def test_a_forgotten_task_is_lost_not_an_error(
        self, infrastructure: Infrastructure, task: MakeTask
    ) -> None:
        """After a reap, and for a handle of nobody."""
        one = task()
        _, handle = await run(infrastructure, one)
        await infrastructure.reap(handle)
        other = TaskKey("nobody", 1, Stage.RUN)
        seen = await infrastructure.observe({one.key: handle, other: {"v": 1}})
        assert {observation.state for observation in seen.values()} == {State.LOST}
        assert await infrastructure.find(one.key) is None
        assert await log(infrastructure, handle) == {}

    @pytest.mark.parametrize("code", [0, 1, 126, 127, 137, 139, 143])
    async def test_exit_codes(
        self, infrastructure: Infrastructure, task: MakeTask, code: int
    ) -> None:
        """As the shell gave them."""
        observation, _ = await run(infrastructure, task(f"exit {code}"))
        found = observation.failure
        assert (found.exit_code if found else 0) == code
        if found:
            assert found.blame is Blame.METHOD
            assert found.reason == ("signal" if code > 128 else "exit")

    @pytest.mark.parametrize(("sign", "code"), [("KILL", 137), ("SEGV", 139), ("TERM", 143)])
    async def test_signals(
        self, infrastructure: Infrastructure, task: MakeTask, sign: str, code: int
    ) -> None:
        """Sent by the script to its own shell."""
        observation, _ = await run(infrastructure, task(f"kill -{sign} $$"))
        assert observation.failure is not None
        assert observation.failure.exit_code == code

    async def test_leaving_in_deploy_is_no_success(
        self, infrastructure: Infrastructure, task: MakeTask
    ) -> None:
        """`exit 0` there means that execute never began."""
        observation, _ = await run(infrastructure, task("echo hello", "exit 0"))
        assert observation.failure is not None
        assert observation.failure.reason == "deploy-ended-early"
        assert observation.phase is Phase.DEPLOYING

    async def test_deploy_stops_at_its_first_error(
        self, infrastructure: Infrastructure, task: MakeTask
    ) -> None:
        """And execute does not begin."""
        observation, handle = await run(infrastructure, task("echo never", "(exit 3)\necho no"))
        assert observation.failure is not None
        assert observation.failure.reason == "deploy-exit"
        assert observation.failure.exit_code == 3
        assert await log(infrastructure, handle) == {}

    async def test_an_open_quote_in_deploy_swallows_nothing(
        self, infrastructure: Infrastructure, task: MakeTask
    ) -> None:
        """Scripts are files of their own."""
        observation, _ = await run(infrastructure, task("echo never", "echo 'open"))
        assert observation.failure is not None

    async def test_deploy_and_execute_share_a_shell(
        self, infrastructure: Infrastructure, task: MakeTask
    ) -> None:
        """Folder, variables and functions hold; errors no longer end it."""
        deploy = "mkdir sub; cd sub; x=1; f() { echo f$x; }; [ -f no ] && echo no"
        assert await output(infrastructure, task("false; f; basename $PWD", deploy)) == "f1\nsub\n"

    async def test_values_arrive_as_they_are(
        self, infrastructure: Infrastructure, task: MakeTask
    ) -> None:
        """Quotes, newlines, dollar signs."""
        value = 'it\'s $(touch canary) `x` "q" \\ \n\té ;|&'
        one = task('printf %s "$CCP_IN_a_b"; ls', values={"a-b": value})
        assert await output(infrastructure, one) == value

    async def test_files_arrive_as_they_are(
        self, infrastructure: Infrastructure, task: MakeTask
    ) -> None:
        """Every byte, in /ccp_in."""
        await needs(infrastructure, "paths")
        content = bytes(range(256)) * 3
        one = task(
            "cp /ccp_in/table /ccp_data/copy; cat /ccp_in/inputs.json >json; ls",
            files={"inputs.json": b'{"a-b": 1}', "table": content},
        )
        _, handle = await run(infrastructure, one)
        files = infrastructure.workspace(handle).files
        assert await log(infrastructure, handle) == {"stdout.0": b"copy\njson\n"}
        assert (files / "copy").read_bytes() == content
        assert json.loads((files / "json").read_text()) == {"a-b": 1}

    async def test_a_large_value_does_not_hinder_programs(
        self, infrastructure: Infrastructure, task: MakeTask
    ) -> None:
        """It is a variable of the shell and not of the environment."""
        one = task('printf %s "$CCP_IN_doc" | wc -c; env | wc -c', values={"doc": "x" * 3_000_000})
        size, environment = map(int, (await output(infrastructure, one)).split())
        assert size == 3_000_000
        assert environment < 10_000

    async def test_secrets_are_files_and_nothing_else(
        self, infrastructure: Infrastructure, task: MakeTask
    ) -> None:
        """Not in the environment, not in any folder that is kept."""
        await needs(infrastructure, "paths")
        show = "cat /run/secrets/token; echo; env; cat /proc/*/cmdline; cat /run/ccp/script/*"
        text = await output(infrastructure, task(show, secrets={"token": "s3cret-canary"}))
        assert text.count("s3cret-canary") == 1

    async def test_the_environment(self, infrastructure: Infrastructure, task: MakeTask) -> None:
        """CCP's names and ours, and what the platform adds."""
        one = task("env", environment={"ccpcontext": "/d4/vre x"})
        found = dict(
            line.split("=", 1)
            for line in (await output(infrastructure, one)).splitlines()
            if "=" in line
        )
        assert found["ccpcontext"] == "/d4/vre x"
        assert found["CCP_JOB"] == one.key.job
        assert (found["CCP_REPLICA"], found["CCP_REPLICAS"]) == ("0", "1")
        assert found["PIP_USER"] == found["PIP_BREAK_SYSTEM_PACKAGES"] == "1"
        assert {"ccptaskid", "HOME", "TMPDIR", "R_LIBS_USER"} <= found.keys()

    async def test_replicas_run_side_by_side(
        self, infrastructure: Infrastructure, task: MakeTask
    ) -> None:
        """They share the folder, have names of their own, and wait for each other here."""
        await needs(infrastructure, "replicas")
        wait = "while [ $(ls | wc -l) -lt 3 ]; do sleep 0.02; done"
        one = task(f'touch "$ccptaskid"; {wait}; echo $CCP_REPLICA of $CCP_REPLICAS', replicas=3)
        observation, handle = await run(infrastructure, one)
        assert observation.failure is None
        workspace = infrastructure.workspace(handle)
        assert len(list(workspace.files.iterdir())) == 3
        assert workspace.logs["stdout.2"].read_text() == "2 of 3\n"
        assert (await log(infrastructure, handle))["stdout.1"] == b"1 of 3\n"

    async def test_one_failed_replica_fails_the_task(
        self, infrastructure: Infrastructure, task: MakeTask
    ) -> None:
        """Which one is said."""
        await needs(infrastructure, "replicas")
        observation, _ = await run(infrastructure, task("exit $CCP_REPLICA", replicas=2))
        assert observation.failure is not None
        assert "replica 1" in observation.failure.detail

    async def test_progress_is_told(self, infrastructure: Infrastructure, task: MakeTask) -> None:
        """The last line of CCP_PROGRESS, made harmless."""
        told = 'printf "1 first\\n40 half\\033[31m way\\n" >"$CCP_PROGRESS"'
        one = task(f"{told}; sleep 30")
        handle = await infrastructure.submit(one)
        seen = await until(
            infrastructure, one.key, handle, lambda o: o.progress is not None and o.progress > 1
        )
        assert (seen.progress, seen.message) == (40, "half[31m way")
        assert seen.state is State.RUNNING
        await infrastructure.reap(handle)

    async def test_logs_resume(self, infrastructure: Infrastructure, task: MakeTask) -> None:
        """From an offset, while it runs and after."""
        one = task("trap 'echo two; exit' TERM; echo one; while :; do sleep 0.02; done")
        handle = await infrastructure.submit(one)
        first = await eventually(lambda: log(infrastructure, handle))
        await infrastructure.stop(handle, 20)
        await until(infrastructure, one.key, handle)
        assert first == {"stdout.0": b"one\n"}
        second = await log(infrastructure, handle, {"stdout.0": 4})
        assert second["stdout.0"] == b"two\n"

    async def test_stop_is_heard(self, infrastructure: Infrastructure, task: MakeTask) -> None:
        """A program that heeds TERM ends in its own way; asking twice changes nothing."""
        script = "trap 'echo bye >bye; exit 9' TERM; echo up; while :; do sleep 0.05; done"
        one = task(f'sh -c "{script}"')
        handle = await up(infrastructure, one)
        await infrastructure.stop(handle, 20)
        await infrastructure.stop(handle, 20)
        await until(infrastructure, one.key, handle, patience=10)
        assert (infrastructure.workspace(handle).files / "bye").read_text() == "bye\n"

    async def test_stop_becomes_a_kill(
        self, infrastructure: Infrastructure, task: MakeTask
    ) -> None:
        """For a script that ignores TERM, with children in sessions of their own."""
        one = task("trap '' TERM; setsid sleep 99 & echo up; while :; do sleep 1; done")
        handle = await up(infrastructure, one)
        await infrastructure.stop(handle, 0.3)
        seen = await until(infrastructure, one.key, handle, patience=10)
        assert seen.failure is not None
        await infrastructure.stop(handle, 0.3)

    async def test_it_is_found_again(self, infrastructure: Infrastructure, task: MakeTask) -> None:
        """By its key, when the handle was lost."""
        one = task("sleep 30")
        assert await infrastructure.find(one.key) is None
        handle = await infrastructure.submit(one)
        await until(infrastructure, one.key, handle, lambda o: o.state is State.RUNNING)
        found = await eventually(lambda: infrastructure.find(one.key))
        assert json.loads(json.dumps(handle)) == found
        await infrastructure.reap(found)

    async def test_reap_frees_all_at_any_time(
        self, infrastructure: Infrastructure, task: MakeTask
    ) -> None:
        """While it runs, twice, and before it was ever submitted."""
        one = task("mkdir -p a/b; touch 'a/b/ c'; chmod 0 a; echo up; sleep 99")
        handle = await up(infrastructure, one)
        files = infrastructure.workspace(handle).files
        await infrastructure.reap(handle)
        await infrastructure.reap(handle)
        assert not files.exists()
        again, _ = await run(infrastructure, one.__class__(**_with(one, "echo again")))
        assert again.failure is None

    async def test_undeploy_sees_the_same_folder(
        self, infrastructure: Infrastructure, task: MakeTask
    ) -> None:
        """A stage of its own, after a run that failed."""
        first = task("echo kept >kept; echo home >~/mine; exit 1")
        await run(infrastructure, first)
        second = task(undeploy="cat kept ~/mine; rm kept", job=first.key.job)
        observation, handle = await run(infrastructure, second)
        assert observation.failure is None
        assert (await log(infrastructure, handle))["stdout.0"] == b"kept\nhome\n"
        assert list(infrastructure.workspace(handle).files.iterdir()) == []
        await infrastructure.reap(handle)
        assert await infrastructure.find(first.key) is None


class PromisesContract:
    """Whether all holds that an infrastructure promises; takes about a quarter of a minute."""

    image = "bash"

    async def test_what_it_promises_holds(
        self, infrastructure: Infrastructure, tmp_path: Path
    ) -> None:
        """Every name in `Health.enforced`, tried by small tasks that try to break it."""
        measured = await measure(infrastructure, tmp_path, time.time, image=self.image)
        broken = "\n".join(f"{one.promise}: {one.detail}" for one in measured.broken)
        assert not broken, f"promised, and does not hold:\n{broken}"


def _with(task: Task, execute: str) -> dict[str, Any]:
    given = {name: getattr(task, name) for name in Task.__dataclass_fields__}
    return {**given, "scripts": Scripts("", execute, "")}
