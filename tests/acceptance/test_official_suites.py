"""The official test suites of the standard, unchanged, against a running platform.

They send no credentials: a proxy of the tests' own adds them. Where the registry does not have a
suite, or Java or Maven is missing, the test is skipped and says so.
"""

from pathlib import Path

import pytest
from tests.acceptance.official import FOLDER
from tests.acceptance.schema_mirror import schema_mirror
from tests.acceptance.signing_proxy import signing_proxy
from tests.acceptance.suites import PART1, NotThere, Suite, Verdict, run

from openccp.testing.platform import RunningPlatform, User

pytestmark = [pytest.mark.slow, pytest.mark.sandbox]


def verdicts(suite: Suite, arguments: dict[str, str], folder: Path) -> list[Verdict]:
    schemas = FOLDER / "part1-1.0" / "core" / "openapi"
    if not schemas.is_dir():
        pytest.skip("the official schemas are not beside the checkout")
    try:
        with schema_mirror(schemas, folder) as options:
            return run(suite, arguments, folder, options)
    except NotThere as reason:
        pytest.skip(f"the official suite was not run: {reason}")


def test_part_1(platform: RunningPlatform, user: User, tmp_path: Path) -> None:
    with signing_proxy(platform.port, user.token) as url:
        found = verdicts(PART1, {"iut": url, "echoprocessid": "echo"}, tmp_path)
    assert [verdict for verdict in found if verdict.status != "PASS"] == []
    assert len(found) == PART1.tests
