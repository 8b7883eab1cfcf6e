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
