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
from portal.autopay import agreeing
from portal.care import requests
from portal.care.holds import holding
from portal.care.states import Kind
from portal.contact import write
from portal.db import new_id, put_unless_there, session
from portal.debts.statement import Standing
from portal.evidence.record import Act, record
from portal.helpdesk import sending
from portal.helpdesk.models import Consent
from portal.people.models import Debtor
from portal.plans import negotiate
from portal.plans.quoting import READ_OUT
from portal.post import words as post_words
from portal.staff import members
from portal.staff.gates import Colleague, NotAllowed
from portal.staff.roles import Permission, permissions_of

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
    :raises NotAllowed: if the colleague may not help people any more.
    """
    consent = allowed(who, debtor_id=debtor_id)
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
    tell(who, debtor_id=debtor_id, done=done)
    return done


def stop_autopay(who: Colleague, *, debtor_id: uuid.UUID, autopay_id: uuid.UUID) -> agreeing.Stopped | None:
    """Stop automatic payments for somebody; None if they aren't this person's.

    :raises NoConsent: if nothing is agreed any more.
    :raises NotAllowed: if the colleague may not help people any more.
    """
    consent = allowed(who, debtor_id=debtor_id)
    return agreeing.stop(
        lender_id=who.lender_id,
        autopay_id=autopay_id,
        debtor_id=debtor_id,
        by=who.actor,
        why="staff",
        done_by={"helper": who.name, "consent": consent.id},
    )


def allowed(who: Colleague, *, debtor_id: uuid.UUID) -> Consent:
    """Give the consent under which this colleague does something for somebody, which can't end before it is done.

    :raises NoConsent: if nothing is agreed any more.
    :raises NotAllowed: if the colleague may not help people any more.
    """
    _locked(who, debtor_id)
    consent = standing(who, debtor_id=debtor_id)
    if consent is None:
        raise NoConsent(debtor_id)
    return consent


def tell(who: Colleague, *, debtor_id: uuid.UUID, done: requests.Opened | requests.TooMany | None) -> None:
    """Tell somebody what a colleague asked for them, and who; what was asked before is told already."""
    if not isinstance(done, requests.Opened) or done.again:
        return
    url = write.address_of("care.request", number=done.number)
    write.to(
        lender_id=who.lender_id,
        debtor_id=debtor_id,
        kind="done_for_you",
        words=lambda name: post_words.done_for_you(
            name=name, helper=who.name, lender=who.lender.name, number=done.number, answer_by=done.answer_by, url=url
        ),
        asked_at=clock.now(),
        once=f"done_for_you:{done.number}",
        holding=holding,
    )


def send_plan(who: Colleague, debt: Standing, *, number: str, text: str, form_key: str, key: str) -> bool | None:
    """Write down that a plan was read out word for word, and send the link by which the person alone agrees to it.

    None if that plan can't be agreed to any more; False if no link can be sent. The same form sends one.

    :raises NoConsent: if nothing is agreed any more.
    :raises NotAllowed: if the colleague may not help people any more.
    """
    consent = allowed(who, debtor_id=debt.debtor_id)
    made = negotiate.quote_of(debt, number=number)
    if made is None or not negotiate.holds(made, parts=debt.parts) or negotiate.prepared_by(made) is None:
        return None
    negotiate.read_out(made, text=text)
    kept = str(made.terms[READ_OUT])
    said = {"quote": number, "consent": consent.id, "text_sha256": hashlib.sha256(kept.encode()).hexdigest()}
    return sending.send_link(who, debtor_id=debt.debtor_id, to="plan", once=form_key, key=key, said=said)


def _locked(who: Colleague, debtor_id: uuid.UUID) -> None:
    """Let one act for a person at a time, so that a consent that ends is not used a moment later.

    :raises NotAllowed: if the colleague may not help people any more.
    """
    member = members.locked(lender_id=who.lender_id, member_id=who.member_id)
    if member.state != "active" or Permission.HELP_PEOPLE not in permissions_of(member.roles):
        raise NotAllowed(who.member_id)
    session.execute(
        select(Debtor.id).where(Debtor.lender_id == who.lender_id, Debtor.id == debtor_id).with_for_update()
    )
