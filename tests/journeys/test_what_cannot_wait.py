"""When words frighten, a person of the lender gets an e-mail at once, at any hour, with a number and nothing else."""

from __future__ import annotations

import re
from email.message import EmailMessage

import pytest
from flask import Flask
from sqlalchemy import select

from portal.care.models import CareRequest
from portal.db import session
from portal.debts.statement import Standing
from portal.lenders.models import Lender
from portal.post.models import BouncedAddress, Message
from tests.conftest import Clock
from tests.factories import a_debt, a_debtor, a_lender
from tests.journeys.acts import acts_of, books_agree, come_in, command, work
from tests.mail_server import MailServer
from tests.pages import CheckingClient, page_of
from tests.returned_mail import postfix

WORDS = "I want to die because of this card"
ON_CALL = "on-call@lender.example"


@pytest.fixture
def lender(app: Flask) -> Lender:
    """A lender with somebody on call, where it is the middle of the night: 03:00."""
    return a_lender(zone="Asia/Shanghai", jurisdiction="CN", urgent_email=ON_CALL)


@pytest.fixture(autouse=True)
def _night(clock: Clock) -> None:
    clock.set("2026-05-04T03:00+08:00")


def ask(client: CheckingClient, debt: Standing, words: str, *, times: int = 1) -> str:
    """Ask for a person, pressing the button so many times; gives the number."""
    come_in(client, debt)
    shown = client.get(f"/help/complain?debt={debt.reference}")
    pages = {client.fill(shown, {"words": words}, to=shown.request.path).request.path for _ in range(times)}
    [page] = pages
    return page.rpartition("/")[2]


def urgent() -> list[Message]:
    session.rollback()
    session.expire_all()
    return list(session.scalars(select(Message).where(Message.kind == "urgent_request").order_by(Message.id)))


def to_staff(mail: MailServer) -> list[EmailMessage]:
    return [each for each in mail.taken if each["Subject"].startswith("URGENT")]


def whole(mail: EmailMessage) -> str:
    parts = [mail.get_body((kind,)) for kind in ("plain", "html")]
    return "\n".join([str(mail), *(part.get_content() for part in parts if part is not None)])


def test_somebody_on_call_hears_at_once_of_the_number_and_of_nothing_else(
    app: Flask, client: CheckingClient, debt: Standing, lender: Lender, mail: MailServer
) -> None:
    number = ask(client, debt, WORDS, times=2)
    work(app)
    [sent] = to_staff(mail)
    assert sent["To"] == ON_CALL
    assert number in sent["Subject"]
    said = whole(sent)
    assert f"flask --app wsgi requests take {number} --lender {lender.slug}" in said
    for private in ("die", "card", "Robin", debt.reference, "complain", "900", "robin@example.com"):
        assert not re.search(rf"\b{re.escape(private)}\b", said, re.I), private
    [message] = urgent()
    assert (message.state, message.debtor_id, message.debt_id) == ("sent", None, None)
    done = command(app, "requests", "take", number, "--lender", lender.slug)
    assert done.exit_code == 0 and WORDS in done.output
    books_agree()


def test_words_that_do_not_frighten_wake_nobody(
    app: Flask, client: CheckingClient, debt: Standing, mail: MailServer
) -> None:
    ask(client, debt, "The letter had a wrong name.")
    work(app)
    assert to_staff(mail) == [] and urgent() == []


def test_a_server_that_is_busy_is_asked_again_until_it_takes_it(
    app: Flask, client: CheckingClient, debt: Standing, mail: MailServer, clock: Clock
) -> None:
    mail.next = ["451", "451", "hang up", "drop"]
    ask(client, debt, WORDS)
    for minutes in (0, 1, 3, 10, 30):
        clock.forward(minutes=minutes, seconds=1)
        work(app)
    # The answer to the fourth try was lost: twice is better than never.
    assert len(to_staff(mail)) == 2
    assert len({each["Message-ID"] for each in to_staff(mail)}) == 1
    assert urgent()[0].state == "sent"


