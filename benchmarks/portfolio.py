"""Make what is measured on: a lender, a file of made-up debts, a person with two debts and a plan partly paid."""

from __future__ import annotations

import csv
import sys
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import func, select

from benchmarks.machine import ROOT, SECRET_KEY
from portal import clock, db, demo, ledger, models
from portal.db import session, transaction
from portal.debts import intake
from portal.debts.mapping_file import parse_mapping
from portal.debts.models import Debt
from portal.debts.statement import Standing, debts_of
from portal.evidence.record import STRIPE, Actor
from portal.ledger import OWED, Account, Move
from portal.lenders import settings as lenders
from portal.money import Money, level, share
from portal.payments.allocation import Component, allocate
from portal.people import sign_in
from portal.people.models import Debtor
from portal.plans import negotiate, progress
from portal.plans.models import Plan
from portal.schedules.arrangements import Arrangement, Kind
from portal.schedules.dates import Frequency, due_dates
from portal.schedules.schedule import Item, Schedule

SLUG = "bench"
PAYMENTS = 24
PAID = 5
__all__ = ["SLUG", "SignIn", "add_lender", "fill", "models", "write_file"]


@dataclass(frozen=True, slots=True)
class SignIn:
    """What the measured person signs in with, the debt with a plan whose pages are looked at, and another debt.

    `payment` is how many dollars a month repay the other one in about a year.
    """

    token: str
    debtor: str
    born_on: date
    debt: str
    plan: str
    other: str
    payment: int


def add_lender(url: str) -> None:
    """Add the lender, with the standard limits, and one payment a year that may be left out."""
    db.connect(url)
    with transaction():
        lender = lenders.add(
            values={
                "slug": SLUG,
                "name": "Linden Savings (made up)",
                "legal_name": "Linden Savings Example Company",
                "address": ["1 Example Street", "Springfield"],
                "licence": "EXAMPLE-0001",
                "phone": "+1 555 0100",
                "email": "help@linden.example",
                "website": "https://linden.example",
                "jurisdiction": "US",
                "currency": "USD",
                "zone": "America/New_York",
                "languages": ["en", "zh-Hans"],
                "made_up": True,
            }
        )
        text = (ROOT / "limits" / "standard.toml").read_text(encoding="utf-8")
        text = text.replace("[card.keeping]", "[card.changes]\nskips_in_12_months = 1\n\n[card.keeping]")
        negotiate.load_limits(text, lender_id=lender.id, currency=lender.currency)
    let_go()


def write_file(path: Path, *, debts: int) -> None:
    """Write a file of made-up debts, like the demo's."""
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(demo.HEADER)
        writer.writerows(demo.rows(today=clock.now().date(), how_many=debts))


def fill(url: str, *, debts: int, folder: Path) -> SignIn:
    """Bring a portfolio in, and give one person with two debts a link and a plan of 24 payments, some of them paid."""
    file = folder / "portfolio.csv"
    write_file(file, debts=debts)
    db.connect(url)
    lender = lenders.by_slug(SLUG)
    intake.bring_in(file, lender=lender, mapping=parse_mapping(demo.MAPPING), report=folder / "report.csv")
    chosen = session.execute(
        select(Debtor.id, Debtor.born_on, Debtor.language)
        .join(Debt, (Debt.lender_id == Debtor.lender_id) & (Debt.debtor_id == Debtor.id))
        .where(Debtor.lender_id == lender.id, Debtor.language == "en")
        .group_by(Debtor.id, Debtor.born_on, Debtor.language)
        .having(func.count() == 2)
        .order_by(Debtor.id)
        .limit(1)
    ).one()
    debt, other = debts_of(lender_id=lender.id, debtor_id=chosen.id)
    today = clock.today(lender.zone)
    with transaction():
        plan = agree(debt, today=today, zone=lender.zone)
        for number in range(1, PAID + 1):
            _pay(debt, number=number, today=today)
        token = sign_in.invite(lender_id=lender.id, debtor_id=chosen.id, key=SECRET_KEY)
    let_go()
    return SignIn(
        token=token,
        debtor=str(chosen.id),
        born_on=chosen.born_on,
        debt=debt.reference,
        plan=plan,
        other=other.reference,
        payment=1 + other.owed.minor // 1_200,
    )


def agree(debt: Standing, *, payments: int = PAYMENTS, today: date, zone: str) -> str:
    """Let a person agree to a monthly plan; gives its reference."""
    by = Actor("debtor", str(debt.debtor_id))
    amounts = level(debt.owed, payments)
    days = due_dates(first=today + timedelta(days=10), frequency=Frequency.MONTHLY, count=payments)
    proposal_id = negotiate.propose(debt, payment=amounts[0], frequency=Frequency.MONTHLY, by=by, today=today)
    session.flush()
    proposal = negotiate.newest_proposal(debt)
    if proposal is None or proposal.id != proposal_id:
        raise LookupError(proposal_id)
    schedule = Schedule(
        items=tuple(
            Item(seq=seq, due_on=day, amount=amount, principal=amount, interest=share(amount, (0, 1))[0])
            for seq, (day, amount) in enumerate(zip(days, amounts, strict=True), start=1)
        ),
        frequency=Frequency.MONTHLY,
    )
    plan = Arrangement(Kind.INSTALMENTS, schedule, cost=schedule.total_interest)
    number = negotiate.quote(debt, proposal=proposal, key="own", arrangement=plan, by=by, today=today, zone=zone)
    session.flush()
    agreed = negotiate.agree(debt, number=number, agreed_text="I agree.", by=by)
    if not isinstance(agreed, negotiate.Agreed):
        raise LookupError(agreed)
    session.flush()
    return agreed.reference


def _pay(debt: Standing, *, number: int, today: date) -> None:
    """Let a payment of the plan come in, as `payments/settle.py` posts it."""
    book = ledger.locked(lender_id=debt.lender_id, debt_id=debt.id)
    plan = session.scalars(select(Plan).where(Plan.lender_id == debt.lender_id, Plan.debt_id == debt.id)).one()
    amount = Money(progress.items_of(plan)[number - 1].amount_minor, plan.currency)
    owed = {Component(account.value): book.standing(account) for account in OWED}
    ledger.post(
        lender_id=debt.lender_id,
        kind="payment",
        cause=f"payment:bench-{number}",
        moves=[
            Move(debt.id, Account(component.value), Account.CASH_STRIPE, part)
            for component, part in allocate(payment=amount, owed=owed).parts
        ],
        on=today,
    )
    progress.lay_over(
        plan,
        progress.lives_of([plan])[plan.id],
        cleared=[(today, amount)] * number,
        owed=book.owed,
        today=today,
        by=STRIPE,
        on_its_way=Money.zero(plan.currency),
    )


def let_go() -> None:
    """Close every connection, so that the file of a database holds all that was written."""
    engine = session.get_bind()
    session.remove()
    engine.dispose()  # type: ignore[union-attr]


if __name__ == "__main__":
    # In a process of its own, because a child's peak memory is never less than its parent's was.
    write_file(Path(sys.argv[1]), debts=int(sys.argv[2]))
