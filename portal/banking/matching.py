"""Which debt an entry names: by our reference or by the lender's own, exactly; an amount or a name never says it.

Invariant: an entry is matched where all that it names is one debt; anything else waits for a person, with the reason.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from portal import clock
from portal.banking.entries import Entry
from portal.banking.models import TransferReference
from portal.banking.reference import found_in, looks_damaged, words_in
from portal.banking.references import LENGTH
from portal.care.holds import holding
from portal.db import session
from portal.debts.models import Debt
from portal.payments.setting_aside import Why

# So many entries are looked up at once; each names a few things.
BATCH = 200
_A_TIME = 500


@dataclass(frozen=True, slots=True)
class Match:
    """The one debt that an entry names, and by what."""

    debt_id: uuid.UUID
    debtor_id: uuid.UUID
    reference: str
    by: str


@dataclass(frozen=True, slots=True)
class Waits:
    """A person has to look at an entry."""

    why: Why


@dataclass(frozen=True, slots=True)
class _Known:
    debt_id: uuid.UUID
    debtor_id: uuid.UUID
    reference: str
    state: str
    currency: str


def match(entries: Sequence[Entry], *, lender_id: uuid.UUID) -> list[Match | Waits]:
    """Say of each entry which debt it names, in two statements for all of them."""
    said = [(found_in(entry.texts), words_in(entry.texts)) for entry in entries]
    ours = _by_our_reference(lender_id, {each for found, _words in said for each in found})
    # What stands in a reference of ours may be the lender's own: RF, check digits, and its number of the debt.
    own = {word for _found, words in said for word in words} | {each[4:] for found, _words in said for each in found}
    theirs = _by_their_reference(lender_id, own)
    return [
        _matched(entry, found, words, ours, theirs, lender_id)
        for entry, (found, words) in zip(entries, said, strict=True)
    ]


def _matched(
    entry: Entry,
    found: frozenset[str],
    words: frozenset[str],
    ours: Mapping[str, _Known],
    theirs: Mapping[str, _Known],
    lender_id: uuid.UUID,
) -> Match | Waits:
    named: dict[uuid.UUID, tuple[_Known, str]] = {}
    for text in sorted(found):
        if text in ours:
            named.setdefault(ours[text].debt_id, (ours[text], text))
        elif text[4:] in theirs:
            named.setdefault(theirs[text[4:]].debt_id, (theirs[text[4:]], text))
    for text in sorted(words):
        if text in theirs:
            named.setdefault(theirs[text].debt_id, (theirs[text], text))
    if entry.collective:
        return Waits(Why.COLLECTIVE)
    if entry.reversal:
        return Waits(Why.CAME_BACK)
    if len(named) > 1:
        return Waits(Why.SEVERAL)
    if not named:
        if looks_damaged(entry.texts, like=LENGTH):
            return Waits(Why.NOT_KNOWN if any(len(each) == LENGTH for each in found) else Why.DAMAGED)
        return Waits(Why.NO_REFERENCE)
    known, by = next(iter(named.values()))
    if known.state != "open":
        return Waits(Why.RECALLED)
    if known.currency != entry.currency:
        return Waits(Why.CURRENCY)
    if _disputed(lender_id, known):
        return Waits(Why.DISPUTED)
    return Match(known.debt_id, known.debtor_id, known.reference, by)


def _disputed(lender_id: uuid.UUID, known: _Known) -> bool:
    """Say whether its owner says that the debt is wrong: then nothing pays it that nobody has looked at."""
    holds = holding(lender_id=lender_id, debtor_id=known.debtor_id, debt_id=known.debt_id, at=clock.now())
    return any(hold.disputed for hold in holds)


_COLUMNS = (Debt.id, Debt.debtor_id, Debt.reference, Debt.state, Debt.currency)


def _by_our_reference(lender_id: uuid.UUID, texts: set[str]) -> dict[str, _Known]:
    found = {}
    for some in _pieces(texts):
        rows = session.execute(
            select(TransferReference.reference.label("said"), *_COLUMNS)
            .join(Debt, (Debt.lender_id == TransferReference.lender_id) & (Debt.id == TransferReference.debt_id))
            .where(TransferReference.lender_id == lender_id, TransferReference.reference.in_(some))
        )
        found.update({row.said: _Known(row.id, row.debtor_id, row.reference, row.state, row.currency) for row in rows})
    return found


def _by_their_reference(lender_id: uuid.UUID, texts: set[str]) -> dict[str, _Known]:
    found = {}
    for some in _pieces(texts):
        rows = session.execute(
            select(*_COLUMNS).where(
                Debt.lender_id == lender_id, Debt.reference.in_(some), Debt.state.in_(("open", "recalled"))
            )
        )
        found.update(
            {row.reference: _Known(row.id, row.debtor_id, row.reference, row.state, row.currency) for row in rows}
        )
    return found


def _pieces(texts: set[str]) -> list[list[str]]:
    """Give texts in pieces that a statement can hold, without what no reference can be."""
    useful = sorted(text for text in texts if 0 < len(text) <= 100 and "\0" not in text)
    return [useful[start : start + _A_TIME] for start in range(0, len(useful), _A_TIME)]
