"""A live import is taken back within a day: debt by debt, where nothing has happened on it since.

That somebody signed in or was written to is nothing; what is known of the rest is in the records, because each act
leaves one. A new debt that nobody has seen goes. One whose owner has been here is recalled, with an entry against its
opening, because what somebody has seen can't never have been. See `docs/decisions/0035`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, bindparam, delete, or_, select, update
from sqlalchemy.exc import IntegrityError

from portal import clock, ledger
from portal.bulk import rows_by_text
from portal.db import session, table_of, transaction
from portal.debts.models import Debt, ImportBefore, ImportRun
from portal.debts.runs import BATCH, NO_PLANS, UNDO_LIFE, Plans, delete_debts, refuse_if_another_runs
from portal.evidence.models import EvidenceRecord
from portal.evidence.record import OPERATOR, PORTAL, Act, Actor, Happened, record, record_many
from portal.ledger import OWED, Book, Posting, Transfer
from portal.people import found_by
from portal.people.models import ContactPoint, Debtor


class CannotUndo(Exception):
    """An import can't be taken back: there is none, it is too long ago, or something has happened on its debts."""


class Why(StrEnum):
    """Why a debt stays as the file made it."""

    PAYMENT = "payment"
    PLAN = "plan"
    REQUEST = "request"
    ANOTHER_FILE = "another_file"
    SOMETHING = "something"


@dataclass(frozen=True, slots=True)
class Stays:
    """One debt that stays as the file made it."""

    debt_id: uuid.UUID
    debtor_id: uuid.UUID
    reference: str
    why: Why


@dataclass(slots=True)
class Outlook:
    """What becomes of an import's debts when it is taken back, by counts; and those that stay, each with its reason."""

    run_id: uuid.UUID
    gone: int = 0
    recalled: int = 0
    back: int = 0
    returned: int = 0
    # Of those that return: their plans ended with the file, and stay ended.
    without_plan: list[Stays] = field(default_factory=list)
    stays: list[Stays] = field(default_factory=list)

    @property
    def can(self) -> int:
        """Give how many debts can be taken back."""
        return self.gone + self.recalled + self.back + self.returned


# What says that somebody was here, or was written to or looked at, and nothing more.
ONLY_SEEN = frozenset(
    {
        Act.INVITED,
        Act.INVITATION_WITHDRAWN,
        Act.SIGN_IN_REFUSED,
        Act.SIGNED_IN,
        Act.CODE_SENT,
        Act.CODE_ACCEPTED,
        Act.CODE_REFUSED,
        Act.SIGNED_OUT,
        Act.LANGUAGE_CHOSEN,
        Act.LETTER_LANGUAGE_CHOSEN,
        Act.ZONE_CHOSEN,
        Act.DEVICE_ENDED,
        Act.SESSIONS_ENDED,
        Act.PASSKEY_ADDED,
        Act.PASSKEY_NAMED,
        Act.PASSKEY_REMOVED,
        Act.PASSKEY_REFUSED,
        Act.OWN_DATA_TAKEN,
        Act.PACKAGE_TAKEN,
        Act.MESSAGES_CHOSEN,
        Act.MESSAGE_WRITTEN,
        Act.MESSAGE_NOT_WRITTEN,
        Act.MESSAGE_LET_THROUGH,
        Act.MESSAGE_HELD,
        Act.MESSAGE_SENT,
        Act.MESSAGE_NOT_SENT,
        Act.MESSAGE_ARRIVED,
        Act.MESSAGE_BOUNCED,
        Act.STAFF_LOOKED,
        Act.STAFF_SEARCHED,
        Act.NOTE_WRITTEN,
        Act.NOTE_TAKEN_BACK,
        Act.CALL_NOTED,
        Act.LINK_SENT,
        Act.NEEDS_TOLD,
        Act.NEEDS_TAKEN_BACK,
    }
)
# What the file itself did, which names the run.
_BY_FILES = frozenset({Act.BALANCE_ADJUSTED, Act.DEBT_RECALLED, Act.DEBT_RETURNED, Act.PLAN_MOVED})
_ABOUT = (
    (("payment", "credit"), Why.PAYMENT),
    (("plan", "quote", "offer", "budget", "waive", "interest", "another", "points"), Why.PLAN),
    (("request", "hold", "colleague", "consent"), Why.REQUEST),
)


