"""Callbacks of a real platform to a real subscriber, verified as the documentation shows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook
from tests.acceptance.receiver import Message, Receiver

from openccp.testing.platform import RunningPlatform, User, bash_method

pytestmark = pytest.mark.sandbox
STEPS = 'for n in 10 50 90; do echo "$n step $n" >"$CCP_PROGRESS"; sleep 0.6; done; echo hi >a.txt'
OUTPUT = {"file": {"schema": {"type": "string"}, "x-ccp-path": "a.txt"}}


@dataclass
class World:
    platform: RunningPlatform
    receiver: Receiver
    user: User

    def run(self, process: str, **paths: str) -> str:
        subscriber = {name: self.receiver.url(path) for name, path in paths.items()}
        return str(self.user.run(process, subscriber=subscriber)["jobID"])

    def deliveries(self, **query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.user.http.get("/deliveries", params=query).json()[
            "deliveries"
        ]
        return found

    def verified(self, message: Message, user: User | None = None) -> Any:
        return Webhook(secret(user or self.user)).verify(message.body, dict(message.headers))


def secret(user: User) -> str:
    return str(user.http.get("/account/webhook-secret").json()["secret"])


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture(scope="module")
def world(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    data = tmp_path_factory.mktemp("callbacks") / "data"
    data.mkdir()
    (data / "openccp.toml").write_text(
        f'[fetch]\nallow_hosts = ["127.0.0.1"]\nports = [443, {receiver.port}]\n'
        "[callbacks]\nhttp = true\nprogress_seconds = 1\nretry_seconds = [0.2, 0.2]\n"
    )
    platform = RunningPlatform(data)
    platform.start()
    user = platform.user("ada")
    for made in (
        bash_method("works", STEPS, outputs=OUTPUT),
        bash_method("breaks", "exit 7"),
        bash_method("endless", "sleep 600"),
    ):
        assert user.deploy(made).status_code == 201
    yield World(platform, receiver, user)
    user.close()
    platform.stop()


@pytest.mark.requirement("1/1.0/callback/job-callback")
@pytest.mark.requirement("1/2.0/callback/job-callback")
def test_success_tells_where_the_results_are(world: World) -> None:
    job = world.run("works", successUri="/success")
    (message,) = world.receiver.wait_for("/success")
    results = world.verified(message)
    assert results == {
        "file": {
            "href": f"{world.platform.url}/jobs/{job}/results/file",
            "type": results["file"]["type"],
        }
    }
    assert message.headers["content-type"] == "application/json"
    assert message.headers["link"] == f'<{world.platform.url}/jobs/{job}>; rel="monitor"'
    assert world.user.http.get(results["file"]["href"]).text == "hi\n"
