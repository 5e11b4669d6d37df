"""CCP's own R script, with nothing changed but its first lines, the method id and the prompt.

The text is read from where its publisher's page is kept beside this project; CI has it.
"""

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from openccp.testing.platform import PASSWORD, RunningPlatform, User, bash_method

PAGE = Path(
    os.environ.get(
        "CCP_REST_PAGE", Path(__file__).parents[3] / "shared/reference/ccp-rest-apis.txt"
    )
)
IN_CI = os.environ.get("CI") == "true"
FIRST_LINES = {
    "user <- 'your_user'": "user <- '{user}'",
    "context <- 'your_vre'": "context <- 'default'",
    "auth_ep <- 'https://auth.d4science.org/token'": "auth_ep <- '{url}/token'",
    "ccp_ep <- 'https://ccp.d4science.org'": "ccp_ep <- '{url}'",
    "{methodid}": "{method}",
    'askForPassword("Login password")': "'{password}'",
}

pytestmark = [
    pytest.mark.r,
    pytest.mark.skipif(not PAGE.exists(), reason="CCP's page is not kept beside this checkout"),
    pytest.mark.skipif(not IN_CI and not shutil.which("Rscript"), reason="R is not installed"),
]


def script(url: str, user: str, method: str) -> str:
    """The R part of the page with its few changes, each of which must be there once."""
    text = PAGE.read_text()
    text = text[text.index("# Dependencies") :]
    values = {"user": user, "url": url, "method": method, "password": PASSWORD}
    for theirs, ours in FIRST_LINES.items():
        assert text.count(theirs) == 1, theirs
        text = text.replace(theirs, ours.format(**values))
    return text


def run_script(text: str, folder: Path, seconds: float) -> str:
    (folder / "script.R").write_text(text)
    done = subprocess.run(
        ["Rscript", "script.R"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def test_the_script_fetches_a_result(platform: RunningPlatform, tmp_path: Path) -> None:
    platform.add_user("r-user")
    output = run_script(script(platform.url, "r-user", "hello-bash"), tmp_path, 60)
    assert "successful" in output
    with zipfile.ZipFile(tmp_path / "output.zip") as archive:
        said = [name for name in archive.namelist() if name.startswith("stdout.")]
        assert b"Hello" in archive.read(said[0])


@pytest.mark.slow
def test_one_token_outlasts_a_job_that_outlasts_access_tokens(tmp_path: Path) -> None:
    short = {"CCP__TOKENS__ACCESS_SECONDS": "10"}
    platform = RunningPlatform(tmp_path / "data", environment=short)
    platform.start()
    try:
        platform.add_user("r-user")
        owner = User(platform.url, platform.token("r-user"))
        assert owner.deploy(bash_method("long", "sleep 60; echo late")).status_code == 201
        owner.close()
        output = run_script(script(platform.url, "r-user", "long"), tmp_path, 150)
        assert output.count("running") > 8
        assert "successful" in output
        assert (tmp_path / "output.zip").stat().st_size > 0
    finally:
        platform.stop()
