"""What a manager says while nobody leads is no refusal of a job; texts of Docker 20.10."""

import pytest
from aiodocker.exceptions import DockerError

from openccp.infrastructures.swarm.cluster import is_passing

LEADERLESS = (
    "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too "
    "few managers are online. Make sure more than half of the managers are online."
)


@pytest.mark.parametrize(
    ("status", "message", "reads", "passing"),
    [
        (503, "This node is not a swarm manager.", False, True),
        (500, LEADERLESS, False, True),
        (500, "rpc error: code = DeadlineExceeded desc = context deadline exceeded", False, True),
        (500, "rpc error: code = Unavailable desc = transport is closing", False, True),
        (500, "rpc error: code = ResourceExhausted desc = message larger than max", False, False),
        (500, "rpc error: code = Unknown desc = something", True, True),
        (409, "rpc error: code = AlreadyExists desc = name conflicts", False, False),
        (400, "rpc error: code = InvalidArgument desc = a leader in a name", False, False),
        (404, "service nobody not found", True, False),
    ],
)
def test_what_passes(status: int, message: str, reads: bool, passing: bool) -> None:
    assert is_passing(DockerError(status, message), reads=reads) is passing
