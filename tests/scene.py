"""A few made-up people with everything that a page can show, for whatever looks at pages: tests, sheets, benchmarks.

In a test, `Scene(app, ...)` fills the test's own database. Beside a portal that runs (the same DATABASE_URL and
PORTAL_VAR), `python -m tests.scene` does the same and prints addresses and cookies as JSON.
"""

from __future__ import annotations

import io
import itertools
import json
import re
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from unittest.mock import patch

from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal import clock, sequencer
from portal.app import create_app
from portal.autopay import agreeing
from portal.banking import acts as bank_acts
from portal.banking import work as bank_work
from portal.batches.models import LetterBatch, LetterBatchItem
from portal.care import requests
from portal.care.models import CareRequest
from portal.care.states import Kind
from portal.db import new_id, session, transaction
from portal.debts.statement import Standing, by_id, debt_of, owner_of_reference
from portal.desk import drafts
from portal.evidence.models import EvidenceRecord
from portal.evidence.record import OPERATOR, Actor
from portal.files import acts as file_acts
from portal.files import work as file_work
from portal.finance import acts as money
from portal.helpdesk import acting, deciding, looking, notes
from portal.lenders import accounts
from portal.lenders import settings as lenders
from portal.lenders.models import Lender
from portal.letters import pdf
from portal.letters.models import IssuedLetter
from portal.letters.sheet import Rendered
from portal.money import Money
from portal.payments import aside, giving_back, going_back, settle
from portal.payments.models import MoneyEffect, Payment, Payout, Reconciliation, ReconciliationLine, SetAside
from portal.payments.setting_aside import Why
from portal.payments.stripe_gateway import MethodFacts
from portal.people import contacts, sign_in
from portal.people.models import Passkey, UserSession
from portal.people.permissions import load
from portal.people.reach import Address
from portal.plans import for_a_person, granting, negotiate, progress
from portal.plans.allowed import keep_version
from portal.plans.caps import Reach
from portal.plans.models import Plan, Quote
from portal.post.models import Message
from portal.queue import Job, TryLater
from portal.schedules.dates import Frequency
from portal.staff import entering, gates, members, recovering
from portal.staff.roles import Role
from portal.start import stand_in_beside
from tests import factories
from tests.bank_files import IBAN, Ntry, statement
from tests.journeys.acts import (
    agree,
    birthday,
    change_plan,
    go_pay,
    payment_on,
    plan_on,
    to_check,
    to_choices,
    work,
)
from tests.journeys.staff import a_worker
from tests.pages import CheckingClient
from tests.sandbox_process import SandboxProcess, wait_until
from tests.settling import facts_of

LANGUAGES = ("en", "zh_Hans")
STRANGER = "a stranger"
# Of the staff: one who may do everything, one who asks others above the own cap, and one who has given the password
# alone.
COLLEAGUE = "a colleague"
AGENT = "a colleague of the helpdesk"
HALF_WAY_IN = "a colleague, half way in"
# Who they are says what their pages show.
PEOPLE = (
    "newcomer",
    "deciding",
    "offering",
    "on a plan",
    "late",
    "with a changed plan",
    "asking",
    "with two debts",
    "with money here",
    "with every way",
    "nothing left",
    "waiting for money",
)


class NotThere(LookupError):
    """Nobody of that name is in the scene, or has no such thing."""


@contextmanager
def the_clock_moved(by: timedelta) -> Iterator[None]:
    """Let the portal's clock show another time."""
    read = clock._read
    clock._read = lambda: read() + by
    try:
        yield
    finally:
        clock._read = read


_draw, _drawn = pdf.render, list[Rendered]()


def _drawn_once(**named: Any) -> Rendered:
    """Give the first letter that was drawn, whichever is asked for."""
    if not _drawn:
        _drawn.append(_draw(**named))
    return _drawn[0]


