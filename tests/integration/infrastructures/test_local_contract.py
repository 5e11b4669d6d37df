import pytest

from openccp.testing.infrastructure import InfrastructureContract


@pytest.mark.sandbox
class TestLocal(InfrastructureContract):
    pass
