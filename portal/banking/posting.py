"""One entry of a bank's file into the books, once, and out of them again.

Invariant: an entry, its payment or what is set aside, its posting and its record are one transaction; of one key of an
account one entry counts, whichever file it came with and however many workers have it in hand.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from portal import clock, ledger
from portal.banking.entries import Entry, Good, Refused, judged, key_of
from portal.banking.matching import Match, Waits, match
from portal.banking.models import BankEntry
from portal.db import new_id, put_unless_there, session
from portal.debts.models import Debt
from portal.debts.undoing import ONLY_SEEN
from portal.evidence.models import EvidenceRecord
from portal.evidence.record import Act, Actor, record
from portal.ledger import Account
from portal.money import Money
from portal.payments import aside, credit, going_back, settle, tell_back
from portal.payments.going_back import Kind, key_at_lender
from portal.payments.models import Payment, PaymentPart
from portal.payments.parts import Part
from portal.payments.setting_aside import Why
from portal.payments.states import State
from portal.people.models import Debtor
from portal.plans.progress import alive_plan
from portal.web.numbers import public_number

UNDONE = Kind("transfer_undone", Act.PAYMENT_TRANSFER_UNDONE)
POSTED, SUSPENSE, REFUSED, KNOWN = "posted", "suspense", "refused", "known"
_METHODS = {"bank": "bank_transfer", "cash": "cash"}


@dataclass(frozen=True, slots=True)
class Into:
    """Where entries go: to an account, by way of a file, on whose word; `today` is by the lender's calendar."""

    lender_id: uuid.UUID
    upload_id: uuid.UUID
    account_id: uuid.UUID
    currency: str
    kind: str
    today: date
    by: Actor


def bring(entry: Entry, into: Into) -> str:
    """Bring one entry in, as it is now; gives what became of it. One that this file brought before stays as it is."""
    done = session.scalar(
        select(BankEntry.outcome).where(
            BankEntry.lender_id == into.lender_id,
            BankEntry.upload_id == into.upload_id,
            BankEntry.place == entry.place,
        )
    )
    if done is not None:
        return done
    good = judged(entry, currency=into.currency, today=into.today)
    if isinstance(good, Refused):
        return _refuse(entry, into, good)
    (found,) = match([entry], lender_id=into.lender_id)
    entry_id = new_id()
    row = _row(entry, into, entry_id) | {"counts_on": good.counts_on, "amount_minor": good.amount.minor}
    named = {"outcome": SUSPENSE, "why": found.why.value} if isinstance(found, Waits) else _named(found)
    if not put_unless_there(BankEntry, row | named):
        return _known(entry, into, good)
    if isinstance(found, Match):
        # The books are locked first; a file that recalls the debt waits for them, or we for it.
        for debt_id in sorted(credit.touched_with(into.lender_id, [found.debt_id])):
            ledger.locked(lender_id=into.lender_id, debt_id=debt_id)
        if session.get_one(Debt, (into.lender_id, found.debt_id), populate_existing=True).state == "open":
            _post(entry_id, entry, good, found, into)
            return POSTED
    mine = session.get_one(BankEntry, (into.lender_id, entry_id), populate_existing=True)
    why = found.why if isinstance(found, Waits) else Why.RECALLED
    mine.outcome, mine.why, mine.debt_id, mine.debtor_id = SUSPENSE, why.value, None, None
    mine.set_aside_id = aside.put_at_lender(
        lender_id=into.lender_id,
        key=key_at_lender(entry_id),
        amount=good.amount,
        why=why,
        received={
            "method": _METHODS[into.kind],
            "last4": entry.payer_account,
            "says": entry.text or None,
            "payer": entry.payer,
            "counts_on": good.counts_on.isoformat(),
            "entry": entry.reference,
            "asked": None,
        },
        by=into.by,
    )
    mine.at = clock.now()
    session.flush()
    return SUSPENSE


