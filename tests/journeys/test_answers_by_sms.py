"""What people answer by SMS: keywords are heeded and answered, words become a request for a person, twice is once."""

from __future__ import annotations

import logging
import re
from xml.etree import ElementTree

import pytest
from flask import Flask
from sqlalchemy import select, update

from portal.care.models import CareRequest
from portal.contact.answers import ANSWERED_BY_PROVIDER, Keyword, keyword_of
from portal.db import session, transaction
from portal.debts.statement import Standing
from portal.lenders.models import Lender
from portal.people.models import ContactPoint
from portal.post import outbox
from portal.post.models import Message
from tests.conftest import Clock
from tests.factories import a_debt, a_debtor, a_lender
from tests.journeys.acts import SmsStandIn, acts_of, books_agree, come_in, command, rows, work
from tests.pages import CheckingClient, page_of

PHONE = "+8613800138000"
INCOMING = "http://localhost/webhooks/sms/in"


@pytest.fixture
def lender(app: Flask) -> Lender:
    """A lender where it is day: 17:00."""
    return a_lender(zone="Asia/Shanghai", jurisdiction="CN", name="River Credit")


@pytest.fixture
def debt(lender: Lender) -> Standing:
    """The debt of somebody with a phone on file, without a country as a file has it."""
    return a_debt(debtor=a_debtor(lender=lender, email=None, phone="13800138000"))


def written_to(app: Flask, debt: Standing, *, address: str = "13800138000") -> None:
    """Write an SMS to somebody, so that there is something to answer."""
    with app.app_context(), transaction():
        outbox.put(
            lender_id=debt.lender_id,
            debtor_id=debt.debtor_id,
            channel="sms",
            address=address,
            kind="request_answered",
            subject="There is an answer",
            body=("There is an answer.",),
        )


def text(client: CheckingClient, phone: SmsStandIn, body: str, *, number: str = PHONE, times: int = 1) -> str:
    """Let somebody text us, by way of the provider; gives what is answered at once."""
    phone.order("come_in", number=number, body=body, url=INCOMING)
    calls = [call for call in phone.callbacks() if call["url"] == INCOMING]
    answers = set()
    for call in calls * times:
        got = client.post("/webhooks/sms/in", data=call["form"], headers={"X-Twilio-Signature": call["signature"]})
        assert (got.status_code, got.mimetype) == (200, "text/xml")
        # Of a document that we wrote ourselves.
        answers.add("".join(ElementTree.fromstring(got.data).itertext()))  # noqa: S314
    [answer] = answers
    return answer


def asked() -> list[CareRequest]:
    session.rollback()
    return list(session.scalars(select(CareRequest).order_by(CareRequest.id)))


def told() -> list[Message]:
    session.rollback()
    return list(session.scalars(select(Message).where(Message.kind == "request_received").order_by(Message.id)))


@pytest.mark.parametrize(
    "words",
    [
        "please stop calling my mother",
        "I lost my job. Can I pay later?",
        "我这个月还不了，能不能晚点？",
        "هل يمكنني الدفع لاحقا",
        "👍",
        "stop it, I never had this card",
        "<script>alert(1)</script>",
    ],
)
def test_words_become_a_request_for_a_person_and_change_nothing_else(
    app: Flask, client: CheckingClient, debt: Standing, phone: SmsStandIn, words: str
) -> None:
    written_to(app, debt)
    assert text(client, phone, words, times=3) == ""
    [request] = asked()
    number = request.number
    assert (request.kind, request.words, request.state) == ("talk_to_a_person", words, "open")
    assert (request.debtor_id, request.debt_id, request.reply_by) == (debt.debtor_id, None, "sms")
    assert not request.urgent
    acts = acts_of(debt.lender_id)
    assert (acts["request_opened"], acts["hold_started"], acts["messages_chosen"]) == (1, 0, 0)
    # The person hears once that it is here, in words that say nothing of it.
    [message] = told()
    assert (message.channel, message.debtor_id) == ("sms", debt.debtor_id)
    assert number in message.body and words not in message.body
    work(app)
    assert phone.taken[-1]["to"] == PHONE
    listed = command(app, "requests", "list", "--csv").output
    assert number in listed
    come_in(client, debt)
    assert page_of(client.get(f"/requests/{number}")).says(words)
    assert page_of(client.get("/timeline")).says("A text message from your number")
    books_agree()


