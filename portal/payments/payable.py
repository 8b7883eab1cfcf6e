"""A debt that something can be paid on: how much, what that does, what stands against it; in words of the pages."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flask import url_for
from sqlalchemy import select

from portal import clock
from portal.care.holds import holding
from portal.db import session
from portal.debts.statement import Standing, debts_of
from portal.money import Money, total
from portal.payments import stripe_gateway
from portal.payments.models import Payment, PaymentPart
from portal.people.permissions import Person
from portal.plans.progress import View, alive_plan, interest_due, still_to_waive, view_of
from portal.plans.reach import Open, reach
from portal.plans.redrawing import Use
from portal.web.formats import day as day_words
from portal.web.formats import money as money_words
from portal.web.languages import gettext as _
from portal.web.languages import ngettext

# Nobody is asked to pay less than this; a smaller debt is paid as a whole by other means.
LEAST_MINOR = 100


@dataclass(frozen=True, slots=True)
class Payable:
    """A debt that something can be paid on: with its living plan, and with interest that is due and not yet posted."""

    debt: Standing
    view: View | None
    owed: Money

    @property
    def next(self) -> Money:
        """Give the next payment of its plan; nothing without one."""
        # Interest is charged on its due date: whoever pays the last payment before it owes that much less.
        return min(self.view.next_amount, self.owed) if self.view else Money.zero(self.owed.currency)

    @property
    def late(self) -> Money:
        """Give what is missing of all payments whose day has passed."""
        return min(self.view.late_amount, self.owed) if self.view else Money.zero(self.owed.currency)


def least_payment(currency: str) -> Money:
    """Give the smallest payment in a currency: 1.00 in most, and more where Stripe takes no less, as 175.00 in HUF."""
    usual = Money(LEAST_MINOR, currency)
    try:
        return max(usual, stripe_gateway.least(currency))
    except stripe_gateway.NotChargeable:
        return usual


def least_of(owed: Money) -> Money:
    """Give the smallest payment for a debt, or all that is owed if that is less."""
    return min(least_payment(owed.currency), owed)


def payable_of(person: Person, debt: Standing) -> Payable:
    """Give a debt as something that can be paid on; what its plan will let off is not asked for."""
    today = clock.today(person.zone)
    plan = alive_plan(lender_id=debt.lender_id, debt_id=debt.id)
    return Payable(
        debt=debt,
        view=view_of(plan, today=today) if plan else None,
        owed=debt.owed - still_to_waive(plan) + interest_due(plan, today=today) if plan else debt.owed,
    )


def owing_of(person: Person) -> list[Standing]:
    """Give the debts of a person on which something is owed."""
    return [debt for debt in debts_of(lender_id=person.lender_id, debtor_id=person.debtor_id) if debt.owed]


def disputed_of(person: Person, mine: Iterable[Standing]) -> frozenset[uuid.UUID]:
    """Give the debts of which the person says that they are wrong; without a debt, all of them are meant."""
    found = holding(lender_id=person.lender_id, debtor_id=person.debtor_id, at=clock.now())
    said = {hold.debt_id for hold in found if hold.disputed}
    return frozenset(debt.id for debt in mine if None in said or debt.id in said)


def together(mine: Sequence[Standing]) -> list[tuple[str, int]]:
    """Give the currencies in which several debts can be paid at once, with how many there are."""
    counted: dict[str, int] = {}
    for debt in mine:
        counted[debt.owed.currency] = counted.get(debt.owed.currency, 0) + 1
    return [(currency, count) for currency, count in counted.items() if count > 1]


def on_its_way(debt: Standing) -> str | None:
    """Say that money for this debt is on its way already, so that nobody pays the same thing twice."""
    underway = session.execute(
        select(PaymentPart.amount_minor, PaymentPart.currency, Payment.voucher_until)
        .join(Payment, (Payment.lender_id == PaymentPart.lender_id) & (Payment.id == PaymentPart.payment_id))
        .where(PaymentPart.lender_id == debt.lender_id, PaymentPart.debt_id == debt.id, Payment.state == "processing")
        .order_by(Payment.started_at.desc())
        .limit(1)
    ).first()
    if underway is None:
        return None
    if underway.voucher_until is not None and underway.voucher_until > clock.now():
        return _(
            "A voucher of %(amount)s for this debt can still be paid. If you pay in another way now, please don’t pay "
            "the voucher too.",
            amount=money_words(Money(underway.amount_minor, underway.currency)),
        )
    return _(
        "A payment of %(amount)s is on its way already. It can take a few days. Please don’t pay the same again.",
        amount=money_words(Money(underway.amount_minor, underway.currency)),
    )


def problem_of(amount: Money | None, owed: Money) -> str | None:
    """Say what keeps an amount from being paid on what is owed, or None."""
    if amount is None:
        return _("Enter an amount.")
    if amount < least_of(owed):
        return _("The smallest payment is %(amount)s.", amount=money_words(least_of(owed)))
    if amount > owed:
        return _("That is more than you owe. All that is left is %(amount)s.", amount=money_words(owed))
    if Money.zero(owed.currency) < owed - amount < least_payment(owed.currency):
        return _(
            "That would leave only %(rest)s, which is too little to be paid online later. "
            "Pay all of it, or a little less.",
            rest=money_words(owed - amount),
        )
    return not_chargeable(amount)


def not_chargeable(amount: Money) -> str | None:
    """Say that an amount can’t be charged, or None."""
    try:
        stripe_gateway.charged(amount)
    except stripe_gateway.NotChargeable:
        return _("This amount can’t be paid online. Please choose another one, or talk to us.")
    return None


def effects_of(found: Payable, amount: Money, *, use: Use | None = None) -> list[str]:
    """Say what an amount does, before it is paid; `use` is what an extra payment to a plan is for."""
    lines = []
    view = found.view
    if view is not None and use is not None:
        lines.append(_("It is extra: your plan is drawn again around it, as you saw on the page before."))
    elif view is not None:
        steps = [Open(step.seq, step.due_on, step.amount - step.paid) for step in view.steps if step.mark != "done"]
        does = reach(amount=amount, open_items=steps)
        if amount == found.owed or does.next is None:
            lines.append(_("Then your plan is done."))
            left = total((step.missing for step in steps), currency=amount.currency)
            if amount == found.owed < left:
                lines.append(
                    _("You save %(amount)s of interest that has not come due.", amount=money_words(left - amount))
                )
        else:
            if does.made:
                lines.append(
                    ngettext(
                        "It covers %(num)s payment of your plan.",
                        "It covers %(num)s payments of your plan.",
                        len(does.made),
                    )
                )
            if does.began:
                lines.append(
                    _(
                        "Of the payment on %(day)s, %(amount)s is then left.",
                        day=day_words(does.next.due_on),
                        amount=money_words(does.next.missing),
                    )
                )
            else:
                lines.append(
                    _(
                        "Your next payment is then %(amount)s on %(day)s.",
                        day=day_words(does.next.due_on),
                        amount=money_words(does.next.missing),
                    )
                )
            if amount > found.next:
                lines.append(
                    _("What is more than the next payment counts towards those after it. Their amounts stay the same.")
                )
    return lines


def choices_of(found: Payable) -> dict[str, Money | None]:
    """Give the amounts to choose from; None for one’s own."""
    choices: dict[str, Money | None] = {}
    if found.view is not None and found.view.next is not None:
        if found.late > found.next:
            choices["late"] = found.late
        choices["next"] = found.next
        if found.owed not in choices.values():
            choices["all"] = found.owed
    else:
        choices["all"] = found.owed
    choices["other"] = None
    return choices


def choice_words(key: str) -> str:
    """Name a choice."""
    return {
        "next": _("Your next payment"),
        "late": _("All that is late"),
        "all": _("All that is left"),
        "other": _("Another amount"),
    }[key]


def debt_choices(person: Person, mine: Iterable[Standing]) -> list[dict[str, object]]:
    """Give debts as rows to choose from."""
    return [
        {
            "reference": debt.reference,
            "product": debt.product,
            "creditor": debt.creditor or person.lender.name,
            "owed": debt.owed,
            "url": url_for("payments.pay", debt=debt.reference),
        }
        for debt in mine
    ]
