"""Write a few rows of every table, as they are under today's newest revision, for the check that migrations keep rows.

Run `python -m tests.guards.keep_rows` before a new revision is written; it writes `tests/guards/rows/<revision>.json`.
"""

from __future__ import annotations

import json
import sys
import tempfile
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, select

import portal.db
from portal import clock, sequencer
from portal.affordability.budget import Budget, Group, Line
from portal.autopay.models import Autopay, AutopayCharge, Payer, SavedCard
from portal.banking import posting, references
from portal.banking.entries import Entry
from portal.changes import acts
from portal.changes import rules as changes
from portal.contact.models import ContactChoice, ContactWish
from portal.db import new_id, transaction
from portal.debts.models import ImportBefore, ImportRun
from portal.debts.statement import Standing, by_id
from portal.evidence.record import Actor
from portal.files.models import Upload, UploadPart
from portal.lenders import accounts
from portal.lenders.models import BankAccount, Lender
from portal.letters.models import IssuedLetter, LetterByHand
from portal.models import metadata
from portal.money import Money
from portal.offers.asked import Settlement
from portal.payments.models import (
    AccountName,
    MoneyEffect,
    Payment,
    PaymentPart,
    Payout,
    Reconciliation,
    ReconciliationLine,
    SendingBack,
    SetAside,
    WebhookEvent,
)
from portal.people import sign_in
from portal.plans import negotiate
from portal.plans.progress import alive_plan
from portal.points.models import PointsEntry
from portal.post import outbox
from portal.post.models import BouncedAddress, DeliveryWord
from portal.schedules.dates import Frequency
from portal.staff.models import StaffMember
from tests.conftest import make_app
from tests.databases import ROOT, migrate
from tests.factories import BORN_ON, LIMITS_WITH_CHANGES, a_debt, a_debtor, a_lender, an_invitation
from tests.settling import SETTLEMENTS

KEY = "a key for tests only, never for people"
AT = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)


def fill() -> None:
    """Let two lenders and a few people do what the portal does."""
    a_lender(slug="other")
    lender = a_lender(slug="kept", zone="UTC", limits=LIMITS_WITH_CHANGES + SETTLEMENTS)
    debtor = a_debtor(lender=lender)
    debt = a_debt("900.00", interest="12.50", lender=lender, debtor=debtor)
    token = an_invitation(lender_id=lender.id, debtor_id=debtor.id, key=KEY)
    with transaction():
        entered = sign_in.open_link(token, born_on=BORN_ON, key=KEY)
        assert isinstance(entered, sign_in.SignedIn)
        sign_in.make_code(sign_in.For(lender.id, debtor.id, entered.session_id), key=KEY)
        message_id = outbox.put(
            lender_id=lender.id,
            debtor_id=debtor.id,
            channel="email",
            address="robin@example.com",
            kind="reminder",
            subject="Your next payment",
            body="Your next payment is on 1 June.",
            once="reminder:kept",
        )
    assert message_id is not None
    with transaction() as session:
        own = {"lender_id": lender.id}
        person = own | {"debtor_id": debtor.id, "channel": "email", "changed_at": AT}
        address = "robin@example.com"
        session.add_all(
            [
                DeliveryWord(**own, message_id=message_id, provider_id="SM1", word="arrived", received_at=AT),
                BouncedAddress(**own, channel="email", address=address, bounced_at=AT, mended_at=AT),
                ContactChoice(**person, kinds="reminders", allowed=False, how="link"),
                ContactWish(**person, address=address, quiet_from_minute=720, quiet_to_minute=840),
            ]
        )
    with transaction():
        sign_in.by_reference(
            lender_id=lender.id, reference="wrong", debtor_id=None, born_on=BORN_ON, address="127.0.0.1", key=KEY
        )
    _agree(debt)
    _change(debt)
    _settle(a_debt("500.00", interest="80.00", lender=lender, debtor=debtor))
    _pay(by_id(lender_id=lender.id, debt_id=debt.id))
    _hold_against_stripe(by_id(lender_id=lender.id, debt_id=debt.id))
    _bring_a_file(debt)
    _automatic(debt)
    _at_the_bank(debt)
    sequencer.place_all(base_url="http://localhost")


