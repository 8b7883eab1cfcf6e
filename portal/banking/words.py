"""Outcomes of entries, reasons and what is wrong with a file of the bank, as people read them."""

from __future__ import annotations

import json

from portal.banking.entries import Refused
from portal.banking.posting import KNOWN, POSTED, REFUSED, SUSPENSE
from portal.banking.problems import Problem
from portal.finance.words import why_words
from portal.web.languages import gettext as _


def outcome_words(outcome: str) -> tuple[str, str]:
    """Give what becomes of an entry, and the kind of its tag."""
    return {
        POSTED: (_("Counts for a debt"), "good"),
        SUSPENSE: (_("Waits for a person"), "wait"),
        REFUSED: (_("Not brought in"), "plain"),
        KNOWN: (_("Here already"), "plain"),
    }[outcome]


def reason_words(outcome: str, why: str) -> str:
    """Say why an entry is refused or waits."""
    return why_words(why) if outcome == SUSPENSE else refused_words(why)


def refused_words(why: str) -> str:
    """Say why an entry is not brought in."""
    return {
        Refused.DEBIT: _("Money that went out, so nobody’s payment"),
        Refused.REVERSED: _("The bank took an earlier entry out again: please look which one"),
        Refused.CURRENCY: _("Another currency than the account’s"),
        Refused.NOT_BOOKED: _("Not booked yet; it comes with a later file"),
        Refused.DECIMALS: _("More decimals than the currency has"),
        Refused.NOT_ABOVE_ZERO: _("Not more than zero"),
        Refused.ABSURD: _("More than a person could pay"),
        Refused.NO_DATE: _("No day that can be read"),
        Refused.TO_COME: _("A day that is still to come"),
        Refused.NOT_A_NUMBER: _("An amount that can’t be read"),
        Refused.BROKEN_ROW: _("A row with more or fewer cells than the titles"),
        Refused.OTHER_ENTRY: _("The bank’s reference is known, of an entry with another amount or day: please look"),
    }[Refused(why)]


def is_ours(problem: str) -> bool:
    """Say whether what is wrong with a file is in words of ours, and not as the reader of tables says it."""
    return problem in ("may_not", "cannot_undo") or problem.startswith("[")


def problem_words(problem: str) -> str:
    """Say why a file can't be read, or is not as far as somebody wished."""
    if problem == "may_not":
        return _("Whoever said yes may not bring files in any more. Somebody else has to look and say yes.")
    if problem == "cannot_undo":
        return _("Nothing of it could be taken back any more.")
    if not problem.startswith("["):
        return problem
    name, *said = json.loads(problem)
    one = said[0] if said else ""
    return {
        Problem.NOT_XML: _("This is no XML that can be read: something is wrong in line %(line)s.", line=one),
        Problem.DOCTYPE: _("This file has a document type in it, which no bank writes and which is never read."),
        Problem.NOT_CAMT: _("This is XML, but no statement of a bank: it begins with “%(name)s”.", name=one),
        Problem.OTHER_CAMT: _("This is another message of the bank (%(name)s). Bring the statement of the day, "
                              "camt.053: only that one says what was there before and after.", name=one),
        Problem.NO_STATEMENT: _("There is no statement in this file."),
        Problem.NO_ACCOUNT: _("A statement in this file does not say of which account it is."),
        Problem.NO_BALANCE: _("Statement %(id)s does not say what was on the account before and after, so nobody can "
                              "tell whether it is whole.", id=one),
        Problem.BALANCE_UNREADABLE: _("A balance of statement %(id)s is no amount.", id=one),
        Problem.AMOUNT_UNREADABLE: _("The amount of entry %(place)s is no amount.", place=one),
        Problem.NO_DIRECTION: _("Entry %(place)s does not say whether money came or went.", place=one),
        Problem.DOES_NOT_ADD_UP: _does_not_add_up(said),
        Problem.TOO_DEEP: _("This file is nested deeper than any statement of a bank."),
        Problem.TOO_LONG: _("A text or an entry in this file is longer than any bank writes."),
        Problem.TOO_MANY: _("This file has more than %(most)s entries. Ask your bank for shorter times.", most=one),
        Problem.OTHER_ACCOUNT: _("This file is of the account %(number)s, which is not one of yours here. Your "
                                 "engineer can add it with “flask lender account”.", number=one),
        Problem.OTHER_CURRENCY: _("The statement is in %(its)s and the account here in %(ours)s.", its=one,
                                  ours=said[1] if len(said) > 1 else ""),
        Problem.WHICH_ACCOUNT: _("A table does not say of which account it is: choose it beside the file."),
        Problem.NO_COLUMN: _("It is not said which column has: %(names)s. Name the columns so, or give a mapping.",
                             names=one),
        Problem.BAD_MAPPING: _("The mapping says something that is not understood: %(what)s.", what=one),
    }[Problem(name)]  # fmt: skip


def _does_not_add_up(said: list[str]) -> str:
    if len(said) < 5:
        return ""
    return _(
        "Statement %(id)s does not add up: it begins with %(opening)s, its entries come to %(moved)s, and that is "
        "%(counted)s, not %(closing)s. It may be cut off, or a page of it may be missing.",
        id=said[0],
        opening=said[1],
        moved=said[2],
        closing=said[3],
        counted=said[4],
    )
