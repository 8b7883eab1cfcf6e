"""Acting for somebody who agreed to it: the consent, and asking by the same act as the person's own page.

Invariant: nothing is done for anybody without a consent that stands; it is on record as the colleague's own act, and
the person is told of it.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select

from portal import clock
from portal.care import requests
from portal.care.holds import holding
from portal.care.states import Kind
from portal.contact import write
from portal.db import new_id, put_unless_there, session
from portal.evidence.record import Act, record
from portal.helpdesk.models import Consent
from portal.people.models import Debtor
from portal.post import words as post_words
from portal.staff.gates import Colleague

LASTS = timedelta(minutes=30)


class NoConsent(Exception):
    """Nothing is agreed any more: the half hour is over, or it was ended."""


def give_consent(who: Colleague, *, debtor_id: uuid.UUID, how: str, about: str, form_key: str) -> None:
    """Write down that somebody lets this colleague act for half an hour; the same form is one consent."""
    _locked(who, debtor_id)
    if standing(who, debtor_id=debtor_id) is not None:
        return
    now, consent_id = clock.now(), new_id()
    new = put_unless_there(
        Consent,
        {
            "lender_id": who.lender_id,
            "id": consent_id,
            "debtor_id": debtor_id,
            "member_id": who.member_id,
            "how": how,
            "about": about,
            "form_key": form_key,
            "given_at": now,
            "until": now + LASTS,
            "ended_at": None,
        },
    )
    if new:
        facts = {
            "name": who.name,
            "consent": consent_id,
            "how": how,
            "until": now + LASTS,
            "about_sha256": hashlib.sha256(about.encode()).hexdigest(),
        }
        record(Act.CONSENT_GIVEN, by=who.actor, lender_id=who.lender_id, debtor_id=debtor_id, facts=facts)


def standing(who: Colleague, *, debtor_id: uuid.UUID) -> Consent | None:
    """Give the consent under which this colleague may act for somebody now, or None."""
    return session.scalars(
        select(Consent)
        .where(
            Consent.lender_id == who.lender_id,
            Consent.member_id == who.member_id,
            Consent.debtor_id == debtor_id,
            Consent.until > clock.now(),
            Consent.ended_at.is_(None),
        )
        .order_by(Consent.until.desc())
        .limit(1)
    ).one_or_none()


def end_consent(who: Colleague, *, debtor_id: uuid.UUID) -> bool:
    """End what somebody agreed to; False if nothing stands any more."""
    _locked(who, debtor_id)
    consent = standing(who, debtor_id=debtor_id)
    if consent is None:
        return False
    consent.ended_at = clock.now()
    facts = {"name": who.name, "consent": consent.id}
    record(Act.CONSENT_ENDED, by=who.actor, lender_id=who.lender_id, debtor_id=debtor_id, facts=facts)
    return True


def ask_for(
    who: Colleague,
    *,
    debtor_id: uuid.UUID,
    door: Kind,
    debt_id: uuid.UUID | None,
    words: str,
    key: str,
    reply_by: str,
    wish: str | None,
    needs: Sequence[str],
    needs_text: str,
) -> requests.Opened | requests.TooMany:
    """Ask for somebody at one of the other doors, as on the person's own page; the person is told by whom.

    :raises NoConsent: if nothing is agreed any more.
    """
    _locked(who, debtor_id)
    consent = standing(who, debtor_id=debtor_id)
    if consent is None:
        raise NoConsent(debtor_id)
    done = requests.open_request(
        lender_id=who.lender_id,
        debtor_id=debtor_id,
        kind=door,
        debt_id=debt_id,
        words=words,
        by=who.actor,
        key=key,
        reply_by=reply_by,
        wish=wish,
        needs=needs,
        needs_text=needs_text,
        tell=False,
        done_by={"helper": who.name, "consent": consent.id},
    )
    if isinstance(done, requests.Opened) and not done.again:
        number, answer_by = done.number, done.answer_by
        url = write.address_of("care.request", number=number)
        write.to(
            lender_id=who.lender_id,
            debtor_id=debtor_id,
            kind="done_for_you",
            words=lambda name: post_words.done_for_you(
                name=name, helper=who.name, lender=who.lender.name, number=number, answer_by=answer_by, url=url
            ),
            asked_at=clock.now(),
            once=f"done_for_you:{number}",
            holding=holding,
        )
    return done


def _locked(who: Colleague, debtor_id: uuid.UUID) -> None:
    """Let one act for a person at a time, so that a consent that ends is not used a moment later."""
    session.execute(
        select(Debtor.id).where(Debtor.lender_id == who.lender_id, Debtor.id == debtor_id).with_for_update()
    )
