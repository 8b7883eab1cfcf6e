"""RULES  Whether two accounts are two people, as far as a portal can know: for approving what somebody else wrote.

Invariant: nobody approves what the same account wrote. What else speaks against two people is a sign, no proof; each
is named, so that whoever is refused by mistake can ask a third colleague (docs/decisions/0030).
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

# An account that an author opened, or gave its roles, is not a second pair of eyes so soon.
TIED_FOR: Final = timedelta(days=30)
# The same mailboxes under two names.
_ONE_DOMAIN: Final = {"googlemail.com": "gmail.com"}


class Tie(StrEnum):
    """Why somebody is not a second person for a draft."""

    ONESELF = "oneself"
    SAME_MAILBOX = "same_mailbox"
    SAME_BROWSER = "same_browser"
    BROUGHT_IN = "brought_in"  # An author invited the approver or gave the roles, or the other way round.
    BROUGHT_IN_BY_ONE = "brought_in_by_one"  # The same through one other, whom the one brought in and who the other.


@dataclass(frozen=True, slots=True)
class Account:
    """What is looked at of a member of the staff: the address, and the browsers in which it signed in of late."""

    id: uuid.UUID
    email: str
    browsers: frozenset[str] = frozenset()


def mailbox_of(email: str) -> str:
    """Give the mailbox behind an address: without dots, what stands after a plus, and capital letters.

    Some providers deliver these to one mailbox and some don't; for a second person the same is too near.

    >>> mailbox_of("A.da+Rules@Linden.example")
    'ada@linden.example'
    """
    name, _at, domain = email.strip().casefold().rpartition("@")
    return f"{name.partition('+')[0].replace('.', '')}@{_ONE_DOMAIN.get(domain, domain)}"


def tie_between(
    approver: Account, authors: Collection[Account], brought_in: Collection[tuple[uuid.UUID, uuid.UUID]] = ()
) -> tuple[Tie, uuid.UUID] | None:
    """Give why somebody may not approve what some wrote, and because of which of them; None if nothing is known.

    `brought_in` holds who invited whom or gave whom roles of late.
    """
    for author in authors:
        if author.id == approver.id:
            return Tie.ONESELF, author.id
    for author in authors:
        if mailbox_of(author.email) == mailbox_of(approver.email):
            return Tie.SAME_MAILBOX, author.id
        if author.browsers & approver.browsers:
            return Tie.SAME_BROWSER, author.id
        if {(author.id, approver.id), (approver.id, author.id)} & set(brought_in):
            return Tie.BROUGHT_IN, author.id
        if _through_one(author.id, approver.id, brought_in) or _through_one(approver.id, author.id, brought_in):
            return Tie.BROUGHT_IN_BY_ONE, author.id
    return None


def _through_one(first: uuid.UUID, last: uuid.UUID, brought_in: Collection[tuple[uuid.UUID, uuid.UUID]]) -> bool:
    """Tell whether one brought somebody in who brought the other in."""
    between = {member for by, member in brought_in if by == first}
    return any(by in between and member == last for by, member in brought_in)
