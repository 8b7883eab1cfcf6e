"""Write to a person: at the contact that suits, in their language, after asking the gate."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from flask import current_app
from sqlalchemy import select

from portal import clock
from portal.contact import facts
from portal.contact.facts import Holds, contacts, has_bounced, wish_of
from portal.db import session
from portal.evidence.models import EvidenceRecord
from portal.evidence.record import PORTAL, Act, record
from portal.people.models import ContactPoint, Debtor
from portal.post import gate, outbox
from portal.post.compose import Words, base_url
from portal.post.deliver import logged
from portal.post.gate import Outcome
from portal.post.kinds import Group, kind_of
from portal.web.languages import force_locale

# A reminder is tried from some days before its payment until some days after its grace.
_TRIED_FOR: Final = timedelta(days=120)


def address_of(endpoint: str, **values: object) -> str:
    """Give the whole address of a page of ours, also where nobody asks for a page, as in a job."""
    return base_url() + current_app.url_map.bind("portal").build(endpoint, values)


def to(
    *,
    lender_id: uuid.UUID,
    debtor_id: uuid.UUID,
    kind: str,
    words: Callable[[str], Words],
    asked_at: datetime | None = None,
    debt_id: uuid.UUID | None = None,
    once: str | None = None,
    about: str | None = None,
    holding: Holds | None = None,
) -> uuid.UUID | None:
    """Write to a person; gives the message's id, or None where there is no contact, or it was written before.

    `words` is given the person's name and gives what is said, in their language. With `holding` the gate is asked
    already now, and what may not leave at all isn't written; it is asked again at the instant of sending in any case.
    """
    debtor = session.get_one(Debtor, (lender_id, debtor_id))
    point = contact_for(lender_id=lender_id, debtor_id=debtor_id, kind=kind)
    if point is None:
        return None
    said: dict[str, object] = {}
    if holding is not None:
        now = clock.now()
        asked = facts.of(
            lender_id=lender_id,
            debtor_id=debtor_id,
            debt_id=debt_id,
            kind=kind,
            channel=point.channel,
            address=point.address,
            written_at=now,
            asked_at=asked_at,
            still_true=True,
            now=now,
            holding=holding,
        )
        decision = gate.decide(asked, kind=kind_of(kind), now=now, rules=facts.rules())
        said = {"gate": logged(decision)}
        if decision.outcome is Outcome.SUPPRESS:
            tried = {"kind": kind, "channel": point.channel, "about": about, **said}
            if about is None or not _is_on_record(lender_id, debtor_id, tried):
                record(
                    Act.MESSAGE_NOT_WRITTEN,
                    by=PORTAL,
                    lender_id=lender_id,
                    debtor_id=debtor_id,
                    debt_id=debt_id,
                    facts=tried,
                )
            return None
    with force_locale(debtor.language):
        what = words(debtor.name)
        return outbox.put(
            lender_id=lender_id,
            debtor_id=debtor_id,
            debt_id=debt_id,
            channel=point.channel,
            address=point.address,
            kind=kind,
            subject=what.subject,
            body=what.paragraphs,
            sms=what.sms,
            link=what.link,
            asked_at=asked_at,
            once=once,
            about=about,
            said=said,
        )


def _is_on_record(lender_id: uuid.UUID, debtor_id: uuid.UUID, tried: Mapping[str, object]) -> bool:
    """Say whether the last word on record of a message that could not be written says the same for the same reasons.

    What may not be written today is tried again tomorrow, and one reason is one record however long it lasts.
    """
    entries = session.scalars(
        select(EvidenceRecord.entry)
        .where(
            EvidenceRecord.lender_id == lender_id,
            EvidenceRecord.debtor_id == debtor_id,
            EvidenceRecord.at > clock.now() - _TRIED_FOR,
            EvidenceRecord.act == Act.MESSAGE_NOT_WRITTEN.value,
        )
        .order_by(EvidenceRecord.at.desc(), EvidenceRecord.id.desc())
    )
    last = next((was for each in entries if (was := json.loads(each)["facts"]).get("about") == tried["about"]), None)
    return last is not None and _why(last) == _why(tried)


def _why(tried: Mapping[str, Any]) -> tuple[object, ...]:
    return tried["kind"], tried.get("channel"), (tried.get("gate") or {}).get("reasons")


def contact_for(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, kind: str) -> ContactPoint | None:
    """Give the contact for a kind of message: the one that the person chose, else an e-mail address, else a phone.

    One that bounced, or whose channel is switched off for this, is passed over as long as there is another.
    """
    points = contacts(lender_id=lender_id, debtor_id=debtor_id)
    wish = wish_of(lender_id=lender_id, debtor_id=debtor_id)
    if wish is not None:
        points.sort(key=lambda point: (point.channel, point.address) != (wish.channel, wish.address))
    group = kind_of(kind).group

    def fits(point: ContactPoint) -> bool:
        return not has_bounced(lender_id=lender_id, channel=point.channel, address=point.address) and (
            group is Group.CODE
            or facts.allowed(lender_id=lender_id, debtor_id=debtor_id, channel=point.channel, group=group)
        )

    return next((point for point in points if fits(point)), points[0] if points else None)
