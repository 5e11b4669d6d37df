"""Pages speak the reader's language, and no text of theirs is out of a translator's reach."""

import re

import pytest
from babel.messages.pofile import read_po

from openccp.web.language import LANGUAGES, OWN, liked
from openccp.web.pages.page import ENVIRONMENT
from openccp.web.pages.words import FOLDER, SPOKEN, say

ATTRIBUTE = re.compile(r'\b(?:aria-label|placeholder|title|alt|label)="([^"]*)')
MARKS = re.compile(r"<[^>]*>|%\(\w+\)s")
"""What a translation has to keep, in the same order."""
LOOSE = re.compile(r"<[^>]*>|[\w:-]*=\"[^\"]*\"")
"""A tag, or an attribute that a macro writes for one."""
NAMES = {"OpenCCP", "OpenCCP - OpenCCP"}
"""The same in every language."""


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", OWN),
        ("it", "it"),
        ("it-IT,it;q=0.9,en;q=0.8", "it"),
        ("en;q=0.5, it;q=0.4", "en"),
        ("fr, it;q=0.1", "it"),
        ("fr", OWN),
        ("it;q=0", OWN),
        (";;q=,it;q=x", OWN),
        ("*", OWN),
    ],
)
def test_the_language_a_browser_likes_best(accepted: str, language: str) -> None:
    assert liked(accepted) == language


def test_a_text_is_said_in_the_language_that_is_spoken() -> None:
    before = SPOKEN.set("it")
    try:
        assert say("Sign out") == "Esci"
    finally:
        SPOKEN.reset(before)
    assert say("Sign out") == "Sign out"
    assert set(LANGUAGES) == {"en", "it"}


@pytest.mark.parametrize("name", ENVIRONMENT.list_templates())
def test_every_text_of_a_page_can_be_translated(name: str) -> None:
    source, _, _ = ENVIRONMENT.loader.get_source(ENVIRONMENT, name)  # type: ignore[union-attr]
    assert not list(untranslatable(source))


@pytest.mark.parametrize("name", ENVIRONMENT.list_templates())
def test_only_words_of_the_template_are_taken_as_markup(name: str) -> None:
    source, _, _ = ENVIRONMENT.loader.get_source(ENVIRONMENT, name)  # type: ignore[union-attr]
    assert not re.findall(r"""\b(?:_|n?gettext)\((?!["'])[^)]*""", source)


def test_a_text_that_no_translator_sees_is_found() -> None:
    assert list(untranslatable("<p>{{ it }} is there</p>")) == ["is there"]
    assert list(untranslatable('<p aria-label="All">{{ _("there") }}</p>')) == ["All"]
    assert not list(untranslatable("<p>{% trans %}is there{% endtrans %}<code>ls</code></p>"))


def untranslatable(source: str) -> list[str]:
    """Words in a template that are neither in `_()`, nor in a trans block, nor code."""
    template = re.sub(r"\{%-?\s*trans\b.*?endtrans\s*-?%\}", "", source, flags=re.DOTALL)
    template = re.sub(r"\{#.*?#\}|\{%.*?%\}", "", template, flags=re.DOTALL)
    template = re.sub(r"\{\{.*?\}\}", "\0", template, flags=re.DOTALL)
    template = re.sub(r"<code>.*?</code>", "", template, flags=re.DOTALL)
    texts = ATTRIBUTE.findall(template) + LOOSE.sub("\n", template).splitlines()
    words = (text.replace("\0", "").strip() for text in texts)
    return [text for text in words if re.search(r"[A-Za-z]{2}", text) and text not in NAMES]


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {OWN}))
def test_what_is_translated_says_the_same_things(language: str) -> None:
    with (FOLDER / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    assert not [
        (one.id, list(one.check(catalogue))) for one in catalogue if list(one.check(catalogue))
    ]
    for one in catalogue:
        if isinstance(one.id, str) and one.id and one.string:
            assert MARKS.findall(one.id) == MARKS.findall(str(one.string)), one.id
