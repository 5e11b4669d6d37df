"""Command lines as CWL's section 4.1 has them."""

from typing import Any

import pytest
from tests.unit.core.cwl.tools import command, compile_tool, process, tool

from openccp.core.cwl.compile import Given, compiled
from openccp.core.ports import CannotStart, Limits

Case = tuple[Any, Any, str]
WORDS: list[Case] = [
    ({"type": "string", "inputBinding": {}}, "it's", "run 'it'\"'\"'s'"),
    ({"type": "string", "inputBinding": {}}, "", "run ''"),
    ({"type": "string", "inputBinding": {"prefix": "-x"}}, "a b", "run -x 'a b'"),
    ({"type": "int", "inputBinding": {"prefix": "-x", "separate": False}}, 7, "run -x7"),
    ({"type": "double", "inputBinding": {}}, 1e-7, "run 0.0000001"),
    ({"type": "double", "inputBinding": {}}, 2.0, "run 2"),
    ({"type": "boolean", "inputBinding": {"prefix": "-v"}}, True, "run -v"),
    ({"type": "boolean", "inputBinding": {"prefix": "-v"}}, False, "run"),
    ({"type": "boolean", "inputBinding": {}}, True, "run"),
    ({"type": "string?", "inputBinding": {"prefix": "-x"}}, None, "run"),
    ({"type": "string", "default": "d", "inputBinding": {}}, None, "run d"),
    ({"type": "string[]", "inputBinding": {"prefix": "-x"}}, ["a", "b"], "run -x a b"),
    ({"type": "string[]", "inputBinding": {"prefix": "-x"}}, [], "run"),
    ({"type": "string[]", "inputBinding": {"itemSeparator": ","}}, ["a", "b"], "run a,b"),
    (
        {"type": {"type": "array", "items": "int", "inputBinding": {"prefix": "-e"}}},
        [1, 2],
        "run -e 1 -e 2",
    ),
    ({"type": ["null", "int", "string"], "inputBinding": {}}, "s", "run s"),
    ({"type": {"type": "enum", "symbols": ["#it/x/a", "b"]}, "inputBinding": {}}, "a", "run a"),
    (
        {
            "type": {
                "type": "record",
                "fields": {
                    "last": {"type": "string", "inputBinding": {"position": 2}},
                    "first": {"type": "int?", "inputBinding": {"prefix": "-f"}},
                },
            },
            "inputBinding": {"prefix": "--record"},
        },
        {"last": "z", "first": 1},
        "run --record -f 1 z",
    ),
    ({"type": "Any", "inputBinding": {}}, {"a": [1]}, "run '{\"a\":[1]}'"),
    ({"type": "string", "inputBinding": {"valueFrom": "<$(self)>"}}, "v", "run '<v>'"),
    ({"type": "string", "inputBinding": {"valueFrom": "$(inputs.n)"}}, "v", "run 3"),
    ({"type": "string[]", "inputBinding": {"valueFrom": "$(self[1])"}}, ["a", "b"], "run b"),
    ({"type": "string[]", "inputBinding": {"valueFrom": "$(self.length)"}}, ["a", "b"], "run 2"),
    ({"type": "string", "inputBinding": {"valueFrom": "\\$(self)"}}, "v", "run '$(self)'"),
]


@pytest.mark.parametrize(("declared", "value", "expected"), WORDS)
def test_a_value_becomes_words(declared: Any, value: Any, expected: str) -> None:
    given = {"n": 3} if value is None else {"x": value, "n": 3}
    assert command(given, {"x": declared, "n": "int"}) == expected


def test_words_are_sorted_by_position_and_arguments_come_first() -> None:
    inputs = {
        "b": {"type": "string", "inputBinding": {"position": 1}},
        "a": {"type": "string", "inputBinding": {"position": 1}},
        "z": {"type": "string", "inputBinding": {"position": -3}},
        "e": {"type": "string", "inputBinding": {"position": "$(inputs.where)"}},
        "where": "int",
    }
    values = {"a": "A", "b": "B", "z": "Z", "e": "E", "where": 9}
    arguments = ["one", {"valueFrom": "two", "position": 1}]
    assert command(values, inputs, arguments=arguments) == "run Z one two A B E"


def test_a_file_is_its_path_and_its_parts_have_names() -> None:
    inputs = {"text": {"type": "File", "inputBinding": {}}, "texts": "File[]"}
    arguments = [
        "$(inputs.text.basename)|$(inputs.text.nameroot)|$(inputs.text.nameext)",
        "$(inputs.text.size)",
        "$(inputs['texts'][1].path)",
        "$(runtime.outdir)/$(runtime.cores)/$(runtime.ram)",
    ]
    assert command({"text": "x", "texts": ["a", "b"]}, inputs, arguments=arguments) == (
        "run 'text|text|' 5 /ccp_in/1.texts /ccp_data/1/256 /ccp_in/text"
    )


def test_contents_are_loaded_where_asked() -> None:
    inputs = {"text": {"type": "File", "loadContents": True}}
    assert command({"text": "x"}, inputs, arguments=["$(inputs.text.contents)"]) == "run hello"


