"""Everything that a letter may print, as plain frozen values from which the same letter can be written again.

A template sees nothing else: no row of the database, no function, no clock. Money stays Money and dates stay dates
until the template's filters write them in the debtor's language.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, ClassVar, Self, Union, get_args, get_origin, get_type_hints

from portal.letters.caring_contents import CARING, Caring
from portal.letters.ending_contents import ENDINGS, Ending
from portal.letters.kinds import Kind as Kind
from portal.letters.parts import Amounts as Amounts
from portal.letters.parts import Component as Component
from portal.letters.parts import Entry as Entry
from portal.letters.parts import Instalment as Instalment
from portal.letters.parts import Told as Told
from portal.money import Money

FORMAT = "repayment-portal-letter/1"
PLAIN_BRAND = "#1f4e79"
# The number of what is no letter, but shows what letters look like. No letter is ever called so.
SAMPLE = "SAMPLE"


class InvalidColour(ValueError):
    """A brand colour that is not written as # and six hexadecimal digits."""


class WithoutZone(ValueError):
    """An instant that does not say its zone."""


class UnreadableLetter(ValueError):
    """JSON that was not written by `Letter.to_json`."""


class Frequency(StrEnum):
    """How often an instalment falls due."""

    WEEKLY = "weekly"
    FORTNIGHTLY = "fortnightly"
    FOUR_WEEKLY = "four_weekly"
    TWICE_A_MONTH = "twice_a_month"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    SEASONAL = "seasonal"


class Treatment(StrEnum):
    """What happens to interest while the plan runs."""

    NONE = "none"  # This debt bears no interest, with or without a plan.
    FROZEN = "frozen"  # It would bear interest; while the plan runs it does not.
    REDUCED = "reduced"
    CONTINUES = "continues"