def _why(act: str) -> Why:
    return next((why for starts, why in _ABOUT if act.startswith(starts)), Why.SOMETHING)


@dataclass(frozen=True, slots=True)
class _Owned:
    """One debt of an import, as it is now."""

    id: uuid.UUID
    debtor_id: uuid.UUID
    reference: str
    currency: str
    state: str
    new: bool
    before: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Fate:
    """What can be done with a batch: by debt why it stays, whose owners were here since, whose plans ended with it."""

    stays: Mapping[uuid.UUID, Why]
    seen: frozenset[uuid.UUID]
    ended: frozenset[uuid.UUID]


def last_run(lender_id: uuid.UUID, run_id: uuid.UUID | None = None) -> ImportRun | None:
    """Give a live import: the lender's last, unless one is named."""
    query = select(ImportRun).where(ImportRun.lender_id == lender_id, ImportRun.state == "live")
    if run_id is not None:
        query = query.where(ImportRun.id == run_id)
    return session.scalars(query.order_by(ImportRun.started_at.desc(), ImportRun.id.desc()).limit(1)).one_or_none()


def until(run: ImportRun) -> datetime:
    """Give the end of the time in which an import can be taken back."""
    return (run.finished_at or run.started_at) + UNDO_LIFE


def look(run: ImportRun) -> Outlook:
    """Say what would become of each debt of an import if it were taken back now; nothing is written."""
    outlook = Outlook(run.id)
    for some in _batches(run):
        fate = _fate_of(run, some)
        for debt in some:
            if (why := fate.stays.get(debt.id)) is not None:
                outlook.stays.append(Stays(debt.id, debt.debtor_id, debt.reference, why))
            elif debt.new:
                outlook.gone += debt.debtor_id not in fate.seen
                outlook.recalled += debt.debtor_id in fate.seen
            elif _returns(debt):
                outlook.returned += 1
                if debt.id in fate.ended:
                    outlook.without_plan.append(Stays(debt.id, debt.debtor_id, debt.reference, Why.PLAN))
            else:
                outlook.back += 1
    return outlook


def undo(
    *,
    lender_id: uuid.UUID,
    run_id: uuid.UUID | None = None,
    by: Actor = OPERATOR,
    partly: bool = False,
    plans: Plans = NO_PLANS,
    ending: Callable[[Outlook], None] = lambda _outlook: None,
) -> Outlook:
    """Take a live import back (the lender's last, unless one is named), in one transaction; `ending` is part of it.

    New debts that nobody has seen are out of sight with it, and deleted afterwards.

    With `partly` the debts on which something has happened stay as they are and are named; without, they keep all back.

    :raises CannotUndo: if there is no such import, a day has passed, or something has happened on one of its debts.
    :raises portal.debts.runs.AnotherImportRuns: if a file of this lender is being read now.
    """
    try:
        with transaction():
            refuse_if_another_runs(lender_id)
            run = last_run(lender_id, run_id)
            if run is None or clock.now() > until(run):
                raise CannotUndo
            for some in _batches(run):
                # Nobody posts anything on them before this is done.
                books = select(Book.id).where(Book.lender_id == lender_id, Book.id.in_([debt.id for debt in some]))
                session.execute(books.order_by(Book.id).with_for_update()).all()
            outlook = look(run)
            if not outlook.can or (outlook.stays and not partly):
                raise CannotUndo
            for some in _batches(run):
                fate = _fate_of(run, some)
                _take_back(run, [debt for debt in some if debt.id not in fate.stays], fate.seen, by=by, plans=plans)
            session.execute(
                delete(ImportBefore).where(ImportBefore.lender_id == lender_id, ImportBefore.import_run_id == run.id),
                execution_options={"synchronize_session": False},
            )
            run.state = "undone"
            record(
                Act.PORTFOLIO_UNDONE,
                by=by,
                lender_id=lender_id,
                facts={
                    "import": run.id,
                    "gone": outlook.gone,
                    "recalled": outlook.recalled,
                    "back": outlook.back,
                    "returned": outlook.returned,
                    "stays": len(outlook.stays),
                },
            )
            ending(outlook)
    except IntegrityError as problem:
        # A book would hold less than nothing: something happened that left no record.
        raise CannotUndo from problem
    clear(lender_id=lender_id, run_id=outlook.run_id)
    return outlook


