"""What pages about a debt share: finding one's own, and the words for its parts and changes."""

from __future__ import annotations

from flask import abort
from flask_babel import gettext as _

from portal.debts.statement import Standing, debt_of
from portal.ledger import Account
from portal.people.permissions import me


def mine_or_404(reference: str) -> Standing:
    """Give the signed-in person's debt with a reference; anybody else's doesn't exist."""
    person = me()
    debt = debt_of(lender_id=person.lender_id, debtor_id=person.debtor_id, reference=reference)
    if debt is None:
        abort(404)
    return debt


def part_words(account: Account) -> str:
    """Give the name of a part of what is owed."""
    return {
        Account.PRINCIPAL: _("Borrowed money"),
        Account.INTEREST: _("Interest"),
        Account.PENALTY: _("Late charges"),
        Account.FEES: _("Fees"),
        Account.COSTS: _("Costs"),
    }[account]


def posting_words(kind: str) -> str:
    """Say in plain words what a posting was."""
    return {
        "opening": _("What you owed when your lender gave us this debt"),
        "payment": _("Your payment"),
        "refund": _("Payment given back to you"),
        "refund_failed": _("Giving back failed, so your payment counts again"),
        "plan_interest": _("Interest of your plan"),
        "set_off": _("Money that you had with us was used"),
        "set_off_undone": _("Money that was used went back where it came from"),
        "adjustment": _("Your lender corrected the amount"),
        "correction": _("A correction was taken back"),
    }.get(kind, _("Change"))
