"""RULES  The eight answers, why, what would change them, and what else would work.

Invariant: what a debtor is shown (`Answer.public`) depends neither on the hardship limits nor on how much could be let
off beyond what is offered; the outcome, `for_person` and the trace do, and are for staff.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum

from portal.money import Money
from portal.offers import asked as asking
from portal.offers.asked import Asked, Way
from portal.offers.plain import Json, plain
from portal.offers.trace import Step
from portal.schedules.arrangements import Arrangement
from portal.schedules.dates import Frequency
from portal.schedules.schedule import Schedule


class NothingToPay(ValueError):
    """An arrangement in which nothing is paid was taken for an offer."""


class Outcome(Enum):
    """The eight answers."""

    ACCEPT = "accept"
    COUNTER_HIGHER = "counter_higher"
    COUNTER_LOWER = "counter_lower"
    COUNTER_LOWER_HARDSHIP_REVIEW = "counter_lower_hardship_review"
    REVIEW_HARDSHIP = "review_hardship"
    REFER_TOKEN = "refer_token"  # noqa: S105
    SIGNPOST_AND_HOLD = "signpost_and_hold"
    COUNTER_AND_ASK_BUDGET = "counter_and_ask_budget"


class Reason(Enum):
    """Why an answer is not simply yes; views turn it into words."""

    BELOW_LEAST_PAYMENT = "below_least_payment"
    ABOVE_WHAT_IS_AFFORDABLE = "above_what_is_affordable"
    NOTHING_LEFT_OVER = "nothing_left_over"
    INTEREST_WOULD_OUTGROW = "interest_would_outgrow"
    FREQUENCY_NOT_OFFERED = "frequency_not_offered"
    FIRST_PAYMENT_TOO_LATE = "first_payment_too_late"
    FIRST_PAYMENT_IN_THE_PAST = "first_payment_in_the_past"
    FIRST_PAYMENT_TOO_EARLY = "first_payment_too_early"
    FIRST_PAYMENT_OUT_OF_SEASON = "first_payment_out_of_season"
    LONGER_THAN_AUTOMATIC = "longer_than_automatic"
    A_PERSON_DECIDES = "a_person_decides"
    ON_HOLD = "on_hold"
    BALANCE_NOT_FRESH = "balance_not_fresh"
    WAY_NOT_OFFERED = "way_not_offered"
    DOWN_PAYMENT_REQUIRED = "down_payment_required"
    DOWN_PAYMENT_TOO_LOW = "down_payment_too_low"
    STEPS_TOO_LONG = "steps_too_long"
    STEPS_FALL = "steps_fall"
    PAUSE_TOO_LONG = "pause_too_long"
    PAUSES_USED_UP = "pauses_used_up"
    TOO_SOON_AFTER_A_PAUSE = "too_soon_after_a_pause"
    LOWER_FOR_TOO_LONG = "lower_for_too_long"
    BELOW_LEAST_LOWER_PAYMENT = "below_least_lower_payment"
    NOT_SETTLED_ALONE = "not_settled_alone"
    TOO_MANY_PARTS = "too_many_parts"
    PARTS_ABOVE_WHAT_IS_AFFORDABLE = "parts_above_what_is_affordable"
    NEW_PLANS_USED_UP = "new_plans_used_up"
    TOO_SOON_AFTER_A_BREAK = "too_soon_after_a_break"
    ROUNDS_USED_UP = "rounds_used_up"


class Input(Enum):
    """What somebody can change to get another answer."""

    PAYMENT = "payment"
    FIRST_PAYMENT_DATE = "first_payment_date"
    FREQUENCY = "frequency"
    BUDGET = "budget"
    DOWN_PAYMENT = "down_payment"
    STEP_LENGTH = "step_length"
    PAUSE_MONTHS = "pause_months"
    LOWER_MONTHS = "lower_months"
    SETTLEMENT_AMOUNT = "settlement_amount"
    SETTLEMENT_PARTS = "settlement_parts"
    ASK_AGAIN_ON = "ask_again_on"
    WAY = "way"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Change:
    """The one input that would change the answer, with the value that would work where there is one.

    Months and parts are whole numbers; a step length is a number of payments.
    """

    input: Input
    value: Money | date | Frequency | Way | int | None = None


class Kind(Enum):
    """What is good about a plan that is offered."""

    LOWEST_PAYMENT = "lowest_payment"
    IN_BETWEEN = "in_between"
    SOONEST_DONE = "soonest_done"
    LEAST_COST = "least_cost"
    STEP_UP = "step_up"
    WITH_WAIVER = "with_waiver"
    PAUSE = "pause"
    LOWER_FOR_A_WHILE = "lower_for_a_while"
    WITHOUT_INTEREST_FOR_A_WHILE = "without_interest_for_a_while"
    SETTLED_AT_ONCE = "settled_at_once"
    SETTLED_IN_PARTS = "settled_in_parts"
    SEASONAL = "seasonal"
    TOKEN = "token"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Offer:
    """An arrangement with what is good about it; `also` has what else is true, such as that it costs the least."""

    kind: Kind
    arrangement: Arrangement
    also: tuple[Kind, ...] = ()
    needs_person: bool = False

    @property
    def schedule(self) -> Schedule:
        """What is to be paid.

        :raises NothingToPay: if nothing is, which is never offered.
        """
        if self.arrangement.schedule is None:
            raise NothingToPay(self.arrangement)
        return self.arrangement.schedule


@dataclass(frozen=True, slots=True)
class Answer:
    """What the limits answer.

    `arrangement` is what is accepted or offered; None where a person decides. `for_person` is what staff see then, and
    is never shown to the debtor: its existence and amount would give away the hardship limits. `asked` is the debtor's
    own offer, which stays on the screen and can always be sent to a person. `hold_until` is how long nothing is asked.
    """

    outcome: Outcome
    arrangement: Arrangement | None
    reasons: tuple[Reason, ...]
    change: Change
    needs_person: bool
    asked: Asked
    alternatives: tuple[Offer, ...] = ()
    hold_until: date | None = None
    for_person: Arrangement | None = None
    trace: tuple[Step, ...] = ()

    @property
    def plan(self) -> Schedule | None:
        """What is to be paid under what is accepted or offered."""
        return None if self.arrangement is None else self.arrangement.schedule

    @property
    def is_agreed_alone(self) -> bool:
        """Whether what was asked stands as it is, without a person."""
        return self.outcome is Outcome.ACCEPT and not self.needs_person

    def public(self) -> Json:
        """Return all that a debtor may see, as JSON; not the outcome, which would tell one person's from another's."""
        return {
            "asked": plain(asking.as_json(self.asked)),
            "arrangement": plain(self.arrangement),
            "reasons": plain(self.reasons),
            "change": plain(self.change),
            "needs_person": self.needs_person,
            "alternatives": plain(self.alternatives),
            "hold_until": plain(self.hold_until),
        }