class Method(StrEnum):
    """How a payment reached the lender."""

    CARD = "card"
    BANK_TRANSFER = "bank-transfer"
    DIRECT_DEBIT = "direct-debit"
    CASH = "cash"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Who writes the letter: the name people know, the legal name, and how to reach it."""

    name: str
    legal_name: str
    address: tuple[str, ...]
    licence: str | None = None
    phone: str | None = None
    email: str | None = None
    website: str | None = None
    signatory: str | None = None  # Who answers for the letter, and what that person is.
    signatory_role: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Adviser:
    """Somebody who gives free advice on debt and has no part in this debt."""

    name: str
    phone: str | None = None
    website: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Help:
    """Where to turn, and within how many calendar days an answer comes."""

    website: str
    query_days: int
    complaint_days: int
    phone: str | None = None
    advice: tuple[Adviser, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InterestTerms:
    """How interest is treated while the plan runs; rates are percent a year, `added` is part of the plan's total."""

    treatment: Treatment
    added: Money
    rate: Decimal | None = None  # While the plan runs; None where none is charged.
    rate_after: Decimal | None = None  # If the plan ends early; None where none is charged.
    day_count: str | None = None  # "ACT/365F" and so on.


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanAgreement:
    """What lender and debtor have agreed."""

    kind: ClassVar[Kind] = Kind.PLAN_AGREEMENT

    plan_reference: str
    quote_number: str
    rules_version: str
    agreed_at: datetime
    balance_on: date
    balance: Amounts
    frequency: Frequency
    instalments: tuple[Instalment, ...]
    interest: InterestTerms
    fee: Money
    grace_days: int
    tolerance: Money
    cure_days: int
    allocation_order: tuple[Component, ...]
    bureaus: tuple[str, ...] = ()  # To whom the lender reports this debt, as far as is known.
    decided_by_program: bool = True
    review_on: date | None = None  # Somebody looks again then, and `still_owed` is there by then.
    still_owed: Money | None = None
    void_on: date | None = None  # Without the first payment by then there is no plan.
    told: tuple[Told, ...] = ()  # What the page said before it was agreed, word for word.
    told_in: str | None = None  # In which language it did, where the letter is in another.

    @property
    def currency(self) -> str:
        """Name the currency of the plan."""
        return self.balance.principal.currency

    @property
    def total(self) -> Money:
        """Add up every payment of the plan."""
        return sum((item.amount for item in self.instalments), Money.zero(self.currency))

    @property
    def waived(self) -> Money:
        """Add up what is let off with the payments."""
        return sum((item.waived for item in self.instalments if item.waived), Money.zero(self.currency))

    @property
    def dearer_by(self) -> Money:
        """Return what the plan costs on top of paying the whole balance on the day it was agreed; minus if less.

        A balance of 900.00 paid in instalments that add up to 931.50 gives 31.50.
        """
        return self.total + (self.still_owed or Money.zero(self.currency)) - self.balance.total

    @property
    def level(self) -> bool:
        """Say whether all payments are the same."""
        return len({item.amount for item in self.instalments}) <= 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanItemPaid:
    """What a payment did for one instalment of a plan; one without a number was paid extra."""

    plan_reference: str
    number: int | None
    of: int
    due: date
    applied: Money
    still_due: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentReceipt:
    """One payment: what came in, what it paid for, and what is left."""

    kind: ClassVar[Kind] = Kind.PAYMENT_RECEIPT

    payment_reference: str
    method: Method
    amount: Money
    received_at: datetime
    cleared_at: datetime | None
    allocation: Amounts
    balance_before: Amounts
    balance_after: Amounts
    to_credit: Money  # What was more than was owed.
    credit_after: Money
    method_detail: str | None = None  # "Visa •••• 4242"
    plan_items: tuple[PlanItemPaid, ...] = ()
    let_off: Money | None = None  # With this payment, because a plan promised it.
    part_of: Money | None = None  # The whole payment, where it paid on several debts.
    returnable_until: date | None = None  # The last day on which its bank can take it back by itself.
    lets_off_later: bool = False  # What its plan lets off waits until that day is over.

    @property
    def currency(self) -> str:
        """Name the currency of the payment."""
        return self.amount.currency


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementLine:
    """One posting: positive amounts add to what is owed, negative ones take off; `owed` is the total after it."""

    on: date
    entry: Entry
    reference: str
    amount: Money
    owed: Money  # Negative where more was paid than was owed.

    @property
    def adds(self) -> bool:
        """Say whether this line made the debt larger."""
        return self.amount.minor > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A debt's account over a stretch of time, both days included."""

    kind: ClassVar[Kind] = Kind.STATEMENT

    since: date
    until: date
    opening: Amounts
    opening_credit: Money
    lines: tuple[StatementLine, ...]
    closing: Amounts
    closing_credit: Money
    rate: Decimal | None = None  # Percent a year in force at the end; None where no interest is charged.
    day_count: str | None = None
    next_due: Instalment | None = None
    overdue: Money | None = None

    @property
    def currency(self) -> str:
        """Name the currency of the account."""
        return self.closing.principal.currency

    @property
    def added(self) -> Money:
        """Add up the lines that made the debt larger."""
        return sum((line.amount for line in self.lines if line.amount.minor > 0), Money.zero(self.currency))

    @property
    def taken_off(self) -> Money:
        """Add up the lines that made the debt smaller, as a positive amount."""
        return -sum((line.amount for line in self.lines if line.amount.minor < 0), Money.zero(self.currency))


Details = PlanAgreement | PaymentReceipt | Statement | Caring | Ending


