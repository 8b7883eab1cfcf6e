"""What we write to people about their requests: the number and where to read on, never what it is about.

A message is read on shared phones and over shoulders, so it names no debt, no kind and no answer.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import current_app, has_request_context
from sqlalchemy import select

from portal.care.models import CareRequest
from portal.db import session
from portal.lenders.models import Lender
from portal.people.models import LIVE, ContactPoint, Debtor
from portal.post import outbox
from portal.post.models import BouncedAddress
from portal.web.formats import day as day_words
from portal.web.languages import DEFAULT, best, force_locale
from portal.web.languages import gettext as _


def contacts_of(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> dict[str, str]:
    """Give the best address of each channel that is on file: `{"email": ..., "sms": ...}`.

    What the person has confirmed comes before what a file says, then the newest; one that bounced only where there is
    no other, or whoever asked would be left without an answer.
    """
    bounced = BouncedAddress.id.is_not(None)
    rows = session.execute(
        select(ContactPoint.channel, ContactPoint.address, bounced.label("bounced"))
        .outerjoin(
            BouncedAddress,
            (BouncedAddress.lender_id == ContactPoint.lender_id)
            & (BouncedAddress.channel == ContactPoint.channel)
            & (BouncedAddress.address == ContactPoint.address)
            & BouncedAddress.mended_at.is_(None),
        )
        .where(ContactPoint.lender_id == lender_id, ContactPoint.debtor_id == debtor_id, *LIVE)
        # The best stands last, and takes the place of those before it.
        .order_by(ContactPoint.channel, ContactPoint.confirmed_at.is_not(None), ContactPoint.id)
    ).all()
    good = {row.channel: row.address for row in rows if not row.bounced}
    return good or {row.channel: row.address for row in rows}


@contextmanager
def _language_of(debtor: Debtor, *, of_page: bool) -> Iterator[None]:
    """Write in the language of the page that the person reads now, else in the one that is kept."""
    if of_page and has_request_context():
        yield
        return
    with force_locale(best((debtor.language,)) or DEFAULT):
        yield


def received(request: CareRequest, *, by_person: bool) -> bool:
    """Write that a request came in; gives False if nothing is on file to write to."""

    def words(lender: str, url: str) -> tuple[str, str]:
        return (
            _("We have your request %(number)s", number=request.number),
            _(
                "%(lender)s: we have your request %(number)s. A person answers by %(day)s. "
                "You can read it again or take it back here: %(url)s",
                lender=lender,
                number=request.number,
                day=day_words(request.answer_by),
                url=url,
            ),
        )

    return _write(request, kind="request_received", words=words, of_page=by_person)


def answered(request: CareRequest) -> bool:
    """Write that there is an answer; gives False if nothing is on file to write to."""

    def words(lender: str, url: str) -> tuple[str, str]:
        return (
            _("Your request %(number)s has an answer", number=request.number),
            _(
                "%(lender)s: your request %(number)s has an answer. Read it here: %(url)s",
                lender=lender,
                number=request.number,
                url=url,
            ),
        )

    return _write(request, kind="request_answered", words=words, of_page=False)


def urgent(request: CareRequest) -> bool:
    """Write to the lender's people that a request can't wait: its number and how to take it, and nothing that was said.

    Gives False if there is nobody to write to.
    """
    lender = session.get_one(Lender, request.lender_id)
    address = lender.urgent_email or lender.email
    if not address:
        return False
    # As the commands and the log, in English.
    with force_locale(DEFAULT):
        outbox.put(
            lender_id=request.lender_id,
            debtor_id=None,
            channel="email",
            address=address,
            kind="urgent_request",
            subject=f"URGENT: request {request.number} needs a person now",
            body=(
                f"Request {request.number} needs a person now: somebody may be in danger.",
                "Read it and take it with this command. What was written is not in this e-mail.",
                f"flask --app wsgi requests take {request.number} --lender {lender.slug}",
            ),
            once=f"urgent:{request.id}",
        )
    return True


def _write(request: CareRequest, *, kind: str, words: Callable[[str, str], tuple[str, str]], of_page: bool) -> bool:
    if request.debtor_id is None:
        return False
    contacts = contacts_of(lender_id=request.lender_id, debtor_id=request.debtor_id)
    channel = request.reply_by if request.reply_by in contacts else next(iter(contacts), None)
    if channel is None:
        return False
    debtor = session.get_one(Debtor, (request.lender_id, request.debtor_id))
    lender = session.get_one(Lender, request.lender_id)
    with _language_of(debtor, of_page=of_page):
        subject, body = words(lender.name, f"{current_app.config['BASE_URL']}/requests/{request.number}")
        # Inside: what the outbox adds (how to check, how to stop) is in the same language.
        outbox.put(
            lender_id=request.lender_id,
            debtor_id=request.debtor_id,
            channel=channel,
            address=contacts[channel],
            kind=kind,
            subject=subject,
            body=body,
        )
    return True
