"""Home and one debt: what is owed, why, and the one next thing."""

from __future__ import annotations

import uuid

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from portal import clock
from portal.care.pages import notices_for_me
from portal.debts.pages import mine_or_404, part_words, posting_words
from portal.debts.statement import debts_of, history
from portal.money import Money
from portal.people.permissions import Person, me, needs_debtor
from portal.plans.progress import Coming, coming_of

home = Blueprint("home", __name__)


def totals(amounts: list[Money]) -> list[Money]:
    """Add amounts up by currency, leaving out what is nothing."""
    sums: dict[str, Money] = {}
    for amount in amounts:
        sums[amount.currency] = sums.get(amount.currency, Money.zero(amount.currency)) + amount
    return [amount for amount in sums.values() if amount]


def _plans(person: Person) -> dict[uuid.UUID, Coming]:
    return {
        plan.debt_id: plan
        for plan in coming_of(lender_id=person.lender_id, debtor_id=person.debtor_id, today=clock.today(person.zone))
    }


@home.get("/home", endpoint="home")
@needs_debtor
def home_page() -> ResponseReturnValue:
    """Show what is owed in all, the one next thing, each debt."""
    person = me()
    mine = debts_of(lender_id=person.lender_id, debtor_id=person.debtor_id)
    plans, today = _plans(person), clock.today(person.zone)
    shown = []
    for debt in mine:
        plan = plans.get(debt.id)
        shown.append(
            {
                "reference": debt.reference,
                "product": debt.product,
                "creditor": debt.creditor or person.lender.name,
                "owed": debt.owed,
                "next": {"due_on": plan.due_on, "amount": plan.amount, "late": plan.due_on < today}
                if plan and plan.due_on
                else None,
                "plan_reference": plan.reference if plan else None,
                "url": url_for("home.debt", reference=debt.reference),
            }
        )
    owed = totals([debt.owed for debt in mine])
    if mine and not owed:
        owed = [Money.zero(mine[0].owed.currency)]
    return render_template(
        "debts/home.html",
        total=owed,
        credit=totals([debt.credit for debt in mine]),
        debts=shown,
        notices=notices_for_me(),
    )


@home.get("/debts/<reference:reference>")
@needs_debtor
def debt(reference: str) -> ResponseReturnValue:
    """Show one debt: its parts, its changes, who owns it."""
    person = me()
    found = mine_or_404(reference)
    plan = _plans(person).get(found.id)
    return render_template(
        "debts/debt.html",
        debt={
            "reference": found.reference,
            "product": found.product,
            "creditor": found.creditor or person.lender.legal_name,
            "owner": person.lender.legal_name,
            "owed": found.owed,
            "as_of": clock.today(person.zone),
            "opened_on": found.opened_on,
            "rate": found.annual_rate if found.annual_rate else None,
            "plan_reference": plan.reference if plan else None,
            "credit": found.credit if found.credit else None,
        },
        notices=notices_for_me(found.id),
        parts=[(part_words(account), part) for account, part in found.parts.items() if part],
        postings=[
            {"on": line.on, "words": posting_words(line.kind), "amount": line.change, "balance": line.after}
            for line in reversed(history(found))
        ],
    )
