"""Messages that leave: a real mail server, a stand-in for the SMS provider, the gate at the moment of sending."""

from __future__ import annotations

import html
import json
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask, has_app_context
from sqlalchemy import delete, func, select, update

from portal import clock as portal_clock
from portal import jobs, queue
from portal.contact import real
from portal.contact.models import ContactChoice
from portal.db import session, transaction
from portal.debts.statement import Standing
from portal.evidence.models import EvidenceRecord
from portal.lenders.models import Lender
from portal.money import Money
from portal.people.models import ContactPoint, Debtor
from portal.plans.models import PlanItem
from portal.post import compose, deliver, outbox, words
from portal.post.compose import Link
from portal.post.models import BouncedAddress, Message
from portal.post.segments import segments
from portal.post.states import MOST_TRIES
from portal.public import claims
from portal.queue import QueuedJob
from portal.web.languages import force_locale
from sandbox import sms
from tests.conftest import Clock
from tests.factories import a_debt, a_debtor, a_lender, an_invitation
from tests.journeys.acts import FROM, SmsStandIn, acts_of, agree, come_in, command, plan_items, press, rows, work
from tests.mail_server import MailServer
from tests.pages import CheckingClient, page_of

PHONE = "+8613800138000"


@pytest.fixture
def lender(app: Flask) -> Lender:
    """A lender where it is day: 17:00."""
    return a_lender(zone="Asia/Shanghai", jurisdiction="CN")


@pytest.fixture
def debt(lender: Lender) -> Standing:
    return a_debt("900.00", lender=lender)


def write(
    debt: Standing, kind: str = "request_answered", *, channel: str = "email", address: str = "", **values: Any
) -> uuid.UUID:
    """Write a message to the debtor of a debt."""
    with nullcontext() if has_app_context() else _APP[0].app_context(), transaction():
        made = outbox.put(
            lender_id=debt.lender_id,
            debtor_id=debt.debtor_id,
            channel=channel,
            address=address or ("robin@example.com" if channel == "email" else PHONE),
            kind=kind,
            subject=values.pop("subject", "There is an answer"),
            body=values.pop("body", ("Hello Robin,", "There is an answer to your request.")),
            **values,
        )
    assert made is not None
    return made


_APP: list[Flask] = []


@pytest.fixture(autouse=True)
def _here(app: Flask) -> Iterator[None]:
    """Let `write` find the application. A browser's request must not stand inside a context of ours."""
    _APP[:] = [app]
    yield
    _APP.clear()


def message(message_id: uuid.UUID) -> Message:
    session.rollback()
    session.expire_all()
    return session.scalars(select(Message).where(Message.id == message_id)).one()


def newest(kind: str) -> Message:
    session.rollback()
    session.expire_all()
    return session.scalars(select(Message).where(Message.kind == kind).order_by(Message.id.desc()).limit(1)).one()


def count(kind: str) -> int:
    session.rollback()
    return session.scalar(select(func.count()).select_from(Message).where(Message.kind == kind)) or 0


def with_phone(debt: Standing, number: str = PHONE) -> None:
    """Give the debtor a phone instead of an e-mail address."""
    with transaction() as s:
        s.execute(
            update(ContactPoint)
            .where(ContactPoint.lender_id == debt.lender_id, ContactPoint.debtor_id == debt.debtor_id)
            .values(channel="sms", address=number)
        )


