"""Write a message in the transaction of the act that causes it; it leaves by a job afterwards."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, select

from portal import clock, queue
from portal.db import new_id, put_unless_there, read, session, table_of
from portal.evidence.record import PORTAL, Act, record
from portal.lenders.hosts import is_here
from portal.lenders.models import Lender
from portal.post import compose, phones
from portal.post.compose import Link, Words
from portal.post.kinds import Group, kind_of
from portal.post.models import Message, MessageCheck, StopLink
from portal.web.languages import page_language

DELIVER = "post.deliver"
_MESSAGE, _CHECK = table_of(Message).c, table_of(MessageCheck).c
_WRITTEN = select(_MESSAGE.id).where(
    _MESSAGE.lender_id == bindparam("lender_id"), _MESSAGE.once_key == bindparam("once")
)
_CHECKED = select(_CHECK.code_hash).where(_CHECK.code_hash == bindparam("code_hash"))


def put(
    *,
    lender_id: uuid.UUID,
    debtor_id: uuid.UUID | None,
    channel: str,
    address: str,
    kind: str,
    subject: str,
    body: str | Sequence[str],
    sms: str | None = None,
    link: Link | None = None,
    asked_at: datetime | None = None,
    once: str | None = None,
    about: str | None = None,
    debt_id: uuid.UUID | None = None,
    said: dict[str, object] | None = None,
) -> uuid.UUID | None:
    """Write a message into the outbox, in the language in force. Gives its id, or None if `once` was written before.

    `body` is one text or its paragraphs; an SMS says `sms` or, without one, the body. `asked_at` is when the person did
    what this answers; left out it is now, for kinds that leave at once. `said` is what the gate said, for the record.
    Its text stays out of the evidence: it can hold a code. Without a debtor it is an e-mail to the lender's people.
    """
    lender = session.get_one(Lender, lender_id)
    now, treated = clock.now(), kind_of(kind)
    message_id, check_code = new_id(), _unused_check_code()
    paragraphs = tuple(body.split("\n\n")) if isinstance(body, str) else tuple(body)
    words = Words(subject=subject, paragraphs=paragraphs, sms=sms or " ".join(paragraphs), link=link)
    stop_url = None
    if debtor_id is not None and treated.group in (Group.NEWS, Group.REMINDERS):
        token = _stop_token(lender_id, debtor_id, channel, address)
        stop_url = f"{compose.base_url()}/stop/{token}"
    draw = compose.email if channel == "email" else compose.sms
    parts = draw(words, lender=lender, check_code=check_code, stop_url=stop_url)
    message = {
        "lender_id": lender_id,
        "id": message_id,
        "debtor_id": debtor_id,
        "debt_id": debt_id,
        "channel": channel,
        "address": address,
        "kind": kind,
        "subject": parts.subject,
        "body": parts.body,
        "html": parts.html,
        "language": page_language(),
        "check_code": check_code,
        "stop_url": stop_url,
        "once_key": once,
        "about": about,
        "asked_at": asked_at or (now if treated.at_once else None),
        "state": "waiting",
        "tries": 0,
        "written_at": now,
    }
    if not put_unless_there(Message, message):
        return None
    session.add(MessageCheck(code_hash=compose.hashed("check", check_code), lender_id=lender_id, message_id=message_id))
    if debtor_id is not None and (channel == "sms" or stop_url is not None):
        _keep_stop_link(lender, debtor_id, channel, address)
    record(
        Act.MESSAGE_WRITTEN,
        by=PORTAL,
        lender_id=lender_id,
        debtor_id=debtor_id,
        debt_id=debt_id,
        facts={"message": message_id, "kind": kind, "channel": channel, **(said or {})},
    )
    queue.later(DELIVER, lender_id=lender_id, payload={"message_id": str(message_id)})
    return message_id


def was_written(lender_id: uuid.UUID, *, once: str) -> bool:
    """Say whether a message with this key was written before."""
    return bool(read(_WRITTEN, {"lender_id": lender_id, "once": once}))


def _unused_check_code() -> str:
    """Make a check code that no message has: among a million messages one in seven hundred would be there already."""
    while True:
        code = compose.new_check_code()
        if not read(_CHECKED, {"code_hash": compose.hashed("check", code)}):
            return code


def _stop_token(lender_id: uuid.UUID, debtor_id: uuid.UUID, channel: str, address: str) -> str:
    """Give the token of the link that stops messages to an address: the same in each message, and nowhere kept."""
    digest = compose.hashed("stop", str(lender_id), str(debtor_id), channel, address)
    return base64.b32encode(bytes.fromhex(digest)[:10]).decode().lower()


def _keep_stop_link(lender: Lender, debtor_id: uuid.UUID, channel: str, address: str) -> None:
    token = _stop_token(lender.id, debtor_id, channel, address)
    number = phones.international(address, jurisdiction=lender.jurisdiction) if channel == "sms" else None
    link = {
        "token_hash": compose.hashed("stop-link", token),
        "lender_id": lender.id,
        "debtor_id": debtor_id,
        "channel": channel,
        "address": number or address,
    }
    put_unless_there(StopLink, link)


def link_behind(token: str) -> StopLink | None:
    """Give whom a stop link stops messages for, or None if we never sent it."""
    found = session.get(StopLink, compose.hashed("stop-link", token.strip().lower()))
    return found if found is not None and is_here(found.lender_id) else None


def links_to(*, channel: str, address: str) -> list[StopLink]:
    """Give whom we wrote to at an address; several lenders and people may share one."""
    return list(session.scalars(select(StopLink).where(StopLink.channel == channel, StopLink.address == address)))


def newest(*, limit: int = 100, channel: str | None = None) -> list[Message]:
    """Give the newest messages of all lenders, for the outbox page of a demo."""
    wanted = select(Message).order_by(Message.written_at.desc(), Message.id.desc()).limit(limit)
    return list(session.scalars(wanted.where(Message.channel == channel) if channel else wanted))
