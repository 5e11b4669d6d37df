"""The operator's view: everything at once for administrators, and callbacks sent again."""

import time
from collections.abc import Iterator

import pytest

from openccp.testing.platform import RunningPlatform, User, bash_method, free_port

PASSWORD = "a long password for tests"
KEY = "key-of-a-subscriber"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlatform]:
    """A platform that gives callbacks up soon."""
    data = tmp_path_factory.mktemp("operated") / "data"
    data.mkdir()
    (data / "openccp.toml").write_text(
        '[fetch]\nallow_hosts = ["127.0.0.1"]\nports = [443, 1]\n'
        "[callbacks]\nhttp = true\nretry_seconds = [0.1]\n"
    )
    platform = RunningPlatform(data, port=free_port())
    platform.start()
    yield platform
    platform.stop()


@pytest.fixture(scope="module")
def ann(running: RunningPlatform) -> Iterator[User]:
    made = running.user("ann")
    yield made
    made.close()


@pytest.fixture(scope="module")
def admin(running: RunningPlatform) -> Iterator[User]:
    running.command("user", "add", "chief", "--admin", password=PASSWORD)
    made = User(running.url, running.token("chief"))
    yield made
    made.close()


def test_everything_at_once(running: RunningPlatform, ann: User, admin: User) -> None:
    assert ann.deploy(bash_method("waits", "sleep 600")).status_code == 201
    job = ann.run("waits")["jobID"]
    ann.until(job, "executing")
    answer = admin.http.get("/operator")
    seen = answer.json()
    assert [one["id"] for one in seen["infrastructures"]] == ["local"]
    (of_user,) = [one for one in seen["queues"] if one["kind"] == "user"]
    assert (of_user["name"], of_user["running"], of_user["waiting"]) == ("ann", 1, 0)
    assert {one["name"]: (one["role"], one["jobs"]) for one in seen["accounts"]} == {
        "admin": ("admin", 0),
        "chief": ("admin", 0),
        "ann": ("user", 1),
    }
    assert seen["storage"]["bytes"].keys() == {"jobs", "uploads", "database", "free"}
    assert seen["storage"]["bytes"]["database"] > 0
    assert str(running.data) not in answer.text
    page = admin.http.get("/operator?f=html").text
    assert 'href="/operator" aria-current="page"' in page
    assert "1 of" in page
    assert "does not answer" not in page
    ann.http.delete(f"/jobs/{job}")


def test_only_administrators_are_led_there(ann: User, admin: User) -> None:
    assert ann.http.get("/operator").status_code == 403
    assert ann.http.get("/operator?f=html").status_code == 403
    assert 'href="/operator"' not in ann.http.get("/processes?f=html").text
    assert 'href="/operator"' in admin.http.get("/processes?f=html").text


def test_a_callback_that_was_given_up_is_sent_again(ann: User, admin: User) -> None:
    assert ann.deploy(bash_method("tells", "true")).status_code == 201
    address = f"http://127.0.0.1:1/{KEY}"
    job = ann.run("tells", subscriber={"successUri": address})["jobID"]
    dead = given_up(admin)
    assert (dead["jobID"], dead["target"]) == (job, "http://127.0.0.1:1")
    assert KEY not in admin.http.get("/operator?f=html").text
    again = f"/operator/deliveries/{dead['id']}/retry"
    assert ann.http.post(again).status_code == 403
    assert admin.http.post(again).json()["state"] == "pending"
    assert given_up(admin)["tried"] > dead["tried"]
    led = admin.http.post(again, headers={"Accept": "text/html"}, follow_redirects=False)
    assert (led.status_code, led.headers["Location"]) == (303, "/operator#dead")
    assert admin.http.post("/operator/deliveries/msg_0/retry").status_code == 404


def given_up(admin: User) -> dict[str, str]:
    """The one dead callback, once there is one."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = admin.http.get("/operator").json()["deadDeliveries"]
        if found:
            (dead,) = found
            return dict(dead)
        time.sleep(0.1)
    raise AssertionError("it is not given up")
