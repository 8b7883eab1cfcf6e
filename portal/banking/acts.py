"""What somebody does with a file of the bank: bring it, say that it is right, withdraw it, take it back; and with money
that nobody could place, that it goes back from the lender's own bank.

Invariant: who may is looked at under the lender's lock, and a click that comes twice does nothing twice.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO, Final

from sqlalchemy import func, select
from sqlalchemy.orm import defer

from portal import clock, queue
from portal.banking.models import BankEntry
from portal.banking.posting import POSTED, SUSPENSE
from portal.db import new_id, session
from portal.desk.drafts import NotTwoPeople, tied
from portal.evidence.record import Act, Actor, record
from portal.files import acts as files
from portal.files import kept
from portal.files.acts import KEPT_FOR, Brought, MayNot, TheSame, TooLate
from portal.files.models import Upload
from portal.files.states import Event, Forbidden, Moved, Repeated, State, after
from portal.finance.acts import alone_up_to
from portal.lenders.models import BankAccount
from portal.money import Money
from portal.payments import aside
from portal.payments.models import SendingBack
from portal.staff import members
from portal.staff.models import StaffMember
from portal.staff.roles import Permission, permissions_of

UNDO_LIFE: Final = timedelta(hours=24)


def may(lender_id: uuid.UUID, member_id: uuid.UUID, permission: Permission) -> bool:
    """Say whether a member may do something now, whatever a page took it for."""
    who = session.get(StaffMember, (lender_id, member_id), populate_existing=True)
    return who is not None and who.state == "active" and permission in permissions_of(who.roles)


def _allowed(lender_id: uuid.UUID, by: uuid.UUID, permission: Permission = Permission.BRING_BANK_FILE) -> Actor:
    """Give somebody as who acts, as long as they may.

    :raises MayNot: if not.
    """
    if not may(lender_id, by, permission):
        raise MayNot
    return Actor("staff", str(by))


def find(*, lender_id: uuid.UUID, number: int) -> Upload | None:
    """Give a file of the bank by its number."""
    return files.find(lender_id=lender_id, number=number, kind="bank")


def some(*, lender_id: uuid.UUID, before: int | None, most: int) -> Sequence[Upload]:
    """Give the newest files of the bank, or those before a number, without what was seen in them."""
    query = select(Upload).where(Upload.lender_id == lender_id, Upload.kind == "bank")
    if before is not None:
        query = query.where(Upload.number < before)
    return session.scalars(
        query.options(defer(Upload.preview), defer(Upload.mapping)).order_by(Upload.number.desc()).limit(most)
    ).all()


def account_of(upload: Upload) -> BankAccount | None:
    """Give the account that was chosen for a file that names none."""
    return None if upload.account_id is None else session.get_one(BankAccount, (upload.lender_id, upload.account_id))


def bring(
    stream: BinaryIO,
    *,
    lender_id: uuid.UUID,
    name: str,
    size: int,
    account_id: uuid.UUID | None,
    mapping: str,
    mapping_name: str,
    form_key: str,
    by: uuid.UUID,
) -> Brought | TheSame:
    """Keep a file, and let a worker look at it; nothing of it counts. The same form again is the same file.

    :raises MayNot: if whoever brings it may not any more.
    """
    digest = files.sha256(stream)
    files.lock(lender_id)
    who = _allowed(lender_id, by)
    earlier = session.scalars(
        select(Upload).where(Upload.lender_id == lender_id, Upload.form_key == form_key)
    ).one_or_none()
    if earlier is not None:
        return Brought(earlier.number)
    same = session.scalar(
        select(Upload.number).where(
            Upload.lender_id == lender_id,
            Upload.kind == "bank",
            Upload.sha256 == digest,
            Upload.mapping == mapping,
            Upload.state.in_([State.LOOKING, State.READY, State.BRINGING, State.UNDOING]),
        )
    )
    if same is not None:
        return TheSame(same)
    newest = session.scalar(select(func.max(Upload.number)).where(Upload.lender_id == lender_id))
    upload = Upload(
        lender_id=lender_id,
        id=new_id(),
        number=(newest or 0) + 1,
        kind="bank",
        account_id=account_id,
        name=name,
        sha256=digest,
        size=size,
        mapping=mapping,
        mapping_name=mapping_name,
        whole=False,
        state=State.LOOKING.value,
        form_key=form_key,
        brought_by=by,
        brought_at=clock.now(),
    )
    session.add(upload)
    session.flush()
    kept.keep(stream, lender_id=lender_id, upload_id=upload.id, kind="file")
    facts = {"upload": upload.id, "number": upload.number, "file": name, "bytes": size, "sha256": digest}
    record(Act.BANK_FILE_BROUGHT, by=who, lender_id=lender_id, facts=facts)
    files.later(files.BANK_SEE, upload)
    queue.later(
        files.FORGET, lender_id=lender_id, payload={"upload_id": str(upload.id)}, at=clock.now() + KEPT_FOR, once=None
    )
    return Brought(upload.number)


def _about(upload: Upload, **more: object) -> Mapping[str, object]:
    return {"upload": upload.id, "number": upload.number, **more}


def confirm(*, lender_id: uuid.UUID, number: int, by: uuid.UUID) -> Moved | Repeated | Forbidden:
    """Say that a file is right as it was seen; a worker brings it in.

    :raises MayNot: if whoever says so may not any more.
    """
    files.lock(lender_id)
    who, upload = _allowed(lender_id, by), files.locked(lender_id, number)
    moved = after(State(upload.state), Event.CONFIRM)
    if isinstance(moved, Moved):
        upload.confirmed_by, upload.confirmed_at, upload.problem = by, clock.now(), None
        files.move(upload, Event.CONFIRM)
        record(Act.BANK_FILE_CONFIRMED, by=who, lender_id=lender_id, facts=_about(upload))
    return moved


def withdraw(*, lender_id: uuid.UUID, number: int, by: uuid.UUID) -> Moved | Repeated | Forbidden:
    """Let a file that does not count never count; its bytes go at once.

    :raises MayNot: if whoever acts may not any more.
    """
    files.lock(lender_id)
    who, upload = _allowed(lender_id, by), files.locked(lender_id, number)
    moved = files.move(upload, Event.WITHDRAW)
    if isinstance(moved, Moved):
        files.forget_bytes(upload)
        record(Act.BANK_FILE_WITHDRAWN, by=who, lender_id=lender_id, facts=_about(upload))
    return moved


def undo_until(upload: Upload) -> datetime | None:
    """Give until when what a file did can be taken back; None if it never counted or that is over."""
    if upload.state != State.LIVE or upload.result is None:
        return None
    until = datetime.fromisoformat(upload.result["live_at"]) + UNDO_LIFE
    return until if clock.now() <= until else None


def ask_to_undo(*, lender_id: uuid.UUID, number: int, by: uuid.UUID) -> Moved | Repeated | Forbidden | TooLate:
    """Let a worker take back what a file did, debt by debt, where nothing has happened since.

    :raises MayNot: if whoever acts may not any more.
    """
    files.lock(lender_id)
    who, upload = _allowed(lender_id, by), files.locked(lender_id, number)
    if upload.state == State.LIVE and undo_until(upload) is None:
        return TooLate()
    moved = after(State(upload.state), Event.UNDO)
    if isinstance(moved, Moved):
        upload.undone_by, upload.problem = by, None
        files.move(upload, Event.UNDO)
        record(Act.BANK_FILE_UNDOING, by=who, lender_id=lender_id, facts=_about(upload))
    return moved


def entries_of(*, lender_id: uuid.UUID, upload_id: uuid.UUID, after_place: int, most: int) -> Sequence[BankEntry]:
    """Give entries of a file in its order, after a place."""
    return session.scalars(
        select(BankEntry)
        .where(BankEntry.lender_id == lender_id, BankEntry.upload_id == upload_id, BankEntry.place > after_place)
        .order_by(BankEntry.place)
        .limit(most)
    ).all()


def counting(upload: Upload) -> int:
    """Give how many entries of a file count now."""
    return (
        session.scalar(
            select(func.count(BankEntry.id)).where(
                BankEntry.lender_id == upload.lender_id,
                BankEntry.upload_id == upload.id,
                BankEntry.outcome.in_((POSTED, SUSPENSE)),
                BankEntry.undone_at.is_(None),
            )
        )
        or 0
    )


# ---------------------------------------------------------------------------------------------------------------------
# Money that nobody could place goes back


@dataclass(frozen=True, slots=True)
class Asked:
    """A second person has to say that it was sent back."""


@dataclass(frozen=True, slots=True)
class SentBack:
    """It is out of suspense."""

    amount: Money


@dataclass(frozen=True, slots=True)
class NothingWaits:
    """It was placed or sent back before, or is none of the lender's own account. Nothing has changed."""


