"""What the letters say about how a debt or a plan ends; plain frozen values, as in `contents`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from portal.letters.kinds import Kind
from portal.letters.parts import Amounts, Entry, Instalment, Told
from portal.money import Money, total


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementOffer:
    """For which payments the lender lets the rest of a debt off, and until when it stands by that.

    `told` is what the page of the offer says beside its payments, word for word: what happens if one is late, what is
    reported, tax.
    """

    kind: ClassVar[Kind] = Kind.SETTLEMENT_OFFER

    quote_number: str
    rules_version: str
    made_on: date
    good_until: datetime
    balance: Amounts
    waived: Amounts
    interest: Money  # Added by paying over time; mostly nothing.
    instalments: tuple[Instalment, ...]
    void_on: date | None = None  # Without the first payment by then nothing is agreed.
    told: tuple[Told, ...] = ()

    @property
    def currency(self) -> str:
        """Name the currency of the offer."""
        return self.interest.currency

    @property
    def total(self) -> Money:
        """Add up what is to be paid."""
        return total((item.amount for item in self.instalments), currency=self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidOn:
    """What one posting paid on a debt; minus where that went back."""

    on: date
    entry: Entry
    amount: Money

    @property
    def adds(self) -> bool:
        """Say whether the debt became larger by it."""
        return self.amount.minor < 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a debt came to nothing, part by part: what came to the portal, what was added and corrected, what was paid.

    `original` and `opened_on` are of the contract, as far as the lender has said them. `final_since` is the first day
    on which no bank can take back by itself what was paid.
    """

    since: date
    opening: Amounts
    added: Amounts
    corrected: Amounts
    paid: Amounts
    payments: tuple[PaidOn, ...]
    settled_on: date
    final_since: date
    product: str
    original: Money | None = None
    opened_on: date | None = None

    @property
    def currency(self) -> str:
        """Name the currency of the debt."""
        return self.paid.principal.currency


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementSatisfied(Ended):
    """That what was agreed was paid, and the rest is not asked for any more."""

    kind: ClassVar[Kind] = Kind.SETTLEMENT_SATISFIED

    waived: Amounts
    plan_reference: str | None = None
    quote_number: str | None = None
    agreed_at: datetime | None = None
    told: tuple[Told, ...] = ()  # What was said of the credit record before it was agreed, word for word.


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidInFull(Ended):
    """That all of a debt was paid. `let_off` is nothing, or this letter may not be written."""

    kind: ClassVar[Kind] = Kind.PAID_IN_FULL

    let_off: Money


class Because(StrEnum):
    """Why a plan ended, in no words that blame."""

    ASKED = "asked"  # The person asked for it.
    NOT_BEGUN = "not-begun"  # Its first payment, without which it doesn't begin, did not come by its day.
    MISSING = "missing"  # What was missing was not there by the day until which it could be made up for.
    DEBT_TAKEN_BACK = "debt-taken-back"  # The lender took the debt back out of the portal.


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanEnded:
    """That a plan is over before all of it was paid: why, what was paid, and what is owed.

    `told` is what was said before it was agreed about a plan that ends, word for word.
    """

    kind: ClassVar[Kind] = Kind.PLAN_ENDED

    plan_reference: str
    agreed_at: datetime
    ended_at: datetime
    because: Because
    planned: Money
    paid: Money
    owed: Amounts
    let_off: Money  # For good.
    not_let_off: Money  # What the plan would have let off and didn't: it is owed.
    rate: Decimal | None = None  # Of the contract, percent a year; None where none is charged.
    payable: bool = True  # Whether it can still be paid here.
    told: tuple[Told, ...] = ()

    @property
    def currency(self) -> str:
        """Name the currency of the plan."""
        return self.paid.currency


Ending = SettlementOffer | SettlementSatisfied | PaidInFull | PlanEnded
ENDINGS: tuple[type[Ending], ...] = (SettlementOffer, SettlementSatisfied, PaidInFull, PlanEnded)
