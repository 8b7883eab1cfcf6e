"""The same person in two tabs, and the person and staff, press at the same moment: each thing happens once."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

from flask import Flask
from sqlalchemy import select

from portal.care import requests
from portal.care.states import Kind
from portal.db import session, transaction
from portal.evidence.record import Actor
from portal.people import codes, contacts, sign_in
from portal.people.models import Debtor
from portal.people.reach import Address
from portal.people.sign_in import Device, Reach
from portal.plans import granting
from portal.plans.models import Quote
from portal.post.models import Message
from tests.conftest import SECRET_KEY
from tests.factories import a_debt, a_lender
from tests.journeys.acts import acts_of, come_in
from tests.journeys.test_a_plan_that_a_person_grants import LIMITS, sent
from tests.pages import CheckingClient

NEW = "robin.new@example.com"


def at_once(app: Flask, *acts: Callable[[], object]) -> list[object]:
    """Do acts at the same moment, each in a transaction and thread of its own; gives what each gave or raised."""
    together = threading.Barrier(len(acts))
    answers: list[object] = []

    def do(act: Callable[[], object]) -> None:
        with app.test_request_context():
            together.wait()
            try:
                with transaction():
                    answers.append(act())
            except Exception as problem:
                answers.append(problem)
            session.remove()

    threads = [threading.Thread(target=do, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_tabs_that_confirm_a_change_together_change_once_and_undo_once(real_app: Flask) -> None:
    debt = a_debt()
    mine, by = {"lender_id": debt.lender_id, "debtor_id": debt.debtor_id}, Actor("debtor", str(debt.debtor_id))
    with real_app.test_request_context():
        with transaction() as s:
            debtor = s.get_one(Debtor, (debt.lender_id, debt.debtor_id))
            session_id = sign_in.open_session(debtor, came_by="link", device=Device()).session_id
            old = contacts.live(**mine)[0]
            reaches: dict[contacts.Step, Reach] = {
                "old": Reach("email", old.address, old.id),
                "new": Reach("email", NEW),
            }
            begun = contacts.begin(
                **mine, address=Address("email", NEW), form_key="0" * 32, by=by, replaces=reaches["old"].id
            )
        assert isinstance(begun, contacts.Begun)
        number = begun.number
        with transaction():
            change = contacts.change_of(**mine, number=number)
            assert change is not None
            for step, to in reaches.items():
                good_for = contacts.good_for(change, session_id=session_id, step=step)
                codes.send_for_change(good_for, to=to, number=number, lender_name="Lender", key=SECRET_KEY)
        bodies = {one.address: one.body for one in session.scalars(select(Message))}
        session.remove()
    code = {step: re.findall(r"\d{6}", bodies[to.address])[0] for step, to in reaches.items()}

    def give(step: contacts.Step) -> Callable[[], object]:
        return lambda: contacts.give(
            **mine, session_id=session_id, number=number, step=step, code=code[step], key=SECRET_KEY, by=by
        )

    answers = at_once(real_app, *(give(step) for step in reaches for _tab in range(3)))
    # One of them was the first to come, and all after the second code found it done.
    assert {type(one) for one in answers} <= {contacts.CodeTaken, contacts.Changed}, answers
    assert contacts.Changed(number) in answers
    assert acts_of(debt.lender_id)["contact_changed"] == 1
    body = session.scalars(select(Message.body).where(Message.kind == "contact_changed")).one()
    token = re.findall(r"/undo/(\S+)", body)[0]
    session.remove()
    assert at_once(real_app, *[lambda: contacts.undo(token, key=SECRET_KEY)] * 4) == [True] * 4
    assert acts_of(debt.lender_id)["contact_change_undone"] == 1


def test_a_request_is_taken_back_or_taken_by_a_person_and_never_both(real_app: Flask) -> None:
    debt = a_debt()
    mine, by = {"lender_id": debt.lender_id, "debtor_id": debt.debtor_id}, Actor("debtor", str(debt.debtor_id))
    with real_app.test_request_context(), transaction():
        opened = requests.open_request(**mine, kind=Kind.COMPLAIN, debt_id=debt.id, words="", by=by, key="0" * 32)
    assert isinstance(opened, requests.Opened)
    number = opened.number
    answers = at_once(
        real_app,
        *[lambda: requests.withdraw(**mine, number=number, by=by)] * 3,
        *[lambda: requests.take(lender_id=debt.lender_id, number=number, by=Actor("staff", "Kim"))] * 3,
    )
    assert not [one for one in answers if isinstance(one, Exception)], answers
    acts = acts_of(debt.lender_id)
    assert acts["request_withdrawn"] + acts["request_taken"] == 1
    assert acts["hold_ended"] == acts["request_withdrawn"]


def test_two_colleagues_who_grant_the_same_offer_make_one_quote(real_app: Flask) -> None:
    debt = a_debt("900.00", lender=a_lender(limits=LIMITS))
    lender_id = debt.lender_id
    browser = real_app.test_client()
    assert isinstance(browser, CheckingClient)
    come_in(browser, debt)
    number = sent(browser, debt, amount="35")
    session.remove()

    def yes(who: str) -> str:
        by = Actor("operator", who)
        return granting.grant(lender_id=lender_id, number=number, name="nearest", words="Yes.", by=by)

    answers = at_once(real_app, lambda: yes("kim"), lambda: yes("alex"), lambda: yes("sam"))
    made = [answer for answer in answers if isinstance(answer, str)]
    assert len(made) == 1 and sum(isinstance(answer, granting.NoSuchOffer) for answer in answers) == 2, answers
    with real_app.test_request_context():
        assert session.scalars(select(Quote.number).where(Quote.kind == granting.GRANTED)).all() == made
        assert len(session.scalars(select(Message).where(Message.kind == "request_answered")).all()) <= 1
        assert acts_of(lender_id)["request_answered"] == 1
