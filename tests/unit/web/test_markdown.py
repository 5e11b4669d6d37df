"""Markdown of strangers: what it may say, and that nothing of it runs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.acceptance.hostile_words import WORDS
from tests.acceptance.pages import Page

from openccp.web.pages.markdown import markdown

ALLOWED = {
    "p", "h3", "h4", "h5", "h6", "ul", "ol", "li", "a", "em", "strong", "code", "pre", "br", "hr",
    "blockquote", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
NASTY = (
    "[x](javascript:alert(1))", "[x](data:text/html,<script>)", "[x](/sign-out)", "![x](http://e/)",
    "<img src=x onerror=alert(1)>", "<script>alert(1)</script>", "[x]: javascript:a\n\n[x]",
    "<javascript:alert(1)>", "[x](vbscript:x)", "[x](//evil.example)", "```\n</pre><script>\n```",
    "[x](JaVaScRiPt&colon;alert(1))", "[x](http:evil)", "[x](\x01javascript:a)", "[x](http://[)",
    '[x](http://e "\\" onclick=alert(1)")', "| a |\n|:--:|\n| <b onclick=x> |",
    "&#x3C;script&#x3E;",
)  # fmt: skip


def harmless(text: str) -> Page:
    page = Page(str(markdown(text)))
    assert not page.faults
    assert {tag for tag, _ in page.tags} <= ALLOWED
    for link in page.links:
        assert link.startswith(("http://", "https://")), link
    for _, attributes in page.tags:
        assert set(attributes) <= {"href", "title", "class", "start"}
    return page


def test_it_says_what_markdown_says() -> None:
    page = harmless("# Waves\n\n*How* **high** [they](https://example.org/) are\n\n- a\n- b\n")
    assert [tag for tag, _ in page.tags] == ["h3", "p", "em", "strong", "a", "ul", "li", "li"]


@pytest.mark.parametrize("text", [*NASTY, *WORDS, "#" * 5_000, "[" * 2_000, "> " * 500 + "x"])
def test_nothing_of_it_runs(text: str) -> None:
    harmless(text)


@given(st.text(alphabet="[]()<>!#*_`~|-: \n\\&;\"'ahref/=:javscript", max_size=60))
def test_nothing_of_any_text_runs(text: str) -> None:
    harmless(text)
