from openccp.infrastructures.netfilter import _own_services


def test_services_on_this_machine_that_jobs_need() -> None:
    found = _own_services(
        {
            "HTTPS_PROXY": "http://127.0.0.1:3128",
            "PIP_INDEX_URL": "https://localhost/simple",
            "PIP_EXTRA_INDEX_URL": "https://elsewhere.example:8443/simple",
            "X": "http://[broken",
            "PATH": "/usr/bin",
        }
    )
    assert found == {3128, 443}
