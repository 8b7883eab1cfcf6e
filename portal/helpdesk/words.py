"""What the pages of the helpdesk say of people, payments and searches."""

from __future__ import annotations

from flask import url_for

from portal.care import words as care_words
from portal.care.states import Kind
from portal.helpdesk.deciding import GRANTED, decided_for
from portal.helpdesk.finding import LONGEST, Refused
from portal.staff.gates import Colleague
from portal.staff.roles import Permission
from portal.web.languages import gettext as _


def kind_words(kind: Kind) -> str:
    """Give the name of a kind of request, as a colleague reads it; most are what the person said."""
    match kind:
        case Kind.OFFER:
            return _("An offer for a plan")
        case Kind.CONTACT_CHANGE:
            return _("How they can be reached")
    return care_words.kind_words(kind)


def refused_words(why: Refused) -> str:
    """Say why nothing was looked for, and what to type instead."""
    return {
        Refused.NOTHING: _("Type a name, a reference, a number, a phone number or an e-mail address."),
        Refused.TOO_SHORT: _("Type at least two letters of a name, or a whole reference, number, phone or e-mail."),
        Refused.TOO_LONG: _("That is too long to look for. Type at most %(most)s characters.", most=LONGEST),
    }[why]


def told_at_the_start(who: Colleague) -> list[tuple[str, str]]:
    """Say on the first page of a colleague what others decided about what this one asked; each with the request."""
    if Permission.ANSWER_REQUESTS not in who.may:
        return []
    return [
        (
            _("%(name)s said yes to what you asked about %(number)s", name=each.decider, number=each.number)
            if each.state == GRANTED
            else _("%(name)s said no to what you asked about %(number)s", name=each.decider, number=each.number),
            url_for("helpdesk.request", number=each.number),
        )
        for each in decided_for(who)
    ]


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
