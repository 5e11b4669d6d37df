"""Slurm's commands on a login node, reached by SSH: a platform that has no way of its own there."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engines.daemons import NoEngine
from tests.engines.places import shared_folder
from tests.engines.slurm import USER, Cluster
from tests.engines.slurm_site import alive, on_cluster
from tests.engines.sshd import Login, login_node
from tests.engines.test_slurm_path import METHOD, example

from openccp.core.problems import Unavailable
from openccp.testing.infrastructure import make_task, run
from openccp.testing.ledger import leftovers
from openccp.testing.platform import RunningPlatform

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]
LINK = {"rel": "compatibleWith", "href": "infrastructures/hpc", "title": "here"}


@pytest.fixture
def login(slurm: Cluster) -> Iterator[Login]:
    folder = Path(tempfile.mkdtemp(prefix="openccp-login-", dir="/var/tmp"))
    try:
        with login_node(folder, slurm) as made:
            yield made
    except NoEngine as reason:
        pytest.skip(f"SSH was not tried: {reason}")
    finally:
        shutil.rmtree(folder)


def test_a_method_runs_through_a_login_node(login: Login, slurm: Cluster, tmp_path: Path) -> None:
    with shared_folder() as shared:
        (tmp_path / "data").mkdir()
        prefix = f"prefix = {login.prefix('kept')!r}\n"
        (tmp_path / "data/openccp.toml").write_text(example(shared) + prefix)
        platform = RunningPlatform(tmp_path / "data", {"SLURM_CONF": "/nowhere"})
        platform.start()
        user = platform.user("ada")
        try:
            assert user.deploy({**METHOD, "links": [LINK]}).status_code == 201
            status = user.finish("on-slurm", {"name": "it's $(me)"})
            assert status["status"] == "successful", status
            job = status["jobID"]
            assert user.http.get(f"/jobs/{job}/results/greeting").text == "it's $(me)\n"
            endless = user.run("on-slurm", {"name": "x"})["jobID"]
            assert user.http.delete(f"/jobs/{endless}").json()["status"] == "dismissed"
            assert user.wait(endless)["status"] == "dismissed"
            for one in (job, endless):
                assert leftovers(one, platform.data) == []
        finally:
            user.close()
            platform.stop()
    shown = slurm.command("squeue", "-h", "-t", "all", f"--name=ccp-{job}-1-run", "-o", "%u")
    assert set(shown.split()) == {USER}
    assert alive(slurm, f"ccp-{endless}-1-run") == []


async def test_a_host_with_another_key_is_told_nothing(login: Login, slurm: Cluster) -> None:
    async with on_cluster(slurm, prefix=login.prefix("stranger")) as made:
        health = await made.check()
        assert not health.reachable
        assert "Host key verification failed" in health.detail
        with pytest.raises(Unavailable):
            await made.submit(make_task("echo never"))
        assert "Accepted publickey" not in (login.folder / "sshd.log").read_text()


async def test_a_login_node_that_goes_away_is_waited_for(login: Login, slurm: Cluster) -> None:
    async with on_cluster(slurm, prefix=login.prefix("plain")) as made:
        seen, handle = await run(made, make_task("echo hello"))
        assert seen.failure is None
        await made.reap(handle)
        login.process.terminate()
        login.process.wait()
        assert not (await made.check()).reachable
        with pytest.raises(Unavailable):
            await made.submit(make_task("echo later"))
