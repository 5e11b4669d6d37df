import re
import time
from collections.abc import Mapping
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openccp.core.method import Kind
from openccp.core.script import UnsafeScript, render, variable

TEXTS = {
    "x": Kind.TEXT,
    "y": Kind.TEXT,
    "mode": Kind.TEXT,
    "doc": Kind.FILE,
    "repository": Kind.TEXT,
    "in-file.v2": Kind.TEXT,
    "token": Kind.SECRET,
    "n": Kind.INTEGER,
    "rate": Kind.NUMBER,
    "flag": Kind.BOOLEAN,
}
X = "${CCP_IN_x}"


def words_of_refusal(script: str, kinds: Mapping[str, Kind] = TEXTS) -> str:
    with pytest.raises(UnsafeScript) as refused:
        render(script, kinds, "/value")
    return "\n".join(fault.detail for fault in refused.value.faults)


@pytest.mark.parametrize(
    ("script", "rendered"),
    [
        ("echo {{x}}", f'echo "{X}"'),
        ("echo {{ x }}", f'echo "{X}"'),
        ("echo {{\tx\t}}", f'echo "{X}"'),
        ('echo "{{x}}"', f'echo "{X}"'),
        ("echo '{{x}}'", f"echo ''\"{X}\"''"),
        ("echo a{{x}}b", f'echo a"{X}"b'),
        ('echo "a {{x}} b"', f'echo "a {X} b"'),
        ("echo 'a {{x}} b'", f"echo 'a '\"{X}\"' b'"),
        ("cat <<EOF\n{{x}} '{{x}}' \"{{x}}\"\nEOF", f"cat <<EOF\n{X} '{X}' \"{X}\"\nEOF"),
        ("cat <<-E\n\t{{x}}\n\tE\necho {{x}}", f'cat <<-E\n\t{X}\n\tE\necho "{X}"'),
        ("echo $(cat {{x}})", f'echo $(cat "{X}")'),
        ('echo "$(cat {{x}})"', f'echo "$(cat "{X}")"'),
        ('echo "$(cat "$(echo {{x}})")"', f'echo "$(cat "$(echo "{X}")")"'),
        ("cat <<E\n$(cat '{{x}}')\nE", f"cat <<E\n$(cat ''\"{X}\"'')\nE"),
        (
            "x=$(case {{x}} in (a) b;; c) d;; esac) {{x}}",
            f'x=$(case "{X}" in (a) b;; c) d;; esac) "{X}"',
        ),
        ("case a in {{x}}|b) c;; esac", f'case a in "{X}"|b) c;; esac'),
        ("case {{x}}\nin a) b;;\n# it's\nesac", f'case "{X}"\nin a) b;;\n# it\'s\nesac'),
        ("{{x}} -v", f'"{X}" -v'),
        ("> {{x}}", f'> "{X}"'),
        ("a 2>{{x}} >&2", f'a 2>"{X}" >&2'),
        ("a > {{x}}&& b", f'a > "{X}"&& b'),
        ("a &> {{x}}", f'a &> "{X}"'),
        ("cat <<< {{x}}", f'cat <<< "{X}"'),
        ("cat <({{x}})", f'cat <("{X}")'),
        ("a=( {{x}} # it's\n '{{x}}' )", f"a=( \"{X}\" # it's\n ''\"{X}\"'' )"),
        ("v={{x}}", f'v="{X}"'),
        ("export v={{x}}", f'export v="{X}"'),
        ("f() { local v={{x}}; }", f'f() {{ local v="{X}"; }}'),
        ("function f { echo {{x}}; }", f'function f {{ echo "{X}"; }}'),
        ("for i in {{x}}; do a; done", f'for i in "{X}"; do a; done'),
        ("for ((i=0;i<{{n}};i++)); do a; done", "for ((i=0;i<${CCP_IN_n};i++)); do a; done"),
        ("[ -f {{x}} ] && [ {{x}} = y ]", f'[ -f "{X}" ] && [ "{X}" = y ]'),
        ("[ {{x}} -eq 1 ]", f'[ "{X}" -eq 1 ]'),
        ("[[ {{x}} == a* && ( $b =~ ^(c|d)$ ) ]]", f'[[ "{X}" == a* && ( $b =~ ^(c|d)$ ) ]]'),
        ("echo '${{x}}'", f"echo '$'\"{X}\"''"),
        ('echo "\\${{x}}"', f'echo "\\${X}"'),
        ('echo "\\\\{{x}}"', f'echo "\\\\{X}"'),
        ("echo $HOME{{x}} $${{x}}", f'echo $HOME"{X}" $$"{X}"'),
        ("echo '{\"a\":{{x}}}'", f"echo '{{\"a\":'\"{X}\"'}}'"),
        (
            "# it's {{x}} {{nothing}} $(\necho {{x}}",
            f'# it\'s {{{{x}}}} {{{{nothing}}}} $(\necho "{X}"',
        ),
        ("echo a#b {{x}} # {{x}}", f'echo a#b "{X}" # {{{{x}}}}'),
        ("echo $'a\\n' {{x}}", f"echo $'a\\n' \"{X}\""),
        ("echo ${v%.*} ${#v} {{x}}", f'echo ${{v%.*}} ${{#v}} "{X}"'),
        ("echo {{in-file.v2}}", 'echo "${CCP_IN_in_file_v2}"'),
        ("a |\n  b {{x}} \\\n  c", f'a |\n  b "{X}" \\\n  c'),
        ("if a; then b {{x}}; else c; fi\r\n", f'if a; then b "{X}"; else c; fi\r\n'),
    ],
)
def test_a_placeholder_becomes_the_reference_its_place_needs(script: str, rendered: str) -> None:
    assert render(script, TEXTS) == rendered