def test_an_address_that_bounced_is_tried_again_with_the_next_request(
    app: Flask, client: CheckingClient, debt: Standing, lender: Lender, mail: MailServer, clock: Clock
) -> None:
    ask(client, debt, WORDS)
    work(app)
    came_back = postfix(to_staff(mail)[0], to=ON_CALL)
    with app.app_context():
        assert "1 nobody there" in app.test_cli_runner().invoke(args=["bounces"], input=came_back).output
    session.rollback()
    assert session.scalars(select(BouncedAddress.address)).all() == [ON_CALL]
    assert "urgent_request" in command(app, "messages", "--lender", lender.slug).output
    clock.forward(minutes=5)
    ask(client, debt, WORDS)
    work(app)
    assert len(to_staff(mail)) == 2


def test_a_stranger_who_frightens_us_is_heard_as_well(
    app: Flask, client: CheckingClient, lender: Lender, mail: MailServer
) -> None:
    shown = client.get("/help/talk-to-a-person")
    client.fill(shown, {"contact": "robin@example.com", "words": WORDS}, to=shown.request.path)
    work(app)
    [sent] = to_staff(mail)
    assert session.scalars(select(CareRequest.number)).one() in sent["Subject"]
    assert "robin@example.com" not in whole(sent)


def test_nothing_of_it_is_among_a_persons_own_messages_and_data(
    app: Flask, client: CheckingClient, debt: Standing, mail: MailServer
) -> None:
    ask(client, debt, WORDS)
    work(app)
    for path in ("/you/messages", "/you/data", "/timeline", "/home"):
        page = page_of(client.get(path))
        assert not page.says("URGENT") and not page.says(ON_CALL), path


def test_without_somebody_on_call_the_lenders_own_address_is_told(
    app: Flask, client: CheckingClient, mail: MailServer
) -> None:
    lender = a_lender(zone="Asia/Shanghai", jurisdiction="CN")
    ask(client, a_debt(debtor=a_debtor(lender=lender)), WORDS)
    work(app)
    assert [each["To"] for each in to_staff(mail)] == [lender.email]


def test_where_nobody_can_be_told_the_log_says_so(
    app: Flask, client: CheckingClient, caplog: pytest.LogCaptureFixture
) -> None:
    lender = a_lender(zone="Asia/Shanghai", jurisdiction="CN", email="")
    number = ask(client, a_debt(debtor=a_debtor(lender=lender)), WORDS)
    assert urgent() == []
    assert f"request {number} needs a person at once, and nobody is told" in caplog.text


def test_only_the_lender_whose_person_it_is_hears_of_it(
    app: Flask, client: CheckingClient, debt: Standing, mail: MailServer
) -> None:
    a_lender(urgent_email="other@lender.example")
    ask(client, debt, WORDS)
    work(app)
    assert [each["To"] for each in to_staff(mail)] == [ON_CALL]


def test_a_lender_says_who_is_told(app: Flask, client: CheckingClient, lender: Lender) -> None:
    slug, own = lender.slug, lender.email
    assert command(app, "lender", "urgent", slug).output == f"{slug}: {ON_CALL} is told.\n"
    assert command(app, "lender", "urgent", slug, "--email", "night@lender.example").exit_code == 0
    assert command(app, "lender", "urgent", slug).output == f"{slug}: night@lender.example is told.\n"
    for wrong in ("nobody", "a b@c", "@", ""):
        assert command(app, "lender", "urgent", slug, "--email", wrong).exit_code == 2, wrong
    assert command(app, "lender", "urgent", slug, "--default").output == f"{slug}: {own} is told.\n"
    assert command(app, "lender", "urgent", "unknown").exit_code == 1
    assert acts_of(lender.id)["lender_urgent_email_set"] == 2
