"""The places where a placeholder is allowed, and what a program must receive there."""

from collections.abc import Callable
from dataclasses import dataclass

POSIX = ("bash", "dash", "busybox")
BASH = ("bash",)


@dataclass(frozen=True, slots=True)
class Context:
    """A script that writes what it received to its standard output."""

    name: str
    script: str
    expected: Callable[[str], str] = lambda value: value
    shells: tuple[str, ...] = POSIX
    executes: bool = False
    """Whether the value goes to another program as an argument, which bounds its size."""


CONTEXTS = (
    Context("bare", "printf '%s' {{x}}"),
    Context("spaced", "printf '%s' {{ x }}"),
    Context("double", "printf '%s' \"{{x}}\""),
    Context("single", "printf '%s' '{{x}}'"),
    Context("glued", "printf '%s' pre{{x}}post{{x}}", lambda v: f"pre{v}post{v}"),
    Context("twice", "printf '%s' {{x}}{{x}}", lambda v: v + v),
    Context("in double", "printf '%s' \"a '{{x}}' b\"", lambda v: f"a '{v}' b"),
    Context("in single", "printf '%s' 'a \"{{x}}\" $b'", lambda v: f'a "{v}" $b'),
    Context("json in single", "printf '%s' '{\"a\":{{x}}}'", lambda v: '{"a":' + v + "}"),
    Context("dollar in single", "printf '%s' '${{x}}'", lambda v: "$" + v),
    Context("escaped dollar", "printf '%s' \"\\${{x}}\"", lambda v: "$" + v),
    Context("escaped backslash", "printf '%s' \"\\\\{{x}}\"", lambda v: "\\" + v),
    Context("triple braces", "printf '%s' '{{{x}}}'", lambda v: "{" + v + "}"),
    Context("assignment", "v={{x}}; printf '%s' \"$v\""),
    Context("assignment double", 'v="{{x}}"\nprintf \'%s\' "$v"'),
    Context("assignment single", "v='{{x}}'; printf '%s' \"$v\""),
    Context("export", "export v={{x}}; printf '%s' \"$v\""),
    Context("readonly", "readonly v='{{x}}'; printf '%s' \"$v\""),
    Context("local", "f() { local v={{x}}; printf '%s' \"$v\"; }; f"),
    Context("function", "f() { printf '%s' \"$1\"; }; f {{x}}"),
    Context(
        "positional", "set -- {{x}} '{{x}}' \"{{x}}\"; printf '%s|' \"$@\"", lambda v: f"{v}|" * 3
    ),
    Context("for", "for i in {{x}} '{{x}}'; do printf '%s|' \"$i\"; done", lambda v: f"{v}|" * 2),
    Context("if", "if [ {{x}} = {{x}} ]; then printf '%s' {{x}}; fi"),
    Context("while", "while :; do printf '%s' {{x}}; break; done"),
    Context("case", "case {{x}} in no{{x}}) ;; {{x}}) printf '%s' {{x}};; esac"),
    Context("case in substitution", "echo $(case {{x}} in {{x}}) echo y;; esac)", lambda v: "y\n"),
    Context("subshell", "( printf '%s' {{x}} )"),
    Context("group", "{ printf '%s' {{x}}; }"),
    Context("pipe", "printf '%s' {{x}} | cat"),
    Context("substitution", "printf '%s' \"$(printf '%s.' {{x}})\"", lambda v: v + "."),
    Context(
        "substitution double", "v=$(printf '%s.' \"{{x}}\"); printf '%s' \"$v\"", lambda v: v + "."
    ),
    Context(
        "substitution single", "v=$(printf '%s.' '{{x}}'); printf '%s' \"$v\"", lambda v: v + "."
    ),
    Context(
        "substitution nested",
        "printf '%s' \"$(printf '%s.' \"$(printf '%s.' {{x}})\")\"",
        lambda v: v + "..",
    ),
    Context("here-document", "cat <<EOF\n{{x}}\nEOF", lambda v: v + "\n"),
    Context(
        "here-document quotes", "cat <<EOF\n\"{{x}}\" '{{x}}'\nEOF\n", lambda v: f"\"{v}\" '{v}'\n"
    ),
    Context("here-document tabs", "cat <<-EOF\n\t\t{{x}}\n\tEOF\n", lambda v: v + "\n"),
    Context(
        "here-document substitution",
        "cat <<EOF\n$(printf '%s.' {{x}})\nEOF\n",
        lambda v: v + ".\n",
    ),
    Context("two here-documents", "cat <<A; cat <<B\n{{x}}\nA\n{{x}}\nB\n", lambda v: f"{v}\n" * 2),
    Context("comment", "printf y # {{x}} ' \" $(\n# {{x}}", lambda v: "y"),
    Context("after a comment", "# it's\nprintf '%s' {{x}}"),
    Context("continued", "printf \\\n'%s' \\\n{{x}}"),
    Context("program", "/usr/bin/printf %s {{x}}", executes=True),
    Context("environment", "v='{{x}}' printenv v", lambda v: v + "\n", executes=True),
    Context("argument of sh -c", "sh -c 'printf %s \"$1\"' sh {{x}}", executes=True),
    Context("awk variable", 'V={{x}} awk \'BEGIN { printf "%s", ENVIRON["V"] }\'', executes=True),
    Context("here-string", "cat <<< {{x}}", lambda v: v + "\n", BASH),
    Context("array", "a=( {{x}} '{{x}}' ); printf '%s|' \"${a[@]}\"", lambda v: f"{v}|" * 2, BASH),
    Context(
        "array element",
        "a[0]={{x}}; a+=( {{x}} ); printf '%s|' \"${a[@]}\"",
        lambda v: f"{v}|" * 2,
        BASH,
    ),
    Context("declare", "declare v={{x}}; printf '%s' \"$v\"", shells=BASH),
    Context("declare array", "declare -a a=( {{x}} ); printf '%s' \"${a[0]}\"", shells=BASH),
    Context("condition", "[[ {{x}} == {{x}} ]] && printf '%s' {{x}}", shells=BASH),
    Context("process", "cat <(printf '%s' {{x}})", shells=BASH),
    Context("printf -v", "printf -v v '%s' {{x}}; printf '%s' \"$v\"", shells=BASH),
)