@dataclass(frozen=True, slots=True, kw_only=True)
class LogMark:
    """What was last signed of the lender's log before a letter: how many entries it had, and what they come to."""

    size: int
    root: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One letter: who writes to whom about which debt, when, and the details of its kind.

    :raises InvalidColour: if `brand_colour` is not # and six hexadecimal digits.
    :raises WithoutZone: if `issued_at` or `as_at` does not say its zone.
    """

    number: str
    issued_at: datetime
    as_at: datetime
    zone: str
    language: str
    languages: tuple[str, ...]
    lender: Party
    help: Help
    debtor_name: str
    debt_reference: str
    masked_account: str
    details: Details
    notices: tuple[str, ...] = ()  # Sentences a law asks for, already in the debtor's language.
    brand_colour: str = PLAIN_BRAND
    verify_url: str | None = None
    sealed: bool = False  # Whether the file is sealed; of one that isn't, the letter says so.
    log: LogMark | None = None
    beside: str | None = None  # A second language, in which all of it stands once more.
    logo: str | None = None  # The SHA-256 of the picture above the lender's name.

    def __post_init__(self) -> None:
        """Refuse a colour that could smuggle style into the page, and times that leave their zone open."""
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", self.brand_colour):
            raise InvalidColour(self.brand_colour)
        for instant in (self.issued_at, self.as_at):
            if instant.utcoffset() is None:
                raise WithoutZone(instant)

    @property
    def kind(self) -> Kind:
        """Say which letter this is."""
        return self.details.kind

    @property
    def currency(self) -> str:
        """Name the currency of every amount in the letter."""
        return self.details.currency

    @property
    def template(self) -> str:
        """Name the template that prints this letter."""
        return f"letters/{self.kind.value}.html"

    @property
    def sample(self) -> bool:
        """Say whether this is no letter, but shows what letters look like."""
        return self.number == SAMPLE

    def to_json(self) -> str:
        """Write the letter as canonical JSON: keys sorted, no spaces, money as a decimal string with its currency.

        Money of 1,250 minor units in USD becomes {"amount":"12.50","currency":"USD"}; instants are in UTC.
        """
        letter = _plain(self)
        if self.logo is None:
            # As letters were written before there were logos, so that those are drawn again to the byte.
            del letter["logo"]
        plain = {"format": FORMAT, "kind": self.kind.value, "letter": letter}
        return json.dumps(plain, ensure_ascii=False, separators=(",", ":"), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Build the letter again from what `to_json` wrote.

        :raises UnreadableLetter: if the text is something else.
        """
        try:
            document = json.loads(text)
            if document["format"] != FORMAT:
                raise UnreadableLetter(document["format"])
            details = DETAILS[Kind(document["kind"])]
            given = {
                name: _value(hint, document["letter"][name])
                for name, hint in _hints(Letter).items()
                if name != "details" and (name in document["letter"] or name not in _SINCE)
            }
            return cls(**given, details=_value(details, document["letter"]["details"]))
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as problem:
            raise UnreadableLetter(str(problem)) from problem


# What letters of the first days don't have.
_SINCE = frozenset({"sealed", "log", "beside", "logo"})

DETAILS: Mapping[Kind, type[Details]] = {
    each.kind: each for each in (PlanAgreement, PaymentReceipt, Statement, *CARING, *ENDINGS)
}


def _plain(value: object) -> Any:
    """Turn a value into what JSON can hold, without losing anything."""
    if isinstance(value, Money):
        return {"amount": f"{value.amount:f}", "currency": value.currency}
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value


def _value(hint: Any, plain: Any) -> Any:
    """Turn what JSON held back into a value of the type that the field asks for."""
    if get_origin(hint) in (Union, UnionType):
        if plain is None:
            return None
        hint = next(option for option in get_args(hint) if option is not NoneType)
    if get_origin(hint) is tuple:
        return tuple(_value(get_args(hint)[0], item) for item in plain)
    if hint is Money:
        return Money.of(plain["amount"], plain["currency"])
    if is_dataclass(hint):
        build: Any = hint
        # What a later version of a letter knows and this one didn't is left at its default.
        return build(**{name: _value(of, plain[name]) for name, of in _hints(build).items() if name in plain})
    if hint is datetime or hint is date:
        return hint.fromisoformat(plain)
    return hint(plain)


@cache
def _hints(of: Any) -> dict[str, Any]:
    """Return the types of a dataclass's fields."""
    names = {field.name for field in fields(of)}
    return {name: hint for name, hint in get_type_hints(of).items() if name in names}