# ---------------------------------------------------------------------------------------------------------------------
# Which debts, and what has happened on them


def _batches(run: ImportRun) -> Iterator[list[_Owned]]:
    """Give the debts that an import brought or changed, some thousands at a time."""
    mine = (Debt.lender_id == run.lender_id, Debt.state != "staged")
    causes = f"import:{run.id}:"
    adjusted = select(Transfer.book_id).join(
        Posting, (Posting.lender_id == Transfer.lender_id) & (Posting.id == Transfer.posting_id)
    )
    adjusted = adjusted.where(
        Posting.lender_id == run.lender_id, Posting.cause >= causes, Posting.cause < f"import:{run.id};"
    )
    changed = select(ImportBefore.debt_id).where(
        ImportBefore.lender_id == run.lender_id, ImportBefore.import_run_id == run.id
    )
    touched = or_(Debt.import_run_id == run.id, Debt.id.in_(changed), Debt.id.in_(adjusted))
    last: uuid.UUID | None = None
    while True:
        query = (
            select(
                Debt.id,
                Debt.debtor_id,
                Debt.reference,
                Debt.currency,
                Debt.state,
                Debt.import_run_id,
                ImportBefore.before,
            )
            .outerjoin(
                ImportBefore,
                (ImportBefore.lender_id == Debt.lender_id)
                & (ImportBefore.debt_id == Debt.id)
                & (ImportBefore.import_run_id == run.id),
            )
            .where(*mine, touched)
            .order_by(Debt.id)
            .limit(BATCH)
        )
        rows = session.execute(query if last is None else query.where(Debt.id > last)).all()
        if not rows:
            return
        last = rows[-1].id
        yield [
            _Owned(
                id=row.id,
                debtor_id=row.debtor_id,
                reference=row.reference,
                currency=row.currency,
                state=row.state,
                new=row.import_run_id == run.id,
                before=row.before or {},
            )
            for row in rows
        ]


def _fate_of(run: ImportRun, some: Sequence[_Owned]) -> _Fate:
    """Look at the records, the books and later files for what has happened on debts since an import."""
    since = run.finished_at or run.started_at
    ids = {debt.id for debt in some}
    of_person: dict[uuid.UUID, Why] = {}
    stays: dict[uuid.UUID, Why] = {}
    seen: set[uuid.UUID] = set()
    ended: set[uuid.UUID] = set()
    of = EvidenceRecord
    records = session.execute(
        select(of.debtor_id, of.debt_id, of.act, of.at, of.entry).where(
            of.lender_id == run.lender_id,
            of.debtor_id.in_({debt.debtor_id for debt in some}),
            of.at >= run.started_at,
        )
    )
    for row in records:
        act = Act(row.act)
        if act in _BY_FILES and str(run.id) in row.entry:
            ended |= {row.debt_id} if act is Act.PLAN_MOVED else set()
            continue
        if row.at < since:
            continue
        seen.add(row.debtor_id)
        if act in ONLY_SEEN:
            continue
        why = Why.ANOTHER_FILE if act in _BY_FILES - {Act.PLAN_MOVED} else _why(row.act)
        if row.debt_id is None or why is Why.PAYMENT:
            # A payment may be for several debts, and a request without one is about all.
            of_person[row.debtor_id] = why
        else:
            stays[row.debt_id] = why
    books = session.scalars(
        select(Transfer.book_id)
        .join(Posting, (Posting.lender_id == Transfer.lender_id) & (Posting.id == Transfer.posting_id))
        .where(
            Transfer.lender_id == run.lender_id,
            Transfer.book_id.in_(ids),
            Posting.at >= since,
            Posting.kind != "opening",
            ~Posting.cause.startswith(f"import:{run.id}:", autoescape=True),
        )
    )
    later_files = session.scalars(
        select(ImportBefore.debt_id).where(
            ImportBefore.lender_id == run.lender_id, ImportBefore.debt_id.in_(ids), ImportBefore.import_run_id > run.id
        )
    )
    for debt_id in filter(None, books):
        stays.setdefault(debt_id, Why.SOMETHING)
    for debt_id in later_files:
        stays.setdefault(debt_id, Why.ANOTHER_FILE)
    for debt in some:
        if debt.debtor_id in of_person:
            stays.setdefault(debt.id, of_person[debt.debtor_id])
    here = {debt_id: why for debt_id, why in stays.items() if debt_id in ids}
    return _Fate(here, frozenset(seen), frozenset(ended))


