"""Paying by bank transfer: to which account, how much, and with which reference."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.banking import references
from portal.banking.reference import grouped
from portal.care.pages import paying_all_the_same
from portal.db import transaction
from portal.debts.pages import mine_or_404
from portal.lenders import accounts, numbers
from portal.payments.payable import choice_words, choices_of, disputed_of, on_its_way, payable_of
from portal.people.permissions import me, needs_debtor

transfers = Blueprint("transfers", __name__)


@transfers.get("/pay/by-transfer")
@needs_debtor
def by_transfer() -> ResponseReturnValue:
    """Show what somebody types into a bank's own page; where the lender takes no transfers, how else to pay."""
    person = me()
    debt = mine_or_404(request.args.get("debt", ""))
    account = accounts.shown(lender_id=person.lender_id, currency=debt.owed.currency)
    if account is None or not debt.owed or not debt.open:
        return redirect(url_for("payments.pay", debt=debt.reference), 303)
    to = {
        "holder": account.holder,
        "number": numbers.grouped(account.number),
        "plain_number": account.number,
        "is_iban": numbers.is_iban(account.number),
        "bic": account.bic,
        "bank": account.bank,
    }
    with transaction():
        reference = references.give(lender_id=person.lender_id, debt_id=debt.id)
    person = me()
    debt = mine_or_404(debt.reference)
    found = payable_of(person, debt)
    return render_template(
        "banking/transfer.html",
        debt=debt,
        to=to,
        amounts=[(choice_words(key), amount) for key, amount in choices_of(found).items() if amount is not None],
        reference=grouped(reference),
        plain_reference=reference,
        underway=on_its_way(debt),
        disputed=debt.id in disputed_of(person, [debt]),
        all_the_same=paying_all_the_same(),
    )
