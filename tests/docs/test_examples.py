"""The examples of the documentation do what it says that they do."""

import re

import pytest
from tests.docs.conftest import RunPage
from tests.docs.documents import ROOT, Block

pytestmark = pytest.mark.sandbox
NAMES = ("methods", "api", "callbacks", "python", "command-line", "packages", "code")
PAGES = ["README.md", *(f"docs/{name}.md" for name in NAMES)]


@pytest.mark.parametrize("name", PAGES)
def test_the_examples_run_and_show_what_is_written(name: str, run_page: RunPage) -> None:
    outcome = run_page(ROOT / name)
    assert outcome
    for block, output in outcome:
        check_shown(block, output)


def check_shown(block: Block, output: list[str]) -> None:
    """Each line shown comes, in this order; `...` stands for whatever is there."""
    left = iter(output)
    for line in block.shown:
        if line.strip() == "...":
            continue
        expected = re.compile(".*".join(map(re.escape, line.rstrip().split("..."))))
        met = any(expected.fullmatch(written.rstrip()) for written in left)
        assert met, f"{block.place}: {line!r} is not in\n" + "\n".join(output)
