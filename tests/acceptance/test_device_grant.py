"""A program signs in through a person's browser, against a real platform."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from tests.acceptance.programs import Program, runnable

from openccp.testing.platform import CCP, RunningPlatform

CLIENT = {"client_id": "ccp-client-id"}
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
FROM_HERE = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlatform]:
    """A platform that may be asked every second."""
    running = RunningPlatform(
        tmp_path_factory.mktemp("quick") / "data", {"CCP__TOKENS__DEVICE_INTERVAL": "1"}
    )
    running.start()
    running.add_user("mia")
    yield running
    running.stop()


@pytest.fixture
def program(quick: RunningPlatform) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=quick.url, trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture
def browser(quick: RunningPlatform) -> Iterator[httpx2.Client]:
    """A browser in which mia is signed in."""
    with httpx2.Client(base_url=quick.url, trust_env=False, timeout=60) as client:
        sign_in(client, quick)
        yield client


def sign_in(client: httpx2.Client, platform: RunningPlatform) -> None:
    address = platform.command("login")
    secret = re.search(r"secret=([\w-]+)", address)
    assert secret is not None, address
    client.post("/sign-in", data={"secret": secret[1]}, headers=FROM_HERE)
    assert client.cookies


def ask(program: httpx2.Client) -> dict[str, str]:
    answer = program.post("/device_authorization", data=CLIENT, headers={"User-Agent": "<b>me</b>"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found: dict[str, str] = answer.json()
    return found


def poll(program: httpx2.Client, device_code: str) -> httpx2.Response:
    form = {**CLIENT, "grant_type": DEVICE_CODE, "device_code": device_code}
    return program.post("/token", data=form)


def press(browser: httpx2.Client, code: str, decision: str, **headers: str) -> httpx2.Response:
    form = {"user_code": code, "decision": decision}
    return browser.post("/device", data=form, headers=headers or FROM_HERE)


def test_a_person_allows_a_program(
    quick: RunningPlatform, program: httpx2.Client, browser: httpx2.Client
) -> None:
    described = program.get("/.well-known/oauth-authorization-server").json()
    assert described["device_authorization_endpoint"] == f"{quick.url}/device_authorization"
    assert DEVICE_CODE in described["grant_types_supported"]
    asked = ask(program)
    early = poll(program, asked["device_code"])
    assert (early.status_code, early.json()["error"]) == (400, "authorization_pending")
    page = browser.get(asked["verification_uri_complete"])
    assert "127.0.0.1" in page.text
    assert "&lt;b&gt;me&lt;/b&gt;" in page.text
    assert asked["user_code"] in page.text
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    quick.stop()
    quick.start()
    assert "Allowed." in press(browser, asked["user_code"], "allow").text
    got = poll(program, asked["device_code"])
    assert got.status_code == 200, got.text
    bearer = {"Authorization": f"Bearer {got.json()['access_token']}"}
    assert program.get("/jobs", headers=bearer).status_code == 200
    again = poll(program, asked["device_code"])
    assert again.json()["error"] == "invalid_grant"
    assert "not known" in press(browser, asked["user_code"], "allow").text


def test_another_site_and_a_stranger_and_a_token_allow_nothing(
    quick: RunningPlatform, program: httpx2.Client, browser: httpx2.Client
) -> None:
    asked = ask(program)
    code = asked["user_code"]
    assert press(browser, code, "allow", **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert press(browser, code, "allow", Origin="http://evil.example").status_code == 403
    assert press(program, code, "allow").status_code == 403
    bearer = {"Authorization": f"Bearer {quick.token('mia')}", **FROM_HERE}
    assert press(program, code, "allow", **bearer).status_code == 403
    assert 'name="decision"' not in program.get(asked["verification_uri_complete"]).text
    assert poll(program, asked["device_code"]).json()["error"] == "authorization_pending"
    assert "Denied." in press(browser, code, "deny").text


def test_without_script_a_code_is_typed_and_wrong_ones_are_counted(
    quick: RunningPlatform, program: httpx2.Client, browser: httpx2.Client
) -> None:
    asked = ask(program)
    assert 'name="user_code"' in browser.get("/device").text
    typed = asked["user_code"].lower().replace("-", "")
    assert "Deny" in browser.get("/device", params={"user_code": typed}).text
    answers = [browser.get("/device?user_code=BBBB-BBBB").status_code for _ in range(11)]
    assert (answers[0], answers[-1]) == (200, 429)
    refused = press(browser, typed, "allow")
    assert (refused.status_code, int(refused.headers["retry-after"]) > 0) == (429, True)
    quick.stop()
    quick.start()  # who has guessed is known no longer: other tests sign in as the same


def test_no_code_lies_in_the_data_folder(quick: RunningPlatform, program: httpx2.Client) -> None:
    asked = ask(program)
    kept = b"".join(path.read_bytes() for path in Path(quick.data).glob("*.db*"))
    assert kept
    for code in (asked["device_code"], asked["user_code"]):
        assert code.encode() not in kept
        assert code.replace("-", "").encode() not in kept


def code_in(shown: Path, seconds: float = 60) -> str:
    """The code that a program shows."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = re.search(r"code ([A-Z]{4}-[A-Z]{4})", shown.read_text())
        if found is not None:
            return found[1]
        time.sleep(0.05)
    raise AssertionError(shown.read_text())


LANDING = ("python", "bash")
SLOW = ("javascript", "r", "python-client", "jupyter")
LANGUAGES = [*LANDING, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)]


@contextmanager
def started(
    language: str, folder: Path, browser: httpx2.Client
) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A program on a terminal, without credentials, and the code that it shows."""
    runnable(language)
    address = f"/processes/hello-bash/code?language={language}&name=Mia"
    program = Program(language, folder, browser.get(address, headers={"Accept": "*/*"}).text)
    folder.mkdir()
    ours, theirs = os.openpty()
    try:
        with (folder / "shown").open("w") as shown:
            process = program.start(stdin=theirs, stderr=shown.fileno())
        with process:
            yield process, code_in(folder / "shown")
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_program_on_a_terminal_signs_in_with_a_browser(
    browser: httpx2.Client, language: str, tmp_path: Path
) -> None:
    with started(language, tmp_path / "it", browser) as (process, code):
        assert "Allowed." in press(browser, code, "allow").text
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, (tmp_path / "it/shown").read_text()
    assert "bytes" in output


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_program_that_is_denied_ends(
    browser: httpx2.Client, language: str, tmp_path: Path
) -> None:
    with started(language, tmp_path / "it", browser) as (process, code):
        assert "Denied." in press(browser, code, "deny").text
        process.communicate(timeout=120)
    assert process.returncode == 2
    assert "enied" in (tmp_path / "it/shown").read_text()


def test_the_command_line_signs_in_with_a_browser(
    quick: RunningPlatform, browser: httpx2.Client, tmp_path: Path
) -> None:
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "CCP_URL": quick.url}
    with (tmp_path / "shown").open("w") as shown:
        process = subprocess.Popen(
            [*CCP, "login", "--browser"], stderr=shown, env=environment, stdin=subprocess.DEVNULL
        )
    press(browser, code_in(tmp_path / "shown"), "allow")
    assert process.wait(60) == 0
    listed = subprocess.run(
        [*CCP, "jobs"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert listed.returncode == 0, listed.stderr
