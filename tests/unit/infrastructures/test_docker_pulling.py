"""What the daemon says of a pull, read as progress, or as one cause in plain words."""

import pytest

from openccp.core.job import Blame
from openccp.infrastructures.docker.privileges import Privileges, of_image
from openccp.infrastructures.docker.pulling import NoImage, Progress, no_image
from openccp.infrastructures.docker.reference import Image, is_reference, registry_of
from openccp.testing.infrastructure import make_task


def downloading(layer: str, current: int, total: int) -> dict[str, object]:
    told = {"current": current, "total": total}
    return {"status": "Downloading", "id": layer, "progressDetail": told}


def test_progress_counts_bytes_and_never_goes_back() -> None:
    progress = Progress("tool")
    assert progress.words == "pulling image tool"
    progress.hear(downloading("a", 30, 100))
    assert progress.words == "pulling image tool: 30%"
    progress.hear(downloading("b", 0, 900))
    assert progress.words == "pulling image tool: 30%"
    progress.hear(downloading("b", 870, 900))
    assert progress.words == "pulling image tool: 90%"
    for layer in "ab":
        progress.hear({"status": "Download complete", "id": layer})
    progress.hear({"status": "Extracting", "id": "a"})
    assert progress.words == "unpacking image tool"


def test_what_ends_a_pull_is_told() -> None:
    with pytest.raises(NoImage, match="disk"):
        Progress("tool").hear({"error": "write /var/lib: no space left on device"})


DENIED = "pull access denied for x, repository does not exist or may require 'docker login': denied"


@pytest.mark.parametrize(
    ("words", "reason", "blame"),
    [
        ("manifest for x:1 not found: manifest unknown: manifest unknown", "missing", "method"),
        ("invalid reference format", "missing", "method"),
        (DENIED, "refused", "method"),
        ("Head https://x/v2/: no basic auth credentials", "refused", "method"),
        ("unauthorized: authentication required", "refused", "method"),
        ("toomanyrequests: You have reached your pull rate limit.", "rate-limited", "platform"),
        ("received unexpected HTTP status: 429 Too Many Requests", "rate-limited", "platform"),
        ("failed to register layer: no space left on device", "disk-full", "platform"),
        ("no matching manifest for linux/amd64 in the manifest list", "architecture", "method"),
        ("dial tcp: lookup x: no such host", "unreachable", "platform"),
        ("net/http: TLS handshake timeout", "unreachable", "platform"),
        ("x509: certificate signed by unknown authority", "unreachable", "platform"),
        ("received unexpected HTTP status: 503 Service Unavailable", "unreachable", "platform"),
    ],
)
def test_each_cause_is_known_by_its_words(words: str, reason: str, blame: str) -> None:
    failure = no_image("x:1", words).failure
    assert failure
    assert (failure.reason, failure.blame) == (f"image-{reason}", Blame(blame))
    assert "'x:1'" in failure.detail


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("bash", True),
        ("localhost:5000/a/b-c:1.2", True),
        ("Registry.example.org/team/tool@sha256:" + "0" * 64, True),
        ("../../containers/json", False),
        ("bash?x=1", False),
        ("bash#", False),
        ("bash ", False),
        ("Bash", False),
        ("", False),
        ("a" * 300, False),
    ],
)
def test_only_names_of_images_are_asked_of_a_daemon(name: str, fits: bool) -> None:
    assert is_reference(name) is fits


def test_the_registry_of_a_name() -> None:
    assert registry_of("bash") == registry_of("library/bash:5") == "docker.io"
    assert registry_of("localhost/tool") == "localhost"
    assert registry_of("example.org:5000/a/tool") == "example.org:5000"


def test_a_container_gets_what_its_task_needs_and_no_more() -> None:
    host = {"CapDrop": ["ALL"], "Tmpfs": {"/tmp": "size=1"}, "Binds": ["/a:/ccp_data:rw"]}
    usual = {"Image": "bash", "Labels": {"ours": "1"}, "HostConfig": host}
    allowing = Privileges(root=True, capabilities=("CHOWN",), gpus=2)
    assert allowing.granted(usual, make_task()) == usual
    rooted = allowing.granted(usual, make_task(root=True))["HostConfig"]
    assert (rooted["CapDrop"], rooted["CapAdd"]) == (["ALL"], ["CHOWN"])
    (asked,) = allowing.granted(usual, make_task(gpus=2))["HostConfig"]["DeviceRequests"]
    assert asked == {"Driver": "", "Count": 2, "Capabilities": [["gpu"]]}
    volumes = ("/ccp_data/", "/processed", "/tmp/", "/run/secrets")
    image = Image("bash", "sha256:1", volumes=volumes, labels=("ours", "exitCode"))
    made = of_image(usual, image)
    assert made["Labels"] == {"ours": "1", "exitCode": ""}
    assert made["Image"] == "sha256:1"
    expected = dict.fromkeys(("/tmp", "/processed", "/run/secrets"), "size=1")
    assert made["HostConfig"]["Tmpfs"] == expected, "no secrets are bound here"
