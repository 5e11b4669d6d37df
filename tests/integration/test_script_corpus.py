"""Rendered scripts in real shells: no value ever runs, and every byte arrives."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.integration.script_contexts import CONTEXTS, FIRING_REFERENCES, SECRETS, Context
from tests.integration.script_values import BIG, FIRING, VALUES

from openccp.core.method import Kind
from openccp.core.script import UnsafeScript, render, variable

COMMANDS = {"bash": ["bash"], "dash": ["dash"], "busybox": ["busybox", "sh"]}
KINDS = {"x": Kind.TEXT}
DRIVER = """
set -e
for number in $NUMBERS; do
    . "$VALUES/$number/assignment"
    ( . ./script )
    printf '\\n== end of %s ==\\n' "$number"
done
"""
LARGEST_ARGUMENT = 100_000


def command(shell: str) -> list[str]:
    if shutil.which(shell) is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{shell} is not installed")
        pytest.skip(f"{shell} is not installed")
    return COMMANDS[shell]


def single_quoted(value: str) -> bytes:
    return b"'" + os.fsencode(value).replace(b"'", b"'\\''") + b"'"


@pytest.fixture(scope="module")
def folder_of_values(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("values")
    for number, value in enumerate(VALUES):
        (folder / str(number)).mkdir()
        assignment = variable("x").encode() + b"=" + single_quoted(value) + b"\n"
        (folder / str(number) / "assignment").write_bytes(assignment)
        (folder / str(number) / "secret").write_bytes(os.fsencode(value))
    return folder


def run(arguments: list[str], folder: Path, **variables: str) -> subprocess.CompletedProcess[bytes]:
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **variables}
    return subprocess.run(
        arguments, cwd=folder, env=environment, capture_output=True, timeout=120, check=False
    )


def received(shell: str, script: str, numbers: list[int], at: Path, values: Path) -> list[bytes]:
    (at / "script").write_text(script)
    listed = " ".join(map(str, numbers))
    ended = run([*command(shell), "-c", DRIVER], at, NUMBERS=listed, VALUES=str(values))
    assert ended.returncode == 0, ended.stderr.decode(errors="replace")
    assert not (at / "canary").exists()
    return re.split(rb"\n== end of [0-9]+ ==\n", ended.stdout)[:-1]


def wrong(context: Context, values: list[str], outputs: list[bytes]) -> list[tuple[str, bytes]]:
    return [
        (value[:80], output[:120])
        for value, output in zip(values, outputs, strict=True)
        if output != os.fsencode(context.expected(value))
    ]


def cases(contexts: tuple[Context, ...]) -> list[object]:
    return [
        pytest.param(shell, context, id=f"{shell}-{context.name}")
        for context in contexts
        for shell in context.shells
    ]


def test_the_corpus_is_large_enough() -> None:
    assert len(set(VALUES)) == len(VALUES) >= 60
    assert len(BIG) == 200_000


@pytest.mark.parametrize(("shell", "context"), cases(CONTEXTS))
def test_every_value_arrives_whole_and_none_runs(
    shell: str, context: Context, tmp_path: Path, folder_of_values: Path
) -> None:
    largest = LARGEST_ARGUMENT if context.executes else len(BIG)
    numbers = [number for number, value in enumerate(VALUES) if len(value) <= largest]
    script = render(context.script, KINDS)
    outputs = received(shell, script, numbers, tmp_path, folder_of_values)
    assert wrong(context, [VALUES[number] for number in numbers], outputs) == []


@pytest.mark.parametrize(("shell", "context"), cases(SECRETS))
def test_a_secret_arrives_whole_but_for_newlines_at_its_end(
    shell: str, context: Context, tmp_path: Path, folder_of_values: Path
) -> None:
    script = render(context.script, {"x": Kind.SECRET})
    assert variable("x") not in script
    readable_here = script.replace("/run/secrets/x", "$VALUES/$number/secret")
    numbers = list(range(len(VALUES)))
    outputs = received(shell, readable_here, numbers, tmp_path, folder_of_values)
    assert wrong(context, [value.rstrip("\n") for value in VALUES], outputs) == []


@pytest.mark.parametrize("shell", COMMANDS)
def test_numbers_work_in_arithmetic_and_in_programs(shell: str, tmp_path: Path) -> None:
    script = (
        "echo $(( 2 * {{n}} )) $(( {{n}} ))\n"
        "printf '%s\\n' 1 50 | awk '$1 > {{n}}'\n"
        "sh -c 'echo {{n}}'\n"
    )
    rendered = render(script, {"n": Kind.INTEGER})
    ended = run([*command(shell), "-c", f"{variable('n')}=42\n{rendered}"], tmp_path)
    assert (ended.stdout, ended.stderr) == (b"84 42\n50\n42\n", b"")


@pytest.mark.parametrize("shell", COMMANDS)
@pytest.mark.parametrize("name", ["bare", "double", "single", "here-document", "substitution"])
def test_pasting_the_value_would_have_run_it(shell: str, name: str, tmp_path: Path) -> None:
    context = next(context for context in CONTEXTS if context.name == name)
    fired = []
    for value in FIRING[:20]:
        run([*command(shell), "-c", context.script.replace("{{x}}", value)], tmp_path)
        if (tmp_path / "canary").exists():
            (tmp_path / "canary").unlink()
            fired.append(value)
    assert len(fired) >= 2


@pytest.mark.parametrize(("script", "value"), FIRING_REFERENCES)
def test_what_is_refused_does_run_values_in_bash(script: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(UnsafeScript):
        render(script, KINDS)
    reference = as_a_mere_reference(script)
    run([*command("bash"), "-c", f"x={single_quoted(value).decode()}\n{reference}"], tmp_path)
    assert (tmp_path / "canary").exists(), reference


def as_a_mere_reference(script: str) -> str:
    """The script as the rules of quoting alone would have it."""
    in_single = re.sub(
        r"'([^']*)'", lambda quoted: quoted[0].replace("{{x}}", "'\"${x}\"'"), script
    )
    in_double = re.sub(r'"[^"]*"', lambda quoted: quoted[0].replace("{{x}}", "${x}"), in_single)
    in_document = re.sub(r"(?s)<<EOF.*", lambda body: body[0].replace("{{x}}", "${x}"), in_double)
    return in_document.replace("{{x}}", '"${x}"')
