"""A method's image on the nodes: a root file system made of Debian's packages."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engines.images import NoEngine, root_file_system
from tests.engines.places import shared_folder
from tests.engines.slurm import Cluster
from tests.engines.slurm_site import drained, on_cluster

from openccp.core.job import Blame
from openccp.testing.infrastructure import log, make_task, run, until

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]
NAME = "example/table:1"


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    with shared_folder() as shared:
        try:
            tar = root_file_system("bash")
        except NoEngine as reason:
            pytest.skip(f"An image was not tried: {reason}")
        folder = shared / "root"
        folder.mkdir()
        subprocess.run(["tar", "-xf", tar, "-C", folder, "--exclude=./dev/*"], check=True)
        (folder / "opt/mark").write_text("of the image\n")
        yield folder


async def test_a_method_runs_in_its_image(slurm: Cluster, root: Path) -> None:
    async with on_cluster(slurm, images={NAME: root}) as made:
        assert NAME in (await made.check()).runtimes
        script = 'cat /opt/mark; . /etc/os-release; echo "$ID"; echo $((1+1)); echo x >kept'
        one = make_task(script + "; touch /opt/x || true", image=NAME)
        seen, handle = await run(made, one)
        assert seen.failure is None
        assert (await log(made, handle))["stdout.0"] == b"of the image\ndebian\n2\n"
        assert (made.workspace(handle).files / "kept").read_text() == "x\n"
        assert not (root / "opt/x").exists()


async def test_an_image_that_is_gone_when_the_job_begins(slurm: Cluster, root: Path) -> None:
    async with on_cluster(slurm, images={NAME: root}) as made:
        one = make_task("echo never", image=NAME)
        with drained(slurm):
            handle = await made.submit(one)
            root.rename(root.with_name("elsewhere"))  # the last test that needs it
        seen = await until(made, one.key, handle)
        assert seen.failure is not None
        assert (seen.failure.blame, seen.failure.reason) == (Blame.PLATFORM, "start")
