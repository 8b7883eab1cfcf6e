"""States of files, fields of debts and reasons, as people read them."""

from __future__ import annotations

from collections.abc import Mapping

from portal.debts.cells import Reason
from portal.debts.undoing import Why
from portal.files.states import State
from portal.web.languages import gettext as _
from portal.web.languages import pgettext


def state_words(state: str) -> tuple[str, str]:
    """Give the state of a file, and the kind of its tag."""
    return {
        State.LOOKING: (_("Being looked at"), "wait"),
        State.READY: (_("Waits for your yes"), "wait"),
        State.UNREADABLE: (_("Can’t be read"), "bad"),
        State.BRINGING: (_("Being brought in"), "wait"),
        State.LIVE: (_("Brought in"), "good"),
        State.NOTHING: (_("Nothing brought in"), "bad"),
        State.WITHDRAWN: (pgettext("state of a file", "Withdrawn"), "plain"),
        State.UNDOING: (_("Being taken back"), "wait"),
        State.UNDONE: (_("Taken back"), "plain"),
    }[State(state)]


def run_words(state: str) -> tuple[str, str]:
    """Give the state of an import that came by command, and the kind of its tag."""
    return state_words({"live": "live", "undone": "undone"}.get(state, "nothing"))


def field_words(name: str) -> str:
    """Give the name of a field of a debt; one of the lender's own as it is written."""
    if name.startswith("attribute:"):
        return _("Kept as “%(name)s”", name=name.removeprefix("attribute:"))
    return {
        "reference": _("Reference"),
        "name": _("Name of the person"),
        "born_on": _("Date of birth"),
        "email": _("E-mail address"),
        "phone": _("Phone number"),
        "language": _("Language"),
        "zone": _("Time zone"),
        "product": _("Product"),
        "original": _("Amount lent"),
        "principal": _("Principal"),
        "interest": _("Interest"),
        "penalty": _("Penalty interest"),
        "fees": _("Fees"),
        "costs": _("Costs"),
        "opened_on": _("Opened on"),
        "late_since": _("Late since"),
        "days_late": _("Days late"),
        "annual_rate": _("Rate a year"),
        "original_creditor": _("First lender"),
        "currency": _("Currency"),
        "person": _("Tells people apart"),
        "skip": _("Says which rows are no debts"),
    }.get(name, name)


def reason_words(reason: str) -> str:
    """Say why rows are refused."""
    return {
        Reason.RAGGED_ROW: _("More or fewer cells than the header"),
        Reason.BROKEN_ROW: _("A quotation mark is not closed"),
        Reason.EMPTY: _("Something that must be there is empty"),
        Reason.TOO_LONG: _("Too many characters"),
        Reason.CONTROL_CHARACTER: _("An invisible sign"),
        Reason.FORMULA: _("A formula"),
        Reason.SPREADSHEET_ERROR: _("An error of a spreadsheet"),
        Reason.DAMAGED_REFERENCE: _("A spreadsheet rounded the reference"),
        Reason.DUPLICATE_REFERENCE: _("Another row has the same reference"),
        Reason.NOT_A_NUMBER: _("Not a number"),
        Reason.WRONG_DECIMALS: _("More decimals than the currency has"),
        Reason.NEGATIVE_AMOUNT: _("Less than zero"),
        Reason.ABSURD_AMOUNT: _("More than one debt may be"),
        Reason.ABSURD_RATE: _("No rate that can be"),
        Reason.NOT_A_DATE: _("Not a date"),
        Reason.NO_SUCH_DATE: _("There is no such day"),
        Reason.DATE_IN_FUTURE: _("A day that is still to come"),
        Reason.IMPOSSIBLE_BIRTH_DATE: _("No date of birth that can be"),
        Reason.UNKNOWN_CURRENCY: _("No currency"),
        Reason.CURRENCY_NOT_HELD: _("Another currency than yours"),
        Reason.BAD_EMAIL: _("No e-mail address"),
        Reason.BAD_PHONE: _("No phone number"),
        Reason.BAD_LANGUAGE: _("No language"),
        Reason.BAD_ZONE: _("No time zone"),
        Reason.NOT_IN_LIST: _("Not in the list of the mapping"),
        Reason.NOT_COMPUTABLE: _("Can’t be calculated"),
    }[Reason(reason)]


def alarm_words(alarm: str, counts: Mapping[str, int]) -> str:
    """Say what is so much that it may be a mistake, with how many debts it is about."""
    of = {"all": counts.get("owing", 0)}
    return {
        "total_falls": _("What the known debts in this file come to falls by a third or more."),
        "total_rises": _("What the known debts in this file come to rises by a third or more."),
        "many_change": _(
            "%(some)s of %(all)s known debts in this file rise or fall by a third or more.",
            some=counts.get("moved_much", 0),
            **of,
        ),
        "parts_change": _(
            "In %(some)s of %(all)s known debts a third or more of what is owed goes from one part to another, for "
            "example from principal to fees. Perhaps two columns changed places.",
            some=counts.get("between_parts", 0),
            **of,
        ),
        "most_gone": _("More than half of all your debts would be gone: recalled, or nothing owed."),
    }.get(alarm, _("This changes very much"))


def problem_words(problem: str) -> str:
    """Say why a file is not as far as somebody wished; what the reader of files says stays as it is."""
    return {
        "may_not": _("Whoever said yes may not bring files in any more. Somebody else has to look and say yes."),
        "another_came": _("Another file came in meanwhile, so this one is looked at anew. Please look again."),
        "cannot_undo": _("Nothing of it could be taken back any more."),
    }.get(problem, problem)


def why_words(why: str) -> str:
    """Say why a debt stays as the file made it."""
    return {
        Why.PAYMENT: _("A payment came or was begun"),
        Why.PLAN: _("A plan was asked for or changed"),
        Why.REQUEST: _("The person asked for something"),
        Why.ANOTHER_FILE: _("A later file says something else"),
        Why.SOMETHING: pgettext("why a debt stays", "Something else happened"),
    }[Why(why)]