def test_words_that_frighten_are_urgent_and_stop_what_presses(
    app: Flask, client: CheckingClient, debt: Standing, phone: SmsStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    written_to(app, debt)
    text(client, phone, "我不想活了")
    [request] = asked()
    assert request.urgent
    assert acts_of(debt.lender_id)["hold_started"] == 1
    assert f"request {request.number} needs a person at once" in caplog.text
    assert "不想活" not in caplog.text
    books_agree()


def test_the_message_back_is_in_the_persons_language(
    app: Flask, client: CheckingClient, lender: Lender, phone: SmsStandIn
) -> None:
    debt = a_debt(debtor=a_debtor(lender=lender, email=None, phone=PHONE, language="zh-Hans"))
    written_to(app, debt, address=PHONE)
    text(client, phone, "please call me")
    assert "请求" in told()[0].body


def test_a_phone_that_answers_by_itself_gets_one_message_a_day(
    app: Flask, client: CheckingClient, debt: Standing, phone: SmsStandIn, clock: Clock
) -> None:
    written_to(app, debt)
    for _ in range(4):
        text(client, phone, "I am driving and will answer later")
        clock.forward(minutes=2)
    assert (len(asked()), len(told())) == (4, 1)
    clock.forward(days=1)
    text(client, phone, "I am driving and will answer later")
    assert (len(asked()), len(told())) == (5, 2)
    for _ in range(40):
        text(client, phone, "I am driving and will answer later")
    # Of one person in a day no more are kept, and nothing breaks.
    assert len(asked()) <= 4 + 20


def test_a_number_that_is_nobodys_is_noted_without_number_and_words(
    app: Flask, client: CheckingClient, debt: Standing, phone: SmsStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    before = rows()
    # On file, and never written to; and one that is nobody's at all.
    assert text(client, phone, "my secret words", number="+8613900139000") == ""
    assert rows() == before
    assert "a number of nobody here" in caplog.text
    assert "secret" not in caplog.text and "13900139000" not in caplog.text


def test_a_number_that_was_taken_off_the_file_is_nobodys(
    app: Flask, client: CheckingClient, debt: Standing, phone: SmsStandIn, clock: Clock
) -> None:
    written_to(app, debt)
    with transaction() as s:
        s.execute(update(ContactPoint).values(removed_at=clock.at))
    before = rows()
    text(client, phone, "who are you?")
    assert rows() == before
    # Nothing is sent there, and whoever has it now stops nothing for whoever had it.
    assert text(client, phone, "停止") == ""
    assert rows() == before


def test_two_people_of_one_lender_who_share_a_number_stay_unnamed(
    app: Flask, client: CheckingClient, lender: Lender, phone: SmsStandIn
) -> None:
    for name in ("Robin", "Kim"):
        debt = a_debt(debtor=a_debtor(lender=lender, name=name, email=None, phone=PHONE))
        written_to(app, debt, address=PHONE)
    assert text(client, phone, "please call us, we want to die", times=2) == ""
    [request] = asked()
    assert (request.debtor_id, request.contact, request.reply_by) == (None, PHONE, "call")
    assert request.urgent and told() == []
    for _ in range(10):
        text(client, phone, "hello?")
    assert len(asked()) == 5
    books_agree()


def test_a_number_of_people_of_two_lenders_is_kept_by_neither(
    app: Flask, client: CheckingClient, lender: Lender, phone: SmsStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    for one in (lender, a_lender(zone="Asia/Shanghai", jurisdiction="CN")):
        written_to(app, a_debt(debtor=a_debtor(lender=one, email=None, phone=PHONE)), address=PHONE)
    before = rows()
    assert text(client, phone, "please call me") == ""
    assert rows() == before
    assert "a number of several lenders" in caplog.text


# Keywords.


@pytest.mark.parametrize(
    ("said", "keyword"),
    [
        ("STOP", Keyword.STOP),
        ("stop all", Keyword.STOP),
        ("Stop.", Keyword.STOP),
        ("“stop”", Keyword.STOP),
        ("ＳＴＯＰ！", Keyword.STOP),
        ("TD", Keyword.STOP),
        ("退订", Keyword.STOP),
        ("退訂", Keyword.STOP),
        ("停止。", Keyword.STOP),
        ("START", Keyword.START),
        ("恢复", Keyword.START),
        ("Help", Keyword.HELP),
        ("INFO", Keyword.HELP),
        ("帮助", Keyword.HELP),
        ("幫助", Keyword.HELP),
        ("？", Keyword.HELP),
        ("please stop", Keyword.STOP),
        ("please help", None),
        ("end it all", None),
        ("stop calling", None),
        ("help me", None),
        ("我需要帮助", None),
        ("don't stop", None),
        ("", None),
        ("。。。", None),
    ],
)
def test_a_keyword_is_one_word_and_nothing_else(said: str, keyword: Keyword | None) -> None:
    assert keyword_of(said) is keyword


@pytest.mark.parametrize("word", ["HELP", "info", "帮助", "幫助"])
def test_help_says_where_it_is_and_opens_no_request(
    app: Flask, client: CheckingClient, debt: Standing, lender: Lender, phone: SmsStandIn, word: str
) -> None:
    written_to(app, debt)
    before = rows()
    answer = text(client, phone, word)
    assert "River Credit" in answer and "http://localhost/help" in answer and lender.phone in answer
    assert "STOP" in answer
    assert rows() == before


def test_help_for_a_number_that_is_nobodys_reveals_no_more_than_the_front_page(
    app: Flask, client: CheckingClient, lender: Lender, phone: SmsStandIn
) -> None:
    one = text(client, phone, "HELP", number="+8613900139000")
    assert "River Credit" in one
    a_lender()
    several = text(client, phone, "帮助", number="+8613900139000")
    assert "http://localhost/help" in several and "River Credit" not in several
    assert re.search("[一-鿿]", several)


@pytest.mark.parametrize("word", ["退订", "停止", "T"])
def test_a_stop_that_the_provider_does_not_know_is_answered_by_us(
    app: Flask, client: CheckingClient, debt: Standing, phone: SmsStandIn, word: str
) -> None:
    written_to(app, debt)
    assert "no more SMS" in text(client, phone, word)
    assert "You get our SMS again" in text(client, phone, "恢复")
    assert acts_of(debt.lender_id)["messages_chosen"] == 2


@pytest.mark.parametrize("word", sorted(ANSWERED_BY_PROVIDER))
def test_what_the_provider_answers_is_not_answered_twice(
    app: Flask, client: CheckingClient, debt: Standing, phone: SmsStandIn, word: str
) -> None:
    written_to(app, debt)
    assert keyword_of(word) in (Keyword.STOP, Keyword.START)
    assert text(client, phone, word) == ""
    assert asked() == []


def test_a_name_with_signs_of_markup_is_harmless_in_an_answer(
    app: Flask, client: CheckingClient, phone: SmsStandIn
) -> None:
    odd = a_lender(zone="Asia/Shanghai", jurisdiction="CN", name='A <b> & "C"')
    written_to(app, a_debt(debtor=a_debtor(lender=odd, email=None, phone=PHONE)), address=PHONE)
    assert text(client, phone, "HELP").startswith('A <b> & "C". ')


def test_a_call_that_the_provider_did_not_sign_opens_nothing(
    app: Flask, client: CheckingClient, debt: Standing, phone: SmsStandIn
) -> None:
    written_to(app, debt)
    before = rows()
    form = {"From": PHONE, "Body": "please call me", "MessageSid": "SM1"}
    for signature in ("", "bm90IHRoaXM="):
        made_up = client.post("/webhooks/sms/in", data=form, headers={"X-Twilio-Signature": signature})
        assert made_up.status_code == 403
    assert rows() == before


def test_a_number_that_can_be_none_and_an_endless_text_break_nothing(
    app: Flask, client: CheckingClient, debt: Standing, phone: SmsStandIn
) -> None:
    written_to(app, debt)
    before = rows()
    for number in ("nonsense", "", "12345"):
        assert text(client, phone, "STOP", number=number) == ""
    assert rows() == before
    text(client, phone, "字" * 1_600 + "\u202e\x07")
    assert asked()[0].words == "字" * 1_600