def _named(found: Match) -> dict[str, object]:
    return {"outcome": POSTED, "debt_id": found.debt_id, "debtor_id": found.debtor_id, "matched_by": found.by}


def _row(entry: Entry, into: Into, entry_id: uuid.UUID) -> dict[str, object]:
    """Give the row of an entry as the file has it."""
    return {
        "lender_id": into.lender_id,
        "id": entry_id,
        "account_id": into.account_id,
        "upload_id": into.upload_id,
        "place": entry.place,
        "key": key_of(entry),
        "booked_on": entry.booked,
        "value_on": entry.value,
        "counts_on": None,
        "amount_text": "" if entry.amount is None else f"{entry.amount:f}",
        "amount_minor": None,
        "currency": entry.currency,
        "credit": entry.credit,
        "said": entry.text,
        "payer": entry.payer,
        "payer_account": entry.payer_account,
        "matched_by": None,
        "outcome": REFUSED,
        "why": None,
        "debtor_id": None,
        "debt_id": None,
        "set_aside_id": None,
        "at": clock.now(),
        "undone_at": None,
    }


def _refuse(entry: Entry, into: Into, why: Refused) -> str:
    put_unless_there(BankEntry, _row(entry, into, new_id()) | {"why": why.value})
    return REFUSED


def _known(entry: Entry, into: Into, good: Good) -> str:
    """Note an entry whose key counts already: the same one again, or another one under the bank's same reference."""
    row = _row(entry, into, new_id())
    if same_as_before(entry, good, into):
        put_unless_there(BankEntry, row | {"outcome": KNOWN, "amount_minor": good.amount.minor})
        return KNOWN
    return _refuse(entry, into, Refused.OTHER_ENTRY)


def same_as_before(entry: Entry, good: Good, into: Into) -> bool | None:
    """Say whether an entry with the key of this one counts and says the same; None if none counts."""
    before = session.execute(
        select(BankEntry.amount_minor, BankEntry.booked_on).where(
            BankEntry.lender_id == into.lender_id,
            BankEntry.account_id == into.account_id,
            BankEntry.key == key_of(entry),
            BankEntry.outcome.in_((POSTED, SUSPENSE)),
            BankEntry.undone_at.is_(None),
        )
    ).one_or_none()
    if before is None:
        return None
    return before.amount_minor == good.amount.minor and before.booked_on == entry.booked


def _post(entry_id: uuid.UUID, entry: Entry, good: Good, found: Match, into: Into) -> None:
    lender_id, key = into.lender_id, key_at_lender(entry_id)
    plan = alive_plan(lender_id=lender_id, debt_id=found.debt_id)
    plan_id = None if plan is None else plan.id
    zone = session.get_one(Debtor, (lender_id, found.debtor_id)).zone
    counts_at = aside.noon(good.counts_on, zone)
    payment = Payment(
        lender_id=lender_id,
        id=entry_id,
        reference=public_number("P"),
        form_key=key,
        debtor_id=found.debtor_id,
        debt_id=found.debt_id,
        plan_id=plan_id,
        amount_minor=good.amount.minor,
        refunded_minor=0,
        currency=good.amount.currency,
        state=State.SUCCEEDED.value,
        method=_METHODS[into.kind],
        last4=entry.payer_account,
        # It counts from its day on, whenever the file comes.
        session_expires_at=counts_at,
        started_at=clock.now(),
        settled_at=counts_at,
        paid_at=counts_at,
    )
    session.add(payment)
    session.flush()
    session.add(
        PaymentPart(
            lender_id=lender_id,
            payment_id=entry_id,
            place=1,
            debt_id=found.debt_id,
            plan_id=plan_id,
            amount_minor=good.amount.minor,
            currency=good.amount.currency,
        )
    )
    session.flush()
    effect_id = going_back.claim(
        lender_id=lender_id, payment_id=entry_id, key=key, amount=good.amount, outcome="posted"
    )
    if effect_id is None:
        raise LookupError(key)
    settle.count(
        payment,
        [Part(found.debt_id, plan_id, good.amount)],
        effect_id=effect_id,
        amount=good.amount,
        cause=f"payment:lender:{entry_id}",
        facts={"entry": entry_id, "method": payment.method, "counts_on": good.counts_on, "matched_by": found.by},
        by=into.by,
        act=Act.PAYMENT_TRANSFERRED,
        cash=Account.CASH_LENDER,
    )
    mine = session.get_one(BankEntry, (lender_id, entry_id), populate_existing=True)
    mine.at = clock.now()
    session.flush()


