"""What pages about a debt share: finding one's own, and the words for its parts and changes."""

from __future__ import annotations

from flask import abort

from portal.debts.statement import Standing, debt_of
from portal.ledger import Account
from portal.people.permissions import me
from portal.web.languages import gettext as _


def mine_or_404(reference: str) -> Standing:
    """Give the signed-in person's debt with a reference; anybody else's doesn't exist."""
    person = me()
    debt = debt_of(lender_id=person.lender_id, debtor_id=person.debtor_id, reference=reference)
    if debt is None:
        abort(404)
    return debt


def part_words(account: Account) -> str:
    """Give the name of a part of what is owed."""
    match account:
        case Account.PRINCIPAL:
            return _("Borrowed money")
        case Account.INTEREST:
            return _("Interest")
        case Account.PENALTY:
            return _("Late charges")
        case Account.FEES:
            return _("Fees")
        case Account.COSTS:
            return _("Costs")
    raise LookupError(account)


def posting_words(kind: str) -> str:
    """Say in plain words what a posting was."""
    match kind:
        case "opening":
            return _("What you owed when your lender gave us this debt")
        case "payment":
            return _("Your payment")
        case "refund":
            return _("Payment given back to you")
        case "refund_failed":
            return _("Giving back failed, so your payment counts again")
        case "dispute":
            return _("Your bank took a payment back")
        case "dispute_won":
            return _("Your bank gave a payment to your lender again")
        case "transfer_undone":
            return _("Your lender had entered a payment by mistake")
        case "placed":
            return _("Money that was found to be yours")
        case "plan_interest":
            return _("Interest of your plan")
        case "waiver":
            return _("Let off by your lender")
        case "waiver_undone":
            return _("What was let off is owed again, because a payment went back")
        case "set_off":
            return _("Money that you had with us was used")
        case "set_off_undone":
            return _("Money that was used went back where it came from")
        case "adjustment":
            return _("Your lender corrected the amount")
        case "correction":
            return _("A correction was taken back")
        case _:
            return _("Change")
