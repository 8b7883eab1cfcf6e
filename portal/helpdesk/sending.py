"""Send a link during a call: to a contact on file alone, through the gate, on record; nobody here ever sees it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from types import MappingProxyType

from sqlalchemy import select

from portal import clock
from portal.care.holds import holding
from portal.contact import write
from portal.db import session
from portal.evidence.record import Act, record
from portal.people import sign_in
from portal.people.models import Debtor
from portal.post import outbox, words
from portal.post.compose import base_url
from portal.staff.gates import Colleague

KIND = "link_asked_for"


def send_link(
    who: Colleague,
    *,
    debtor_id: uuid.UUID,
    to: str,
    once: str,
    key: str,
    said: Mapping[str, object] = MappingProxyType({}),
) -> bool:
    """Send a link: to the person's `page`, to `pay`, or to the `plan` that both went through.

    False if nothing may be sent there, or nobody could open it. `once` is the form's own: the same form sends one.
    `said` is what the record says beside.
    """
    debtor = session.execute(
        select(Debtor).where(Debtor.lender_id == who.lender_id, Debtor.id == debtor_id).with_for_update()
    ).scalar_one()
    key_of_form = f"link:{debtor_id}:{once}"
    if outbox.was_written(who.lender_id, once=key_of_form):
        return True
    if debtor.born_on is None:
        return False
    point = write.contact_for(lender_id=who.lender_id, debtor_id=debtor_id, kind=KIND)
    if point is None:
        return False
    token = sign_in.invite(lender_id=who.lender_id, debtor_id=debtor_id, key=key, contact_id=point.id, by=who.actor)
    url = f"{base_url()}/i/{token}" + ("" if to == "page" else f"?to={to}")
    sent = write.to(
        lender_id=who.lender_id,
        debtor_id=debtor_id,
        kind=KIND,
        words=lambda name: (
            words.plan_prepared(name=name, helper=who.name, lender=who.lender.name, url=url)
            if to == "plan"
            else words.link_asked_for(name=name, lender=who.lender.name, url=url, to_pay=to == "pay")
        ),
        asked_at=clock.now(),
        once=key_of_form,
        holding=holding,
    )
    if sent is None:
        return False
    facts = {"name": who.name, "to": to, "channel": point.channel, **said}
    record(Act.LINK_SENT, by=who.actor, lender_id=who.lender_id, debtor_id=debtor_id, facts=facts)
    return True
