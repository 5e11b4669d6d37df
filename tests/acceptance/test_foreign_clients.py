"""Clients that nobody here wrote list, describe, execute, watch and fetch, unchanged."""

from typing import Any

import pytest
from ogc_api_processes_client.api_client_wrapper import ApiClientWrapper
from ogc_api_processes_client.configuration import Configuration
from owslib.ogcapi.processes import Processes

from openccp.testing.platform import User

pytestmark = pytest.mark.sandbox


@pytest.fixture
def owslib(user: User) -> Processes:
    return Processes(user.url + "/", headers={"Authorization": f"Bearer {user.token}"})


def test_owslib_lists_and_describes(owslib: Processes) -> None:
    assert "echo" in [process["id"] for process in owslib.processes()]
    assert owslib.process("echo")["inputs"]["message"]["schema"]["type"] == "string"
    assert owslib.conformance()["conformsTo"]
    assert owslib.api()["openapi"].startswith("3.")


def test_owslib_executes_at_once(owslib: Processes) -> None:
    found = owslib.execute("echo", {"message": "from OWSLib"}, {"message": {}})
    assert found == {"message": "from OWSLib"}


def test_owslib_executes_in_the_background(owslib: Processes, user: User) -> None:
    job = owslib.execute("hello-bash", {"name": "OWSLib"}, async_=True)
    status = user.wait(job["jobID"])
    assert status["status"] == "successful"


@pytest.fixture
def generated(user: User) -> Any:
    """The client that EOEPCA generated from the standard's own OpenAPI document."""
    wrapper: Any = ApiClientWrapper
    return wrapper(Configuration(host=user.url), "Authorization", f"Bearer {user.token}")


def test_the_generated_client_walks_the_whole_path(generated: Any, user: User) -> None:
    assert generated.get_landing_page().links
    assert any("core" in uri for uri in generated.get_conformance_classes().conforms_to)
    assert "echo" in [process.id for process in generated.get_processes().processes]
    assert "message" in generated.get_process_description("echo").inputs
    headers = {
        "Prefer": "respond-async",
        "Content-Type": "application/json",
        "Authorization": f"Bearer {user.token}",
    }
    body: dict[str, Any] = {
        "inputs": {"message": "generated", "pause": 0.25},
        "outputs": {"pause": {}},
        "response": "document",
    }
    job = generated.execute_simple("echo", body, _headers=headers).job_id
    user.wait(job)
    assert generated.get_status(job).status.value == "successful"
    assert generated.get_result(job)["pause"].to_dict() == 0.25
    assert job in [one.job_id for one in generated.get_jobs().jobs]
    assert generated.dismiss(job).status.value == "dismissed"