@pytest.mark.parametrize(
    ("script", "rendered"),
    [
        (
            "echo {{doc}} | base64 -d > /ccp_data/in.txt",
            'echo "${CCP_IN_doc}" | base64 -d > /ccp_data/in.txt',
        ),
        ("echo '{{doc}}' | base64 -d > x", "echo ''\"${CCP_IN_doc}\"'' | base64 -d > x"),
        (
            "python wc.py --mode '{{mode}}' --out \"/ccp_data/{{ mode }}.json\"",
            "python wc.py --mode ''\"${CCP_IN_mode}\"'' --out \"/ccp_data/${CCP_IN_mode}.json\"",
        ),
        ("git clone {{ repository }} repo", 'git clone "${CCP_IN_repository}" repo'),
        (
            'wget --post-data "key={{token}}&x={{x}}" url',
            'wget --post-data "key=$(cat /run/secrets/token)&x=${CCP_IN_x}" url',
        ),
    ],
)
def test_the_scripts_of_ccp_methods_work_as_they_are(script: str, rendered: str) -> None:
    assert render(script, TEXTS) == rendered


@pytest.mark.parametrize(
    ("script", "rendered"),
    [
        ("a {{token}}", 'a "$(cat /run/secrets/token)"'),
        ('a "k={{token}}"', 'a "k=$(cat /run/secrets/token)"'),
        ("a 'k={{token}}'", "a 'k='\"$(cat /run/secrets/token)\"''"),
        ("a <<E\n{{token}}\nE", "a <<E\n$(cat /run/secrets/token)\nE"),
    ],
)
def test_a_secret_is_read_from_its_file(script: str, rendered: str) -> None:
    assert render(script, TEXTS) == rendered


