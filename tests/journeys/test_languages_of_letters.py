"""A person chooses the language of letters beside that of pages, and a lender may want its own behind it."""

from __future__ import annotations

import re

import pytest
from flask import Flask, current_app

from portal import clock
from portal.db import session
from portal.debts.statement import Standing, by_id
from portal.lenders.models import Lender
from portal.letters import issue, pdf
from portal.letters.contents import Letter
from portal.people.models import Debtor
from portal.web.languages import force_locale
from portal.web.tags import only_of_letters
from portal.web.templates import PageTemplates
from tests.factories import a_debt, a_lender
from tests.journeys.acts import acts_of, come_in, command, give_code
from tests.pages import CheckingClient, page_of


def statement_of(debt: Standing) -> Letter:
    """The statement of account that would be made now; not drawn, which takes a second."""
    return issue.statement_letter(
        by_id(lender_id=debt.lender_id, debt_id=debt.id),
        lender=session.get_one(Lender, debt.lender_id),
        debtor=session.get_one(Debtor, (debt.lender_id, debt.debtor_id)),
        now=clock.now(),
        number="LT-7K3M-2Q9P",
    )


def written(letter: Letter) -> str:
    environment = current_app.jinja_env
    assert isinstance(environment, PageTemplates)
    with force_locale(letter.language):
        return pdf.write_html(
            template=letter.template,
            letter=letter,
            environment=environment.in_language(letter.language),
            language=letter.language,
            beside=environment.in_language(letter.beside) if letter.beside else None,
        )


def test_letters_are_in_the_language_that_a_person_chose_for_them(app: Flask, client: CheckingClient) -> None:
    debt = a_debt("900.00", lender=a_lender(jurisdiction="MX"))
    come_in(client, debt)
    give_code(client)
    page = client.get("/letters")
    assert "Language of your letters" in page_of(page).words
    done = page_of(client.fill(page, {"language": "es"}, to="/letters/language"))
    assert "New letters are in Español from now on." in done.words
    assert acts_of(debt.lender_id)["letter_language_chosen"] == 1
    client.fill(client.get("/letters"), {"language": "es"}, to="/letters/language")
    assert acts_of(debt.lender_id)["letter_language_chosen"] == 1
    # Pages stay as they were; amounts are written as in the lender's country.
    assert page_of(client.get("/letters")).language == "en"
    with app.app_context():
        letter = statement_of(debt)
        html = written(letter)
    assert (letter.language, letter.beside) == ("es_MX", None)
    assert '<html lang="es-MX"' in html and "Estado de su cuenta" in html and "USD900.00" in html
    assert "Owed" not in html
    assert Letter.from_json(letter.to_json()) == letter


def test_a_lenders_own_language_stands_behind_it_unless_it_is_the_same(app: Flask, client: CheckingClient) -> None:
    debt = a_debt("900.00")
    lender = session.get_one(Lender, debt.lender_id)
    command(app, "lender", "letters", lender.slug, "--beside", "zh_Hant", "--name", "Lin <b>", "--role", "還款部")
    session.expire_all()
    with app.app_context():
        html = written(statement_of(debt))
    first, again = html.split('<article lang="zh-Hant">')
    assert "Statement of your account" in first and "您的對帳單" in again and "您的對帳單" not in first
    assert first.count("Lin &lt;b&gt;") == again.count("還款部") == 1
    assert len(re.findall("<(?:!doctype|html|head|body)", html)) == 4
    come_in(client, debt)
    give_code(client)
    client.fill(client.get("/letters"), {"language": "zh_Hant"}, to="/letters/language")
    session.expire_all()
    with app.app_context():
        assert statement_of(debt).beside is None


@pytest.mark.parametrize("wanted", ["de", "", "../es"])
def test_no_other_language_is_taken(client: CheckingClient, wanted: str) -> None:
    come_in(client, a_debt("900.00"))
    give_code(client)
    token = page_of(client.get("/letters")).forms[0].fields[0][1]
    refused = client.post("/letters/language", data={"csrf_token": token, "language": wanted})
    assert refused.status_code == 400


@pytest.mark.parametrize(
    ("tag", "language"),
    [("zh-TW", "zh_Hant"), ("zh-Hant-HK", "zh_Hant"), ("es-MX", "es"), ("pt", "pt_BR"), ("zh-CN", None), ("fr", None)],
)
def test_what_a_file_says_of_a_person_is_kept_for_letters(tag: str, language: str | None) -> None:
    assert only_of_letters(tag) == language
