"""What somebody agrees to who lets the payments of a plan be taken from a card: the text, and which one it is."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from portal.autopay import rules
from portal.money import Money
from portal.payments.rails import Rail
from portal.web.formats import day as day_words
from portal.web.formats import money as money_words
from portal.web.languages import gettext as _
from portal.web.languages import ngettext

# Changes with each change of the words below, in any language.
VERSION = "2026-12-01"


@dataclass(frozen=True, slots=True)
class Coming:
    """A payment to come, and whether it is taken by itself or paid by hand because its day is too near."""

    on: date
    amount: Money
    taken: bool


def paragraphs(*, lender: str, plan: str, payments: Sequence[Coming], account: Rail | None) -> list[str]:
    """Give the text in the language in force, a paragraph each; the list of days and amounts is part of it.

    `account` is the way by which a bank account can be taken from, if there is one.
    """
    most = max(one.amount for one in payments)
    days, more, late = rules.DAYS.days, rules.DAYS_IF_MORE.days, rules.LATE.days
    return [
        _(
            "I allow %(lender)s to take the payments of my plan %(plan)s from my card or bank account on the days "
            "listed here, through Stripe, its payment service.",
            lender=lender,
            plan=plan,
        ),
        *_of_account(account),
        _("At most %(amount)s is taken at once, and never more than is left of a payment.", amount=money_words(most)),
        ngettext(
            "At least %(num)s day before each payment I get a message with the day, the amount and what it is taken "
            "from.",
            "At least %(num)s days before each payment I get a message with the day, the amount and what it is taken "
            "from.",
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


def _of_account(account: Rail | None) -> list[str]:
    """Say what is otherwise where it is taken from a bank account."""
    if account is None:
        return []
    return [
        _(
            "If I save a bank account, my bank is asked on that day and usually answers within %(days)s working days. "
            "The payment counts from the day on which the bank was asked.",
            days=account.working_days,
        ),
        _(
            "What I agree to with my bank is shown on the page of Stripe, and kept. My bank can take a payment back "
            "for %(days)s days after it arrived; then it does not count any more.",
            days=account.returns,
        ),
    ]


def text_of(*, lender: str, plan: str, payments: Sequence[Coming], account: Rail | None) -> str:
    """Give all of it as it is kept."""
    days = [f"{day_words(one.on)}: {money_words(one.amount)}" for one in payments if one.taken]
    return "\n".join([*paragraphs(lender=lender, plan=plan, payments=payments, account=account), "", *days])


def digest(text: str) -> str:
    """Give what tells one text from another: a page shows one, and only that one is agreed to."""
    return hashlib.sha256(f"{VERSION}\n{text}".encode()).hexdigest()[:32]