@pytest.mark.parametrize(
    "script",
    [
        "bash run.sh {{x}}",
        'sh -c "$program" sh {{x}}',
        "$SUDO program {{x}}",
        "$program -c {{x}}",
        "python train.py -c {{x}} -e {{x}}",
        "python -m pip install {{x}}",
        "python -u - {{x}} < program.py",
        "sh -c 'echo \"$1\"' sh {{x}}",
        "python -c 'import sys; print(sys.argv[1])' {{x}}",
        "Rscript --vanilla script.R {{x}}",
        "perl -ne 'print' -- {{x}}",
        "echo {{x}} | python script.py",
        "echo {{x}} | bash run.sh -",
        "awk -F, -v v={{x}} '{ print v }' {{x}}",
        "sed -i -e 's/a/b/' {{x}}",
        "sed -n 1p {{x}}",
        "VALUE={{x}} awk '{ print ENVIRON[\"VALUE\"] }'",
        "apt-get install -y sed python3 {{x}}",
        "grep -r {{x}} .",
        "cp -r . {{x}}",
        "printf '%s' {{x}}",
        "printf -v v '%s' {{x}}",
        "printf -- '%s' {{x}}",
        "env V={{x}} program",
        "timeout 5 program {{x}}",
        "find {{x}} -name '*.csv' -exec wc {} +",
        "declare -a v=( {{x}} )",
        "sqlite3 {{x}} 'select 1'",
        "echo eval {{x}}",
        "docker ps --format '{{.Names}}' {{x}}",
    ],
)
def test_arguments_of_programs_are_allowed(script: str) -> None:
    assert "{{x}}" not in render(script, TEXTS)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("cat <<'EOF'\n{{x}}\nEOF", "without quotes"),
        ("cat <<\\EOF\n{{x}}\nEOF", "without quotes"),
        ("echo $(( {{x}} + 1 ))", "as a number"),
        ("echo $(( $(wc -l < {{x}}) + 1 ))", "as a number"),
        ("(( {{x}} ))", "as a number"),
        ("for ((i=0;i<{{x}};i++)); do a; done", "as a number"),
        ("let v={{x}}", "as a number"),
        ("[[ {{x}} -eq 1 ]]", "as a number"),
        ('[[ 1 -lt "{{x}}" ]]', "as a number"),
        ("a[{{x}}]=1", "as a number"),
        ("a[b[1]{{x}}]=1", "as a number"),
        ("a=([{{x}}]=1)", "as a number"),
        ("declare -i v={{x}}", "as a number"),
        ("declare -i v\nv={{x}}", "as a number"),
        ("RANDOM={{x}}", "as a number"),
        ("echo ${v:-{{x}}}", "in a variable first"),
        ('echo "${v:-{{x}}}"', "in a variable first"),
        ("echo ${v[{{x}}]}", "in a variable first"),
        ("echo `cat {{x}}`", "instead of backticks"),
        ('echo "`cat {{x}}`"', "instead of backticks"),
        ("echo $'{{x}}'", "Close the quote"),
        ('echo $"{{x}}"', "Close the quote"),
        ("echo ${{x}}", "directly after a `$`"),
        ('echo "${{x}}"', "directly after a `$`"),
        ("echo \\{{x}}", "directly after a backslash"),
        ('echo "\\{{x}}"', "directly after a backslash"),
        ("cat <<E\n\\{{x}}\nE", "directly after a backslash"),
        ("eval {{x}}", "shell commands"),
        ("eval \"$(echo '{{x}}')\"", "shell commands"),
        ("if a; then command eval {{x}}; fi", "shell commands"),
        ("case a in a) >f A=1 ev\\\nal {{x}};; esac", "shell commands"),
        ("f() { eval {{x}}; }", "shell commands"),
        ("function f { eval {{x}}; }", "shell commands"),
        ("for i do eval {{x}}; done", "shell commands"),
        ("time { eval {{x}}; }", "shell commands"),
        ("(eval {{x}})", "shell commands"),
        ("a $(eval {{x}})", "shell commands"),
        ("source {{x}}", "shell commands"),
        (". {{x}}", "shell commands"),
        ("trap {{x}} EXIT", "shell commands"),
        ("ssh host {{x}}", "shell commands"),
        ("sudo ssh host {{x}}", "shell commands"),
        ("PS4={{x}}", "shell commands"),
        ("declare -a v='{{x}}'", "shell commands"),
        ("sh -c {{x}}", "a program's text"),
        ("sh -c 'echo {{x}}'", "a program's text"),
        ('bash -o pipefail -ec "echo {{x}}"', "a program's text"),
        ("bash -e -c 'echo {{x}}'", "a program's text"),
        ("sh -c -e 'echo {{x}}'", "a program's text"),
        ("/bin/busybox sh -c 'echo {{x}}'", "a program's text"),
        ("su - user -c 'echo {{x}}'", "a program's text"),
        ("timeout 5 bash -lc 'echo {{x}}'", "a program's text"),
        ("xargs -I{} sh -c 'echo {{x}}'", "a program's text"),
        ("$SHELL -c 'echo {{x}}'", "a program's text"),
        ("awk '{ print {{x}} }'", "a program's text"),
        ("awk -F , -v a=b '{ print {{x}} }'", "a program's text"),
        ("sed s/a/{{x}}/ f", "a program's text"),
        ("sed -i -e s/a/{{x}}/ f", "a program's text"),
        ("perl -pe 's/a/{{x}}/'", "a program's text"),
        ("python -uc 'print({{x}})'", "a program's text"),
        ("Rscript -e 'a' -e '{{x}}'", "a program's text"),
        ("make V={{x}}", "a program's text"),
        ("sqlite3 db 'select {{x}}'", "a program's text"),
        ("bash <<E\necho {{x}}\nE", "a program's text"),
        ("bash -o pipefail <<E\necho {{x}}\nE", "a program's text"),
        ("python3 - a <<E\nprint({{x}})\nE", "a program's text"),
        ("R --no-save --args a <<E\n{{x}}\nE", "a program's text"),
        ("bash <<< {{x}}", "a program's text"),
        ("echo {{x}} | tee f | sudo bash", "a program's text"),
        ("cat <<E | sh\n{{x}}\nE", "a program's text"),
        ("for i in {{x}}; do echo $i; done | sh", "a program's text"),
        ("echo {{x}} | xargs -I{} sh -c 'echo {}'", "a program's text"),
        ("bash {{x}}", "`./`"),
        ("python {{x}} {{y}}", "`./`"),
        ("export {{x}}=1", "name of a variable"),
        ("export {{x}}", "name of a variable"),
        ("read {{x}}", "name of a variable"),
        ("unset {{x}}", "name of a variable"),
        ("{{x}}=1", "name of a variable"),
        ("a{{x}}=1 b", "name of a variable"),
        ("declare {{x}}=1", "name of a variable"),
        ("local {{x}}", "name of a variable"),
        ("for {{x}} in a; do b; done", "name of a variable"),
        ("{{x}}() { a; }", "name of a variable"),
        ("env {{x}}=1 a", "name of a variable"),
        ("printf -v {{x}} a", "name of a variable"),
        ("[ {{x}} {{y}} ]", "name of a variable"),
        ("[ -v {{x}} ]", "name of a variable"),
        ("a >&{{x}}", "2>&1"),
        ("a <& {{x}}", "2>&1"),
        ("sh -c $program {{x}}", "a program's text"),
        ("$SUDO eval {{x}}", "shell commands"),
        ("${v}eval {{x}}", "shell commands"),
        ("printf {{x}}", "printf '%s'"),
        ('printf "a {{x}}\\n"', "printf '%s'"),
        ("echo ${v:-'{{x}}'}", "in a variable first"),
    ],
)
def test_what_no_quoting_makes_safe_is_refused_with_another_way(script: str, says: str) -> None:
    assert says in words_of_refusal(script)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo '{{x}}", "single quote is never closed"),
        ('echo "{{x}}', "double quote is never closed"),
        ("echo {{x}}\necho 'it", "single quote is never closed"),
        ("echo $(cat {{x}}", "parenthesis is never closed"),
        ("echo {{x}})", "parenthesis was never opened"),
        ("cat <<E\n{{x}}\n", "here-document never ends"),
        ("cat <<E\n{{x}}\\\nE\n", "joins the end mark"),
        ("cat <<{{x}}\n{{x}}\n", "plain word as its end mark"),
        ("echo `{{x}}", "backtick is never closed"),
        ("echo ${v {{x}}", "is never closed"),
        ("echo $((1) {{x}}", "is not ended by `))`"),
        ("[[ {{x}}", "never closed"),
        ("echo $'it\\'s' {{x}}", "differently by sh and bash"),
        ("echo $[1+1] {{x}}", "differently by sh and bash"),
        ("echo \"${v#'a'}\" {{x}}", "read differently"),
        ("echo <\\\n<E {{x}}", "split over two lines"),
        ("a &> log eval {{x}}", "differently by sh and bash"),
        ("a b(c) {{x}}", "not expected"),
        ("$(" * 100 + "{{x}}" + ")" * 100, "nested too deeply"),
        ("${v:-" * 2000 + "{{x}}" + "}" * 2000, "nested too deeply"),
        ("case {{x}} in a b) c;; esac", "pattern cannot be read"),
        ("a >\n{{x}}", "word is missing"),
        ("a[b ]=c eval {{x}}", "array index"),
        ("a=([b {{x}}]=c)", "array index"),
    ],
)
def test_what_shells_may_read_differently_is_refused(script: str, says: str) -> None:
    assert says in words_of_refusal(script)


