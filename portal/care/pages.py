"""What pages of other features show of requests: what is being looked into, and a word before paying all the same."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from portal.care.holds import Notice, notices_of
from portal.care.states import Kind
from portal.people.permissions import me
from portal.web.formats import day as day_words
from portal.web.languages import gettext as _


@dataclass(frozen=True, slots=True)
class Shown:
    """One notice in words. `reference` is of the debt that it is about, None for all of the person."""

    title: str
    lines: tuple[str, ...]
    number: str
    debt_id: uuid.UUID | None
    reference: str | None
    disputed: bool


def notices_for_me(debt_id: uuid.UUID | None = None) -> tuple[Shown, ...]:
    """Give what the signed-in person's page (or the page of one debt) says about what is being looked into."""
    person = me()
    return notices_for(lender_id=person.lender_id, debtor_id=person.debtor_id, debt_id=debt_id, zone=person.zone)


def notices_for(
    *, lender_id: uuid.UUID, debtor_id: uuid.UUID, debt_id: uuid.UUID | None = None, zone: str
) -> tuple[Shown, ...]:
    """Give what a person's page (or the page of one debt) says about what is being looked into."""
    found = notices_of(lender_id=lender_id, debtor_id=debtor_id, debt_id=debt_id, zone=zone)
    return tuple(_shown(notice) for notice in found)


def _shown(notice: Notice) -> Shown:
    answer = (
        (_("You get an answer by %(day)s.", day=day_words(notice.answer_by)),) if notice.answer_by is not None else ()
    )
    match notice.kind:
        case Kind.NOT_MINE:
            title = _("You told us that this isn’t yours")
            lines = (_("We are looking into it. You don’t have to pay until you have an answer."), *answer)
        case Kind.WRONG_AMOUNT:
            title = _("You told us that the amount is wrong")
            lines = (_("We are looking into it. You don’t have to pay until you have an answer."), *answer)
        case Kind.COMPLAIN:
            title = _("We are looking into your complaint")
            lines = (_("Until then nothing presses you here."), *answer)
        case Kind.CANT_PAY:
            title = _("You told us that you can’t pay")
            until = (_("No reminders until %(day)s.", day=day_words(notice.until)),) if notice.until else ()
            lines = (*until, *answer)
        case _:
            title = _("A person is looking at your request")
            lines = answer
    return Shown(
        title=title,
        lines=lines,
        number=notice.number,
        debt_id=notice.debt_id,
        reference=notice.debt_reference,
        disputed=notice.disputed,
    )


def paying_all_the_same() -> tuple[str, ...]:
    """Give what a page of paying says of a debt that its owner disputes: it is a choice, and what it can mean."""
    return (
        _("We are still looking into what you told us. You don’t have to pay now. You may, if you choose to."),
        _("If it turns out that you did not owe it, you get it back."),
        _("In some countries a payment can count as agreeing that you owe the debt. A free adviser can tell you."),
    )
