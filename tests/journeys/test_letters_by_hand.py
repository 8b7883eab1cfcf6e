"""A letter with a character that no font has waits for a person: the debtor sees it, staff find it, nothing retries."""

from __future__ import annotations

import csv
import io

import pytest
from flask import Flask
from sqlalchemy import select, update

from portal.db import session, transaction
from portal.debts.statement import Standing
from portal.lenders.models import Lender
from portal.letters.models import IssuedLetter, LetterByHand
from portal.people.models import Debtor
from portal.queue import QueuedJob
from tests.conftest import Clock
from tests.factories import a_debt, a_debtor
from tests.journeys.acts import acts_of, agree, come_in, command, work
from tests.pages import CheckingClient, page_of

NAME = "Somchai สมชาย"


@pytest.fixture
def debt(lender: Lender) -> Standing:
    return a_debt("900.00", lender=lender, debtor=a_debtor(lender=lender, name=NAME))


def listed(app: Flask, lender: Lender) -> list[list[str]]:
    done = command(app, "letters", "--lender", lender.slug)
    assert done.exit_code == 0, done.output
    return list(csv.reader(io.StringIO(done.output)))[1:]


def states() -> list[str]:
    session.rollback()
    return list(session.scalars(select(QueuedJob.state).where(QueuedJob.name == "letters.issue")))


def test_a_letter_that_no_font_can_draw_waits_for_a_person_and_is_drawn_when_a_font_can(
    client: CheckingClient, debt: Standing, lender: Lender, app: Flask, clock: Clock
) -> None:
    come_in(client, debt)
    agree(client, debt)
    work(app, letters=True)
    assert states() == ["done"]
    clock.forward(minutes=1)
    work(app, letters=True)
    assert session.scalars(select(IssuedLetter.number)).all() == []
    ((number, kind, reference, person, characters, _asked),) = listed(app, lender)
    assert (kind, reference, person) == ("plan-agreement", debt.reference, NAME)
    assert set(characters.split()) == set("สมชาย")
    shown = page_of(client.get("/letters"))
    assert shown.says("We are preparing this letter by hand") and shown.says(number)
    assert not any(href.endswith(".pdf") for href, _words in shown.links)
    assert "1 letters wait for a person" in command(app, "nightly").output
    assert acts_of(lender.id)["letter_waits_for_person"] == 1

    # Trying again without a font that has them changes nothing, and there is still one.
    assert "1 letters are tried again." in command(app, "letters", "--lender", lender.slug, "--again").output
    work(app, letters=True)
    assert [row[0] for row in listed(app, lender)] == [number]
    assert set(states()) == {"done"}
    assert acts_of(lender.id)["letter_waits_for_person"] == 1

    # As if a font with these characters had come.
    with transaction() as s:
        s.execute(update(Debtor).where(Debtor.id == debt.debtor_id).values(name="Somchai"))
    command(app, "letters", "--lender", lender.slug, "--again")
    work(app, letters=True)
    assert listed(app, lender) == []
    assert session.scalars(select(IssuedLetter.number)).all() == [number]
    shown = page_of(client.get("/letters"))
    assert not shown.says("We are preparing this letter by hand")
    assert [href for href, _words in shown.links if href.endswith(".pdf")] == [f"/letters/{number}.pdf"]


def test_a_letter_that_was_sent_by_hand_is_off_the_list_and_says_so(
    client: CheckingClient, debt: Standing, lender: Lender, app: Flask
) -> None:
    come_in(client, debt)
    agree(client, debt)
    work(app, letters=True)
    number = session.scalars(select(LetterByHand.number)).one()
    assert command(app, "letters", "--lender", lender.slug, "--sent", "LT-NOPE").exit_code == 1
    assert command(app, "letters", "--lender", lender.slug, "--sent", number).exit_code == 0
    assert command(app, "letters", "--lender", lender.slug, "--sent", number).exit_code == 1
    assert listed(app, lender) == []
    assert page_of(client.get("/letters")).says("A person has prepared this letter and sent it to you.")
    assert acts_of(lender.id)["letter_sent_by_hand"] == 1
    assert "letters wait" not in command(app, "nightly").output
