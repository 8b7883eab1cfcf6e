"""Check that every text for people is there in every language, in pages, messages, errors and letters alike.

After a text was added or changed:
    pybabel extract -F babel.cfg -k lazy_gettext --no-location --sort-output -o var/messages.pot .
    pybabel update -i var/messages.pot -d translations -l zh_Hans --no-fuzzy-matching

A text of a letter is wanted in the catalogues zh_Hant, es and pt_BR too, which hold nothing else: write it at their end
by hand, for an update would put every text of the pages in. What is missing or too much the second test here names.
"""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from portal.web.languages import DEFAULT, LANGUAGES, LETTER_LANGUAGES

ROOT = Path(__file__).resolve().parents[2]
TRANSLATED = [language for language in LETTER_LANGUAGES if language != DEFAULT]
# These read the same in every language.
SAME = {"English", "简体中文", "SMS", "Stripe"}
SAME_IN = {"es": {"Plan", "%(number)s de %(of)s"}, "pt_BR": {"Principal"}}
# What docs/words.md calls 贷款方 has no second name.
OTHER_NAMES = ("贷款机构", "贷方", "放款方", "出借机构", "出借方")
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|\{(\w*)\}")


def catalogue(language: str) -> Catalog:
    path = ROOT / "translations" / language / "LC_MESSAGES" / "messages.po"
    assert path.exists(), f"{language} has no catalogue"
    with path.open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Every text that the code and the templates hold today."""
    out = tmp_path_factory.mktemp("texts") / "messages.pot"
    command = ["-q", "extract", "-F", "babel.cfg", "-k", "lazy_gettext", "-o", str(out), "."]
    subprocess.run([sys.executable, "-m", "babel.messages.frontend", *command], cwd=ROOT, check=True)
    with out.open("rb") as file:
        return read_po(file)


def is_wanted(message: Message, language: str) -> bool:
    """Whether a text is in a language: all are in those of pages, and what letters say is in those of letters too."""
    return bool(message.id) and (language in LANGUAGES or any(is_letter(path) for path, _line in message.locations))


@cache
def is_letter(path: str) -> bool:
    return path.startswith("templates/letters/") and "layouts/page.html" not in (ROOT / path).read_text()


def key(message: Message) -> tuple[object, object]:
    return (message.id, message.context)


def forms(text: object) -> tuple[str, ...]:
    return tuple(str(form) for form in text) if isinstance(text, tuple | list) else (str(text),)


def placeholders(text: str) -> set[str]:
    return {one or other for one, other in PLACEHOLDER.findall(text)}


def test_there_is_something_to_translate(texts: Catalog) -> None:
    assert len(texts) > 100


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_in_the_catalogue_and_nothing_else(texts: Catalog, language: str) -> None:
    wanted = {key(message) for message in texts if is_wanted(message, language)}
    there = {key(message) for message in catalogue(language) if message.id}
    assert sorted(map(str, wanted - there)) == []
    assert sorted(map(str, there - wanted)) == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated_and_none_is_a_guess(language: str) -> None:
    messages = [message for message in catalogue(language) if message.id]
    assert [message.id for message in messages if message.fuzzy] == []
    assert [message.id for message in messages if not all(forms(message.string))] == []
    same = [
        message.id
        for message in messages
        if set(forms(message.id)) & set(forms(message.string)) - SAME - SAME_IN.get(language, set())
    ]
    assert same == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_fills_in_the_same_facts(language: str) -> None:
    wrong = []
    for message in catalogue(language):
        if message.id:
            wanted = set().union(*(placeholders(form) for form in forms(message.id)))
            for form in forms(message.string):
                # A language without plurals may leave the number out of "one day" and never out of "5 days".
                if placeholders(form) != wanted:
                    wrong.append((message.id, form))
    assert wrong == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_chinese_texts_are_in_chinese_writing(language: str) -> None:
    if not language.startswith("zh"):
        pytest.skip("another script")
    for message in catalogue(language):
        if message.id and re.search(r"[a-z]{3}", PLACEHOLDER.sub("", forms(message.id)[0])):
            for form in forms(message.string):
                if language == "zh_Hant":
                    form.encode("big5")  # Which has no character in its simplified form.
                assert form in SAME or re.search(r"[\u4e00-\u9fff]", form), message.id


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_lender_has_one_name(language: str) -> None:
    texts = [form for message in catalogue(language) for form in forms(message.string)]
    assert [text for text in texts for name in OTHER_NAMES if name in text] == []
