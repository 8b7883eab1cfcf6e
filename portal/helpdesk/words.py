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
