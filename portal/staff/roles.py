"""RULES: what staff may do. A role is a set of permissions, a page asks for one, and without a role there is none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Permission(StrEnum):
    """One thing that somebody may do or see."""

    SEE_COLLEAGUES = "see_colleagues"
    MANAGE_COLLEAGUES = "manage_colleagues"
    # Say that it is really the colleague who lost the way in.
    VOUCH = "vouch"
    SEE_REQUESTS = "see_requests"
    ANSWER_REQUESTS = "answer_requests"
    SEE_LIMITS = "see_limits"
    SEE_PEOPLE = "see_people"
    # Write notes, send links, and do for a person what the person wants.
    HELP_PEOPLE = "help_people"
    # Write drafts of limits, and send them to a second person.
    WRITE_LIMITS = "write_limits"
    # Say yes or no to drafts of others; go back to the version before.
    APPROVE_LIMITS = "approve_limits"
    # See what a debt would be offered, and why.
    TRY_LIMITS = "try_limits"
    # Say yes to an offer above what a card lets its agents grant.
    GRANT_FURTHER = "grant_further"
    # See which files of debts came, and what became of them.
    SEE_PORTFOLIO = "see_portfolio"
    # Bring a file of debts in, and take it back.
    BRING_PORTFOLIO = "bring_portfolio"
    # See which batches of letters were made, and what became of them.
    SEE_LETTERS = "see_letters"
    # Begin batches of letters, pause them, call them off.
    MAKE_LETTERS = "make_letters"
    # Say how letters look: who they are from, who answers for them, their logo.
    SET_LETTERS = "set_letters"
    # Add lenders; of the platform's operator alone.
    ADD_LENDERS = "add_lenders"
    # See refunds, disputes and money that waits to be placed.
    SEE_MONEY = "see_money"
    # Give money back, approve what a colleague gives back, and place what waits.
    GIVE_BACK = "give_back"
    # Take everything about one debt of a person along, for a dispute or a court.
    TAKE_EVIDENCE = "take_evidence"
    # Bring a file of the lender's bank in, and take it back.
    BRING_BANK_FILE = "bring_bank_file"


class Role(StrEnum):
    """What somebody's work is."""

    RULE_AUTHOR = "rule_author"
    APPROVER = "approver"
    HELPDESK = "helpdesk"
    SENIOR = "senior"
    FINANCE = "finance"
    AUDITOR = "auditor"
    LENDER_ADMINISTRATOR = "lender_administrator"
    PLATFORM_OPERATOR = "platform_operator"


_P = Permission
_HELPDESK: Final = frozenset(
    {
        _P.SEE_REQUESTS,
        _P.ANSWER_REQUESTS,
        _P.SEE_PEOPLE,
        _P.HELP_PEOPLE,
        _P.SEE_LIMITS,
        _P.TRY_LIMITS,
        _P.VOUCH,
    }
)
ROLES: Final[Mapping[Role, frozenset[Permission]]] = MappingProxyType(
    {
        Role.RULE_AUTHOR: frozenset({_P.SEE_LIMITS, _P.WRITE_LIMITS, _P.TRY_LIMITS, _P.VOUCH}),
        Role.APPROVER: frozenset({_P.SEE_LIMITS, _P.APPROVE_LIMITS, _P.TRY_LIMITS, _P.VOUCH}),
        Role.HELPDESK: _HELPDESK,
        Role.SENIOR: _HELPDESK | {_P.SEE_COLLEAGUES, _P.GRANT_FURTHER, _P.TAKE_EVIDENCE},
        Role.FINANCE: frozenset(
            {
                _P.VOUCH,
                _P.SEE_PEOPLE,
                _P.SEE_MONEY,
                _P.GIVE_BACK,
                _P.BRING_BANK_FILE,
                _P.SEE_LETTERS,
                _P.MAKE_LETTERS,
            }
        ),
        # Sees, and changes nothing.
        Role.AUDITOR: frozenset(
            {
                _P.SEE_COLLEAGUES,
                _P.SEE_REQUESTS,
                _P.SEE_PEOPLE,
                _P.SEE_LIMITS,
                _P.SEE_PORTFOLIO,
                _P.SEE_MONEY,
                _P.TAKE_EVIDENCE,
                _P.SEE_LETTERS,
            }
        ),
        Role.LENDER_ADMINISTRATOR: frozenset(
            {
                _P.SEE_COLLEAGUES,
                _P.MANAGE_COLLEAGUES,
                _P.SEE_LIMITS,
                _P.VOUCH,
                _P.SEE_PORTFOLIO,
                _P.BRING_PORTFOLIO,
                _P.SEE_LETTERS,
                _P.MAKE_LETTERS,
                _P.SET_LETTERS,
            }
        ),
        # Adds lenders, and sees nothing of any lender's people.
        Role.PLATFORM_OPERATOR: frozenset({_P.ADD_LENDERS}),
    }
)
READS_ONLY: Final = frozenset(
    {
        _P.SEE_COLLEAGUES,
        _P.SEE_REQUESTS,
        _P.SEE_PEOPLE,
        _P.SEE_LIMITS,
        _P.SEE_PORTFOLIO,
        _P.SEE_MONEY,
        _P.TAKE_EVIDENCE,
        _P.SEE_LETTERS,
    }
)


def permissions_of(roles: Iterable[str]) -> frozenset[Permission]:
    """Give what somebody with these roles may do; a name that is no role any more allows nothing."""
    known = [ROLES[Role(name)] for name in roles if name in set(Role)]
    return frozenset().union(*known)
