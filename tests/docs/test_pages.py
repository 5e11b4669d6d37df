"""What can be checked of the documentation without running it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from docs.write_settings import PAGE
from docs.write_settings import page as settings_page
from tests.docs.documents import LINK, PAGES, ROOT, blocks, commands, prose

from openccp.app.deploy import checked
from openccp.cli.later import Later
from openccp.cli.main import main
from openccp.core.method import Kind
from openccp.core.problems import Problem
from openccp.core.script import UnsafeScript, render
from openccp.core.stores import DuplicateName
from openccp.settings import SETTINGS_FILE, load
from openccp.web.operations import OPERATIONS

LONGEST_README = 200
CODE = re.compile(r"(`+) ?(.+?) ?\1(?!`)")
KINDS = {"name": Kind.TEXT, "number": Kind.NUMBER, "secret": Kind.SECRET}
PLACE = re.compile(r"`(?:GET|POST|PUT|DELETE) (/[^`?\s]*)")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(prose(page)):
        if "://" not in target and not target.startswith("#"):
            assert (page.parent / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_json_and_python_can_be_read(page: Path) -> None:
    for block in blocks(page):
        if block.language == "json":
            document = json.loads(block.text)
            if isinstance(document, dict) and "inputs" in document and "id" in document:
                checked(document)
        if block.language == "python":
            compile(block.text, block.place, "exec")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_and_their_options_exist(page: Path) -> None:
    for text, words in commands(page):
        command = _resolved(main, words)
        known = {option for p in command.params for option in (*p.opts, *p.secondary_opts)}
        for word in words:
            if re.fullmatch(r"--?[a-z][a-z-]*(=.*)?", word):
                option = word.partition("=")[0]
                assert option in known | {"--help", "-h", "--version"}, f"{text}: {option}"


def _resolved(command: click.Command, words: list[str]) -> click.Command:
    for word in words:
        if not isinstance(command, click.Group) or word.startswith("-") or word.isupper():
            break
        assert word in command.commands, f"there is no command {word!r}"
        command = _here(command.commands[word])
    return command


def _here(command: click.Command) -> click.Command:
    return command.command() if isinstance(command, Later) else command


def test_every_command_and_option_is_described() -> None:
    page = (ROOT / "docs/command-line.md").read_text()
    for path, command in _all_commands(main, "ccp"):
        assert f"`{path}" in page, path
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.opts[-1] in page, f"{path} {parameter.opts[-1]}"


def _all_commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    for name, later in group.commands.items():
        command = _here(later)
        if isinstance(command, click.Group):
            yield from _all_commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def test_every_address_is_described_and_no_other() -> None:
    page = (ROOT / "docs/api.md").read_text()
    described = set(PLACE.findall(page))
    assert described == {operation.path for operation in OPERATIONS}


def test_every_problem_is_described() -> None:
    assert list(_all_commands(main, "ccp")), "with the commands every module is loaded"
    page = (ROOT / "docs/api.md").read_text()
    for problem in Problem.__subclasses__():
        if problem.__module__.startswith("openccp.") and problem is not DuplicateName:
            kind = problem.type.rpartition("/")[2].rpartition(":")[2]
            assert f"`{kind}`" in page, problem


def test_placeholders_become_what_is_written() -> None:
    page = (ROOT / "docs/methods.md").read_text()
    rows = re.findall(
        r"^\| `(.*)` \| `(.*CCP_IN_.*|.*/run/secrets.*)` \|$", page, flags=re.MULTILINE
    )
    assert len(rows) >= 5
    for written, becomes in rows:
        assert render(written, KINDS) == becomes


def test_what_is_refused_is_refused_and_its_rewrite_is_not() -> None:
    section = (ROOT / "docs/methods.md").read_text().partition("### What is refused")[2]
    table = section.partition("\n\n|")[2].partition("\n\n")[0].splitlines()[2:]
    codes = [CODE.findall(row) for row in table]
    for bad, *better in codes:
        script = f"{bad[1]}\n{{{{name}}}}\nEND\n" if "<<" in bad[1] else bad[1]
        with pytest.raises(UnsafeScript):
            render(script, KINDS)
        for good in better[-1:]:
            render(good[1], KINDS)


def test_the_settings_page_says_what_the_models_say() -> None:
    assert PAGE.read_text() == settings_page(), "run python docs/write_settings.py"


def test_the_settings_shown_can_be_used(tmp_path: Path) -> None:
    shown = [b.text for b in blocks(ROOT / "docs/operate.md") if b.language == "toml"]
    loaded = []
    for text in shown:
        (tmp_path / SETTINGS_FILE).write_text(text)
        loaded.append(load(tmp_path))
    assert loaded[0].limits.cpus == 2
    assert loaded[1].fetch.ports[-1] == 9000
    places = {name: one.model_dump() for s in loaded for name, one in s.infrastructures.items()}
    assert places["box"]["slots"] == 16
    assert places["inside"]["runtime"] == "runsc"
    assert places["far"]["staging"] == places["farther"]["staging"] == "volumes"


@pytest.mark.parametrize("page", sorted((ROOT / "docs/infrastructures").glob("*.md")), ids=str)
def test_the_settings_of_an_infrastructure_are_read(page: Path, tmp_path: Path) -> None:
    (first, *_) = [b.text for b in blocks(page) if b.language == "toml"]
    (tmp_path / SETTINGS_FILE).write_text(first)
    assert load(tmp_path).infrastructures


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= LONGEST_README


def test_every_decision_says_context_decision_and_consequences() -> None:
    pages = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert [page.name[:4] for page in pages] == [f"{n:04}" for n in range(1, len(pages) + 1)]
    for page in pages:
        headings = re.findall(r"^## (.+)$", page.read_text(), flags=re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences"], page.name