def _agree(debt: Standing) -> None:
    by = Actor("debtor", str(debt.debtor_id))
    today = clock.today("UTC")
    with transaction():
        payment = Money.of("75.00", debt.owed.currency)
        negotiate.propose(debt, payment=payment, frequency=Frequency.MONTHLY, by=by, today=today)
        proposal = negotiate.newest_proposal(debt)
        assert proposal is not None
        negotiate.choose_pay_day(debt, proposal=proposal, pay_day=15, today=today)
        plans = negotiate.choices(negotiate.table_for(debt, proposal=proposal, today=today))
        key, picked = next(iter(plans.items()))
        number = negotiate.quote(debt, proposal=proposal, key=key, arrangement=picked, by=by, today=today, zone="UTC")
        agreed = negotiate.agree(debt, number=number, agreed_text="I agree to this plan.", by=by)
        assert isinstance(agreed, negotiate.Agreed)


def _change(debt: Standing) -> None:
    """Let the plan on a debt get another pay day, and somebody look for another plan."""
    by = Actor("debtor", str(debt.debtor_id))
    with transaction():
        plan = alive_plan(lender_id=debt.lender_id, debt_id=debt.id)
        assert plan is not None
        asked = changes.PayDay(20)
        drawn = changes.answer(asked, acts.situation_of(plan, today=clock.today("UTC")))
        assert isinstance(drawn, changes.Drawn)
        made = acts.make(
            lender_id=debt.lender_id,
            plan_id=plan.id,
            asked=asked,
            shown=acts.digest(drawn.payments),
            form_key="kept",
            by=by,
        )
        assert isinstance(made, acts.Made)
        acts.want_another(lender_id=debt.lender_id, plan_id=plan.id, by=by)


def _settle(debt: Standing) -> None:
    """Say what there is to live on, and agree to pay less than what is owed."""
    by = Actor("debtor", str(debt.debtor_id))
    today = clock.today("UTC")
    with transaction():
        asked = Settlement(Money.of("560.00", debt.owed.currency), today + timedelta(days=5))
        negotiate.ask(debt, asked=asked, by=by, today=today)
        proposal = negotiate.newest_proposal(debt)
        assert proposal is not None
        earned = Line(Group.EARNINGS, Money.of("1500.00", debt.owed.currency))
        budget = Budget(debt.owed.currency, (earned,))
        negotiate.set_budget(debt, proposal=proposal, budget=budget, complete=True, by=by, today=today)
        key, picked = next(iter(negotiate.choices(negotiate.table_for(debt, proposal=proposal, today=today)).items()))
        number = negotiate.quote(debt, proposal=proposal, key=key, arrangement=picked, by=by, today=today, zone="UTC")
        agreed = negotiate.agree(debt, number=number, agreed_text="I agree to this plan.", by=by)
        assert isinstance(agreed, negotiate.Agreed)


def _bring_a_file(debt: Standing) -> None:
    """Write what a file leaves that somebody of the staff brought."""
    own = {"lender_id": debt.lender_id}
    member, run = new_id(), new_id()
    with transaction() as session:
        session.add_all(
            [
                StaffMember(
                    **own,
                    id=member,
                    email="ada@kept.example",
                    name="Ada Example",
                    language="en",
                    roles=["lender_administrator"],
                    state="invited",
                    created_at=AT,
                ),
                ImportRun(
                    **own,
                    id=run,
                    file_name="kept.csv",
                    file_sha256="0" * 64,
                    as_of=AT.date(),
                    state="abandoned",
                    started_at=AT,
                    touched_at=AT,
                ),
            ]
        )
        session.flush()
        upload = Upload(
            **own,
            id=new_id(),
            number=1,
            name="kept.csv",
            sha256="0" * 64,
            size=4,
            mapping_name="",
            mapping="",
            whole=False,
            state="ready",
            preview={"counts": {"read": 1}},
            form_key="kept",
            brought_by=member,
            brought_at=AT,
        )
        session.add(upload)
        session.flush()
        session.add_all(
            [
                UploadPart(**own, upload_id=upload.id, kind="file", place=0, content=b"kept"),
                ImportBefore(**own, import_run_id=run, debt_id=debt.id, before={"state": "open"}),
            ]
        )


