"""What somebody agrees to who lets the payments of a plan be taken from a card: the text, and which one it is."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from portal.autopay import rules
from portal.money import Money
from portal.web.formats import day as day_words
from portal.web.formats import money as money_words
from portal.web.languages import gettext as _
from portal.web.languages import ngettext

# Changes with each change of the words below, in any language.
VERSION = "2026-11-30"


@dataclass(frozen=True, slots=True)
class Coming:
    """A payment to come, and whether it is taken by itself or paid by hand because its day is too near."""

    on: date
    amount: Money
    taken: bool


def paragraphs(*, lender: str, plan: str, payments: Sequence[Coming]) -> list[str]:
    """Give the text in the language in force, a paragraph each; the list of days and amounts is part of it."""
    most = max(one.amount for one in payments)
    days, more, late = rules.DAYS.days, rules.DAYS_IF_MORE.days, rules.LATE.days
    return [
        _(
            "I allow %(lender)s to take the payments of my plan %(plan)s from my card on the days listed here, through "
            "Stripe, its payment service.",
            lender=lender,
            plan=plan,
        ),
        _("At most %(amount)s is taken at once, and never more than is left of a payment.", amount=money_words(most)),
        ngettext(
            "At least %(num)s day before each payment I get a message with the day, the amount and the card.",
            "At least %(num)s days before each payment I get a message with the day, the amount and the card.",
            days,
        ),
        _(
            "If a payment becomes larger than that, the message comes at least %(days)s days before. Without a message "
            "nothing is taken.",
            days=more,
        ),
        _(
            "It is taken after ten in the morning, my time, on its day; if something stands in the way, at most "
            "%(days)s days later.",
            days=late,
        ),
        _(
            "If my bank says no for now, it is tried again after 3 days and once more after another 4, and I am told "
            "each time. That costs me nothing."
        ),
        _(
            "I can stop this at any time, until the morning of a payment, on the page of my plan or by telling the "
            "lender."
        ),
    ]


def text_of(*, lender: str, plan: str, payments: Sequence[Coming]) -> str:
    """Give all of it as it is kept."""
    days = [f"{day_words(one.on)}: {money_words(one.amount)}" for one in payments if one.taken]
    return "\n".join([*paragraphs(lender=lender, plan=plan, payments=payments), "", *days])


def digest(text: str) -> str:
    """Give what tells one text from another: a page shows one, and only that one is agreed to."""
    return hashlib.sha256(f"{VERSION}\n{text}".encode()).hexdigest()[:32]
