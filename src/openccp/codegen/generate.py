"""Write a program. The template engine comes with it: imported where the first one is wanted."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from openccp.codegen.languages import Language
from openccp.codegen.literals import Json, json_text, pieces, python
from openccp.codegen.program import LARGEST_REQUEST, LocalFile, Program, Secret, leaves
from openccp.core.problems import InvalidRequest

ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=False,
    undefined=StrictUndefined,
    block_start_string="<%",
    block_end_string="%>",
    variable_start_string="<@",
    variable_end_string="@>",
    comment_start_string="<#",
    comment_end_string="#>",
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
ENVIRONMENT.filters |= {"python": python, "json": json_text}
ENVIRONMENT.tests |= {
    "json": lambda piece: isinstance(piece, Json),
    "secret": lambda piece: isinstance(piece, Secret),
}


def generate(language: Language, program: Program) -> str:
    """The program's text; InvalidRequest where its values are too large for one."""
    request = pieces(program.body, language.unsafe)
    if sum(len(one.text) for one in request if isinstance(one, Json)) > LARGEST_REQUEST:
        raise InvalidRequest(
            f"The values are longer than the {LARGEST_REQUEST} characters that a program holds; "
            "give large ones as files."
        )
    elsewhere = list(leaves(program.body))
    text = ENVIRONMENT.get_template(language.template).render(
        program=program,
        language=language,
        pieces=request,
        raw=language.raw,
        text=language.text,
        secrets=any(isinstance(one, Secret) for one in elsewhere),
        files=any(isinstance(one, LocalFile) for one in elsewhere),
    )
    return language.whole(text, program)