def _at_the_bank(debt: Standing) -> None:
    """Write what an account of the lender leaves: an entry that counts, and one that waits and goes back."""
    with transaction() as session:
        lender = session.get_one(Lender, debt.lender_id)
        named = {"number": "0000123456", "holder": "Kept", "bank": "", "bic": "", "currency": "USD"}
        account = accounts.put(lender, **named, kind="bank", show=True, by=Actor("operator", "kept"))
        assert isinstance(account, BankAccount)
        account_id = account.id
        member = session.scalars(select(StaffMember.id).where(StaffMember.lender_id == debt.lender_id).limit(1)).one()
        upload = session.scalars(select(Upload.id).where(Upload.lender_id == debt.lender_id).limit(1)).one()
    with transaction():
        said = references.give(lender_id=debt.lender_id, debt_id=debt.id)
    by = Actor("staff", str(member))
    into = posting.Into(debt.lender_id, upload, account_id, "USD", "bank", AT.date(), by)
    for place, text in enumerate((said, "?"), 1):
        entry = Entry(
            place=place,
            account="0000123456",
            reference=f"B-{place}",
            nth=1,
            booked=AT.date(),
            value=AT.date(),
            sent=None,
            amount=Decimal(5),
            currency="USD",
            credit=True,
            reversal=False,
            is_booked=True,
            texts=(text,),
            payer="Robin",
            payer_account="0051",
            collective=False,
        )
        with transaction():
            posting.bring(entry, into)
    with transaction() as session:
        waits = session.scalars(
            select(SetAside.id).where(SetAside.lender_id == debt.lender_id, SetAside.why == "no_reference")
        ).one()
        back = {"set_aside_id": waits, "amount_minor": 500, "currency": "USD", "reason": "kept"}
        session.add(SendingBack(lender_id=debt.lender_id, id=new_id(), **back, asked_by=member, asked_at=AT))


def _pay(debt: Standing) -> None:
    """Write what a payment leaves, without Stripe."""
    own = {"lender_id": debt.lender_id, "id": new_id()}
    payment = Payment(
        **own,
        reference="P-KEPT-0001",
        form_key="kept",
        debtor_id=debt.debtor_id,
        debt_id=debt.id,
        amount_minor=5000,
        currency="USD",
        state="succeeded",
        session_expires_at=AT + timedelta(hours=1),
        started_at=AT,
    )
    with transaction() as session:
        session.add(payment)
        session.flush()
        session.add_all(
            [
                PaymentPart(
                    lender_id=debt.lender_id,
                    payment_id=payment.id,
                    place=1,
                    debt_id=debt.id,
                    amount_minor=5000,
                    currency="USD",
                ),
                MoneyEffect(
                    lender_id=debt.lender_id,
                    key="stripe:pi_kept:payment",
                    payment_id=payment.id,
                    amount_minor=5000,
                    currency="USD",
                    outcome="posted",
                    at=AT,
                ),
                WebhookEvent(
                    lender_id=debt.lender_id,
                    event_id="evt_kept",
                    kind="payment_intent.succeeded",
                    facts={"payment_intent_id": "pi_kept"},
                    received_at=AT,
                    outcome="asked",
                ),
                PointsEntry(
                    lender_id=debt.lender_id,
                    debtor_id=debt.debtor_id,
                    cause="kept:1",
                    reason="kept",
                    points=50,
                    at=AT,
                ),
                LetterByHand(
                    lender_id=debt.lender_id,
                    number="LT-KEPT-0002",
                    kind="plan-agreement",
                    cause="plan-agreement:kept",
                    debtor_id=debt.debtor_id,
                    debt_id=debt.id,
                    language="en",
                    characters="ส ม",
                    asked_at=AT,
                ),
                IssuedLetter(
                    lender_id=debt.lender_id,
                    number="LT-KEPT-0001",
                    kind="payment_receipt",
                    cause="payment:kept",
                    debtor_id=debt.debtor_id,
                    debt_id=debt.id,
                    language="en",
                    facts={},
                    pdf=b"%PDF-1.7 kept",
                    sha256="0" * 64,
                    issued_at=AT,
                ),
            ]
        )


