"""Let a message leave: the gate at the instant of sending, one try, and what became of it.

Invariant: "sending" is committed before anything is handed over, so a crash is seen. After an outcome that nobody knows
a code is sent again and a reminder is not; a provider's later word settles it where there is one.
"""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from portal import clock, queue
from portal.db import insert_unless_there, new_id, session, transaction
from portal.evidence.record import PORTAL, Act, Actor, record
from portal.lenders.models import Lender
from portal.post import compose, gate, phones
from portal.post.channels import (
    Answer,
    Channels,
    NobodyThere,
    NotNow,
    Outgoing,
    Refused,
    Stopped,
    Taken,
)
from portal.post.gate import Decision, Facts, Outcome
from portal.post.kinds import Group, kind_of
from portal.post.models import BouncedAddress, DeliveryWord, Message
from portal.post.outbox import DELIVER
from portal.post.states import OPEN, Moved, State, Word, after, wait_after
from portal.post.words import without_codes

# Longer than any try takes: who finds a message in "sending" after so long knows that its worker died.
LOST_AFTER = timedelta(minutes=5)
OUTCOME_UNKNOWN, TRIES_USED_UP, NO_CHANNEL = "outcome_unknown", "tries_used_up", "no_channel"
PROVIDER = Actor("provider", "messages")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Office:
    """What delivering needs from elsewhere."""

    channels: Channels
    rules: gate.Rules
    # Everything that the gate must know of a message, read now.
    facts: Callable[[Message, datetime], Facts]
    # A provider says that this person wants nothing more by this channel.
    stopped: Callable[[Message], None]


def run(job: queue.Job, *, office: Office) -> None:
    """Try to let one message leave, if it may.

    :raises portal.queue.TryLater: if another worker has it in hands right now.
    """
    if job.lender_id is None:
        raise ValueError("a message belongs to a lender")
    message_id = uuid.UUID(job.payload["message_id"])
    outgoing = _begin(job.lender_id, message_id, office)
    if outgoing is None:
        return
    channel, message = outgoing
    answer = office.channels[channel].hand_over(message)
    _end(job.lender_id, message_id, answer, office)


