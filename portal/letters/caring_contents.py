"""What the letters say that ask for nothing: that something was received, stopped or moved, and what is on record.

Plain frozen values, as in `contents`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from portal.letters.kinds import Kind
from portal.money import Money, total


class Disputed(StrEnum):
    """How much of a debt somebody says is wrong."""

    WHOLE = "whole"  # It is not this person's debt.
    AMOUNT = "amount"


class Stop(StrEnum):
    """What stops for a while."""

    REMINDERS = "reminders"
    COLLECTION = "collection"
    AUTOPAY = "autopay"


class ReplyBy(StrEnum):
    """How an answer comes."""

    HERE = "here"
    EMAIL = "email"
    SMS = "sms"
    CALL = "call"


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeAcknowledgement:
    """That a dispute was received, what is stopped, and the day by which it has an answer.

    `owed` is what the books say, which is not agreed on. `clock` names the row of the table of clocks.
    """

    kind: ClassVar[Kind] = Kind.DISPUTE_ACKNOWLEDGEMENT

    request_number: str
    received_at: datetime
    disputed: Disputed
    of_all_debts: bool
    stops: tuple[Stop, ...]
    look_by: date
    answer_by: date
    reply_by: ReplyBy
    clock: str
    owed: Money

    @property
    def currency(self) -> str:
        """Name the currency of the debt."""
        return self.owed.currency


class DuringPause(StrEnum):
    """What happens to interest while nobody asks for money."""

    NONE = "none"  # This debt bears none.
    IN_PLAN = "in-plan"  # It is part of a plan's payments, which stay as they are.
    CONTINUES = "continues"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreathingSpace:
    """A time that a law gives, in which nobody may press a debtor; both days belong to it."""

    kind: ClassVar[Kind] = Kind.BREATHING_SPACE

    number: str
    law: str
    since: date
    until: date
    review_on: date
    owed: Money

    @property
    def currency(self) -> str:
        """Name the currency of the debt."""
        return self.owed.currency


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantedPause:
    """A time that the lender gives by itself, and what it costs; both days belong to it.

    `cost` is the interest of these days on the principal, at `rate` percent a year and 365 days a year; zero where none
    is added because of the pause.
    """

    kind: ClassVar[Kind] = Kind.GRANTED_PAUSE

    request_number: str
    since: date
    until: date
    review_on: date
    of_all_debts: bool
    stops: tuple[Stop, ...]
    interest: DuringPause
    principal: Money
    cost: Money
    owed: Money
    rate: Decimal | None = None
    plan_reference: str | None = None

    @property
    def currency(self) -> str:
        """Name the currency of the debt."""
        return self.owed.currency

    @property
    def days(self) -> int:
        """Count the days, first and last included."""
        return (self.until - self.since).days + 1


class Deferred(StrEnum):
    """What was moved of a plan."""

    MOVE = "move"  # One payment.
    PAY_DAY = "pay_day"  # All payments to come.
    SKIP = "skip"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedPayment:
    """One payment of a plan: its day and its amount."""

    due: date
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferral:
    """That payments of a plan were moved: every payment of it before and after, and what that costs."""

    kind: ClassVar[Kind] = Kind.DEFERRAL

    plan_reference: str
    change: int
    what: Deferred
    agreed_at: datetime
    before: tuple[DatedPayment, ...]
    after: tuple[DatedPayment, ...]
    cost: Money
    take_back_until: datetime | None = None

    @property
    def currency(self) -> str:
        """Name the currency of the plan."""
        return self.cost.currency

    @property
    def gone(self) -> tuple[DatedPayment, ...]:
        """Return the payments that are not due any more as they were."""
        return tuple(one for one in self.before if one not in self.after)

    @property
    def instead(self) -> tuple[DatedPayment, ...]:
        """Return the payments that are due in their place."""
        return tuple(one for one in self.after if one not in self.before)

    @property
    def total(self) -> Money:
        """Add up the payments after the change."""
        return total((one.amount for one in self.after), currency=self.currency)

    @property
    def total_before(self) -> Money:
        """Add up the payments before the change."""
        return total((one.amount for one in self.before), currency=self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class CameOrWent:
    """Money that came in on a day; below zero where it went back."""

    on: date
    amount: Money


class PlanOutcome(StrEnum):
    """How a plan stands or ended."""

    RUNNING = "running"
    BEHIND = "behind"
    COMPLETED = "completed"
    REPLACED = "replaced"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanKept:
    """How a plan was kept: of `of` payments, `due` were due by now, and of these `kept` are paid."""

    reference: str
    agreed_on: date
    outcome: PlanOutcome
    of: int
    due: int
    kept: int


class KeptSince(StrEnum):
    """From which day a bureau counts the years for which it keeps a record."""

    END = "end"  # The day on which the lateness ended.
    FIRST_LATE = "first-late"  # The day since which payments were late without being made up for.
    DEFAULT = "default"  # The day on which the lender recorded a default.


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordKept:
    """For how many years bureaus of a country keep what is true and bad, and since when they count."""

    jurisdiction: str
    years: int
    since: KeptSince


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodwillStatement:
    """What the books say of how somebody paid, for whoever wants to know; it asks nobody for anything.

    `late_since` is what the lender's file says; `paid` is all that came less what went back.
    """

    kind: ClassVar[Kind] = Kind.GOODWILL

    known_since: date
    owed_at_first: Money
    late_since: date | None
    payments: tuple[CameOrWent, ...]
    paid: Money
    let_off: Money
    owed: Money
    plans: tuple[PlanKept, ...] = ()
    record: RecordKept | None = None

    @property
    def currency(self) -> str:
        """Name the currency of the debt."""
        return self.owed.currency


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOffRule:
    """A rule by which a bureau stopped showing some late payments, once: which, and if they were repaid by when."""

    late_from: date
    late_until: date
    most: Money
    repaid_by: date
    over: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditStatus:
    """What the books say that a credit bureau may be told, and how to see, question and correct what it has.

    Days are calendar days. What nobody has checked for a country is None, and not printed.
    """

    kind: ClassVar[Kind] = Kind.CREDIT_STATUS

    jurisdiction: str
    owed: Money
    late_since: date | None
    let_off: Money
    rules_since: date | None = None
    record: RecordKept | None = None
    objection_days: int | None = None
    complaint_days: int | None = None
    free_reports_a_year: int | None = None
    report_at: str | None = None
    one_off: OneOffRule | None = None

    @property
    def currency(self) -> str:
        """Name the currency of the debt."""
        return self.owed.currency


class Reported(StrEnum):
    """What of a report to a bureau was wrong."""

    OWED = "owed"
    LATE_AMOUNT = "late-amount"
    LATE_SINCE = "late-since"
    PAID_ON = "paid-on"
    STATE = "state"
    WHOSE = "whose"  # Whose debt it is.


class Fault(StrEnum):
    """What is wrong with what was reported; nothing else is a reason to correct it."""

    INACCURATE = "inaccurate"
    INCOMPLETE = "incomplete"
    OUT_OF_DATE = "out-of-date"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditCorrection:
    """That something which was reported to a bureau is not so, and what is.

    `answer_by` is the day by which the bureau must have looked, where the law of the country says so.
    """

    kind: ClassVar[Kind] = Kind.CREDIT_CORRECTION

    bureau: str
    reported: Reported
    fault: Fault
    current: str
    correct: str
    discovered_on: date
    owed: Money
    answer_by: date | None = None

    @property
    def currency(self) -> str:
        """Name the currency of the debt."""
        return self.owed.currency


Caring = (
    DisputeAcknowledgement
    | BreathingSpace
    | GrantedPause
    | Deferral
    | GoodwillStatement
    | CreditStatus
    | CreditCorrection
)
CARING: tuple[type[Caring], ...] = (
    DisputeAcknowledgement,
    BreathingSpace,
    GrantedPause,
    Deferral,
    GoodwillStatement,
    CreditStatus,
    CreditCorrection,
)