def _hold_against_stripe(debt: Standing) -> None:
    """Write what a night of reconciliation leaves, without Stripe."""
    own = {"lender_id": debt.lender_id}
    spans = dict.fromkeys(("events_from_at", "movements_from_at", "payouts_from_at", "until_at", "started_at"), AT)
    night = {"night": AT.date(), "step": "done", "turn": 7, "finished_at": AT, "found": {"movements": 1}}
    line = {"on": AT.date(), "began_at": AT, "looked_at": AT, "on_its_way": False, "came_to_nothing": False}
    with transaction() as session:
        effect = session.scalars(select(MoneyEffect).where(MoneyEffect.lender_id == debt.lender_id)).first()
        assert effect is not None
        session.add_all(
            [
                Reconciliation(**own, **night, **spans, id=new_id()),
                ReconciliationLine(
                    **own,
                    **line,
                    id=new_id(),
                    key=effect.key,
                    kind="charge",
                    state="matched",
                    effect_id=effect.id,
                    books_minor=effect.amount_minor,
                    stripe_minor=effect.amount_minor,
                    currency=effect.currency,
                    transaction_id="txn_kept",
                    settled_minor=effect.amount_minor,
                    settled_currency=effect.currency,
                    fee_minor=175,
                ),
                Payout(
                    **own,
                    id=new_id(),
                    payout_id="po_kept",
                    amount_minor=4825,
                    currency="USD",
                    status="in_transit",
                    state="tied",
                    by_hand=False,
                    listed=True,
                    arrives_on=AT.date(),
                    made_at=AT,
                    counted_minor=4825,
                    ours_minor=4825,
                    movements=1,
                ),
                AccountName(**own, id=new_id(), account="cash:stripe", name="Assets:Bank:1361"),
            ]
        )


def _automatic(debt: Standing) -> None:
    """Write what autopay leaves, without Stripe: a card, what was agreed to, a charge that was noticed."""
    plan = alive_plan(lender_id=debt.lender_id, debt_id=debt.id)
    assert plan is not None
    whose = {"lender_id": debt.lender_id, "debtor_id": debt.debtor_id}
    with transaction() as session:
        card = SavedCard(**whose, id=new_id(), method_id="pm_kept", brand="visa", last4="5556", saved_at=AT)
        session.add_all([Payer(**whose, customer_id="cus_kept", made_at=AT), card])
        session.flush()
        auto = Autopay(
            **whose,
            id=new_id(),
            plan_id=plan.id,
            debt_id=debt.id,
            state="on",
            card_id=card.id,
            agreed_text="I allow it.",
            version="2026-11-30",
            language="en",
            most_minor=5000,
            currency="USD",
            form_key="kept",
            agreed_at=AT,
            saves=1,
            act_on=AT.date(),
        )
        session.add(auto)
        session.flush()
        session.add(
            AutopayCharge(
                **whose,
                autopay_id=auto.id,
                plan_id=plan.id,
                seq=1,
                state="noticed",
                due_on=AT.date(),
                charge_on=AT.date(),
                days=3,
                most_minor=5000,
                currency="USD",
                notices=1,
                tries=0,
                made_at=AT,
            )
        )


def plain(value: Any) -> Any:
    """Give a value as JSON holds it."""
    match value:
        case uuid.UUID():
            return str(value)
        case datetime() | date():
            return value.isoformat()
        case bytes():
            return value.hex()
    return value


def main() -> None:
    """Write the rows of the newest revision."""
    clock._read = lambda: AT
    revision = ScriptDirectory.from_config(Config(str(ROOT / "alembic.ini"))).get_current_head()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'rows.sqlite'}"
        migrate(url)
        app = make_app(url, folder=Path(folder))
        engine = portal.db.session.get_bind()
        assert isinstance(engine, Engine)
        with app.app_context():
            fill()
        portal.db.session.rollback()
        rows = {
            table.name: [
                {name: plain(value) for name, value in row._mapping.items()}
                for row in portal.db.session.execute(select(table))
            ]
            for table in metadata.sorted_tables
        }
        portal.db.session.remove()
        engine.dispose()
    out = ROOT / "tests" / "guards" / "rows" / f"{revision}.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    without = [name for name, found in rows.items() if not found]
    sys.stdout.write(f"{out.name}: {sum(map(len, rows.values()))} rows; none in {', '.join(without) or 'no table'}\n")


if __name__ == "__main__":
    main()
