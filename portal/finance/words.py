"""What the pages of finance say of states and reasons."""

from __future__ import annotations

from portal.desk.two_people import Tie
from portal.payments.dispute_states import is_return
from portal.payments.models import SetAside
from portal.payments.setting_aside import Why
from portal.web.languages import gettext as _


def refund_words(state: str) -> tuple[str, str]:
    """Give the state of a refund, and the kind of its tag."""
    return {
        "asked": (_("Waits for a second person"), "wait"),
        "approved": (_("Stripe is being asked"), "wait"),
        "sent": (_("On its way back"), "wait"),
        "done": (_("Given back"), "good"),
        "refused": (_("Stripe said no; nothing went back"), "bad"),
        "failed": (_("Did not arrive; it counts as paid again"), "bad"),
        "declined": (_("A colleague said no"), "plain"),
        "taken_back": (_("Taken back"), "plain"),
    }[state]


def dispute_words(state: str, reason: str) -> tuple[str, str]:
    """Give where a dispute is, and the kind of its tag."""
    if state == "lost" and is_return(reason):
        return _("Debit came back"), "bad"
    return {
        "asked": (_("The bank asks"), "wait"),
        "open": (_("Money taken"), "bad"),
        "won": (_("Won"), "good"),
        "lost": (_("Lost"), "plain"),
        "over": (_("Over"), "plain"),
    }[state]


def dispute_reason_words(reason: str) -> str:
    """Say what somebody's bank gives as the reason; one that Stripe has named since is not known to us."""
    return {
        "bank_cannot_process": _("The bank could not carry out the debit"),
        "check_returned": _("A cheque came back"),
        "credit_not_processed": _("Money was to come back and did not"),
        "customer_initiated": _("The person asked the bank to take it back"),
        "debit_not_authorized": _("The person says that this debit was not allowed"),
        "duplicate": _("The person says that it was paid twice"),
        "fraudulent": _("The person says that somebody else paid with the card"),
        "general": _("No exact reason was given"),
        "incorrect_account_details": _("The account’s number was wrong"),
        "insufficient_funds": _("There was not enough money in the account"),
        "noncompliant": _("The bank says that a rule of the card was not kept"),
        "product_not_received": _("The person says that nothing was received for it"),
        "product_unacceptable": _("The person says that what was received was not as described"),
        "subscription_canceled": _("The person says that these payments had been stopped"),
        "unrecognized": _("The person does not recognise the payment"),
    }.get(reason) or _("A reason that only the bank knows; see it at Stripe")


def why_words(why: str) -> str:
    """Say why money could not be placed by itself."""
    return {
        Why.AMOUNT.value: _("Another amount than we asked for"),
        Why.CURRENCY.value: _("Another currency than we asked for"),
        Why.REFERENCE.value: _("It says that it is for another payment"),
        Why.MODE.value: _("A test where money is real, or the other way round"),
        Why.RECALLED.value: _("The lender took the debt back"),
        Why.SECOND.value: _("A second success of a payment that had come"),
        Why.UNKNOWN.value: _("No payment of ours is known for it"),
        Why.NO_REFERENCE.value: _("No reference of a debt in it"),
        Why.DAMAGED.value: _("A reference with a mistake in it"),
        Why.NOT_KNOWN.value: _("A reference that no debt has"),
        Why.SEVERAL.value: _("It names more than one debt"),
        Why.DISPUTED.value: _("The person says that this debt is wrong"),
        Why.COLLECTIVE.value: _("Several payments in one sum, without the single amounts"),
        Why.CAME_BACK.value: _("Money that you had sent and that came back"),
        Why.FROM_BEFORE.value: _("Set aside before reasons were kept"),
    }[why]


def aside_words(row: SetAside) -> tuple[str, str]:
    """Give what became of money that was set aside, and the kind of its tag."""
    if row.placed_debt_id is not None:
        return _("Placed"), "good"
    if row.gone_minor > row.amount_minor:
        return _("More went back than came"), "bad"
    if row.gone_minor == row.amount_minor:
        return _("Went back"), "plain"
    return _("Waits"), "wait"


def method_words(method: str | None) -> str | None:
    """Say how money came, as Stripe says it or as we do of money at the lender's own account."""
    return {"bank_transfer": _("Bank transfer"), "cash": _("Cash")}.get(method or "", method)


def tie_words(tie: Tie, name: str) -> str:
    """Say why somebody is not a second person."""
    if tie is Tie.ONESELF:
        return _("You asked for this yourself. A colleague decides.")
    return _(
        "You and %(name)s look like one person to us, or one brought the other in. A third one decides.", name=name
    )


def line_words(state: str) -> tuple[str, str]:
    """Give what a line says of the books and Stripe, and the kind of its tag."""
    return {
        "matched": (_("Matches"), "good"),
        "suspense": (_("Matches, and waits to be placed"), "wait"),
        "differs": (_("Two amounts"), "bad"),
        "missing": (_("Missing at Stripe"), "bad"),
        "extra": (_("Missing in the books"), "bad"),
        "undone": (_("Came to nothing"), "plain"),
        "fee": (_("Fee of Stripe"), "plain"),
        "waiting": (_("Still on its way"), "wait"),
    }[state]


def line_kind_words(kind: str) -> str:
    """Say what moved; what Stripe may call otherwise one day stays its word."""
    return {
        "charge": _("Money that came"),
        "payment": _("Money that came"),
        "refund": _("Money that goes back"),
        "payment_refund": _("Money that goes back"),
        "refund_failure": _("Money that came back"),
        "refund_failed": _("Money that came back"),
        "adjustment": _("Dispute"),
        "withdrawn": _("Dispute"),
        "reinstated": _("Dispute"),
        "stripe_fee": _("Fee of Stripe"),
        "stripe_fx_fee": _("Fee of Stripe"),
        "tax_fee": _("Fee of Stripe"),
    }.get(kind, kind)


def payout_words(state: str, status: str) -> tuple[str, str]:
    """Give where a payout is and whether it adds up, and the kind of its tag."""
    if status in ("failed", "canceled"):
        return _("Did not arrive"), "bad"
    if state == "differs":
        return _("Does not add up"), "bad"
    if state == "by_hand":
        return _("Asked for by hand, so nobody says what is in it"), "plain"
    if state != "tied":
        return _("Being counted"), "wait"
    return (_("Arrived, and adds up"), "good") if status == "paid" else (_("On its way, and adds up"), "wait")


def account_words(account: str) -> str:
    """Say what stands in an account of the books."""
    return {
        "principal": _("Principal"),
        "interest": _("Interest"),
        "penalty": _("Penalty"),
        "fees": _("Fees"),
        "costs": _("Costs"),
        "credit": _("What people paid too much"),
        "opening": _("What debts began with"),
        "adjustment": _("Figures that were put right"),
        "accrual": _("Interest as it came due"),
        "cash:stripe": _("Money at Stripe"),
        "cash:lender": _("Money at your own account"),
        "waiver": _("What was let off"),
        "write_off": _("What was written off"),
        "suspense": _("Money that waits"),
        "set_off": _("Between two debts of one person"),
        "processing_fees": _("Fees of Stripe"),
        "dispute_fees": _("Fees for disputes"),
        "exchange": _("Between two currencies"),
        "paid_out": _("Paid out to the bank"),
    }.get(account, account)
