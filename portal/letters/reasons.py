"""RULES  Why a letter may not be issued."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a letter may not be issued."""

    SEVERAL_CURRENCIES = "several currencies"
    POSITION_AFTER_ISSUE = "the position is later than the letter"
    AGREED_AFTER_ISSUE = "agreed later than the letter"
    NO_INSTALMENTS = "a plan without payments"
    DATES_OUT_OF_ORDER = "dates out of order"
    NOTHING_OWED = "nothing is owed"
    PLAN_DOES_NOT_ADD_UP = "the payments are not balance plus interest plus fee"
    LEFT_DOES_NOT_ADD_UP = "what is left after a payment is wrong"
    INTEREST_CONTRADICTS = "interest is added although none is charged, or a rate is missing"
    NOT_CLEARED = "the payment has not cleared"
    CLEARED_BEFORE_RECEIVED = "cleared before it was received, or after the letter"
    NOT_AN_AMOUNT = "a payment of nothing"
    ALLOCATION_DOES_NOT_ADD_UP = "the parts are not the payment"
    BALANCE_DOES_NOT_ADD_UP = "the balance after is not the balance before less the payment"
    LINES_DO_NOT_ADD_UP = "opening balance and lines do not give the closing balance"
    OUTSIDE_THE_PERIOD = "a line outside the days of the statement"
    BEFORE_IT_HAPPENED = "a letter on what happens only after it"
    NOTHING_STOPS = "it names nothing that stops"
    COST_DOES_NOT_ADD_UP = "the cost is not what it is worked out from"
    NOTHING_CHANGED = "a change that changes nothing"
    NOTHING_PAID = "a statement on payments without one"
    PAID_DOES_NOT_ADD_UP = "the payments are not what was paid"
    MORE_KEPT_THAN_DUE = "more payments kept than were due, or due than there are"
    RULE_IS_OVER = "a rule that ran once is said to apply after its last day"
    RECORD_OF_ANOTHER_COUNTRY = "the years of another country"
    NOT_WRONG = "what is to be corrected is not wrong"
    ASKS_TO_TAKE_OUT = "it asks to take out what is true"