# ---------------------------------------------------------------------------------------------------------------------
# Out again


# A letter about the money is marked when the money goes.
_NOTHING_HAPPENED = ONLY_SEEN | {
    Act.LETTER_ASKED,
    Act.LETTER_ISSUED,
    Act.LETTER_WAITS_FOR_PERSON,
    Act.LETTER_SENT_BY_HAND,
}


def happened_after(entries: Sequence[BankEntry]) -> bool:
    """Say whether anything has happened on the debt of some entries of a file since the last of them came in."""
    first, last = entries[0], max(entry.at for entry in entries)
    query = select(EvidenceRecord.id).where(
        EvidenceRecord.lender_id == first.lender_id,
        EvidenceRecord.debtor_id == first.debtor_id,
        (EvidenceRecord.debt_id == first.debt_id) | EvidenceRecord.debt_id.is_(None),
        EvidenceRecord.at > last,
        EvidenceRecord.act.not_in([act.value for act in _NOTHING_HAPPENED]),
    )
    return session.scalar(query.limit(1)) is not None


def undo_posted(entries: Sequence[BankEntry], *, by: Actor) -> bool:
    """Take the entries of one debt out of the books, the newest first, unless something has happened since."""
    first = entries[0]
    if first.debt_id is None:
        raise ValueError(first.id)
    for debt_id in sorted(credit.touched_with(first.lender_id, [first.debt_id])):
        ledger.locked(lender_id=first.lender_id, debt_id=debt_id)
    if happened_after(entries):
        return False
    for entry in sorted(entries, key=lambda each: each.place, reverse=True):
        payment = session.execute(
            select(Payment)
            .where(Payment.lender_id == entry.lender_id, Payment.id == entry.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).scalar_one()
        came, amount = going_back.came_of(payment, by=by), Money(payment.amount_minor, payment.currency)
        going_back.take(
            came,
            UNDONE,
            key=f"lender:{entry.id}:undone",
            cause=f"transfer-undone:{entry.id}",
            amount=amount,
            facts={"entry": entry.id},
        )
        payment.state = State.REFUNDED.value
        entry.undone_at = clock.now()
        tell_back.later(
            tell_back.UNDONE,
            lender_id=entry.lender_id,
            debtor_id=payment.debtor_id,
            amount=amount,
            about=entry.id,
            debt_id=payment.debt_id,
        )
    session.flush()
    return True


def undo_suspense(entry: BankEntry, *, today: date, by: Actor) -> bool:
    """Take an entry that waits out of suspense, unless a person has done anything with it."""
    row = aside.locked(lender_id=entry.lender_id, aside_id=entry.set_aside_id) if entry.set_aside_id else None
    if row is None or row.note is not None or aside.waiting(row).minor != row.amount_minor or aside.is_going_back(row):
        return False
    if not aside.take_out(row, kind="transfer_undone", key=f"lender:{entry.id}:undone", today=today):
        return False
    entry.undone_at = clock.now()
    record(
        Act.PAYMENT_TRANSFER_UNDONE,
        by=by,
        lender_id=entry.lender_id,
        facts={"entry": entry.id, "amount": Money(row.amount_minor, row.currency).amount, "currency": row.currency},
    )
    session.flush()
    return True
