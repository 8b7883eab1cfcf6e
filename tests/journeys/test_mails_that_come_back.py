"""Mails that come back are read: nobody at an address, still trying, made up, or anything at all."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from portal.db import session, transaction
from portal.debts.statement import Standing
from portal.lenders.models import Lender
from portal.post import bounces, outbox
from portal.post.models import BouncedAddress, DeliveryWord, Message
from tests.factories import a_debt, a_debtor, a_lender
from tests.journeys.acts import acts_of, command, rows, work
from tests.mail_server import MailServer
from tests.returned_mail import SHAPES, exchange, gmail, postfix

Shape = Callable[..., bytes]


@pytest.fixture
def lender(app: Flask) -> Lender:
    """A lender where it is day: 17:00."""
    return a_lender(zone="Asia/Shanghai", jurisdiction="CN")


def write(app: Flask, debt: Standing, *, address: str = "robin@example.com") -> uuid.UUID:
    """Write a message, and let it leave."""
    with app.app_context(), transaction():
        made = outbox.put(
            lender_id=debt.lender_id,
            debtor_id=debt.debtor_id,
            channel="email",
            address=address,
            kind="request_answered",
            subject="There is an answer",
            body=("Hello Robin,", "There is an answer to your request."),
        )
    assert made is not None
    work(app)
    return made


def come_back(app: Flask, raw: bytes) -> str:
    """Pipe a mail into the command, as a mail server does."""
    with app.app_context():
        done = app.test_cli_runner().invoke(args=["bounces"], input=raw)
    assert done.exit_code == 0, done.output
    return done.output


def message(message_id: uuid.UUID) -> Message:
    session.rollback()
    session.expire_all()
    return session.scalars(select(Message).where(Message.id == message_id)).one()


def bounced() -> list[str]:
    session.rollback()
    return list(session.scalars(select(BouncedAddress.address).where(BouncedAddress.mended_at.is_(None))))


@pytest.fixture
def sent(app: Flask, debt: Standing, mail: MailServer) -> tuple[uuid.UUID, EmailMessage]:
    """A message of ours that a mail server took, and the mail as it took it."""
    made = write(app, debt)
    assert message(made).state == "sent"
    return made, mail.taken[0]


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_mail_that_says_nobody_is_there_marks_the_address_once(
    app: Flask, debt: Standing, mail: MailServer, sent: tuple[uuid.UUID, EmailMessage], shape: Shape
) -> None:
    made, ours = sent
    assert come_back(app, shape(ours)) == "1 mails read: 1 nobody there.\n"
    assert (message(made).state, message(made).reason) == ("bounced", "nobody_there")
    assert bounced() == ["robin@example.com"]
    assert acts_of(debt.lender_id)["message_bounced"] == 1
    # As with an address that a server refuses at once, nothing that nobody asked for goes there any more.
    again = write(app, debt)
    assert (message(again).state, message(again).reason) == ("suppressed", "bounced_before")
    before = rows()
    assert come_back(app, shape(ours)) == "1 mails read: 1 known before.\n"
    assert rows() == before
    listed = command(app, "messages", "--lender", lender_slug(debt)).output
    assert "bounced,nobody_there" in listed and "robin@example.com" not in listed


def lender_slug(debt: Standing) -> str:
    return session.get_one(Lender, debt.lender_id).slug


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_server_that_still_tries_changes_nothing(
    app: Flask, sent: tuple[uuid.UUID, EmailMessage], shape: Shape
) -> None:
    made, ours = sent
    before = rows()
    assert "1 still trying" in come_back(app, shape(ours, action="delayed", status="4.4.1"))
    assert message(made).state == "sent"
    assert rows() == before
    # When it gives up, that is another report, and it is heeded.
    assert "1 nobody there" in come_back(app, shape(ours))


@pytest.mark.parametrize(
    ("status", "diagnostic", "expected"),
    [
        ("5.1.1", "smtp; 550 5.1.1 User unknown", "bounced"),
        ("5.1.10", "smtp; 550 5.1.10 Recipient not found", "bounced"),
        ("5.2.1", "smtp; 550 5.2.1 Mailbox disabled", "bounced"),
        ("5.4.4", "X-Postfix; Host or domain name not found. Name service error for name=example.com", "bounced"),
        ("5.1.2", "smtp; 550 5.1.2 Bad destination system", "bounced"),
        # A general status, and what the other server said.
        ("5.0.0", "smtp; 550 5.1.1 <robin@example.com> unknown", "bounced"),
        ("5.0.0", "smtp; 550 No such user here", "bounced"),
        ("5.0.0", "smtp; 550 5.7.1 Blocked", "failed"),
        ("5.0.0", "smtp; 554 Message refused", "failed"),
        # About us, the text, the box or the way: a person looks, and the address stays.
        ("5.7.1", "smtp; 550 5.7.1 Message rejected as spam", "failed"),
        ("5.7.26", "smtp; 550-5.7.26 Unauthenticated email is not accepted", "failed"),
        ("5.2.2", "smtp; 552 5.2.2 Mailbox full", "failed"),
        ("5.3.4", "smtp; 552 5.3.4 Message too big", "failed"),
        # Given up after days of "not now".
        ("4.4.1", "X-Postfix; connect to mx.example.com[192.0.2.7]:25: Connection timed out", "failed"),
        ("4.2.2", "smtp; 452 4.2.2 Over quota", "failed"),
    ],
)
def test_only_what_speaks_of_the_address_for_good_marks_it(
    app: Flask, sent: tuple[uuid.UUID, EmailMessage], status: str, diagnostic: str, expected: str
) -> None:
    made, ours = sent
    come_back(app, postfix(ours, status=status, diagnostic=diagnostic))
    assert message(made).state == expected
    assert message(made).detail == f"provider's code {status}"
    assert bounced() == (["robin@example.com"] if expected == "bounced" else [])


def test_a_report_of_success_changes_nothing(app: Flask, sent: tuple[uuid.UUID, EmailMessage]) -> None:
    made, ours = sent
    before = rows()
    for action in ("delivered", "relayed", "expanded"):
        told = come_back(app, postfix(ours, action=action, status="2.0.0", diagnostic="smtp; 250 2.0.0 OK"))
        assert "1 no report" in told
    assert (message(made).state, rows()) == ("sent", before)


def test_where_a_mail_was_sent_on_to_says_nothing_about_the_address_that_we_have(
    app: Flask, sent: tuple[uuid.UUID, EmailMessage]
) -> None:
    made, ours = sent
    assert "1 not arrived" in come_back(app, postfix(ours, to="robin@elsewhere.example"))
    assert (message(made).state, message(made).reason) == ("failed", "not_arrived")
    assert bounced() == []


def test_a_report_that_names_our_address_as_the_original_one_is_about_it(
    app: Flask, sent: tuple[uuid.UUID, EmailMessage]
) -> None:
    made, ours = sent
    come_back(app, postfix(ours, to="robin=example.com@rewritten.example", original="Robin@Example.COM"))
    assert message(made).state == "bounced"


def test_of_several_addresses_in_one_report_ours_counts(app: Flask, sent: tuple[uuid.UUID, EmailMessage]) -> None:
    made, ours = sent
    other = "\nFinal-Recipient: rfc822; robin@example.com\nAction: failed\nStatus: 5.1.1\n"
    come_back(app, postfix(ours, to="kim@example.com", status="5.7.1", diagnostic="smtp; 550 5.7.1 no", extra=other))
    assert (message(made).state, bounced()) == ("bounced", ["robin@example.com"])


def test_an_address_with_other_letters_is_found_as_servers_write_it(
    app: Flask, lender: Lender, mail: MailServer
) -> None:
    debt = a_debt(debtor=a_debtor(lender=lender, email="robin@bücher.example"))
    made = write(app, debt, address="robin@bücher.example")
    come_back(app, postfix(mail.taken[0], to="robin@xn--bcher-kva.example"))
    assert message(made).state == "bounced"


# What strangers make up.


def test_a_report_without_our_own_name_of_the_message_silences_nobody(
    app: Flask, lender: Lender, sent: tuple[uuid.UUID, EmailMessage]
) -> None:
    made, ours = sent
    name, token = str(ours["Message-ID"]).strip("<>").partition("@")[0].split(".")
    other = "a" if token[0] != "a" else "b"
    made_up = [
        None,
        "",
        f"<{made.hex}@portal.example>",
        f"<{name}@portal.example>",
        f"<{name}.{'a' * 13}@portal.example>",
        f"<{name}.{other}{token[1:]}@portal.example>",
        f"<{name}.{token[:-1]}@portal.example>",
        # The token of one message is not that of another.
        f"<{'a' * 26}.{token}@portal.example>",
        f"<{'7' * 26}.{token}@portal.example>",
    ]
    before = rows()
    for name in made_up:
        forged = EmailMessage()
        forged["Subject"] = "There is an answer"
        forged["To"] = "robin@example.com"
        if name:
            forged["Message-ID"] = name
        for shape in SHAPES.values():
            assert "1 about no message of ours" in come_back(app, shape(forged)), name
    assert (message(made).state, bounced(), rows()) == ("sent", [], before)


def test_a_report_about_one_persons_message_silences_nobody_else(
    app: Flask, lender: Lender, mail: MailServer, sent: tuple[uuid.UUID, EmailMessage]
) -> None:
    _made, ours = sent
    other = a_debt(debtor=a_debtor(lender=lender, email="kim@example.com"))
    theirs = write(app, other, address="kim@example.com")
    # Whoever got a mail of ours can send it back, and name whom they like: only their own message is concerned.
    come_back(app, postfix(ours, to="kim@example.com"))
    assert (message(theirs).state, bounced()) == ("sent", [])


def test_the_same_report_for_two_lenders_is_about_the_one_that_wrote(
    app: Flask, debt: Standing, sent: tuple[uuid.UUID, EmailMessage]
) -> None:
    other = a_lender(zone="Asia/Shanghai", jurisdiction="CN")
    come_back(app, gmail(sent[1]))
    session.rollback()
    assert session.scalars(select(BouncedAddress.lender_id)).all() == [debt.lender_id]
    assert session.scalars(select(DeliveryWord.lender_id)).all() == [debt.lender_id]
    assert write(app, a_debt(lender=other)) is not None


GARBAGE = [
    b"",
    b"\x00" * 1000,
    b"\xff\xfe\xfd",
    b"From nobody\n\n",
    b"Content-Type: multipart/report\n\nno boundary",
    b"Content-Type: multipart/report; boundary=x\n\n--x\nContent-Type: message/delivery-status\n\n--x--\n",
    b"Content-Type: multipart/report; boundary=x\n\n--x\nContent-Type: message/delivery-status\n\n\n\nAction\n--x--\n",
    b"Content-Type: multipart/report; boundary=x; report-type=feedback-report\n\n--x\n"
    b"Content-Type: message/feedback-report\n\nFeedback-Type: abuse\n--x--\n",
    b"Content-Type: multipart/report; boundary=\"x\"; charset*=utf-9''%ff\n\n--x\n\n--x--",
    b"Content-Type: multipart/report; boundary=x\n\n--x\nContent-Type: message/rfc822\n\n--x--\n",
    b"Content-Type: multipart/report; boundary=x\nReferences: \xff\xfe\n\n--x\nContent-Type: message/delivery-status\n"
    b"Content-Transfer-Encoding: base64\n\n!!!!\n--x--\n",
    b"".join(b"Content-Type: multipart/report; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3_000)),
    b"A: " + b"x" * 1_100_000,
]


@pytest.mark.parametrize("raw", GARBAGE, ids=range(len(GARBAGE)))
def test_anything_else_is_no_report_and_no_error(app: Flask, raw: bytes) -> None:
    before = rows()
    assert "1 no report of a delivery" in come_back(app, raw)
    assert rows() == before


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_report_with_pieces_of_it_changed_breaks_nothing(data: st.DataObject) -> None:
    ours = EmailMessage()
    ours["Message-ID"] = f"<{'a' * 26}.{'b' * 13}@portal.example>"
    raw = bytearray(data.draw(st.sampled_from([postfix, gmail, exchange]))(ours))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(raw) - 1))
        match data.draw(st.integers(0, 2)):
            case 0:
                raw[at] = data.draw(st.integers(0, 255))
            case 1:
                del raw[at : at + data.draw(st.integers(1, 400))]
            case _:
                raw[at:at] = data.draw(st.binary(max_size=60))
    found = bounces.read_report(bytes(raw))
    assert found is None or all(re.fullmatch(r"[a-z2-7]{26}\.[a-z2-7]{13}", name) for name in found.names)


# Where they lie.


def test_files_and_maildir_folders_are_read_and_a_folder_only_once(
    app: Flask, sent: tuple[uuid.UUID, EmailMessage], tmp_path: Path
) -> None:
    made, ours = sent
    for name in ("new", "cur", "tmp"):
        (tmp_path / "Maildir" / name).mkdir(parents=True)
    (tmp_path / "Maildir" / "new" / "1777885267.V1.host").write_bytes(gmail(ours))
    (tmp_path / "Maildir" / "new" / "1777885268.V2.host").write_bytes(b"Subject: hello\n\nNot a report.\n")
    (tmp_path / "one.eml").write_bytes(postfix(ours, action="delayed", status="4.4.1"))
    read = command(app, "bounces", str(tmp_path / "one.eml"), str(tmp_path / "Maildir")).output
    assert read == "3 mails read: 1 still trying, 1 nobody there, 1 no report of a delivery.\n"
    assert message(made).state == "bounced"
    assert sorted(path.name for path in (tmp_path / "Maildir" / "cur").iterdir()) == [
        "1777885267.V1.host:2,S",
        "1777885268.V2.host:2,S",
    ]
    assert command(app, "bounces", str(tmp_path / "Maildir")).output == "0 mails read.\n"


def test_a_database_that_is_away_lets_the_mail_server_try_again(
    app: Flask, sent: tuple[uuid.UUID, EmailMessage], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_raw: bytes) -> bounces.Heeded:
        raise OperationalError("select 1", {}, Exception("away"))

    monkeypatch.setattr(bounces, "heed", away)
    with app.app_context():
        done = app.test_cli_runner().invoke(args=["bounces"], input=postfix(sent[1]))
    assert done.exit_code == 75
