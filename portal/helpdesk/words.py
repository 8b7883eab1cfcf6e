"""What the pages of the helpdesk say of people, payments and searches."""

from __future__ import annotations

from portal.helpdesk.finding import LONGEST, Refused
from portal.web.languages import gettext as _


def refused_words(why: Refused) -> str:
    """Say why nothing was looked for, and what to type instead."""
    return {
        Refused.NOTHING: _("Type a name, a reference, a number, a phone number or an e-mail address."),
        Refused.TOO_SHORT: _("Type at least two letters of a name, or a whole reference, number, phone or e-mail."),
        Refused.TOO_LONG: _("That is too long to look for. Type at most %(most)s characters.", most=LONGEST),
    }[why]


def payment_words(state: str) -> tuple[str, str]:
    """Give the state of a payment, and the kind of its tag."""
    return {
        "created": (_("Not finished"), "plain"),
        "sent": (_("Not finished"), "plain"),
        "processing": (_("On its way"), "wait"),
        "succeeded": (_("Paid"), "good"),
        "failed": (_("Declined"), "bad"),
        "cancelled": (_("Left by the person"), "plain"),
        "expired": (_("Not finished in time"), "plain"),
        "partly_refunded": (_("Partly given back"), "wait"),
        "refunded": (_("Given back"), "wait"),
        "disputed": (_("Disputed at the bank"), "bad"),
    }[state]


def plan_state(state: str) -> tuple[str, str]:
    """Give how a plan stands, for a colleague, and the kind of its tag."""
    return {
        "agreed": (_("Agreed, not begun"), "plain"),
        "active": (_("Going well"), "good"),
        "grace": (_("In the days of grace"), "wait"),
        "at_risk": (_("A payment is missing"), "wait"),
        "broken": (_("Broken"), "bad"),
        "paused": (_("Paused"), "plain"),
        "completed": (_("Done"), "good"),
        "cancelled": (_("Ended by the person"), "plain"),
        "expired": (_("Never begun"), "plain"),
        "superseded": (_("Replaced by another plan"), "plain"),
        "voided": (_("Taken back"), "plain"),
        "ended_broken": (_("Ended as broken"), "plain"),
    }[state]


def waits_words(why: str) -> str:
    """Say what about a plan waits for a person."""
    return {
        "cure_over": _("The days to make up for it are over"),
        "review": _("The day of its review has come"),
    }[why]