def test_streams_codes_environment_and_folder() -> None:
    run = compile_tool(
        {"text": "x"},
        inputs={"text": "File"},
        stdin="$(inputs.text.path)",
        stdout="out put",
        stderr="errors",
        successCodes=[0, 3],
        outputs={"log": "stderr", "made": {"type": "File[]", "outputBinding": {"glob": ["*.a"]}}},
        requirements={
            "EnvVarRequirement": {"envDef": [{"envName": "A", "envValue": "$(inputs.text.size)"}]},
            "InitialWorkDirRequirement": {"listing": ["$(inputs.text)"]},
        },
    )
    lines = run.script.splitlines()
    assert "export A=5" in lines
    assert "exec run </ccp_in/text >'out put' 2>errors" in lines
    assert "cat /ccp_in/text >text || exit 125" in lines
    assert "case $ccp_ended in 0|3) : ;;" in lines
    assert run.paths == {"log": ("errors",), "made": ("*.a",)}


def test_the_author_may_write_shell_and_values_stay_quoted() -> None:
    line = command(
        {"text": "x", "x": "a;b", "n": 2},
        {"text": "File", "x": {"type": "string", "inputBinding": {"position": 3}}, "n": "int"},
        requirements=[{"class": "ShellCommandRequirement"}],
        arguments=[
            {"valueFrom": "<$(inputs.text.path) | head -n$(inputs.n)", "shellQuote": False},
        ],
    )
    assert line == "/bin/sh -c 'run </ccp_in/text | head -n2 '\"'\"'a;b'\"'\"''"


BARE = {"inputBinding": {"shellQuote": False}}
UNQUOTED = [
    {"type": {"type": "array", "items": "string", **BARE}},
    {"type": {"type": "array", "items": "string", **BARE}, "inputBinding": {}},
    {"type": {"type": "array", "items": "string"}, "inputBinding": {"itemSeparator": " "}},
    {"type": {"type": "record", "fields": {"a": {"type": "string", **BARE}}}},
    {"type": {"type": {"type": "enum", "symbols": ["a"]}, **BARE}},
    {"type": "string", **BARE},
]


@pytest.mark.parametrize("declared", UNQUOTED)
def test_without_a_shell_every_value_is_quoted(declared: Any) -> None:
    evil = "a; touch b"
    structure = declared["type"]["type"] if isinstance(declared["type"], dict) else ""
    value: Any = {"array": [evil], "record": {"a": evil}}.get(str(structure), evil)
    assert command({"x": value}, {"x": declared}) == "run 'a; touch b'"


@pytest.mark.parametrize("declared", [UNQUOTED[0], UNQUOTED[1], UNQUOTED[3], UNQUOTED[4]])
def test_no_value_inside_another_reaches_a_shell_unquoted(declared: Any) -> None:
    evil = "a; touch b"
    structure = str(declared["type"]["type"])
    value: Any = {"array": [evil], "record": {"a": evil}}.get(structure, evil)
    with pytest.raises(CannotStart):
        command({"x": value}, {"x": declared}, requirements={"ShellCommandRequirement": {}})


def test_a_value_that_looks_like_a_file_is_none() -> None:
    sent = {"class": "File", "path": "/etc/passwd"}
    declared = {"x": {"type": "Any", "inputBinding": {}}}
    written = '{"class":"File","path":"/etc/passwd"}'
    assert command({"x": sent}, declared) == f"run '{written}'"
    staged = {"InitialWorkDirRequirement": {"listing": ["$(inputs.x)"]}}
    for value in (sent, [sent]):
        with pytest.raises(CannotStart):
            compile_tool({"x": value}, inputs=declared, requirements=staged)


def test_a_step_is_given_no_shell_text_for_a_number() -> None:
    step = tool(
        requirements={"ShellCommandRequirement": {}},
        inputs={"n": {"type": "int", "inputBinding": {"shellQuote": False}}},
    )
    workflow = {
        "cwlVersion": "v1.2",
        "class": "Workflow",
        "inputs": {"text": "string"},
        "outputs": {},
        "steps": {"one": {"in": {"n": "text"}, "out": [], "run": step}},
    }
    with pytest.raises(CannotStart):
        compiled(process(workflow), Given({"text": "1; touch b"}, {}, Limits()))


def test_resources_are_what_was_asked_for_within_the_limits() -> None:
    requirements = {"ResourceRequirement": {"coresMin": 8, "ramMin": 1 << 20}}
    script = compile_tool(
        {},
        Limits(cpus=2, memory_bytes=1 << 30),
        arguments=["$(runtime.cores) $(runtime.ram)"],
        requirements=requirements,
    ).script
    assert "exec run '2 1024'" in script


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/../../x", "", "x" * 2000])
def test_a_value_cannot_name_a_file_outside(name: str) -> None:
    for members in (
        {"stdout": "$(inputs.x)"},
        {"outputs": {"o": {"type": "File", "outputBinding": {"glob": "$(inputs.x)"}}}},
        {
            "requirements": {
                "InitialWorkDirRequirement": {
                    "listing": [{"entryname": "$(inputs.x)", "entry": "t"}]
                }
            }
        },
    ):
        if name in ("", "/etc/x") and "outputs" in members:
            continue
        with pytest.raises(CannotStart):
            compile_tool({"x": name}, inputs={"x": "string"}, **members)


def test_a_value_with_nul_is_refused() -> None:
    with pytest.raises(CannotStart):
        command({"x": "a\0" + "1\0b"}, {"x": {"type": "string", "inputBinding": {}}})
    with pytest.raises(CannotStart):
        command({"x": {"a": ["\0"]}}, {"x": {"type": "Any", "inputBinding": {}}})