def _returns(debt: _Owned) -> bool:
    return debt.state == "recalled" and debt.before.get("state") == "open"


# ---------------------------------------------------------------------------------------------------------------------
# Taking back


def _take_back(run: ImportRun, debts: Sequence[_Owned], seen: frozenset[uuid.UUID], *, by: Actor, plans: Plans) -> None:
    """Take back what an import did to debts on which nothing has happened.

    New ones that nobody has seen are staged again, where nobody sees them, and `clear` deletes them.
    """
    lender_id = run.lender_id
    known = [debt for debt in debts if not debt.new]
    recalled = [debt for debt in debts if debt.new and debt.debtor_id in seen]
    corrected = _correct(run, {f"import:{run.id}:{debt.id}": debt.id for debt in known})
    facts = {"import": run.id, "undone": True}
    happened = [
        Happened(
            Act.BALANCE_ADJUSTED,
            debtor=debt.debtor_id.hex,
            debt=debt.id.hex,
            facts=facts | {"before": corrected[debt.id][0], "after": corrected[debt.id][1]},
        )
        for debt in known
        if debt.id in corrected
    ]
    _as_they_were(run, known)
    for debt in known:
        state = debt.before.get("state", debt.state)
        if state != debt.state:
            act = Act.DEBT_RETURNED if state == "open" else Act.DEBT_RECALLED
            happened.append(Happened(act, debtor=debt.debtor_id.hex, debt=debt.id.hex, facts=facts))
    plans.changed(lender_id, list(corrected), run.as_of, run.id)
    for debt in debts:
        if "person" in debt.before and debt.debtor_id not in seen:
            _forget_what_was_added(lender_id, debt.debtor_id, debt.before["person"])
    _correct(run, {f"opening:{debt.id}": debt.id for debt in recalled})
    _set_state(run, [debt.id for debt in recalled], "recalled")
    happened += [
        Happened(Act.DEBT_RECALLED, debtor=debt.debtor_id.hex, debt=debt.id.hex, facts=facts) for debt in recalled
    ]
    _set_state(run, [debt.id for debt in debts if debt.new and debt.debtor_id not in seen], "staged")
    record_many(happened, by=by, lender_id=lender_id)


def _correct(run: ImportRun, debts: Mapping[str, uuid.UUID]) -> dict[uuid.UUID, tuple[int, int]]:
    """Post what corrects the postings with these causes; gives by debt what was owed before and after."""
    found = rows_by_text(
        Posting.id, Posting.cause, key=Posting.cause, texts=list(debts), where=Posting.lender_id == run.lender_id
    )
    if not found:
        return {}
    corrected = [debts[row.cause] for row in found]
    before = _owed(run.lender_id, corrected)
    ledger.reverse_many(
        lender_id=run.lender_id, postings={row.id: f"undo:{run.id}:{row.cause}" for row in found}, on=run.as_of
    )
    after = _owed(run.lender_id, corrected)
    return {debt_id: (before[debt_id], after[debt_id]) for debt_id in corrected}


