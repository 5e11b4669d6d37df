import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openccp.core.method import Scripts
from openccp.core.ports import CannotStart
from openccp.infrastructures.shell import opens_streams, script_files, values_text
from openccp.testing.infrastructure import make_task

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)


@given(TEXT)
def test_a_value_comes_out_as_it_went_in(value: str) -> None:
    script = values_text({"x": value}, {}) + b'printf %s "$CCP_IN_x"'
    result = subprocess.run(["sh", "-c", 'eval "$(cat)"'], input=script, capture_output=True)
    assert result.stdout == value.encode()


def test_only_what_is_small_is_exported() -> None:
    many = {f"i{n}": "x" * 4000 for n in range(40)}
    text = values_text({"big": "x" * 5000, **many}, {}).decode()
    assert "export CCP_IN_big" not in text
    assert text.count("export ") * 4000 <= 64 << 10


def test_names_and_nul_are_refused() -> None:
    with pytest.raises(CannotStart):
        values_text({}, {"A;B": "x"})
    with pytest.raises(CannotStart):
        values_text({"x": "a\0b"}, {})


def test_stages_have_their_own_scripts() -> None:
    run = script_files(make_task("run", "dep"), {})
    assert (run["main"], run["deploy"]) == (b"run\n", b"dep\n\n:\n")
    assert script_files(make_task(undeploy="un"), {})["main"] == b"un\n"


@pytest.mark.parametrize("script", ["echo >/dev/stderr", "tee /proc/self/fd/2", "x >/dev/fd/1"])
def test_scripts_that_open_their_own_streams(script: str) -> None:
    assert opens_streams(Scripts("", script, ""))
    assert not opens_streams(Scripts("", "echo >/dev/null", ""))