def test_what_cannot_be_read_does_not_matter_without_placeholders() -> None:
    for script in ("echo 'it", "cat <<E", "{{ 1+1 }} '", "echo '{{.Names}}"):
        assert render(script, TEXTS) == script


@pytest.mark.parametrize("id", ["n", "rate", "flag"])
@pytest.mark.parametrize(
    "script",
    [
        "echo $(( {{x}} * 2 ))",
        "[[ {{x}} -gt 2 ]]",
        "let v={{x}}+1",
        "echo ${v:0:{{x}}}",
        "awk '$1 > {{x}}' f",
        "sed -n '{{x}}p' f",
        "sh -c 'seq {{x}}'",
        "python -c 'print({{x}})'",
        "a[{{x}}]=1",
    ],
)
def test_numbers_are_allowed_where_they_are_computed_with(script: str, id: str) -> None:
    rendered = render(script.replace("x}", id + "}"), TEXTS)
    assert f"${{{variable(id)}}}" in rendered


@pytest.mark.parametrize(
    "script", ["{{n}}=1", "echo `a {{n}}`", "cat <<'E'\n{{n}}\nE", "read {{n}}"]
)
def test_numbers_too_need_a_place_where_they_are_replaced(script: str) -> None:
    words_of_refusal(script)


def test_an_unknown_input_is_refused_with_those_it_may_have_meant() -> None:
    said = words_of_refusal("echo {{ modes }}")
    assert "no input `modes`" in said
    assert "`mode`" in said
    assert "The inputs are: a" in words_of_refusal("{{zzzzzz}}", {"a": Kind.TEXT})
    assert "none" in words_of_refusal("{{zzzzzz}}", {})


