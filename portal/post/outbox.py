"""Write a message in the transaction of the act that causes it; it leaves by a job afterwards."""

from __future__ import annotations

import uuid

from sqlalchemy import select

from portal import clock, queue
from portal.db import new_id, session, transaction
from portal.evidence.record import PORTAL, Act, record
from portal.post.models import Message


def put(
    *,
    lender_id: uuid.UUID,
    debtor_id: uuid.UUID,
    channel: str,
    address: str,
    kind: str,
    subject: str,
    body: str,
) -> None:
    """Write a message into the outbox. Its text stays out of the evidence: it can hold a code."""
    message_id = new_id()
    session.add(
        Message(
            lender_id=lender_id,
            id=message_id,
            debtor_id=debtor_id,
            channel=channel,
            address=address,
            kind=kind,
            subject=subject,
            body=body,
            state="waiting",
            written_at=clock.now(),
        )
    )
    record(
        Act.MESSAGE_WRITTEN,
        by=PORTAL,
        lender_id=lender_id,
        debtor_id=debtor_id,
        facts={"message": message_id, "kind": kind, "channel": channel},
    )
    queue.later("post.deliver", lender_id=lender_id, payload={"message_id": str(message_id)})


def deliver(job: queue.Job, *, demo: bool) -> None:
    """Let a message leave. There is no mail server or SMS provider yet: in a demo it stays in the outbox page."""
    with transaction() as s:
        message = s.scalars(
            select(Message).where(
                Message.lender_id == job.lender_id, Message.id == uuid.UUID(job.payload["message_id"])
            )
        ).one()
        if message.state == "waiting":
            message.state = "in_demo_outbox" if demo else "no_channel"
            message.left_at = clock.now()


def newest(*, limit: int = 100) -> list[Message]:
    """Give the newest messages of all lenders, for the outbox page of a demo."""
    return list(session.scalars(select(Message).order_by(Message.written_at.desc(), Message.id.desc()).limit(limit)))