SECRETS = (
    Context("secret bare", "printf '%s' {{x}}"),
    Context("secret double", "printf '%s' \"k={{x}}\"", lambda v: "k=" + v),
    Context("secret single", "printf '%s' 'k={{x}}'", lambda v: "k=" + v),
    Context("secret here-document", "cat <<EOF\n{{x}}\nEOF", lambda v: v + "\n"),
    Context("secret substitution", "printf '%s' \"$(printf '%s.' {{x}})\"", lambda v: v + "."),
)

FIRING_REFERENCES = (
    (": $(( {{x}} ))", "a[$(touch canary)]"),
    ("(( {{x}} )) || :", "a[$(touch canary)]"),
    ("let v={{x}}", "a[$(touch canary)]"),
    ("declare -i v={{x}}", "a[$(touch canary)]"),
    ("declare -i v; v={{x}}", "a[$(touch canary)]"),
    ("RANDOM={{x}}", "a[$(touch canary)]"),
    ("[[ {{x}} -eq 1 ]] || :", "a[$(touch canary)]"),
    ("test -v {{x}} || :", "a[$(touch canary)]"),
    ("printf -v {{x}} y", "a[$(touch canary)]"),
    ("printf {{x}} y", "-va[$(touch canary)]"),
    ("read {{x}} < /dev/null || :", "a[$(touch canary)]"),
    ("a=(1); unset {{x}} || :", "a[$(touch canary)]"),
    ("a=(); a[{{x}}]=1", "b[$(touch canary)]"),
    ("a=([{{x}}]=1)", "b[$(touch canary)]"),
    ('echo "${a[{{x}}]}"', "b[$(touch canary)]"),
    ('v=abc; echo "${v:{{x}}}"', "b[$(touch canary)]"),
    ("declare -a v='{{x}}'", "($(touch canary))"),
    ("PS4='{{x}}'; set -x; :", "$(touch canary)"),
    ("cat < /dev/null >&{{x}}", "$(touch canary)"),
    ("a[1 ]=2 eval {{x}}", "touch canary"),
    ("sh -c $program {{x}}", "touch canary"),
    ("eval {{x}}", "touch canary"),
    ('eval "$(echo {{x}})"', "touch canary"),
    ("trap {{x}} EXIT", "touch canary"),
    ("bash -c 'echo {{x}}'", "; touch canary"),
    ('bash -o pipefail -c "echo {{x}}"', "; touch canary"),
    ('env bash -ec "echo {{x}}"', "; touch canary"),
    ("find . -maxdepth 0 -exec sh -c 'echo {{x}}' \\;", "; touch canary"),
    ("echo {{x}} | sh", "a; touch canary"),
    ("{ echo {{x}}; } | sh", "a; touch canary"),
    ("sh <<EOF\necho {{x}}\nEOF", "a; touch canary"),
    ("bash -s <<< {{x}}", "touch canary"),
    ("echo a | xargs -I{} sh -c 'echo {{x}}'", "; touch canary"),
    ("awk 'BEGIN { x = {{x}} }'", 'system("touch canary")'),
    ("sed -n {{x}} /etc/hostname", "1e touch canary"),
    ("python3 -c 'print({{x}})'", 'open("canary", "w")'),
    ("python3 - <<EOF\nprint({{x}})\nEOF", 'open("canary", "w")'),
    ("perl -e 'print {{x}}'", "`touch canary`"),
)
"""Places that are refused, with a value for which a mere reference there runs a command in bash."""