@pytest.mark.parametrize(
    "script",
    [
        "{{ 1+1 }}",
        "{{.Names}}",
        "{{#each}}",
        "{{json .}}",
        "{{}}",
        "{{ }}",
        "{{-x}}",
        "{{é}}",
        "{ {x}}",
    ],
)
def test_other_double_braces_stay_as_they_are(script: str) -> None:
    assert render(f"echo '{script}' {{{{x}}}}", TEXTS) == f"echo '{script}' \"{X}\""


def test_an_input_whose_id_cannot_be_a_placeholder_is_named() -> None:
    assert "`my file` cannot be used" in words_of_refusal(
        "cat {{ my file }}", {"my file": Kind.TEXT}
    )


def test_each_fault_points_at_its_line() -> None:
    with pytest.raises(UnsafeScript) as refused:
        render(
            "echo {{x}}\neval {{x}}\n\ncat {{z}}", TEXTS, "/additionalParameters/parameters/0/value"
        )
    assert refused.value.status == 400
    assert refused.value.type == "urn:openccp:problem:unsafe-script"
    assert [fault.pointer for fault in refused.value.faults] == [
        "/additionalParameters/parameters/0/value/1",
        "/additionalParameters/parameters/0/value/3",
    ]
    assert refused.value.faults[0].detail.startswith("Line 2: {{x}} is handed")


