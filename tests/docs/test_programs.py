"""The page on programs lists the languages that are offered, and each of them is executed."""

import re

from tests.acceptance.programs import RUN
from tests.docs.documents import ROOT

from openccp.codegen.languages import LANGUAGES


def test_every_language_is_described_and_executed() -> None:
    page = (ROOT / "docs/code.md").read_text()
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| (.*?) \|", page, flags=re.MULTILINE)
    assert rows[1:] == [(one.id, one.needs) for one in LANGUAGES.values()]
    assert set(RUN) == set(LANGUAGES)
