"""RULES  An entry of a bank's account as its file says it, what is wrong with it, and on which day it counts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from portal.money import InexactAmount, Money

# What banks write where there is nothing to say.
_NOTHING: Final = frozenset({"", "NONREF", "NOTPROVIDED", "NOT PROVIDED", "NONE", "N/A"})
# More than this in whole units of a currency is no payment of a person; a comma in the wrong place is likelier.
MOST: Final = Decimal(100_000_000_000)
LONGEST_TEXT: Final = 1_000


class Refused(StrEnum):
    """Why an entry is not brought in."""

    DEBIT = "debit"
    REVERSED = "reversed"  # The bank took an earlier credit out again; a person has to look.
    CURRENCY = "currency"
    NOT_BOOKED = "not_booked"
    DECIMALS = "decimals"
    NOT_ABOVE_ZERO = "not_above_zero"
    ABSURD = "absurd"
    NO_DATE = "no_date"
    TO_COME = "to_come"
    NOT_A_NUMBER = "not_a_number"
    BROKEN_ROW = "broken_row"
    OTHER_ENTRY = "other_entry"  # The bank's reference is known, of an entry that says something else.


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry, or one payment in a collective one, as the file has it; `place` counts from 1 through the file.

    `reference` is the bank's own of the entry, `texts` everything in which a payer may have written one of ours.
    `sent` is the day on which the payer's bank took it, where the file says so. Without an amount it could not be read.
    """

    place: int
    account: str
    reference: str | None
    nth: int
    booked: date | None
    value: date | None
    sent: date | None
    amount: Decimal | None
    currency: str
    credit: bool
    reversal: bool
    is_booked: bool
    texts: tuple[str, ...]
    payer: str | None
    payer_account: str | None
    collective: bool
    broken: bool = False

    @property
    def text(self) -> str:
        """Give what the payer wrote, as it is kept."""
        return " / ".join(dict.fromkeys(text for text in self.texts if text))[:LONGEST_TEXT]


@dataclass(frozen=True, slots=True)
class Good:
    """An entry that can be brought in: how much came, and on which day it counts."""

    amount: Money
    counts_on: date


def named(reference: str | None) -> str | None:
    """Give a reference of a bank, or None where it only says that there is none.

    >>> named(" 20261109-001 "), named("NONREF")
    ('20261109-001', None)
    """
    plain = " ".join((reference or "").split())
    return None if plain.upper() in _NOTHING else plain


def judged(entry: Entry, *, currency: str, today: date) -> Good | Refused:
    """Say what is wrong with an entry, or how much came and when it counts.

    It counts on its value date, and on its booking date if it has none or one that is still to come; but never before
    it was sent. `today` is the day by the lender's calendar.
    """
    if entry.broken:
        return Refused.BROKEN_ROW
    if not entry.is_booked:
        return Refused.NOT_BOOKED
    if not entry.credit:
        return Refused.REVERSED if entry.reversal else Refused.DEBIT
    if entry.amount is None:
        return Refused.NOT_A_NUMBER
    if entry.currency != currency:
        return Refused.CURRENCY
    if entry.amount <= 0:
        return Refused.NOT_ABOVE_ZERO
    if entry.amount > MOST:
        return Refused.ABSURD
    try:
        amount = Money.of(entry.amount, currency)
    except InexactAmount:
        return Refused.DECIMALS
    days = [day for day in (entry.value, entry.booked) if day is not None]
    if not days:
        return Refused.NO_DATE
    past = next((day for day in days if day <= today), None)
    if past is None:
        return Refused.TO_COME
    if entry.sent is not None and past < entry.sent <= today:
        past = entry.sent
    return Good(amount, past)


def key_of(entry: Entry) -> str:
    """Give what tells an entry from all others of its account: the bank's reference, or else all that it says.

    Two that say the same on one day are told apart by their place among each other (`nth`), which is the same in each
    file that has the whole day.
    """
    if entry.reference is not None:
        return f"ref:{entry.reference}"[:200]
    said = (
        entry.booked, entry.value, entry.amount and entry.amount.normalize(), entry.currency, entry.credit,
        entry.payer, entry.payer_account, *entry.texts,
    )  # fmt: skip
    digest = hashlib.sha256("\x1f".join(str(part) for part in said).encode()).hexdigest()
    return f"all:{digest[:40]}:{entry.nth}"
