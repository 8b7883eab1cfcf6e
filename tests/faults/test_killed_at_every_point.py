"""Killed before and after every commit and every call to Stripe, between "pay" and "posted": nothing lost or doubled.

A process reads the portal in, and a fork of it gets SIGKILL at one point (`dying.py`). Then the person presses again,
Stripe sends again, a lease ends, and all must be as if nothing had happened. Some points are tried here, all by
`make faults` (FAULTS=all).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import ColumnElement, func, select, update

from portal import jobs, queue
from portal.autopay.models import AutopayCharge
from portal.db import Model, session, transaction
from portal.debts.statement import Standing, by_id
from portal.evidence.models import EvidenceRecord
from portal.evidence.record import OPERATOR
from portal.lenders.models import Lender
from portal.payments import giving_back, going_back
from portal.payments.models import MoneyEffect, Payment, Refund, WebhookEvent
from portal.post.models import Message
from portal.queue import QueuedJob
from tests.charges import come_due
from tests.conftest import RealDatabase
from tests.factories import a_debt
from tests.faults.dying import BESIDE, Dying, Told
from tests.faults.test_kills_and_races import browser_of, fresh
from tests.faults.test_kills_and_races import debt as debt
from tests.faults.test_kills_and_races import lender as lender
from tests.faults.test_kills_and_races import stand_in as stand_in
from tests.faults.test_kills_and_races import stripe as stripe
from tests.journeys.acts import Stripe, books_agree, come_in, go_pay, pay_form, to_pay, usd
from tests.pages import page_of
from tests.turns import ALL

# Of a long piece of work every so-manieth point is tried.
EVERY = 1 if ALL else 16


@pytest.fixture
def dying(real_database: RealDatabase, real_app: Flask, stripe: Stripe) -> Iterator[Dying]:
    with Dying(real_database, real_app) as made:
        yield made


def at_each_point(try_at: Callable[[int], Told], *, every: int) -> list[str]:
    """Try each point, or every so-manieth, until one lies beyond the end; gives the names of all that there are."""
    point = 1
    while (told := try_at(point)).killed:
        assert len(told.reached) == point
        point += every
    return list(told.reached)


def work(app: Flask) -> None:
    """A minute passes, so the lease of whoever was killed ends; and a worker does what is due."""
    with transaction() as s:
        over = datetime.now(UTC) - timedelta(seconds=1)
        s.execute(update(QueuedJob).where(QueuedJob.state == "running").values(lease_until=over))
    todo = {name: run for name, run in jobs.table(app).items() if name not in BESIDE}
    while queue.run_one(todo):
        pass
    left = select(func.count()).select_from(QueuedJob).where(QueuedJob.state != "done", QueuedJob.name.not_in(BESIDE))
    assert fresh(left) == 0
    assert fresh(select(func.count()).select_from(QueuedJob).where(QueuedJob.last_error.is_not(None))) == 0


class Paying:
    """One person with one debt, who pays 10.00 of it again and again, each time once."""

    def __init__(self, app: Flask, debt: Standing, stripe: Stripe) -> None:
        self.app, self.debt, self.stripe = app, debt, stripe
        self.browser = browser_of(app)
        come_in(self.browser, debt)
        self.turns = 0

    def cookies(self) -> dict[str, str]:
        found = {name: self.browser.get_cookie(name) for name in ("portal", "device")}
        return {name: cookie.value for name, cookie in found.items() if cookie is not None}

    def pays(self, url: str) -> None:
        assert self.stripe.sandbox.pay(url)[0] == 303

    def paid_once(self) -> None:
        """Everything that one payment of 10.00 brings is there once for each turn, and nothing else."""
        self.turns += 1
        session.rollback()
        assert by_id(lender_id=self.debt.lender_id, debt_id=self.debt.id).owed == usd(f"{900 - 10 * self.turns}.00")
        assert counted(MoneyEffect) == self.turns
        assert counted(Payment, Payment.state == "succeeded") == self.turns
        for act in ("payment_started", "payment_settled"):
            assert counted(EvidenceRecord, EvidenceRecord.act == act) == self.turns, act
        assert counted(Message, Message.kind == "payment_received") == self.turns
        assert counted(QueuedJob, QueuedJob.name == "letters.issue") == self.turns
        assert len(self.stripe.sandbox.events("payment_intent.succeeded")) == self.turns
        books_agree()


def counted(model: type[Model], *where: ColumnElement[bool]) -> int:
    found = fresh(select(func.count()).select_from(model).where(*where))
    assert isinstance(found, int)
    return found


def test_the_web_process_is_killed_while_it_opens_a_page(
    dying: Dying, real_app: Flask, debt: Standing, stripe: Stripe
) -> None:
    paying = Paying(real_app, debt, stripe)

    def at(point: int) -> Told:
        shown = to_pay(paying.browser, debt)
        form = next(form for form in page_of(shown).forms if "form_key" in form.names)
        values = dict(form.fields) | {"choice": "other", "amount": "10", "checked": "1"}
        session.remove()
        told = dying.post(f"/pay?debt={debt.reference}", kill_at=point, cookies=paying.cookies(), data=values)
        # Nothing was answered, so the person presses again on the same page.
        sent = pay_form(paying.browser, shown, debt, amount="10")
        assert sent.status_code == 303 and "/c/pay/" in sent.location, sent.location
        paying.pays(sent.location)
        stripe.deliver()
        work(real_app)
        paying.paid_once()
        return told

    names = at_each_point(at, every=1)
    call = ["before POST /v1/checkout/sessions", "after POST /v1/checkout/sessions"]
    assert names == ["before commit", "after commit", *call, "before commit", "after commit"]


def test_the_web_process_is_killed_while_it_takes_a_webhook(
    dying: Dying, real_app: Flask, debt: Standing, stripe: Stripe
) -> None:
    paying = Paying(real_app, debt, stripe)

    def at(point: int) -> Told:
        paying.pays(go_pay(paying.browser, debt, amount="10"))
        stripe.sandbox.wait_idle()
        session.remove()
        told = None
        for body, signature in stripe.receiver.taken:
            told = dying.post(
                f"/webhooks/stripe/{stripe.slug}",
                kill_at=point,
                data=body.decode(),
                content_type="application/json",
                headers={"Stripe-Signature": signature},
            )
        assert told is not None
        # What was not answered comes again.
        stripe.deliver()
        work(real_app)
        paying.paid_once()
        assert counted(WebhookEvent, WebhookEvent.outcome == "waiting") == 0
        return told

    # The last of the events was told before: its second coming changes nothing, and is committed like the first.
    assert at_each_point(at, every=1) == ["before commit", "after commit"]


def test_a_worker_is_killed_while_it_settles(dying: Dying, real_app: Flask, debt: Standing, stripe: Stripe) -> None:
    paying = Paying(real_app, debt, stripe)

    def at(point: int) -> Told:
        paying.pays(go_pay(paying.browser, debt, amount="10"))
        stripe.deliver()
        session.remove()
        told = dying.work(kill_at=point)
        work(real_app)
        paying.paid_once()
        return told

    names = at_each_point(at, every=EVERY)
    for wanted in ("commit", "GET /v1/checkout/sessions/", "GET /v1/payment_intents/", "GET /v1/refunds"):
        assert {"before", "after"} <= {name.split()[0] for name in names if wanted in name}, (wanted, names)
    assert len(names) > 25, names


def test_a_worker_is_killed_while_it_gives_back(dying: Dying, real_app: Flask, debt: Standing, stripe: Stripe) -> None:
    browser = browser_of(real_app)
    come_in(browser, debt)
    turns = 0

    def at(point: int) -> Told:
        nonlocal turns
        assert stripe.sandbox.pay(go_pay(browser, debt, amount="10"))[0] == 303
        stripe.deliver()
        work(real_app)
        payment_id = fresh(select(Payment.id).order_by(Payment.id.desc()).limit(1))
        assert isinstance(payment_id, uuid.UUID)
        with real_app.test_request_context(), transaction():
            payment = giving_back.payment_locked(lender_id=debt.lender_id, payment_id=payment_id)
            asked = giving_back.ask(
                going_back.came_of(payment),
                amount=usd("4.00"),
                reason="Asked for.",
                form_key=f"{turns:032x}",
                alone=True,
                by=OPERATOR,
                member_id=None,
                facts={},
            )
            assert isinstance(asked, giving_back.Asked)
        session.remove()
        told = dying.work(kill_at=point)
        stripe.deliver()
        work(real_app)
        turns += 1
        session.rollback()
        assert by_id(lender_id=debt.lender_id, debt_id=debt.id).owed == usd(f"{900 - 6 * turns}.00")
        assert counted(Refund, Refund.state == "done") == counted(Refund) == turns
        assert counted(MoneyEffect, MoneyEffect.amount_minor < 0) == turns
        assert counted(EvidenceRecord, EvidenceRecord.act == "payment_refunded") == turns
        assert len(stripe.sandbox.events("refund.created")) == turns
        books_agree()
        return told

    names = at_each_point(at, every=EVERY)
    assert {"before POST /v1/refunds", "after POST /v1/refunds"} <= set(names)


def test_a_worker_is_killed_while_it_charges_by_itself(
    dying: Dying, real_app: Flask, stripe: Stripe, lender: Lender
) -> None:
    turns = 0

    def at(point: int) -> Told:
        nonlocal turns
        turns += 1
        due = a_debt("900.00", lender=lender, annual_rate="0")
        charge = come_due(real_app, due, account=stripe.account, sandbox=stripe.sandbox, key=f"k{turns}")
        assert charge is not None
        session.remove()
        told = dying.work(kill_at=point)
        with transaction() as s:
            # Where Stripe was asked and did not answer, it is asked again after ten minutes.
            s.execute(update(QueuedJob).where(QueuedJob.state == "ready").values(run_at=datetime.now(UTC)))
        work(real_app)
        stripe.deliver()
        work(real_app)
        assert fresh(select(AutopayCharge.state).where(AutopayCharge.id == charge.id)) == "charged"
        assert by_id(lender_id=due.lender_id, debt_id=due.id).owed == usd("800.00")
        assert counted(MoneyEffect) == turns
        assert len(stripe.sandbox.events("payment_intent.succeeded")) == turns
        assert counted(EvidenceRecord, EvidenceRecord.act == "autopay_charging") == turns
        books_agree()
        return told

    names = at_each_point(at, every=EVERY)
    assert any(name.startswith("after POST /v1/payment_intents/") for name in names), names
