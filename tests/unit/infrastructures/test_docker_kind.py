"""What the settings of a daemon elsewhere have to say."""

import pytest
from pydantic import ValidationError

from openccp.infrastructures.docker.connection import command
from openccp.infrastructures.docker.credentials import Credentials
from openccp.infrastructures.docker.kind import DockerSettings

FILES = {"ca": "/ca.pem", "cert": "/cert.pem", "key": "/key.pem"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"address": "tcp://host:2375", "staging": "volumes"}, "ca, cert and key"),
        ({"address": "tcp://host:2376", **FILES}, "volumes"),
        ({"address": "ssh://me@host"}, "volumes"),
        ({"address": "http://host:2375", "staging": "volumes"}, "address"),
        ({"address": "ssh://-oProxyCommand=id/x", "staging": "volumes"}, "address"),
        ({"network": "some"}, "network"),
        ({"allowed_networks": ["everything"]}, "allowed_networks"),
        ({"staging": "volumes", "warm": {"bash": 1}}, "bind"),
    ],
)
def test_what_cannot_be_used_is_refused(given: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        DockerSettings.model_validate({"kind": "docker", **given})


def test_a_host_is_no_option_of_ssh() -> None:
    words = command("ssh://me@host:2222/run/it.sock", Credentials(), "/here")
    assert words[words.index("-L") + 1] == "/here:/run/it.sock"
    assert words[words.index("--") + 1] == "host"
    assert {"BatchMode=yes", "StrictHostKeyChecking=yes"} <= set(words)
