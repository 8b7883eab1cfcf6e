"""Send a link during a call: to a contact on file alone, through the gate, on record; nobody here ever sees it."""

from __future__ import annotations

import uuid

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
TO = ("page", "pay")


def send_link(who: Colleague, *, debtor_id: uuid.UUID, to: str, once: str, key: str) -> bool:
    """Send a link to the person's page, or to pay; False if nothing may be sent there, or nobody could open it.

    `once` is the form's own: the same form sends one.
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
    url = f"{base_url()}/i/{token}" + ("?to=pay" if to == "pay" else "")
    sent = write.to(
        lender_id=who.lender_id,
        debtor_id=debtor_id,
        kind=KIND,
        words=lambda name: words.link_asked_for(name=name, lender=who.lender.name, url=url, to_pay=to == "pay"),
        asked_at=clock.now(),
        once=key_of_form,
        holding=holding,
    )
    if sent is None:
        return False
    facts = {"name": who.name, "to": to, "channel": point.channel}
    record(Act.LINK_SENT, by=who.actor, lender_id=who.lender_id, debtor_id=debtor_id, facts=facts)
    return True
