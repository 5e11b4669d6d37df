"""Every method that ships reads well, and its scripts are what bash and dash understand."""

import base64
import csv
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from openccp.core.descriptor import read_method
from openccp.core.method import Kind, Method
from openccp.core.script import render

METHODS = Path(__file__).parents[3] / "methods"
NAMES = ("count-words", "csv-summary", "echo", "hello-bash", "r-regression", "sleeper")


def document(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((METHODS / name / "method.json").read_text())
    return found


def example(name: str, which: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((METHODS / name / "example" / which).read_text())
    return found


@pytest.fixture(params=NAMES)
def method(request: pytest.FixtureRequest) -> Method:
    return read_method(document(request.param))


def scripts(method: Method) -> Iterator[str]:
    kinds = {each.id: each.kind for each in method.inputs.values()}
    for stage in ("deploy", "execute", "undeploy"):
        yield render(getattr(method.scripts, stage), kinds, pointer=f"/{stage}-script")


def test_the_folder_has_these_methods_and_no_other() -> None:
    assert sorted(folder.name for folder in METHODS.iterdir()) == sorted(NAMES)


def test_the_descriptor_reads_without_a_warning(method: Method) -> None:
    assert method.warnings == ()


def test_the_id_is_the_name_of_the_folder(method: Method) -> None:
    assert json.loads((METHODS / method.id / "method.json").read_text())["id"] == method.id


def test_each_thing_a_person_sees_has_a_title(method: Method) -> None:
    assert method.title
    assert method.description
    assert all(each.title for each in method.inputs.values())
    assert all(each.title for each in method.outputs.values())


def test_the_runtime_is_given_and_locked(method: Method) -> None:
    image = method.inputs.get("ccpimage")
    assert method.image or (image and image.read_only and image.has_default)


def test_it_runs_on_the_local_infrastructure(method: Method) -> None:
    assert method.infrastructures == ("local",)


@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_the_rendered_scripts_are_good_shell(method: Method, shell: str) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    for script in scripts(method):
        checked = subprocess.run(
            [program, "-n"], input=script, text=True, capture_output=True, check=False
        )
        assert (checked.returncode, checked.stderr) == (0, "")


def test_no_script_pastes_a_value(method: Method) -> None:
    assert all("{{" not in script for script in scripts(method))


def test_the_example_names_only_declared_inputs_and_outputs(method: Method) -> None:
    request = example(method.id, "request.json")
    assert set(request["inputs"]) <= set(method.inputs)
    assert set(request.get("outputs", ())) <= {*method.outputs, "output"}


def test_the_expectation_speaks_of_outputs_that_were_asked_for(method: Method) -> None:
    asked = example(method.id, "request.json").get("outputs", method.outputs)
    assert set(example(method.id, "expected.json").get("outputs", ())) <= set(asked)


def test_the_readme_tells_every_input_and_output(method: Method) -> None:
    readme = (METHODS / method.id / "README.md").read_text()
    told = {*method.inputs, *method.outputs} - {"ccpimage"}
    assert [name for name in sorted(told) if f"`{name}`" not in readme] == []
    assert f"ccp run {method.id}" in readme


def test_only_the_method_that_installs_packages_has_the_network(method: Method) -> None:
    assert method.network == ("pip install" in method.scripts.deploy)


def test_only_echo_may_run_synchronously(method: Method) -> None:
    assert method.synchronous == (method.id == "echo")


def test_the_text_to_count_is_the_file_beside_it() -> None:
    sent = base64.b64decode(example("count-words", "request.json")["inputs"]["doc"])
    assert sent == (METHODS / "count-words" / "example" / "sea.txt").read_bytes()
    expected = example("count-words", "expected.json")["outputs"]["count"]["equals"]
    assert expected["count"] == len(sent.split())


@pytest.mark.parametrize(
    "path", ["csv-summary/example/buoys.csv", "r-regression/example/tides.csv"]
)
def test_the_small_tables_are_tables(path: str) -> None:
    with (METHODS / path).open() as table:
        header, *rows = csv.reader(table)
    assert len(rows) >= 7
    assert {len(row) for row in rows} == {len(header)}


def test_echo_has_the_inputs_the_standards_suite_wants() -> None:
    echo = read_method(document("echo"))
    wanted = ["message", "numbers", "area", "document", "choice", "pause"]
    assert list(echo.inputs) == wanted
    assert list(echo.outputs) == wanted
    assert [name for name, each in echo.inputs.items() if each.minimum] == ["message"]
    assert {each.kind for each in echo.inputs.values()}.isdisjoint({Kind.FILE, Kind.SECRET})
