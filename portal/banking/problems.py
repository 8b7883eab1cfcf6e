"""RULES  Why a file of a bank as a whole is not read: each with a name, and with what in the file says so."""

from __future__ import annotations

from enum import StrEnum


class Problem(StrEnum):
    """What is wrong with a file."""

    NOT_XML = "not_xml"
    DOCTYPE = "doctype"
    NOT_CAMT = "not_camt"
    OTHER_CAMT = "other_camt"
    NO_STATEMENT = "no_statement"
    NO_ACCOUNT = "no_account"
    NO_BALANCE = "no_balance"
    BALANCE_UNREADABLE = "balance_unreadable"
    AMOUNT_UNREADABLE = "amount_unreadable"
    NO_DIRECTION = "no_direction"
    DOES_NOT_ADD_UP = "does_not_add_up"
    TOO_DEEP = "too_deep"
    TOO_LONG = "too_long"
    TOO_MANY = "too_many"
    OTHER_ACCOUNT = "other_account"
    OTHER_CURRENCY = "other_currency"
    WHICH_ACCOUNT = "which_account"
    NO_COLUMN = "no_column"
    BAD_MAPPING = "bad_mapping"


class BankFileRefused(Exception):
    """Nothing of a file is brought in; `said` is what the file has there."""

    def __init__(self, problem: Problem, *said: str) -> None:
        super().__init__(problem.value, *said)
        self.problem = problem
        self.said = tuple(each[:100] for each in said)