def _locked(lender_id: uuid.UUID, message_id: uuid.UUID) -> Message | None:
    return session.execute(
        select(Message)
        .where(Message.lender_id == lender_id, Message.id == message_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()


def _begin(lender_id: uuid.UUID, message_id: uuid.UUID, office: Office) -> tuple[str, Outgoing] | None:
    now = clock.now()
    with transaction():
        message = _locked(lender_id, message_id)
        if message is None or State(message.state) not in OPEN:
            return None
        kind = kind_of(message.kind)
        if message.state == State.SENDING.value:
            if message.began_at is not None and now - message.began_at < LOST_AFTER:
                raise queue.TryLater(LOST_AFTER)
            _lost(message, "the worker ended in the middle")
            if message.state != State.WAITING.value:
                return None
        if kind.group is Group.STAFF:
            decision = gate.to_staff(rules=office.rules)
        else:
            decision = gate.decide(office.facts(message, now), kind=kind, now=now, rules=office.rules)
        if decision.outcome is not Outcome.SEND:
            _keep_back(message, decision)
            return None
        before = message.tries
        _move(message, Word.BEGIN)
        message.tries, message.began_at, message.held_until, message.reason = before + 1, now, None, None
        message.provider = office.channels[message.channel].provider
        _note(Act.MESSAGE_LET_THROUGH, message, gate=logged(decision), attempt=message.tries)
        lender = session.get_one(Lender, lender_id)
        return message.channel, Outgoing(
            lender_id=lender_id,
            id=message.id,
            name=compose.mail_name(message.id),
            to=_as_providers_write_it(message, lender),
            sender=lender.name,
            reply_to=lender.email or None,
            subject=message.subject,
            body=message.body,
            html=message.html,
            language=message.language,
            check_code=message.check_code,
            stop_url=message.stop_url,
            written_at=message.written_at,
            lost_before=before > 0,
        )


def _as_providers_write_it(message: Message, lender: Lender) -> str:
    """Give the address of a message; a number that a file has as people dial it at home needs its country."""
    if message.channel != "sms":
        return message.address
    return phones.international(message.address, jurisdiction=lender.jurisdiction) or message.address


def logged(decision: Decision) -> dict[str, object]:
    """Give what the gate said as the record keeps it."""
    return {
        "outcome": decision.outcome.value,
        "reasons": [reason.value for reason in decision.reasons],
        "rule": decision.rule,
        "version": decision.version,
        "until": decision.until,
    }


def _keep_back(message: Message, decision: Decision) -> None:
    reasons = " ".join(reason.value for reason in decision.reasons)
    if decision.outcome is Outcome.HOLD and decision.until is not None:
        _move(message, Word.HOLD)
        message.held_until, message.reason = decision.until, reasons
        _again(message, at=decision.until)
        _note(Act.MESSAGE_HELD, message, gate=logged(decision))
        return
    _move(message, Word.SUPPRESS)
    message.reason, message.held_until = reasons, None
    _forget_secret(message)
    _note(Act.MESSAGE_NOT_SENT, message, gate=logged(decision), why=reasons)


def _again(message: Message, *, at: datetime) -> None:
    queue.later(DELIVER, lender_id=message.lender_id, payload={"message_id": str(message.id)}, at=at)


def _end(lender_id: uuid.UUID, message_id: uuid.UUID, answer: Answer, office: Office) -> None:
    with transaction():
        message = _locked(lender_id, message_id)
        if message is None:
            return
        match answer:
            case Taken(provider_id=provider_id):
                message.provider_id = message.provider_id or provider_id
                _taken(message)
            case NotNow(detail=detail):
                _try_again(message, Word.LATER, detail)
            case NobodyThere(detail=detail):
                bounced(message, detail)
            case Stopped(detail=detail):
                _ended(message, Word.REFUSED, gate.Reason.OPTED_OUT.value, detail)
                office.stopped(message)
            case Refused(detail=detail):
                none = message.provider == "none"
                _ended(message, Word.REFUSED, NO_CHANNEL if none else "refused", detail)
            case _:
                _lost(message, answer.detail)


def _taken(message: Message) -> None:
    if _move(message, Word.ACCEPTED):
        message.left_at, message.reason, message.detail = clock.now(), None, None
        _forget_secret(message)
        _note(Act.MESSAGE_SENT, message, provider=message.provider, provider_id=message.provider_id)


def _try_again(message: Message, word: Word, detail: str) -> None:
    wait = wait_after(message.tries)
    if wait is None:
        _ended(message, Word.REFUSED, TRIES_USED_UP, detail)
    elif _move(message, word):
        message.detail, message.reason = detail, "provider_not_now" if word is Word.LATER else OUTCOME_UNKNOWN
        _again(message, at=clock.now() + wait)


def _lost(message: Message, detail: str) -> None:
    if kind_of(message.kind).again:
        _try_again(message, Word.LOST_AGAIN, detail)
    else:
        _ended(message, Word.LOST, OUTCOME_UNKNOWN, detail)


def _ended(message: Message, word: Word, reason: str, detail: str) -> None:
    if _move(message, word):
        message.reason, message.detail, message.held_until = reason, detail, None
        _forget_secret(message)
        _note(Act.MESSAGE_NOT_SENT, message, why=reason)


def bounced(message: Message, detail: str) -> None:
    """Note that there is nobody at a message's address; nothing that nobody asked for goes there any more."""
    if not _move(message, Word.BOUNCE):
        return
    message.reason, message.detail, message.held_until = "nobody_there", detail, None
    _forget_secret(message)
    now = clock.now()
    values = {"detail": detail, "bounced_at": now, "mended_at": None}
    session.execute(
        insert_unless_there(BouncedAddress)
        .values(lender_id=message.lender_id, id=new_id(), channel=message.channel, address=message.address, **values)
        .on_conflict_do_update(index_elements=["lender_id", "channel", "address"], set_=values)
    )
    _note(Act.MESSAGE_BOUNCED, message, why=detail)


def mended(*, lender_id: uuid.UUID, channel: str, address: str) -> None:
    """Note that an address that bounced works: somebody typed a code that was sent there.

    Whoever accepts the code records it; this is a step of that act.
    """
    found = session.scalars(
        select(BouncedAddress).where(
            BouncedAddress.lender_id == lender_id,
            BouncedAddress.channel == channel,
            BouncedAddress.address == address,
        )
    ).one_or_none()
    if found is not None and found.mended_at is None:
        found.mended_at = clock.now()


def heard(
    *, lender_id: uuid.UUID, message_id: uuid.UUID, provider_id: str, word: Word, code: str | None, nobody_there: bool
) -> bool:
    """Take what a provider says of a message later; each word once, in any order. Says whether it was new."""
    with transaction():
        message = _locked(lender_id, message_id)
        if message is None:
            return False
        new = session.execute(
            insert_unless_there(DeliveryWord)
            .values(
                lender_id=lender_id,
                id=new_id(),
                message_id=message_id,
                provider_id=provider_id,
                word=word.value,
                code=code,
                received_at=clock.now(),
            )
            .on_conflict_do_nothing(index_elements=["lender_id", "provider_id", "word"])
            .returning(DeliveryWord.id)
        ).scalar_one_or_none()
        if new is None:
            return False
        message.provider_id = message.provider_id or provider_id
        if nobody_there:
            bounced(message, f"provider's code {code}")
        elif word is Word.ACCEPTED:
            _taken(message)
        elif word is Word.ARRIVED:
            if _move(message, Word.ARRIVED):
                message.left_at, message.reason = message.left_at or clock.now(), None
                _forget_secret(message)
                _note(Act.MESSAGE_ARRIVED, message)
        elif word is Word.NOT_ARRIVED and _move(message, Word.NOT_ARRIVED):
            message.reason, message.detail = "not_arrived", f"provider's code {code}"
            _note(Act.MESSAGE_NOT_SENT, message, why="not_arrived")
        return True


def _move(message: Message, word: Word) -> bool:
    """Move a message; says whether it moved. A word that can't be true is logged and changes nothing."""
    moved = after(state=State(message.state), word=word)
    if isinstance(moved, Moved):
        message.state = moved.to.value
        return True
    log.warning("message %s in state %s: %s", message.id, message.state, moved)
    return False


_TOKEN = re.compile(r"(?<=/i/)[\w-]{8,}")


def _forget_secret(message: Message) -> None:
    """Take codes and tokens of links out of a message that is done: they must not lie about.

    A demo keeps them, because they are read nowhere else.
    """
    secret = kind_of(message.kind).group is Group.CODE or message.kind == "invitation"
    if secret and message.provider != "demo":
        message.body = _unreadable(message.body)
        message.html = message.html and _unreadable(message.html)


def _unreadable(text: str) -> str:
    return _TOKEN.sub("••••••", without_codes(text))


def _note(act: Act, message: Message, **facts: object) -> None:
    record(
        act,
        by=PORTAL if act in (Act.MESSAGE_LET_THROUGH, Act.MESSAGE_HELD) else PROVIDER,
        lender_id=message.lender_id,
        debtor_id=message.debtor_id,
        debt_id=message.debt_id,
        facts={"message": message.id, "kind": message.kind, "channel": message.channel, **facts},
    )