def _owed(lender_id: uuid.UUID, debts: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    book = table_of(Book).c
    parts = [book[f"{part.value}_minor"] for part in OWED]
    rows = session.execute(select(book.id, *parts).where(book.lender_id == lender_id, book.id.in_(debts)))
    return {debt_id: sum(minors) for debt_id, *minors in rows}


def _as_they_were(run: ImportRun, debts: Sequence[_Owned]) -> None:
    """Write on the rows of debts again what stood there, in one statement for all that get the same columns back."""
    table = table_of(Debt)
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for debt in debts:
        values = {name: value for name, value in debt.before.items() if name != "person"}
        for name in ("late_since", "as_of"):
            if values.get(name):
                values[name] = date.fromisoformat(values[name])
        if values:
            alike.setdefault(tuple(sorted(values)), []).append({**values, "its_id": debt.id})
    for names, rows in alike.items():
        session.execute(
            update(table)
            .where(table.c.lender_id == run.lender_id, table.c.id == bindparam("its_id"))
            .values({name: bindparam(name) for name in names}),
            rows,
        )


def _set_state(run: ImportRun, debts: Sequence[uuid.UUID], state: str) -> None:
    if debts:
        session.execute(
            update(Debt).where(Debt.lender_id == run.lender_id, Debt.id.in_(debts)).values(state=state),
            execution_options={"synchronize_session": False},
        )


def clear(*, lender_id: uuid.UUID, run_id: uuid.UUID) -> None:
    """Delete the new debts of an import that was taken back, batch by batch, so that nobody waits for all of them.

    Whatever begins it again goes on where it was left. One to which something points that left no record is recalled.
    """
    while True:
        try:
            with transaction() as s:
                ids = list(s.scalars(_staged(lender_id, run_id).limit(BATCH)))
                if not ids:
                    return
                delete_debts(lender_id, ids)
        except IntegrityError:
            with transaction() as s:
                for debt in s.scalars(select(Debt).where(Debt.id.in_(ids), Debt.lender_id == lender_id)):
                    run = s.get_one(ImportRun, (lender_id, run_id))
                    _correct(run, {f"opening:{debt.id}": debt.id})
                    debt.state = "recalled"
                    facts = {"import": run_id, "undone": True}
                    record(
                        Act.DEBT_RECALLED,
                        by=PORTAL,
                        lender_id=lender_id,
                        debtor_id=debt.debtor_id,
                        debt_id=debt.id,
                        facts=facts,
                    )


def clear_left_over(*, lender_id: uuid.UUID) -> None:
    """Delete what was taken back and not deleted, because something ended in between: its references are free again."""
    undone = select(ImportRun.id).where(ImportRun.lender_id == lender_id, ImportRun.state == "undone")
    for run_id in session.scalars(undone).all():
        if session.scalar(_staged(lender_id, run_id).limit(1)) is not None:
            clear(lender_id=lender_id, run_id=run_id)


def _staged(lender_id: uuid.UUID, run_id: uuid.UUID) -> Select[uuid.UUID]:
    return select(Debt.id).where(Debt.lender_id == lender_id, Debt.import_run_id == run_id, Debt.state == "staged")


def _forget_what_was_added(lender_id: uuid.UUID, debtor_id: uuid.UUID, added: Mapping[str, Any]) -> None:
    """Take out ways to reach somebody that only this file knew, and its birth date."""
    contacts = [(channel, address) for channel, address in added.get("contacts", ())]
    found_by.forget([], [(debtor_id, channel, address) for channel, address in contacts], lender_id=lender_id)
    for channel, address in contacts:
        session.execute(
            delete(ContactPoint).where(
                ContactPoint.lender_id == lender_id,
                ContactPoint.debtor_id == debtor_id,
                ContactPoint.channel == channel,
                ContactPoint.address == address,
                ContactPoint.confirmed_at.is_(None),
            ),
            execution_options={"synchronize_session": False},
        )
    if added.get("born_on"):
        session.execute(
            update(Debtor).where(Debtor.lender_id == lender_id, Debtor.id == debtor_id).values(born_on=None),
            execution_options={"synchronize_session": False},
        )
