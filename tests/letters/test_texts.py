"""What letters say, word for word, in the five languages; and what none of them can ever say."""

from __future__ import annotations

import re

import pytest
from jinja2.ext import babel_extract

from portal.letters.kinds import Kind
from portal.web.languages import LETTER_LANGUAGES
from tests.letters import examples
from tests.letters.keep_texts import FOLDER, NAMES, kept, letter_of, text_of


def sentences() -> set[str | tuple[str, str]]:
    """Every sentence of a template of letters, as catalogues know it: one, or its singular and its plural."""
    found: set[str | tuple[str, str]] = set()
    for path in sorted((examples.ROOT / "templates/letters").glob("*.html")):
        with path.open("rb") as source:
            for _line, _function, said, _comments in babel_extract(source, ("_", "gettext", "ngettext"), (), {}):
                found.add(said if isinstance(said, str) else (str(said[0]), str(said[1])))
    return found


SENTENCES = sentences()
# "Paid in full", however it is said; nothing that tells of a debt of which a part was let off may say it.
IN_FULL = {
    "en": r"paid in full|fully (re)?paid|paid all",
    "zh_Hans": r"还清|付清|清偿",
    "zh_Hant": r"還清|付清|清償",
    "es": r"pag\w+ (por completo|íntegramente|totalmente|en su totalidad)|(totalmente|íntegramente) pagad|saldad",
    "pt_BR": r"pag\w+ (por completo|integralmente|totalmente|na íntegra)|(totalmente|integralmente) (pag|quit)"
    r"|quitação integral",
}
# What no lender may promise. That nobody can do it may be said, so only what "we" do counts, and what agents sell.
PROMISES = {
    "en": r"we (will|can|shall|could|may) (\w+ )?(delete|remove|erase|clear|repair)"
    r"|credit (repair|record cleared)|today only|final offer",
    "zh_Hans": r"我们.{0,6}(删除|清除|消除|修复)|征信修复(?!骗局)|消除(不良|逾期)记录|仅限今天|最后.{0,2}报价",
    "zh_Hant": r"我們.{0,6}(刪除|清除|消除|修復)|徵信修復(?!騙局)|消除(不良|逾期)[記紀]錄|僅限今天|最後.{0,2}報價",
    "es": r"\b(eliminar|borrar|quitar|suprimir|limpiar|reparar)(emos|íamos)|(vamos a|podemos) (\w+ )?(eliminar|borrar|"
    r"quitar|suprimir|limpiar|reparar)|reparación de(l)? crédito|s[oó]lo (por )?hoy|oferta final",
    "pt_BR": r"\b(excluir|apagar|remover|eliminar|limpar|reparar)(emos|íamos)|(vamos|podemos) (\w+ )?(excluir|apagar|"
    r"remover|eliminar|limpar|reparar)|limpa(r)? (o )?(seu )?nome|só hoje|oferta final",
}
SAID = {
    "en": ("This debt is paid in full.", "We will delete it."),
    "zh_Hans": ("本笔欠款已还清", "我们将删除该记录"),
    "zh_Hant": ("本筆欠款已清償", "我們將刪除該紀錄"),
    "es": ("Esta deuda está pagada por completo", "La eliminaremos de su historial"),
    "pt_BR": ("Esta dívida está integralmente paga", "Vamos excluir o registro"),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_letter_says_what_is_kept(name: str) -> None:
    """`python -m tests.letters.keep_texts` keeps what they say now."""
    assert {language: text_of(letter_of(name, language)) for language in LETTER_LANGUAGES} == kept(name)


def test_each_kind_is_kept_and_nothing_else() -> None:
    assert {examples.MAKERS[name]().kind for name in NAMES} == set(Kind)
    assert {path.name for path in FOLDER.iterdir()} == {
        f"{name}.{tag}.txt" for name in NAMES for tag in LETTER_LANGUAGES
    }


@pytest.mark.parametrize("language", LETTER_LANGUAGES)
def test_after_a_waiver_no_letter_says_that_all_was_paid(language: str) -> None:
    words = re.compile(IN_FULL[language], re.IGNORECASE)
    assert words.search(SAID[language][0]) and words.search(kept("paid-in-full")[language])
    for name in ("settlement-satisfied", "plan-ended", "statement", "receipt", "last-receipt"):
        said = kept(name)[language]
        assert not words.search(said), (name, words.search(said))


@pytest.mark.parametrize("language", LETTER_LANGUAGES)
def test_no_letter_can_promise_that_a_record_is_deleted(language: str) -> None:
    """Neither those that are kept, nor any sentence of a template that these facts don't reach."""
    promise, words = re.compile(PROMISES[language], re.IGNORECASE), examples.catalogue(language)
    assert promise.search(SAID[language][1])
    for key in SENTENCES:
        there = words[key].string if words is not None and key in words else key
        for said in (there,) if isinstance(there, str) else there:
            assert not promise.search(said or ""), said
    assert len(SENTENCES) > 150
    for name in NAMES:
        assert not promise.search(kept(name)[language]), name


@pytest.mark.parametrize("language", [each for each in LETTER_LANGUAGES if each != "en"])
def test_no_english_is_left_in_another_language(language: str) -> None:
    english = {said.split("%(")[0] for key in SENTENCES for said in ((key,) if isinstance(key, str) else key)}
    sentences = [said for said in english if len(said.split()) >= 3]
    assert len(sentences) > 100
    for name in NAMES:
        # What a lender or a person wrote stays as it was written.
        text, data = kept(name)[language], letter_of(name, "en").to_json()
        assert [said for said in sentences if said in text and said not in data] == [], name