def text_of(html_part: str) -> list[str]:
    """Give the words of an HTML part, as a reader sees them."""
    body = re.sub(r"<(head|style)\b.*?</\1>", " ", html_part, flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", " ", body)).split()


def parts(mail: EmailMessage) -> tuple[str, str]:
    plain, rich = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None and rich is not None
    return plain.get_content(), rich.get_content()


# E-mail.


def test_an_email_arrives_with_both_parts_and_its_headers(app: Flask, debt: Standing, mail: MailServer) -> None:
    made = write(debt)
    work(app)
    assert message(made).state == "sent"
    [sent] = mail.taken
    assert sent["To"] == "robin@example.com"
    assert sent["From"].addresses[0].addr_spec == FROM
    assert sent["From"].addresses[0].display_name.startswith("Lender")
    with app.app_context():
        assert sent["Message-ID"] == f"<{compose.mail_name(made)}@portal.example>"
    assert sent["Auto-Submitted"] == "auto-generated"
    assert sent["Content-Language"] == "en"
    assert sent["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    # On one line: some readers of mail stumble over a name that begins on the next.
    assert not str(sent["Message-ID"]).startswith((" ", "\n"))
    assert re.fullmatch(r"<http://localhost/stop/[a-z2-7]{16}/one-click>", sent["List-Unsubscribe"])
    assert sent.get_content_type() == "multipart/alternative"


def test_a_code_has_no_way_to_stop_it(app: Flask, debt: Standing, mail: MailServer) -> None:
    write(debt, "one_time_code", body="Your code is 123456.")
    work(app)
    assert mail.taken[0]["List-Unsubscribe"] is None


def every_kind() -> dict[str, Callable[[], words.Words]]:
    """The words of every kind, with a link as long as ours get and a name as long as people have."""
    name, url = "Maximiliana-Theodora von Beispielhausen", "https://repay.lender-of-the-north.example"
    money = Money.of("1234.56", "USD")
    day = datetime(2026, 12, 28, tzinfo=UTC)
    return {
        "one_time_code": lambda: words.one_time_code(lender="Lender of the North", code="123456"),
        "contact_code": lambda: words.one_time_code(lender="Lender of the North", code="123456", offer="Q-7KQ2-9XWM"),
        "invitation": lambda: words.invitation(name=name, lender="Lender of the North", url=f"{url}/i/{'x' * 32}"),
        "agreement": lambda: words.agreement(
            name=name, plan="PL-7KQ2-9XWM", first_on=day.date(), first=money, url=f"{url}/plans/PL-7KQ2-9XWM"
        ),
        "payment_received": lambda: words.payment_received(
            name=name, amount=money, left=money, url=f"{url}/pay/result/PY-7KQ2-9XWM"
        ),
        "payment_on_its_way": lambda: words.payment_on_its_way(
            name=name, amount=money, by=day.date(), url=f"{url}/pay/result/PY-7KQ2-9XWM"
        ),
        "payment_on_its_way, a voucher": lambda: words.voucher_made(
            name=name, amount=money, until=day.date(), url=f"{url}/pay/result/PY-7KQ2-9XWM"
        ),
        "payment_failed, a voucher": lambda: words.voucher_ran_out(
            name=name, amount=money, url=f"{url}/pay/result/PY-7KQ2-9XWM"
        ),
        "payment_failed": lambda: words.payment_failed(name=name, amount=money, url=f"{url}/pay/result/PY-7KQ2-9XWM"),
        "reminder": lambda: words.reminder(name=name, amount=money, due_on=day.date(), url=f"{url}/plans/PL-7KQ2-9XWM"),
        "missed": lambda: words.missed(name=name, amount=money, due_on=day.date(), url=f"{url}/plans/PL-7KQ2-9XWM"),
        "request_received": lambda: words.request_received(
            name=name, number="R-2026-004711", answer_by=day.date(), url=f"{url}/requests/R-2026-004711"
        ),
        "request_answered": lambda: words.request_answered(
            name=name, number="R-2026-004711", url=f"{url}/requests/R-2026-004711"
        ),
        "contact_changed": lambda: words.contact_changed(name=name, url=f"{url}/you/contacts"),
        "new_device": lambda: words.new_device(name=name, at=day, zone="Asia/Shanghai", url=f"{url}/you/devices"),
    }


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
@pytest.mark.parametrize("channel", ["email", "sms"])
def test_every_kind_says_the_same_in_both_parts_or_fits_two_sms_without_an_amount(
    app: Flask, debt: Standing, lender: Lender, channel: str, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "BASE_URL", "https://repay.lender-of-the-north.example")
    with transaction() as s:
        s.execute(update(Lender).values(name="Lender of the North"))
    for name, make in every_kind().items():
        kind = name.partition(",")[0]
        with app.app_context(), force_locale(language):
            said = make()
            made = write(
                debt, kind, channel=channel, subject=said.subject, body=said.paragraphs, sms=said.sms, link=said.link
            )
        found = message(made)
        assert "1,234" not in found.subject and "$" not in found.subject, kind
        assert found.check_code and found.check_code in found.body, kind
        if channel == "sms":
            assert segments(found.body) <= 2, (kind, found.body)
            assert found.body.lstrip("【").startswith("Lender of"), kind
            assert "1,234" not in found.body and "$" not in found.body
            assert said.link is None or said.link.url in found.body.splitlines()[0]
            assert found.html is None
        else:
            assert found.html is not None
            assert "<table" not in found.html and "<img" not in found.html and "<script" not in found.html
            plain = [word for word in found.body.replace(":\n", "\n").split() if word != "--"]
            assert text_of(found.html) == plain, kind
            assert f'lang="{language.replace("_", "-")}"' in found.html
        # Whoever pastes the whole of it learns that it is ours.
        pasted = claims.read(found.body, base_url="https://repay.lender-of-the-north.example")
        assert claims.Code(found.check_code) in pasted, kind
        assert all(one.ours for one in pasted if isinstance(one, claims.Link)), (kind, pasted)
        if kind in {"reminder", "missed", "agreement"}:
            assert found.stop_url and (channel == "email") is (found.stop_url in found.body) or "STOP" in found.body


def test_markup_in_a_name_is_harmless_in_the_html_part(app: Flask, debt: Standing, mail: MailServer) -> None:
    write(debt, body=('Hello <b onclick=x>Robin</b> & "co",',), link=Link("See it", "http://localhost/home"))
    work(app)
    plain, rich = parts(mail.taken[0])
    assert "<b onclick" in plain
    assert "<b onclick" not in rich
    assert "&lt;b onclick=x&gt;Robin" in rich


def test_lines_in_a_name_cannot_become_headers(app: Flask, debt: Standing, mail: MailServer) -> None:
    with transaction() as s:
        s.execute(update(Lender).values(name="Lender\r\nBcc: everybody@example.com", email="a@b.example\nX: y"))
    write(debt, subject="Hello\r\nBcc: all@example.com")
    work(app)
    assert mail.taken[0]["Bcc"] is None
    assert mail.taken[0]["X"] is None


def test_a_lone_dot_and_other_scripts_arrive_as_they_were_written(app: Flask, debt: Standing, mail: MailServer) -> None:
    write(debt, body=("您好，\n.\n..two", "😀 עברית ‮"), subject="您好 😀")
    work(app)
    plain, _rich = parts(mail.taken[0])
    assert "\n.\n..two" in plain.replace("\r\n", "\n")
    assert "😀 עברית" in plain
    assert mail.taken[0]["Subject"] == "您好 😀"


@pytest.mark.parametrize("how", ["451", "data 452", "hang up", "421"])
def test_what_the_server_cannot_take_now_is_tried_again_and_arrives_once(
    app: Flask, debt: Standing, mail: MailServer, clock: Clock, how: str
) -> None:
    mail.next = [how, how]
    made = write(debt)
    work(app)
    assert (message(made).state, message(made).reason, message(made).tries) == ("waiting", "provider_not_now", 1)
    clock.forward(seconds=59)
    work(app)
    assert mail.tries == 1
    clock.forward(seconds=1)
    work(app)
    assert mail.tries == 2
    clock.forward(minutes=3)
    work(app)
    assert (message(made).state, message(made).tries) == ("sent", 3)
    assert len(mail.taken) == 1


def test_after_the_stated_number_of_tries_it_has_failed(
    app: Flask, debt: Standing, mail: MailServer, clock: Clock
) -> None:
    mail.next = ["451"] * 50
    made = write(debt)
    for _hour in range(60):
        work(app)
        clock.forward(hours=1)
    assert (message(made).state, message(made).reason) == ("failed", "tries_used_up")
    assert mail.tries == MOST_TRIES
    assert acts_of(debt.lender_id)["message_not_sent"] == 1


def test_nobody_listening_is_tried_again(app: Flask, debt: Standing, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = replace(app.config["SETTINGS"], smtp_url="smtp://127.0.0.1:9?tls=none", mail_from=FROM)
    monkeypatch.setitem(app.config, "SETTINGS", settings)
    made = write(debt)
    work(app)
    assert message(made).state == "waiting"


def test_a_server_without_tls_gets_nothing_when_tls_is_asked_for(
    app: Flask, debt: Standing, mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = app.config["SETTINGS"]
    monkeypatch.setitem(
        app.config, "SETTINGS", replace(settings, smtp_url=settings.smtp_url.replace("none", "starttls"))
    )
    made = write(debt)
    work(app)
    assert message(made).state == "waiting"
    assert mail.taken == []


@pytest.mark.parametrize("how", ["550", "550 5.1.1", "553"])
def test_a_hard_bounce_is_final_and_the_address_is_not_written_to_again(
    app: Flask, debt: Standing, mail: MailServer, how: str
) -> None:
    mail.next = [how]
    made = write(debt)
    work(app)
    assert (message(made).state, message(made).reason) == ("bounced", "nobody_there")
    assert session.scalars(select(BouncedAddress.address)).all() == ["robin@example.com"]
    again = write(debt)
    work(app)
    assert (message(again).state, message(again).reason) == ("suppressed", "bounced_before")
    assert mail.tries == 1
    # Somebody who asks for a code still gets it: the address may work again.
    code = write(debt, "one_time_code", body="Your code is 123456.")
    work(app)
    assert message(code).state == "sent"
    with transaction():
        deliver.mended(lender_id=debt.lender_id, channel="email", address="robin@example.com")
    write(debt)
    work(app)
    assert len(mail.taken) == 2


@pytest.mark.parametrize("how", ["550 5.7.1", "data 554", "552 5.3.4"])
def test_a_refused_text_says_nothing_about_the_address(app: Flask, debt: Standing, mail: MailServer, how: str) -> None:
    mail.next = [how]
    made = write(debt)
    work(app)
    assert (message(made).state, message(made).reason) == ("failed", "refused")
    assert session.scalar(select(func.count()).select_from(BouncedAddress)) == 0


def test_an_address_that_cannot_be_one_bounces_without_asking_a_server(
    app: Flask, debt: Standing, mail: MailServer
) -> None:
    made = write(debt, "one_time_code", address="not an address", body="Your code is 123456.")
    work(app)
    assert message(made).state == "bounced"
    assert mail.tries == 0


def test_a_slow_server_is_waited_for(app: Flask, debt: Standing, mail: MailServer) -> None:
    mail.next = ["slow"]
    made = write(debt)
    work(app)
    assert message(made).state == "sent"


# What nobody knows.


def test_after_a_lost_answer_a_code_is_sent_again_under_the_same_name(
    app: Flask, debt: Standing, mail: MailServer, clock: Clock
) -> None:
    mail.next = ["drop"]
    made = write(debt, "one_time_code", body="Your code is 123456.")
    work(app)
    assert (message(made).state, message(made).reason) == ("waiting", "outcome_unknown")
    clock.forward(minutes=1)
    work(app)
    assert message(made).state == "sent"
    assert len(mail.taken) == 2
    assert len({sent["Message-ID"] for sent in mail.taken}) == 1


def test_after_a_lost_answer_a_reminder_is_not_sent_again(
    app: Flask, debt: Standing, mail: MailServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail.next = ["drop"]
    made = write(debt, "reminder")
    work(app)
    clock.forward(days=2)
    work(app)
    assert (message(made).state, message(made).reason) == ("failed", "outcome_unknown")
    assert len(mail.taken) == 1


@pytest.mark.parametrize(("kind", "mails", "state"), [("one_time_code", 2, "sent"), ("reminder", 1, "failed")])
def test_a_crash_between_the_servers_yes_and_our_commit(
    app: Flask,
    debt: Standing,
    mail: MailServer,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    mails: int,
    state: str,
) -> None:
    made = write(debt, kind, body="Your code is 123456.")
    with monkeypatch.context() as patch:

        def crash(*_words: object) -> None:
            raise RuntimeError("the power is gone")

        patch.setattr(deliver, "_end", crash)
        queue.run_one(jobs.table(app))
    assert message(made).state == "sending"
    # Another worker looks at once: it may be on its way, so nothing happens.
    clock.forward(minutes=1)
    work(app)
    assert message(made).state == "sending"
    clock.forward(minutes=6)
    work(app)
    clock.forward(minutes=2)
    work(app)
    assert message(made).state == state
    assert len(mail.taken) == mails


def test_two_jobs_for_one_message_send_it_once(app: Flask, debt: Standing, mail: MailServer) -> None:
    made = write(debt)
    with transaction():
        queue.later("post.deliver", lender_id=debt.lender_id, payload={"message_id": str(made)})
    work(app)
    assert len(mail.taken) == 1


# SMS.


def test_an_sms_leaves_and_what_became_of_it_comes_in_any_order_and_twice(
    app: Flask, client: CheckingClient, debt: Standing, phone: SmsStandIn
) -> None:
    with_phone(debt)
    made = write(debt, channel="sms")
    work(app)
    assert message(made).state == "sent"
    [taken] = phone.taken
    assert (taken["to"], taken["body"]) == (PHONE, message(made).body)
    for status in ("sent", "delivered"):
        phone.order("say", sid=taken["sid"], status=status)
    for call in [*reversed(phone.callbacks())] * 2:
        assert called_back(client, call).status_code == 204
    assert message(made).state == "delivered"
    assert acts_of(debt.lender_id)["message_arrived"] == 1
    assert session.scalar(select(func.count()).select_from(Message)) == 1


def test_a_number_as_people_dial_it_at_home_goes_out_with_its_country(
    app: Flask, debt: Standing, phone: SmsStandIn
) -> None:
    with_phone(debt, "138 0013 8000")
    made = write(debt, channel="sms", address="138 0013 8000")
    work(app)
    assert message(made).state == "sent"
    assert [each["to"] for each in phone.taken] == [PHONE]


def called_back(client: CheckingClient, call: dict[str, Any], *, signature: str | None = None) -> Any:
    parts_ = urlsplit(call["url"])
    return client.post(
        f"{parts_.path}?{parts_.query}",
        data=call["form"],
        headers={"X-Twilio-Signature": call["signature"] if signature is None else signature},
    )


def test_a_call_that_the_provider_did_not_sign_changes_nothing(
    app: Flask, client: CheckingClient, debt: Standing, phone: SmsStandIn
) -> None:
    made = write(debt, "one_time_code", channel="sms", body="Your code is 123456.")
    work(app)
    phone.order("say", sid=phone.taken[0]["sid"], status="delivered")
    [call] = phone.callbacks()
    before = rows()
    assert called_back(client, call, signature="made up").status_code == 403
    assert called_back(client, call | {"url": call["url"] + "0"}).status_code == 403
    assert called_back(client, call | {"form": call["form"] | {"MessageStatus": "failed"}}).status_code == 403
    assert message(made).state == "sent"
    assert rows() == before


def test_without_a_provider_nobody_can_sign(client: CheckingClient, app: Flask) -> None:
    assert client.post("/webhooks/sms", data={"MessageSid": "SM1"}).status_code == 403
    assert client.post("/webhooks/sms/in", data={"From": PHONE, "Body": "STOP"}).status_code == 403


def test_an_sms_that_did_not_arrive_and_a_number_that_is_nobodys(
    app: Flask, client: CheckingClient, debt: Standing, phone: SmsStandIn
) -> None:
    with_phone(debt)
    made = write(debt, channel="sms")
    work(app)
    phone.order("say", sid=phone.taken[0]["sid"], status="undelivered", error="30005")
    [call] = phone.callbacks()
    called_back(client, call)
    assert message(made).state == "bounced"
    assert session.scalars(select(BouncedAddress.address)).all() == [PHONE]


@pytest.mark.parametrize(
    ("number", "state", "reason"),
    [
        ("+8613800130001", "bounced", "nobody_there"),
        ("+8613800130003", "bounced", "nobody_there"),
        ("12", "bounced", "nobody_there"),
        ("+8613800130002", "failed", "opted_out"),
    ],
)
def test_what_the_provider_refuses(
    app: Flask, debt: Standing, phone: SmsStandIn, number: str, state: str, reason: str
) -> None:
    with_phone(debt, number)
    made = write(debt, channel="sms", address=number)
    work(app)
    assert (message(made).state, message(made).reason) == (state, reason)
    if reason == "opted_out":
        assert set(session.scalars(select(ContactChoice.allowed))) == {False}


def test_a_stop_of_a_former_number_says_nothing_for_the_new_one(app: Flask, debt: Standing, phone: SmsStandIn) -> None:
    # What the former number is told of the change is refused there, because somebody sent STOP from it long ago.
    with_phone(debt, PHONE)
    told = write(debt, "contact_changed", channel="sms", address="+8613800130002")
    work(app)
    assert message(told).reason == "opted_out"
    made = write(debt, "new_device", channel="sms")
    work(app)
    assert message(made).state == "sent"


@pytest.mark.parametrize("how", ["429", "timeout", "cut", "500", "saved_500", "saved_cut"])
def test_a_code_by_sms_arrives_once_whatever_goes_wrong_on_the_way(
    app: Flask, debt: Standing, phone: SmsStandIn, clock: Clock, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.post.twilio_gateway.SECONDS", 0.5)
    phone.fail(how)
    made = write(debt, "one_time_code", channel="sms", body="Your code is 123456.")
    work(app)
    assert message(made).state == "waiting"
    clock.forward(minutes=1)
    work(app)
    assert message(made).state == "sent"
    assert len(phone.taken) == 1


def test_a_reminder_whose_answer_was_lost_is_settled_by_the_providers_later_word(
    app: Flask, client: CheckingClient, debt: Standing, phone: SmsStandIn
) -> None:
    with_phone(debt)
    phone.fail("saved_cut")
    made = write(debt, "reminder", channel="sms")
    work(app)
    assert (message(made).state, message(made).reason) == ("failed", "outcome_unknown")
    phone.order("say", sid=phone.taken[0]["sid"], status="delivered")
    [call] = phone.callbacks()
    called_back(client, call)
    assert message(made).state == "delivered"
    assert len(phone.taken) == 1


# The gate at the moment of sending.


@pytest.mark.parametrize(
    ("at", "leaves"), [("21:59", True), ("22:00", False), ("03:00", False), ("07:59", False), ("08:00", True)]
)
def test_a_reminder_leaves_by_day_only(
    app: Flask, debt: Standing, mail: MailServer, clock: Clock, at: str, leaves: bool
) -> None:
    clock.set(f"2026-05-05T{at}+08:00")
    made = write(debt, "reminder")
    work(app)
    assert message(made).state == ("sent" if leaves else "held")
    if not leaves:
        assert message(made).reason == "quiet_hours"
        until = message(made).held_until
        assert until is not None and until.isoformat()[11:16] == "00:00"
        clock.set(until - timedelta(seconds=1))
        work(app)
        assert mail.taken == []
        clock.set(until)
        work(app)
        assert message(made).state == "sent"


def test_the_prefix_of_a_phone_counts_beside_the_zone_on_file(
    app: Flask, debt: Standing, mail: MailServer, clock: Clock
) -> None:
    """On file Shanghai, with a number of New York: 08:00 there is 20:00 here, and 22:00 here is the end."""
    with transaction() as s:
        s.add(
            ContactPoint(
                lender_id=debt.lender_id,
                debtor_id=debt.debtor_id,
                channel="sms",
                address="+12125551234",
                created_at=portal_clock.now(),
            )
        )
    for at, leaves in (("17:00", False), ("19:59", False), ("20:00", True), ("21:59", True), ("22:00", False)):
        clock.set(f"2026-05-05T{at}+08:00")
        made = write(debt, "reminder")
        work(app)
        assert (message(made).state == "sent") is leaves, at


def test_stopping_between_writing_and_sending_is_heeded(
    app: Flask, client: CheckingClient, debt: Standing, mail: MailServer, clock: Clock
) -> None:
    clock.set("2026-05-05T23:00+08:00")
    made = write(debt, "reminder")
    work(app)
    assert message(made).state == "held"
    press(client, client.get(stop_path(made)))
    clock.set("2026-05-06T08:00+08:00")
    work(app)
    assert (message(made).state, message(made).reason) == ("suppressed", "opted_out")
    assert mail.taken == []


def test_a_hold_between_writing_and_sending_is_heeded(
    app: Flask, debt: Standing, mail: MailServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.set("2026-05-05T23:00+08:00")
    made = write(debt, "reminder")
    work(app)
    monkeypatch.setattr(jobs, "holding", lambda **_asked: (SimpleNamespace(stops={"reminders"}),))
    clock.set("2026-05-06T08:00+08:00")
    work(app)
    assert (message(made).state, message(made).reason) == ("suppressed", "on_hold")


def test_every_asking_of_the_gate_is_on_record_with_its_version(app: Flask, debt: Standing, mail: MailServer) -> None:
    write(debt, "reminder")
    work(app)
    session.rollback()
    entry = session.scalars(select(EvidenceRecord.entry).where(EvidenceRecord.act == "message_let_through")).one()
    said = json.loads(entry)["facts"]["gate"]
    assert (said["outcome"], said["rule"], said["version"]) == ("send", "CN-01", "2026-11-30")


# Stopping without signing in.


def stop_path(message_id: uuid.UUID) -> str:
    return urlsplit(message(message_id).stop_url or "").path


def test_looking_at_a_stop_link_changes_nothing_and_one_press_stops_and_another_undoes(
    app: Flask, client: CheckingClient, debt: Standing
) -> None:
    path = stop_path(write(debt))
    before = rows()
    for _scanner in range(3):
        assert page_of(client.get(path)).says("will no longer send you news or reminders by e-mail to r•••@e•••.com")
        client.head(path)
    assert rows() == before
    asked = client.get(path)
    stopped = press(client, asked)
    assert page_of(stopped).says("These messages have stopped")
    made = write(debt)
    work(app)
    assert message(made).reason == "opted_out"
    # The same press once more, from another tab, is the same.
    press(client, asked)
    assert acts_of(debt.lender_id)["messages_chosen"] == 1


def test_undo_brings_the_messages_back(app: Flask, client: CheckingClient, debt: Standing) -> None:
    path = stop_path(write(debt))
    stopped = press(client, client.get(path))
    form = next(form for form in page_of(stopped).forms if ("undo", "1") in form.buttons)
    client.post(path, data=dict(form.fields) | {"undo": "1"})
    made = write(debt)
    work(app)
    assert message(made).state == "sent"
    assert acts_of(debt.lender_id)["messages_chosen"] == 2


def test_one_click_of_a_mail_program_stops_without_page_or_cookie(
    app: Flask, client: CheckingClient, debt: Standing, mail: MailServer
) -> None:
    write(debt)
    work(app)
    url = mail.taken[0]["List-Unsubscribe"].strip("<>")
    path = urlsplit(url).path
    assert client.get(path).status_code == 405
    assert client.post(path).status_code == 400
    assert client.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    made = write(debt)
    work(app)
    assert message(made).reason == "opted_out"
    # A code that is asked for still comes.
    code = write(debt, "one_time_code", body="Your code is 123456.")
    work(app)
    assert message(code).state == "sent"


def test_a_stop_link_that_we_never_sent_says_nothing_and_changes_nothing(
    client: CheckingClient, debt: Standing
) -> None:
    before = rows()
    assert client.get("/stop/aaaaaaaaaaaaaaaa").status_code == 404
    click = client.post("/stop/aaaaaaaaaaaaaaaa/one-click", data={"List-Unsubscribe": "One-Click"})
    assert click.status_code == 404
    assert rows() == before


@pytest.mark.parametrize(
    "word", ["STOP", " stop. ", "Unsubscribe", "TD", "退订", "退訂！", "Opt out", "“Ｓｔｏｐ” please", "ALTO", "Arrêt"]
)
def test_stop_by_sms_ends_everything_but_codes_and_start_brings_it_back(
    app: Flask, client: CheckingClient, debt: Standing, phone: SmsStandIn, word: str
) -> None:
    # On file without a country: the number that answers is found all the same.
    with_phone(debt, "13800138000")
    write(debt, channel="sms", address="13800138000")
    assert incoming(client, word) == 200
    for kind in ("request_answered", "reminder", "new_device"):
        made = write(debt, kind, channel="sms", address="13800138000")
        work(app)
        assert message(made).reason == "opted_out", kind
    code = write(debt, "one_time_code", channel="sms", body="Your code is 123456.")
    work(app)
    assert message(code).state == "sent"
    assert incoming(client, word) == 200
    assert acts_of(debt.lender_id)["messages_chosen"] == 1
    assert "request_opened" not in acts_of(debt.lender_id)
    incoming(client, "START")
    made = write(debt, channel="sms", address=PHONE)
    work(app)
    assert message(made).reason != "opted_out"


def incoming(client: CheckingClient, text: str, number: str = PHONE) -> int:
    form = {"From": number, "To": sms.FROM, "Body": text, "MessageSid": "SM2"}
    url = "http://localhost/webhooks/sms/in"
    answer = client.post("/webhooks/sms/in", data=form, headers={"X-Twilio-Signature": sms.signature(url, form)})
    return answer.status_code


def test_whoever_has_an_old_number_or_address_stops_and_starts_nothing(
    app: Flask, client: CheckingClient, debt: Standing, phone: SmsStandIn
) -> None:
    path = stop_path(write(debt))
    write(debt, channel="sms", address=PHONE)
    with transaction() as s:
        s.execute(
            update(ContactPoint).where(ContactPoint.debtor_id == debt.debtor_id).values(removed_at=portal_clock.now())
        )
        for channel, address in (("sms", "+8613900139000"), ("email", "robin.new@example.com")):
            s.add(
                ContactPoint(
                    lender_id=debt.lender_id,
                    debtor_id=debt.debtor_id,
                    channel=channel,
                    address=address,
                    created_at=portal_clock.now(),
                )
            )
    before = rows()
    incoming(client, "STOP")
    client.post(f"{path}/one-click", data={"List-Unsubscribe": "One-Click"})
    page = client.get(path)
    assert page_of(page).says("These messages have stopped") and not page_of(page).says("Undo")
    assert rows() == before
    made = write(debt, "new_device", channel="sms", address="+8613900139000")
    work(app)
    assert message(made).state == "sent"


def test_what_a_person_switched_off_on_the_page_comes_back_by_no_sms_and_no_link(
    app: Flask, client: CheckingClient, debt: Standing, phone: SmsStandIn
) -> None:
    path = stop_path(write(debt))
    come_in(client, debt)
    form = next(form for form in page_of(client.get("/you/messages")).forms if "quiet_from" in form.names)
    client.post("/you/messages", data={name: value for name, value in form.fields if name != "email_reminders"})
    stopped = press(client, client.get(path))
    client.fill(stopped, {"undo": "1"})
    for kind, reason in (("reminder", "opted_out"), ("request_answered", None)):
        made = write(debt, kind)
        work(app)
        assert message(made).reason == reason, kind


# Choices.


def test_a_person_chooses_messages_and_a_quiet_time(
    app: Flask, client: CheckingClient, debt: Standing, clock: Clock
) -> None:
    come_in(client, debt)
    shown = client.get("/you/messages")
    assert page_of(shown).says("By e-mail")
    assert not page_of(shown).says("By SMS")
    form = next(form for form in page_of(shown).forms if "quiet_from" in form.names)
    values = {name: value for name, value in form.fields if name != "email_reminders"}
    kept = client.post("/you/messages", data=values | {"quiet_from": "12:00", "quiet_until": "18:30"})
    assert kept.status_code == 303
    made = write(debt, "reminder")
    work(app)
    assert message(made).reason == "opted_out"
    news = write(debt)
    work(app)
    assert (message(news).state, message(news).reason) == ("held", "own_quiet_time")
    assert message(news).held_until == datetime(2026, 5, 4, 10, 30, tzinfo=UTC)
    again = page_of(client.get("/you/messages"))
    fields = dict(next(form for form in again.forms if "quiet_from" in form.names).fields)
    assert (fields["quiet_from"], "email_reminders" in fields, "email_news" in fields) == ("12:00", False, True)
    # Keeping what is kept writes nothing.
    before = rows()
    client.post("/you/messages", data=values | {"quiet_from": "12:00", "quiet_until": "18:30"})
    assert rows() == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"quiet_from": "12:00", "quiet_until": "none"},
        {"quiet_from": "12:00", "quiet_until": "12:00"},
        {"quiet_from": "<b>", "quiet_until": "25:00"},
        {"contact": "x" * 10_000},
        {"contact": ""},
    ],
)
def test_nonsense_about_messages_is_refused_and_changes_nothing(
    client: CheckingClient, debt: Standing, wrong: dict[str, str]
) -> None:
    come_in(client, debt)
    shown = client.get("/you/messages")
    form = next(form for form in page_of(shown).forms if "quiet_from" in form.names)
    before = rows()
    assert client.post("/you/messages", data=dict(form.fields) | wrong).status_code == 422
    assert rows() == before


def test_the_page_of_messages_shows_only_ones_own(client: CheckingClient, debt: Standing, lender: Lender) -> None:
    other = a_debt("100.00", lender=lender, debtor=a_debtor(lender=lender, email="kim@example.com"))
    write(debt, subject="Meant for Robin")
    write(other, subject="Meant for Kim", address="kim@example.com")
    come_in(client, debt)
    page = page_of(client.get("/you/messages"))
    assert page.says("Meant for Robin")
    assert not page.says("Meant for Kim")


def test_the_chosen_contact_is_written_to(app: Flask, client: CheckingClient, debt: Standing) -> None:
    with transaction() as s:
        point = ContactPoint(
            lender_id=debt.lender_id,
            debtor_id=debt.debtor_id,
            channel="sms",
            address=PHONE,
            created_at=portal_clock.now(),
        )
        s.add(point)
        s.flush()
        name = point.id.hex
    come_in(client, debt)
    form = next(form for form in page_of(client.get("/you/messages")).forms if "quiet_from" in form.names)
    client.post("/you/messages", data=dict(form.fields) | {"contact": name})
    agree(client, debt)
    work(app)
    assert (newest("agreement").channel, newest("agreement").address) == ("sms", PHONE)


# Plans and payments.


def nightly(app: Flask) -> None:
    done = command(app, "nightly")
    assert done.exit_code == 0, done.output
    work(app)


def test_an_agreement_is_told_once(app: Flask, client: CheckingClient, debt: Standing, mail: MailServer) -> None:
    come_in(client, debt)
    agree(client, debt)
    work(app)
    work(app)
    assert count("agreement") == 1
    sent = next(each for each in mail.taken if each["Subject"] == "Your plan is agreed")
    plain, _rich = parts(sent)
    assert "http://localhost/plans/PL-" in plain


def test_a_reminder_goes_out_once_some_days_before_and_never_for_what_is_paid(
    app: Flask, client: CheckingClient, debt: Standing, mail: MailServer, clock: Clock
) -> None:
    come_in(client, debt)
    agree(client, debt)
    due = plan_items(debt)[0].due_on
    # The night runs a little after midnight, the fourth day before.
    clock.set(datetime(due.year, due.month, due.day, 0, 30, tzinfo=portal_clock.zone("Asia/Shanghai")))
    clock.forward(days=-4)
    nightly(app)
    assert count("reminder") == 0
    for _night in range(3):
        clock.forward(days=1)
        nightly(app)
        nightly(app)
    assert count("reminder") == 1
    made = newest("reminder")
    assert made.state == "held" or made.state == "sent"
    clock.forward(hours=8)
    work(app)
    assert newest("reminder").state == "sent"
    assert len([each for each in mail.taken if "next payment" in each["Subject"]]) == 1


def test_a_reminder_that_waits_is_dropped_when_its_payment_comes(
    app: Flask, client: CheckingClient, debt: Standing, clock: Clock
) -> None:
    come_in(client, debt)
    agree(client, debt)
    due = plan_items(debt)[0].due_on
    clock.set(datetime(due.year, due.month, due.day, 0, 30, tzinfo=portal_clock.zone("Asia/Shanghai")))
    clock.forward(days=-2)
    nightly(app)
    assert newest("reminder").state == "held"
    with transaction() as s:
        s.execute(update(PlanItem).where(PlanItem.seq == 1).values(paid_minor=PlanItem.amount_minor))
    clock.forward(hours=8)
    work(app)
    assert (newest("reminder").state, newest("reminder").reason) == ("suppressed", "no_longer_true")


def test_the_lender_sets_how_many_days_before(app: Flask, client: CheckingClient, debt: Standing, clock: Clock) -> None:
    with transaction() as s:
        s.execute(update(Lender).values(remind_days_before=1))
    come_in(client, debt)
    agree(client, debt)
    due = plan_items(debt)[0].due_on
    clock.set(datetime(due.year, due.month, due.day, 12, 0, tzinfo=portal_clock.zone("Asia/Shanghai")))
    clock.forward(days=-2)
    nightly(app)
    assert count("reminder") == 0
    clock.forward(days=1)
    nightly(app)
    assert count("reminder") == 1


def test_a_missed_payment_is_written_about_once_after_its_days_of_grace(
    app: Flask, client: CheckingClient, debt: Standing, clock: Clock
) -> None:
    come_in(client, debt)
    plan = agree(client, debt)
    due, grace = plan_items(debt)[0].due_on, plan.grace_days
    clock.set(datetime(due.year, due.month, due.day, 12, 0, tzinfo=portal_clock.zone("Asia/Shanghai")))
    clock.forward(days=grace)
    nightly(app)
    assert count("missed") == 0
    for _night in range(4):
        clock.forward(days=1)
        nightly(app)
    assert count("missed") == 1
    assert newest("missed").state == "sent"
    for word in ("overdue", "must", "immediately", "failed", "legal", "debt"):
        assert word not in newest("missed").body.lower()


def test_while_something_is_looked_into_no_reminder_is_written_and_afterwards_it_is(
    app: Flask, client: CheckingClient, debt: Standing, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    come_in(client, debt)
    agree(client, debt)
    due = plan_items(debt)[0].due_on
    clock.set(datetime(due.year, due.month, due.day, 12, 0, tzinfo=portal_clock.zone("Asia/Shanghai")))
    clock.forward(days=-2)
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "holding", lambda **_asked: (SimpleNamespace(stops={"reminders"}),))
        nightly(app)
        assert count("reminder") == 0
        assert acts_of(debt.lender_id)["message_not_written"] == 1
    clock.forward(days=1)
    nightly(app)
    assert count("reminder") == 1


def test_without_a_contact_nobody_is_written_to_and_nothing_breaks(
    app: Flask, client: CheckingClient, debt: Standing, clock: Clock
) -> None:
    come_in(client, debt)
    agree(client, debt)
    with transaction() as s:
        s.execute(delete(Message).where(False))
        s.execute(update(ContactPoint).values(channel="email", address="robin@example.com"))
    work(app)
    due = plan_items(debt)[0].due_on
    clock.set(datetime(due.year, due.month, due.day, 12, 0, tzinfo=portal_clock.zone("Asia/Shanghai")))
    clock.forward(days=-1)
    nightly(app)
    assert count("reminder") == 1


def test_an_invitation_can_be_sent(app: Flask, debt: Standing, lender: Lender, mail: MailServer) -> None:
    done = command(app, "invite", debt.reference, "--lender", lender.slug, "--send")
    assert done.exit_code == 0, done.output
    work(app)
    plain, _rich = parts(mail.taken[0])
    link = re.search(r"http://localhost/i/([\w-]+)", plain)
    assert link is not None
    # Once it has left, the link stands nowhere but in the mail.
    assert link[1] not in newest("invitation").body
    assert link[1] not in (newest("invitation").html or "")


def test_a_code_that_has_left_is_forgotten_outside_a_demo(app: Flask, debt: Standing, mail: MailServer) -> None:
    made = write(debt, "one_time_code", body="Your code is 123456.")
    work(app)
    assert "123456" in parts(mail.taken[0])[0]
    assert "123456" not in message(made).body
    assert "123456" not in (message(made).html or "")


# The language, the check code, the outbox page.


def test_a_message_is_in_the_language_of_its_reader(
    app: Flask, client: CheckingClient, lender: Lender, mail: MailServer
) -> None:
    debt = a_debt("900.00", lender=lender, debtor=a_debtor(lender=lender, language="zh_Hans"))
    come_in(client, debt)
    agree(client, debt)
    with transaction() as s:
        s.execute(update(Debtor).values(language="zh_Hans"))
    work(app)
    assert newest("agreement").language == "zh_Hans"


def is_ours(app: Flask, text: str) -> bool:
    with app.app_context():
        return real.sent_by_us(text)


def test_a_message_code_is_known_and_a_made_up_one_is_not(app: Flask, debt: Standing) -> None:
    code = message(write(debt)).check_code or ""
    for written in (code, code.lower(), code.replace("-", ""), f"  {code} ", code.replace("-", " ")):
        assert is_ours(app, written)
    other = "22-2222" if code != "22-2222" else "33-3333"
    for wrong in (other, "", "-", code[:-1], code + "2", "x" * 100_000, "\x00", "😀😀-😀😀😀😀"):
        assert not is_ours(app, wrong)


def test_two_messages_never_have_the_same_code(app: Flask, debt: Standing, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = iter(["22-2222", "22-2222", "22-2222", "33-3333"])
    monkeypatch.setattr("portal.post.compose.new_check_code", lambda: next(codes))
    assert message(write(debt)).check_code == "22-2222"
    assert message(write(debt)).check_code == "33-3333"


def test_a_link_is_known_if_it_leads_here_and_its_token_is_ours(app: Flask, debt: Standing) -> None:
    stop_url = message(write(debt)).stop_url or ""
    token = an_invitation(lender_id=debt.lender_id, debtor_id=debt.debtor_id, key=app.config["SECRET_KEY"])
    for ours in (stop_url, f"http://localhost/i/{token}", f"localhost/i/{token}", "http://localhost/home"):
        assert is_ours(app, ours), ours
    for other in (
        "http://localhost/i/made-up",
        "http://localhost/stop/aaaaaaaaaaaaaaaa",
        f"http://localhost.evil.example/i/{token}",
        f"http://localhost@evil.example/i/{token}",
        f"https://localhost/i/{token}",
        f"http://localhost:8443/i/{token}",
        f"http://evil.example/?http://localhost/i/{token}",
        "http://localhost:99999999/",
        "javascript://localhost/%0aalert(1)",
        "http://[",
    ):
        assert not is_ours(app, other), other


def test_the_outbox_page_shows_state_reason_and_both_parts(
    app: Flask, client: CheckingClient, debt: Standing, clock: Clock
) -> None:
    clock.set("2026-05-05T23:00+08:00")
    write(debt, "reminder", subject="A reminder <b>")
    write(debt, "one_time_code", channel="sms", body="Your code is 123456.")
    work(app)
    page = page_of(client.get("/outbox"))
    assert page.says("It waits for the morning")
    assert page.says("The same as HTML")
    assert page.says("<!doctype html>")
    assert page.says("123456")
    assert not page_of(client.get("/outbox?channel=sms")).says("A reminder <b>")
    told = client.get("/outbox?format=json").get_json()
    assert {"at", "channel", "to", "kind", "subject", "body", "state", "reason", "html"} <= set(told[0])
    assert {each["state"] for each in told} == {"held", "sent"}
    assert client.get("/outbox?channel=%3Cb%3E").status_code == 200


def test_outside_a_demo_a_message_without_a_provider_fails_and_is_listed(
    app: Flask, debt: Standing, lender: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], demo=False))
    made = write(debt)
    work(app)
    assert (message(made).state, message(made).reason) == ("failed", "no_channel")
    listed = command(app, "messages", "--lender", lender.slug)
    assert "request_answered,email,r•••@e•••.com,failed,no_channel" in listed.output


def test_what_was_written_before_is_not_written_again(app: Flask, debt: Standing) -> None:
    write(debt, once="this")
    with app.app_context(), transaction():
        again = outbox.put(
            lender_id=debt.lender_id,
            debtor_id=debt.debtor_id,
            channel="email",
            address="robin@example.com",
            kind="reminder",
            subject="Again",
            body="Again",
            once="this",
        )
    assert again is None
    assert session.scalar(select(func.count()).select_from(QueuedJob).where(QueuedJob.name == "post.deliver")) == 1