class Scene:
    """People, what stands in the addresses of their pages, and their cookies."""

    def __init__(
        self,
        app: Flask,
        *,
        lender: Lender,
        sandbox: SandboxProcess,
        places: dict[str, dict[str, str]] | None = None,
        draws: bool = False,
    ) -> None:
        """Make the people, or with `places` of an earlier scene find them again.

        Their letters are what they say only if the scene `draws` each, which takes a second a letter; else all of them
        are the first that was drawn in this process.
        """
        self.app = app
        self._draws = draws
        self.lender = lender
        self.places: dict[str, dict[str, str]] = {STRANGER: {}}
        self.debts: dict[str, Standing] = {}
        self._sandbox = sandbox
        self._cookies: dict[tuple[str, str, bool], str] = {}
        if places is None:
            self._fill()
        else:
            self.places = places
            self._colleague = uuid.UUID(places[COLLEAGUE]["oneself"])
            self._agent = uuid.UUID(places[COLLEAGUE]["colleague"])
            self.debts = {who: self._debt(places[who]["debt"]) for who in PEOPLE}

    def _debt(self, reference: str) -> Standing:
        owner = owner_of_reference(self.lender.id, reference)
        found = debt_of(lender_id=self.lender.id, debtor_id=owner, reference=reference) if owner else None
        if found is None:
            raise NotThere(reference)
        return found

    def _browser(self) -> CheckingClient:
        made = self.app.test_client()
        assert isinstance(made, CheckingClient)
        return made

    def _work(self) -> None:
        with nullcontext() if self._draws else patch.object(pdf, "render", _drawn_once):
            work(self.app, letters=True)

    def _fill(self) -> None:
        factories.some_limits(factories.LIMITS_WITH_CAPS, lender=self.lender)
        for who in PEOPLE:
            self._add(who, name=f"{who.title().replace('A Plan', 'Plan')} Example (made up)")
        self.places[STRANGER] = self._strangers_links() | {"undo": self._undo_link(self.debts["with two debts"])}
        self.places["on a plan"] |= self._own_things(self.debts["on a plan"])
        self.places[COLLEAGUE] = self._staff()
        self.places[HALF_WAY_IN] = {}
        # Who asks others has the offer before them that was answered with no.
        self.places[AGENT] = self.places[COLLEAGUE] | {"offer": self.places[COLLEAGUE]["other_offer"]}

    def _staff(self) -> dict[str, str]:
        """Let somebody work here who may do everything, with colleagues: one who can't sign in, one who was invited."""
        key = str(self.app.config["SECRET_KEY"])
        here = {"lender_id": self.lender.id}
        worker = a_worker(self.app, self.lender, *Role, email="colleague@staff.example", name="Colleague (made up)")
        lost = a_worker(self.app, self.lender, Role.HELPDESK, email="lost@staff.example", name="Lost (made up)")
        self._colleague, self._agent = worker.id, lost.id
        invited = {}
        with self.app.test_request_context():
            with transaction():
                for name in ("join", "join_app"):
                    made = members.invite(
                        **here,
                        email=f"{name.replace('_', '-')}@staff.example",
                        name="Newcomer (made up)",
                        roles=(Role.HELPDESK,),
                        language="en",
                        key=key,
                        by=OPERATOR,
                    )
                    assert isinstance(made, members.Invited)
                    invited[name] = made.token
                members.choose_password(invited["join_app"], **here, new_hash="chosen", key=key)
            with transaction():
                recovering.ask(**here, email=lost.email, address="", key=key)
            [(recovery, _member)] = recovering.waiting(**here)
            waits = str(recovery.id)
            drafted = self._drafts(worker.id, lost.id)
        # A worker looks at files, and no page does.
        with self.app.app_context():
            drafted |= self._files(worker.id)
        drafted |= self._batches(worker.id)
        session.rollback()
        return (
            invited
            | drafted
            | {
                "lender": self.lender.slug,
                "number": self._why(next(each for each in requests.queue(**here) if each.kind is Kind.CANT_PAY).number),
                "offer": next(each for each in requests.queue(**here) if each.kind is Kind.OFFER).number,
                "oneself": str(worker.id),
                "automatic": self.places["with a changed plan"]["automatic"],
                "paying_by_itself": str(self.debts["with a changed plan"].debtor_id),
                "note": self._note(self.debts["on a plan"].debtor_id),
                "person": str(self.debts["on a plan"].debtor_id),
                "agreeing": str(self.debts["deciding"].debtor_id),
                "agreeing_debt": self.debts["deciding"].reference,
                "prepared": self._prepared(self.debts["deciding"]),
                "other_offer": self._asked_above_the_cap(),
                "needing_care": str(self.debts["asking"].debtor_id),
                "plan_waiting": self._plan_waiting(self.debts["late"]),
                "colleague": str(lost.id),
                "recovery": waits,
            }
            | self._money("nothing left", lost.id)
            | self._bank(worker.id)
        )

    def _drafts(self, worker: uuid.UUID, lost: uuid.UUID) -> dict[str, str]:
        """Write two drafts of limits: one that is open, and one of a colleague's that waits for a second person."""
        here = {"lender_id": self.lender.id, "currency": self.lender.currency}
        today = clock.today(self.lender.zone)
        made = {}
        with transaction():
            both = (Role.HELPDESK, Role.RULE_AUTHOR)
            members.set_roles(lender_id=self.lender.id, member_id=lost, roles=both, by=OPERATOR)
            now = drafts.in_force(lender_id=self.lender.id, today=today)
            assert now is not None
            for name, by in (("draft", worker), ("draft_sent", lost)):
                key = name.ljust(32, "0")
                days = "grace_days = 6" if name == "draft" else "grace_days = 5"
                text = factories.LIMITS_WITH_CAPS.replace("grace_days = 5", days)
                found = drafts.begin(**here, text=text, base_id=now.id, form_key=key, by=by)
                made[name] = str(found.number)
            warnings = [each.key for each in drafts.findings_of(found, currency=self.lender.currency, today=today)]
            drafts.send(**here, number=found.number, revision=1, acknowledged=warnings, today=today, by=lost)
            # One that is approved and still to come, so that the drafts have something that they would undo.
            text = factories.LIMITS_WITH_CAPS.replace("cure_days = 30", "cure_days = 31")
            to_come = keep_version(text, lender_id=self.lender.id, first_day=today + timedelta(days=200))
        return made | {"version": str(now.number), "version_to_come": str(to_come.number)}

    def _files(self, worker: uuid.UUID) -> dict[str, str]:
        """Bring files: one that came in, two that wait for a yes, of which one changes much, one that can't be read."""
        header = "reference,name,born_on,product,principal\n"
        texts = {
            "file_live": header + "F-1,Filed (made up),1988-07-21,Loan,10.00\n",
            "file_ready": header + "F-1,Filed (made up),1988-07-21,Loan,900.00\nF-2,=1+1,1988-07-21,Loan,-5\n",
            "file_much": header + "F-1,Filed (made up),1988-07-21,Loan,11.00\n",
            "file_bad": "reference;name\nF-1;Filed\n",
        }
        made = {}
        for name, text in texts.items():
            with transaction():
                done = file_acts.bring(
                    io.BytesIO(text.encode()),
                    lender_id=self.lender.id,
                    name=f"{name}.csv",
                    size=len(text),
                    mapping="",
                    mapping_name="",
                    as_of=None,
                    whole=name == "file_much",
                    form_key=name.ljust(32, "0"),
                    by=worker,
                )
            made[name] = str(done.number)
            upload = file_acts.find(lender_id=self.lender.id, number=done.number)
            assert upload is not None
            job = Job(new_id(), self.lender.id, {"upload_id": str(upload.id)}, 1)
            file_work.see(job)
            if name == "file_live":
                with transaction():
                    file_acts.confirm(
                        lender_id=self.lender.id, number=done.number, keep_good=False, meant=True, by=worker
                    )
                self._bring(job, number=done.number)
        return made

    def _bring(self, job: Job, *, number: int) -> None:
        try:
            file_work.bring(job)
        except TryLater:
            # A worker beside us has it in hand.
            session.rollback()
            assert wait_until(lambda: self._came_in(number), seconds=90)

    def _came_in(self, number: int) -> bool:
        session.rollback()
        upload = file_acts.find(lender_id=self.lender.id, number=number)
        return upload is not None and upload.state == "live"

    def _batches(self, worker: uuid.UUID) -> dict[str, str]:
        """Let there be batches of letters: one only asked for, one that runs, one of which some can't be made."""
        made, now, here = {}, clock.now(), {"lender_id": self.lender.id}
        items = {"batch": ("made", "waiting"), "batch_done": ("made", "not_made", "by_hand")}
        for number, (name, state) in enumerate(
            {"batch_asked": "asked", "batch": "running", "batch_done": "done"}.items(), start=1
        ):
            begun = {"begun_by": worker, "begun_at": now, "why": "A bank asks."} if state != "asked" else {}
            batch = LetterBatch(
                **here,
                id=new_id(),
                number=number,
                kind="statement-of-account",
                chosen="open",
                listed=[],
                unknown=["NO-1"],
                counted=3,
                state=state,
                form_key=name,
                asked_by=worker,
                asked_at=now,
                moved_at=now,
                **begun,
            )
            with transaction() as s:
                s.add(batch)
                s.flush()
                for place, became in enumerate(items.get(name, ())):
                    about = {"debt_id": new_id(), "reference": f"B-{place}", "place": place, "state": became}
                    why = {"why": "recalled"} if became == "not_made" else {}
                    s.add(LetterBatchItem(**here, id=new_id(), batch_id=batch.id, **about, **why))
            made[name] = str(number)
        return made

    def _plan_waiting(self, debt: Standing) -> str:
        """Let all that can wait about a plan wait for a person; gives the plan's number."""
        with transaction() as s:
            plan = s.scalars(select(Plan).where(Plan.lender_id == debt.lender_id, Plan.debt_id == debt.id)).one()
            for why in for_a_person.Why:
                for_a_person.wait(plan, why=why, day=clock.today(self.lender.zone))
            return plan.reference

    def _money(self, who: str, other: uuid.UUID) -> dict[str, str]:
        """Let a refund wait for a second person, and money that nobody can place wait with it."""
        here, payment = self.lender.id, payment_on(self.debts[who])
        facts = facts_of(payment, received="60.00")
        loose = replace(facts, payment_intent_id="pi_loose", charge_id="ch_loose")
        came = going_back.came_of(payment)
        with transaction() as s:
            aside.put(loose, lender_id=here, why=Why.SECOND, payment=None, about=payment)
            asked = giving_back.ask(
                came,
                amount=Money(100, payment.currency),
                reason="Paid by mistake.",
                form_key="scene-refund",
                alone=False,
                by=Actor("staff", str(other)),
                member_id=other,
                facts={},
            )
            assert isinstance(asked, giving_back.Asked)
            refund = giving_back.by_number(lender_id=here, number=asked.number)
            foreseen = money.foresee(lender_id=here, payment_id=payment.id, amount=Money(100, payment.currency))
            assert refund is not None and foreseen is not None
            refund.foreseen = foreseen.kept()
            waits = session.scalars(select(SetAside.id).where(SetAside.lender_id == here)).one()
            self._night(s, payment)
        return {
            "refund": asked.number,
            "aside": str(waits),
            "month": f"{clock.now():%Y-%m}",
            "payer": str(payment.debtor_id),
            "paid": payment.reference,
        }

    def _night(self, s: Session, payment: Payment) -> None:
        """Let the books have been held against Stripe: what matches, what doesn't, and what was paid out."""
        at = clock.now()
        here = {"lender_id": payment.lender_id}
        spans = dict.fromkeys(("events_from_at", "movements_from_at", "payouts_from_at", "until_at", "started_at"), at)
        s.add(
            Reconciliation(**here, id=new_id(), night=at.date(), step="done", turn=9, finished_at=at, found={}, **spans)
        )
        effect = s.scalars(select(MoneyEffect).where(MoneyEffect.payment_id == payment.id)).first()
        assert effect is not None
        made = {"began_at": at, "looked_at": at, "on_its_way": False, "came_to_nothing": False, "currency": "USD"}
        for number, state in enumerate(("matched", "extra", "waiting", "fee", "undone")):
            ours = {"effect_id": effect.id, "books_minor": effect.amount_minor} if state == "matched" else {}
            s.add(
                ReconciliationLine(
                    **here, **made, **ours, id=new_id(), key=effect.key if ours else f"stripe:pi_{number}:payment",
                    kind="charge", on=at.date(), state=state, payment_id=payment.id if ours else None,
                    transaction_id=f"txn_{number}", stripe_minor=effect.amount_minor, settled_currency="USD",
                    settled_minor=effect.amount_minor, fee_minor=0 if state == "fee" else 59 * number,
                )
            )  # fmt: skip
        for number, (state, status) in enumerate((("tied", "in_transit"), ("differs", "paid"), ("by_hand", "failed"))):
            s.add(
                Payout(
                    **here, id=new_id(), payout_id=f"po_{number}", amount_minor=9_900, currency="USD", status=status,
                    state=state, by_hand=state == "by_hand", listed=True, arrives_on=at.date(), made_at=at,
                    counted_minor=9_900 if state == "tied" else 9_000, ours_minor=9_000, movements=3,
                    failure="account_closed" if status == "failed" else None,
                )
            )  # fmt: skip

    def _why(self, number: str) -> str:
        """Let the colleague have said why the request of somebody who disputes something is read."""
        with self.app.test_request_context():
            who, asking = self._at_work(self._colleague), self.debts["asking"].debtor_id
            with transaction():
                looking.looked_at(who, debtor_id=asking, reason="To answer it", request=number)
        return number

    def _bank(self, worker: uuid.UUID) -> dict[str, str]:
        """Bring files of the bank: one that came in, with money that waits, one that waits, one of another account."""
        entries = (
            Ntry("50.00", "F-1", ref="B-1"),
            Ntry("20.00", "for my card, thank you", ref="B-2"),
            Ntry("9.00", "fee", ref="B-3", credit=False),
        )
        files = {
            "bank_live": statement(*entries),
            "bank_ready": statement(*entries, Ntry("75.00", "RF18 5390 0754 7034", ref="B-4"), id="S-2"),
            "bank_bad": statement(iban="DE02120300000000202051"),
        }
        made = {}
        with self.app.app_context():
            with transaction():
                account = {"number": IBAN, "holder": self.lender.legal_name, "bank": "Example Bank", "bic": "COBADEFF"}
                lender = session.get_one(Lender, self.lender.id)
                alone = accounts.shown(lender_id=lender.id, currency="USD") is None
                accounts.put(lender, **account, currency="USD", kind="bank", show=alone, by=OPERATOR)
            for name, content in files.items():
                with transaction():
                    done = bank_acts.bring(
                        io.BytesIO(content),
                        lender_id=self.lender.id,
                        name=f"{name}.xml",
                        size=len(content),
                        account_id=None,
                        mapping="",
                        mapping_name="",
                        form_key=name.ljust(32, "0").replace("_", "0"),
                        by=worker,
                    )
                made[name] = str(done.number)
                upload = bank_acts.find(lender_id=self.lender.id, number=done.number)
                assert upload is not None
                job = Job(new_id(), self.lender.id, {"upload_id": str(upload.id)}, 1)
                bank_work.see(job)
                if name == "bank_live":
                    with transaction():
                        bank_acts.confirm(lender_id=self.lender.id, number=done.number, by=worker)
                    bank_work.bring(job)
            waits = session.scalars(
                select(SetAside.id).where(SetAside.lender_id == self.lender.id, SetAside.why == "no_reference")
            ).one()
        session.rollback()
        return made | {"aside_at_the_bank": str(waits)}

    def _note(self, debtor_id: uuid.UUID) -> str:
        """Write a note and a call about somebody down; gives the note's id."""
        with self.app.test_request_context():
            who = self._at_work(self._colleague)
            about = {"debtor_id": debtor_id, "form_key": "scene"}
            with transaction():
                notes.write_note(who, **about, text="Works nights; call after noon.")
                notes.note_call(who, **about, direction="in", reached=True, agreed="yes", about="A later day.")
                for whose, about_it in (
                    ("deciding", "To say that paying is hard."),
                    ("with a changed plan", "To stop the payments."),
                ):
                    agreeing = self.debts[whose].debtor_id
                    acting.give_consent(who, debtor_id=agreeing, how="phone", about=about_it, form_key=f"scene {whose}")
                    consent = acting.standing(who, debtor_id=agreeing)
                    assert consent is not None
                    # Looking at all pages takes longer than half an hour.
                    consent.until += timedelta(days=1)
            return str(notes.notes_of(who, debtor_id=debtor_id)[0].id)

    def _at_work(self, member_id: uuid.UUID) -> gates.Colleague:
        """Give somebody of the staff as one who is signed in."""
        key = str(self.app.config["SECRET_KEY"])
        with transaction():
            member = members.one(lender_id=self.lender.id, member_id=member_id)
            assert member is not None
            device = sign_in.device_of(browser="Firefox, Linux", address="", device="", key=key)
            entered = entering.open_session(member, came_by="code", device=device)
        who = gates.load(f"staff:{entered.lender_id.hex}:{entered.session_id.hex}")
        assert who is not None
        return who

    def _prepared(self, debt: Standing) -> str:
        """Put a plan together with somebody who agreed to that; gives the number of its quote."""
        with self.app.test_request_context():
            who, today = self._at_work(self._colleague), clock.today(self.lender.zone)
            with transaction():
                consent = acting.allowed(who, debtor_id=debt.debtor_id)
                proposal = negotiate.newest_proposal(debt)
                assert proposal is not None
                table = negotiate.table_for(debt, proposal=proposal, today=today)
                key, picked = next(iter(negotiate.choices(table).items()))
                return negotiate.quote(
                    debt,
                    proposal=proposal,
                    key=key,
                    arrangement=picked,
                    by=who.actor,
                    today=today,
                    zone=self.lender.zone,
                    done_by={"helper": who.name, "consent": consent.id},
                )

    def _asked_above_the_cap(self) -> str:
        """Let a colleague ask twice above the own cap: of one offer it waits, of the other it was answered with no.

        Gives the number of the other one's request.
        """
        [first] = [each.number for each in requests.queue(lender_id=self.lender.id) if each.kind is Kind.OFFER]
        debt, today = self._debt(self.places["with two debts"]["other_debt"]), clock.today(self.lender.zone)
        by, plan = Actor("debtor", str(debt.debtor_id)), granting.BEYOND[Reach.SENIOR]
        with self.app.test_request_context():
            agent, senior = self._at_work(self._agent), self._at_work(self._colleague)
            with transaction():
                few = Money.of("1.00", debt.owed.currency)
                negotiate.propose(debt, payment=few, frequency=Frequency.MONTHLY, by=by, today=today)
                proposal = negotiate.newest_proposal(debt)
                assert proposal is not None
                negotiate.choose_pay_day(debt, proposal=proposal, pay_day=10, today=today)
                opened = negotiate.send_to_person(debt, proposal=proposal, by=by)
                assert isinstance(opened, requests.Opened)
            for number in (first, opened.number):
                with transaction():
                    words, why = "Yes. Take your time.", "Two children, and the job starts in May."
                    assert deciding.ask_colleague(agent, number=number, name=plan, words=words, reason=why)
            with transaction():
                deciding.decline(senior, number=opened.number, words="Ask for the budget first.")
        return opened.number

    def _come_to_work(self, browser: CheckingClient, member_id: uuid.UUID, *, half_way: bool) -> None:
        """Sign somebody of the staff in by the acts alone: a code of an app is good once, and new each half minute."""
        key = str(self.app.config["SECRET_KEY"])
        with self.app.test_request_context(), transaction():
            member = members.one(lender_id=self.lender.id, member_id=member_id)
            assert member is not None
            mark = entering.mark_of(member, key=key)
            device = sign_in.device_of(browser="Firefox, Linux", address="", device="", key=key)
            entered = None if half_way else entering.open_session(member, came_by="code", device=device)
        with browser.session_transaction() as cookie:
            if entered is None:
                cookie["staff_step"] = [self.lender.id.hex, self._colleague.hex, mark, clock.now().timestamp()]
            else:
                cookie["_user_id"] = f"staff:{entered.lender_id.hex}:{entered.session_id.hex}"

    def _own_things(self, debt: Standing) -> dict[str, str]:
        """Give somebody a passkey, and changes of contacts that wait for codes and for a person."""
        mine = {"lender_id": debt.lender_id, "debtor_id": debt.debtor_id}
        by = Actor("debtor", str(debt.debtor_id))
        made: dict[str, str] = {}
        with self.app.test_request_context(), transaction() as s:
            for name in ("change", "change_with_staff"):
                address = Address("email", f"{name.replace('_', '-')}@example.com")
                begun = contacts.begin(**mine, address=address, form_key=uuid.uuid4().hex, by=by)
                assert isinstance(begun, contacts.Begun)
                made[name] = begun.number
            contacts.to_staff(**mine, number=made["change_with_staff"], by=by)
            passkey = Passkey(
                **mine,
                id=new_id(),
                credential_id=uuid.uuid4().hex,
                public_key=b"",
                sign_count=0,
                name="My phone",
                created_at=clock.now(),
            )
            s.add(passkey)
            made["passkey"], made["contact"] = str(passkey.id), str(contacts.live(**mine)[0].id)
        session.rollback()
        return made

    def _undo_link(self, debt: Standing) -> str:
        """Remove a contact of somebody, and give the end of the address that undoes it."""
        mine = {"lender_id": debt.lender_id, "debtor_id": debt.debtor_id}
        with self.app.test_request_context(), transaction():
            contacts.remove(
                **mine,
                session_id=new_id(),
                contact_id=contacts.live(**mine)[0].id,
                form_key=uuid.uuid4().hex,
                key=str(self.app.config["SECRET_KEY"]),
                by=Actor("debtor", str(debt.debtor_id)),
            )
        told = select(Message.body).where(Message.kind == "contact_changed", Message.debtor_id == debt.debtor_id)
        link = re.findall(r"/undo/([\w=-]+)", session.scalars(told.limit(1)).one())[0]
        session.rollback()
        return str(link)

    def _add(self, who: str, *, name: str) -> None:
        late = who == "late"
        with the_clock_moved(timedelta(days=-45 if late else 0)):
            debtor = factories.a_debtor(
                lender=self.lender, name=name, email=f"{who.replace(' ', '-')}@example.com", phone="+12025550143"
            )
            debt = factories.a_debt(
                "180.00" if who == "nothing left" else "900.00",
                debtor=debtor,
                interest="31.50",
                fees="25.00",
                product=factories.EVERY_WAY if who in ("with every way", "with a changed plan") else "Personal loan",
                reference=f"PL-{uuid.uuid4().hex[:6].upper()}",
            )
            self.debts[who] = debt
            places = self.places[who] = {"debt": debt.reference}
            if who == "with money here":
                factories.some_credit(debt, "40.00")
            if who in ("with two debts", "with money here"):
                other = factories.a_debt(
                    "920.00", debtor=debtor, product="Credit card", reference=f"CC-{uuid.uuid4().hex[:6].upper()}"
                )
                places["other_debt"] = other.reference
            browser = self._browser()
            self._come_in(browser, debt)
            match who:
                case "deciding":
                    to_check(browser, debt)
                    places["number"] = session.scalars(
                        select(Quote.number).where(Quote.lender_id == debt.lender_id, Quote.debt_id == debt.id)
                    ).one()
                    session.rollback()
                case "with every way":
                    to_choices(browser, debt, amount="5")
                    where = f"/debts/{debt.reference}"
                    said = {"earnings": "1900-2100", "home": "900", "food": "400"}
                    browser.fill(browser.get(f"{where}/your-budget"), said)
                    asks = browser.get(f"{where}/ways-to-pay/pay-less-in-parts")
                    first = (clock.now().date() + timedelta(days=10)).isoformat()
                    offer = {"amount": "600", "parts": "4", "pay_by": first}
                    browser.fill(browser.fill(asks, offer), {"choose": "settled_in_parts"})
                    places["number"] = session.scalars(
                        select(Quote.number).where(Quote.lender_id == debt.lender_id, Quote.debt_id == debt.id)
                    ).one()
                    session.rollback()
                case "offering":
                    browser.fill(to_choices(browser, debt, amount="2"), {"send": ""})
                case "on a plan" | "late":
                    if late:
                        # A code of 45 days ago is too old to send: a worker beside us would blot it out first.
                        self._strengthen(browser)
                    agree(browser, debt)
                    places["plan"] = plan_on(debt).reference
                    self._work()
                case "with a changed plan":
                    agree(browser, debt)
                    places["plan"] = plan_on(debt).reference
                    change_plan(browser, plan_on(debt), "pay-day", pay_day="15")
                    places["automatic"] = str(self._automatic(debt))
                    self._work()
                case "asking":
                    places["request"] = self._ask(browser, debt, "cant-pay")
                    self._ask(browser, debt, "wrong-amount")
                case "newcomer":
                    # Not gone through with: on the hosted page and back.
                    go_pay(browser, debt, choice="all")
                    places["left_payment"] = payment_on(debt).reference
        if who == "waiting for money":
            places |= self._on_its_way(browser, debt)
        if who == "on a plan":
            self._pay(browser, debt, choice="next")
            places["payment"] = payment_on(debt).reference
            # One in the first month, so that the road has something done, next and left.
            places["letter"] = session.scalars(
                select(IssuedLetter.number)
                .where(IssuedLetter.lender_id == debt.lender_id, IssuedLetter.debtor_id == debt.debtor_id)
                .order_by(IssuedLetter.id)
                .limit(1)
            ).one()
            session.rollback()
        if who == "nothing left":
            self._pay(browser, debt, choice="all")
            places["payment"] = payment_on(debt).reference

    def _on_its_way(self, browser: CheckingClient, debt: Standing) -> dict[str, str]:
        """Pay by bank debit: one is under way, one has arrived and can still go back, and one is a voucher's page.

        The voucher is of another currency's way; what its page shows stands in the payment's row.
        """
        found = {}
        for name, amount in (("under_way", "100"), ("payment", "70"), ("voucher", "40")):
            self._pay(browser, debt, amount=amount, way="bank")
            payment = payment_on(debt)
            found[name] = payment.reference
            if name == "payment":
                self._sandbox.settle_payment(payment.payment_intent_id or "", succeeds=True)
                self._settle(payment)
            if name == "voucher":
                with transaction() as s:
                    row = s.merge(payment)
                    row.method, row.voucher_url = "oxxo", "https://payments.stripe.example/voucher"
                    row.voucher_until = clock.now() + timedelta(days=5)
                    # Or whoever opens the page lets it be read at Stripe, where it is a debit.
                    row.session_id = None
        return found

    def _automatic(self, debt: Standing) -> uuid.UUID:
        """Let the payments of a plan be taken from a card that nobody typed; gives autopay."""
        here = {"lender_id": debt.lender_id, "by": Actor("debtor", str(debt.debtor_id))}
        plan = plan_on(debt)
        with self.app.test_request_context():
            with transaction():
                offered = agreeing.offer(progress.locked(lender_id=debt.lender_id, plan_id=plan.id))
                assert isinstance(offered, agreeing.Offer)
                asked = agreeing.agree(
                    **here,
                    debtor_id=debt.debtor_id,
                    reference=plan.reference,
                    shown=offered.shown,
                    form_key="scene",
                    language="en",
                    strength=2,
                )
                assert isinstance(asked, agreeing.Asked)
            card = MethodFacts("pm_scene", "card", "cus_scene", "visa", "5556", 12, 2034, "debit")
            with transaction():
                agreeing.keep_card(**here, autopay_id=asked.autopay_id, facts=card, customer_id="cus_scene")
        return asked.autopay_id

    def _invitation(self, debt: Standing) -> str:
        key = self.app.config["SECRET_KEY"]
        return factories.an_invitation(lender_id=debt.lender_id, debtor_id=debt.debtor_id, key=key)

    def _come_in(self, browser: CheckingClient, debt: Standing) -> None:
        browser.fill(browser.get(f"/i/{self._invitation(debt)}"), birthday())

    def _ask(self, browser: CheckingClient, debt: Standing, door: str) -> str:
        """Go through one of the other doors; gives the number of the request."""
        shown = browser.get(f"/help/{door}?debt={debt.reference}")
        browser.fill(shown, {"words": "It is too much at the moment."}, to=f"/help/{door}")
        number = session.scalars(
            select(CareRequest.number)
            .where(CareRequest.lender_id == debt.lender_id, CareRequest.debt_id == debt.id)
            .order_by(CareRequest.id.desc())
            .limit(1)
        ).one()
        session.rollback()
        return number

    def _pay(
        self, browser: CheckingClient, debt: Standing, *, choice: str = "", amount: str = "", way: str = "works"
    ) -> None:
        status, _where, text = self._sandbox.pay(go_pay(browser, debt, choice=choice, amount=amount), way)
        assert status == 303, text
        self._settle(payment_on(debt))

    def _settle(self, payment: Payment) -> None:
        lender_id, payment_id = payment.lender_id, payment.id
        with transaction():
            settle.ask(lender_id=lender_id, payment_id=payment_id)
        # A clock that stands still has to be told that time has passed since Stripe took the payment.
        stands_still = clock.now() == clock.now()
        with the_clock_moved(timedelta(minutes=1 if stands_still else 0)):
            self._work()
        session.rollback()

    def _strangers_links(self) -> dict[str, str]:
        """Make a link to open, and one that has been tried too often."""
        debt = self.debts["newcomer"]
        good, tried = self._invitation(debt), self._invitation(self.debts["with two debts"])
        browser = self._browser()
        for year in range(1960, 1975):
            answer = browser.fill(browser.get(f"/i/{tried}"), birthday(date(year, 1, 1)))
            if answer.status_code == 429:
                break
        else:
            raise NotThere("a link that is locked")
        self._log()
        stop = session.scalars(select(Message.stop_url).where(Message.stop_url.is_not(None)).limit(1)).one() or ""
        session.rollback()
        return {
            "token": good,
            "locked_token": tried,
            "reference": debt.reference,
            "stop_token": stop.rpartition("/")[2],
            "lender": self.lender.slug,
        }

    def _log(self) -> None:
        """Let what happened take its place in the log, and one thing more happen after that."""

        def newest(who: str) -> str:
            about = (EvidenceRecord.lender_id == self.lender.id, EvidenceRecord.debtor_id == self.debts[who].debtor_id)
            found = session.scalars(select(EvidenceRecord.id).where(*about).order_by(EvidenceRecord.id.desc()).limit(1))
            return str(found.one())

        self.places["on a plan"]["record"] = newest("on a plan")
        session.rollback()
        sequencer.place_all(base_url="http://localhost")
        self._invitation(self.debts["newcomer"])
        self.places["newcomer"]["new_record"] = newest("newcomer")
        session.rollback()

    def path(self, path: str, who: str) -> str:
        """Fill in an address such as `/debts/{debt}` for one of the people.

        :raises NotThere: if this person has no such thing.
        """
        try:
            return path.format_map(self.places[who])
        except KeyError as missing:
            raise NotThere(f"{who}: {missing}") from missing

    def cookie(self, who: str, *, language: str, strong: bool) -> str:
        """Give the cookie of somebody who is signed in, with a one-time code given or not."""
        key = (who, language, strong)
        if key not in self._cookies:
            browser = self._browser()
            if who == STRANGER:
                browser.get("/")
            elif who in (COLLEAGUE, AGENT, HALF_WAY_IN):
                self._come_to_work(
                    browser, self._agent if who == AGENT else self._colleague, half_way=who == HALF_WAY_IN
                )
            else:
                self._come_in(browser, self.debts[who])
            if strong and who in PEOPLE:
                self._strengthen(browser)
            shown = browser.get("/help")
            browser.fill(shown, {"language": language, "next": "/help"}, to="/language")
            self._cookies[key] = _cookie_of(browser)
        return self._cookies[key]

    def _strengthen(self, browser: CheckingClient) -> None:
        """Let a browser count as one where a code was given: real codes are few in half an hour."""
        serializer = self.app.session_interface.get_signing_serializer(self.app)  # type: ignore[attr-defined]
        with self.app.app_context():
            person = load(serializer.loads(_cookie_of(browser))["_user_id"])
        assert person is not None
        with transaction() as s:
            s.execute(
                update(UserSession)
                .where(UserSession.lender_id == person.lender_id, UserSession.id == person.session_id)
                .values(strength=2)
            )

    def visitor(self, who: str, *, language: str = "en", strong: bool = False) -> CheckingClient:
        """Give a browser without JavaScript in which somebody is signed in."""
        browser = self._browser()
        browser.set_cookie("portal", self.cookie(who, language=language, strong=strong))
        return browser

    def owed(self, who: str) -> Standing:
        """Give somebody's debt as it stands now."""
        session.rollback()
        return by_id(lender_id=self.debts[who].lender_id, debt_id=self.debts[who].id)

    def told(self) -> dict[str, object]:
        """Give everything as plain values, for another process."""
        cookies = [
            {
                "who": who,
                "language": language,
                "strong": strong,
                "cookie": self.cookie(who, language=language, strong=strong),
            }
            for who in (STRANGER, COLLEAGUE, AGENT, HALF_WAY_IN, *PEOPLE)
            for language in LANGUAGES
            for strong in ((False, True) if who in PEOPLE else (False,))
        ]
        return {"places": self.places, "cookies": cookies}


def _cookie_of(browser: CheckingClient) -> str:
    cookie = browser.get_cookie("portal")
    assert cookie is not None
    return cookie.value


def main() -> None:
    """Fill the database of a portal that runs, and say what is in it; with an earlier scene's places, say it again."""
    app = create_app()
    app.testing = True
    app.test_client_class = CheckingClient
    with app.app_context():
        app.config["STRIPE_API_BASE"] = stand_in_beside(app.config["SETTINGS"])
        sandbox = SandboxProcess()
        sandbox.url = app.config["STRIPE_API_BASE"]
        [lender] = lenders.all_lenders()
    # The lender has people with numbers already.
    factories._numbers = itertools.count(time.time_ns())
    places = json.loads(sys.argv[1]) if sys.argv[1:] else None
    scene = Scene(app, lender=lender, sandbox=sandbox, places=places, draws=True)
    json.dump(scene.told(), sys.stdout)


if __name__ == "__main__":
    main()