def test_variables_are_named_after_inputs() -> None:
    assert variable("mode") == "CCP_IN_mode"
    assert variable("in-file.v2") == "CCP_IN_in_file_v2"
    assert variable("é$(x)\n") == "CCP_IN____x__"


def test_inputs_that_would_share_a_variable_are_refused_even_when_unused() -> None:
    said = words_of_refusal("", {"a-b": Kind.TEXT, "a.b": Kind.TEXT})
    assert "`a-b`, `a.b`" in said
    assert render("", {"a-b": Kind.TEXT, "a.b": Kind.SECRET}) == ""


def test_faults_are_bounded() -> None:
    with pytest.raises(UnsafeScript) as refused:
        render("echo {{nothing}}\n" * 5000, TEXTS)
    assert len(refused.value.faults) == 50


PIECES = (
    r"""{{x}}|{{ n }}|{{token}}|{{zz}}|$(|${|$((|))|eval |case | in |esac|;;|[[ | ]]|sh -c |$'"""
    r"""|$"|((|a=(|for |do |&>|<(|é|sed -e |@(|a[|]=|export |printf |python - """
)
SHELLISH = st.lists(
    st.sampled_from(
        [
            *PIECES.split("|"),
            *"'\"`$\\{}()[]<>|&;#=!*~ \t\n\r\0\1ae-",
            "\\\n",
            "<<E\n",
            "\nE\n",
            "<<-'E'\n",
        ]
    ),
    max_size=40,
).map("".join)


@given(SHELLISH)
@settings(max_examples=600, deadline=None)
def test_any_text_is_rendered_or_refused(script: str) -> None:
    try:
        rendered = render(script, TEXTS)
    except UnsafeScript:
        return
    references = r"\"?\$(\{CCP_IN_[a-z]+\}|\(cat /run/secrets/token\))\"?"
    assert re.sub(references, "", rendered).count("{{") <= script.count("{{")


@given(st.text().filter(lambda text: "{{" not in text))
def test_text_without_placeholders_is_returned_as_it_is(script: str) -> None:
    assert render(script, TEXTS) == script


@pytest.mark.parametrize(
    "hostile",
    [
        "{{" + " " * 200_000,
        "{{" * 100_000 + "x",
        "{{x}}" * 20_000,
        "{{x}} " * 20_000,
        "| sh " * 40_000 + "{{x}}",
        "{{x}} | sh\n" * 10_000,
        "for i in a; do b; done | sh\n" * 5_000 + "{{x}}",
        "a[" * 50_000 + "{{x}}",
        "[" + "]=" * 50_000 + "{{x}}",
        "cat <<E\n" * 20_000 + "{{x}}",
        "cat <<E\nE\n" * 10_000 + "{{x}}",
        "`" * 100_001 + "{{x}}",
        "$" * 100_000 + "{{x}}",
        "\\\n" * 50_000 + "{{x}}",
        "a=(" * 20_000 + "{{x}}",
        "@(a)" * 5_000 + "{{x}}",
        "{{" + "z" * 100_000 + "}}",
    ],
)
def test_a_hostile_script_takes_no_more_than_its_length(hostile: str) -> None:
    started = time.process_time()
    with suppress(UnsafeScript):
        render(hostile, TEXTS)
    assert time.process_time() - started < 5


def test_a_script_of_two_hundred_lines_is_quick() -> None:
    lines = [
        "# it's a comment",
        "pip install pandas",
        "python a.py '{{mode}}' > \"{{x}}.csv\"",
        "echo $a",
    ]
    script = "\n".join(lines * 50)
    times = []
    for _ in range(5):
        started = time.process_time()
        render(script, TEXTS)
        times.append(time.process_time() - started)
    assert min(times) < 0.02