def send_back(
    *, lender_id: uuid.UUID, aside_id: uuid.UUID, reason: str, by: uuid.UUID, name: str
) -> Asked | SentBack | NothingWaits | NotTwoPeople:
    """Note that the lender's bank sends money back: at once up to the limit of one person, else a second one agrees.

    :raises MayNot: if whoever acts may not any more.
    """
    member = members.locked(lender_id=lender_id, member_id=by)
    if member.state != "active" or Permission.GIVE_BACK not in permissions_of(member.roles):
        raise MayNot
    who = Actor("staff", str(by))
    row = aside.locked(lender_id=lender_id, aside_id=aside_id)
    if row is None or not aside.at_lender(row):
        return NothingWaits()
    amount = aside.waiting(row)
    if not amount:
        return NothingWaits()
    facts = {
        "name": name,
        "amount": amount.amount,
        "currency": amount.currency,
        "reason_sha256": hashlib.sha256(reason.encode()).hexdigest(),
    }
    asked = aside.sending_of(row)
    if asked is None:
        alone = amount <= alone_up_to(lender_id=lender_id, currency=amount.currency)
        asked = SendingBack(
            lender_id=lender_id,
            id=new_id(),
            set_aside_id=aside_id,
            amount_minor=amount.minor,
            currency=amount.currency,
            reason=reason,
            asked_by=by,
            asked_at=clock.now(),
        )
        session.add(asked)
        session.flush()
        if not alone:
            record(Act.PAYMENT_SENT_BACK_ASKED, by=who, lender_id=lender_id, facts=facts)
            return Asked()
    elif (not_two := tied(lender_id=lender_id, by=by, authors=frozenset({asked.asked_by}))) is not None:
        return not_two
    aside.take_out(row, kind="sent_back", key=f"lender:{row.id}:sent_back", today=clock.today("UTC"))
    asked.done_by, asked.done_at = by, clock.now()
    record(Act.PAYMENT_SENT_BACK, by=who, lender_id=lender_id, facts=facts)
    session.flush()
    return SentBack(amount)


def call_off(*, lender_id: uuid.UUID, aside_id: uuid.UUID, by: uuid.UUID) -> bool:
    """Let money that was asked to go back wait again; False if nobody asked, or it went.

    :raises MayNot: if whoever acts may not any more.
    """
    who = _allowed(lender_id, by, Permission.GIVE_BACK)
    row = aside.locked(lender_id=lender_id, aside_id=aside_id)
    asked = None if row is None else aside.sending_of(row)
    if asked is None or asked.done_at is not None:
        return False
    asked.called_off_at = clock.now()
    record(
        Act.PAYMENT_SENT_BACK_CALLED_OFF,
        by=who,
        lender_id=lender_id,
        facts={"amount": Money(asked.amount_minor, asked.currency).amount, "currency": asked.currency},
    )
    return True
