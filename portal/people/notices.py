"""Tell a person what happened to the way in: in the person's own language, by every contact that is good.

These are about safety, and leave like a one-time code: whoever did it may be somebody else.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable

from flask import current_app
from sqlalchemy import select

from portal import queue
from portal.db import session, transaction
from portal.lenders.models import Lender
from portal.people.models import LIVE, ContactPoint, Debtor
from portal.people.sign_in import Reach
from portal.post import outbox
from portal.web.languages import force_locale
from portal.web.languages import gettext as _

Words = Callable[[], tuple[str, str]]


def reaches(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> tuple[Reach, ...]:
    """Give where a person can be reached: of each channel the newest good contact, a confirmed one first."""
    found: dict[str, Reach] = {}
    for contact in session.scalars(
        select(ContactPoint)
        .where(ContactPoint.lender_id == lender_id, ContactPoint.debtor_id == debtor_id, *LIVE)
        .order_by(ContactPoint.confirmed_at.is_(None), ContactPoint.id.desc())
    ):
        found.setdefault(contact.channel, Reach(contact.channel, contact.address, contact.id))
    return tuple(found.values())


def _tell(
    kind: str, words: Words, *, lender_id: uuid.UUID, debtor_id: uuid.UUID, to: Iterable[Reach] | None = None
) -> None:
    debtor = session.get_one(Debtor, (lender_id, debtor_id))
    with force_locale(debtor.language):
        subject, body = words()
        # Inside: what the outbox adds (how to check, how to stop) is in the same language.
        for reach in reaches(lender_id=lender_id, debtor_id=debtor_id) if to is None else to:
            outbox.put(
                lender_id=lender_id,
                debtor_id=debtor_id,
                channel=reach.channel,
                address=reach.address,
                kind=kind,
                subject=subject,
                body=body,
            )


def _names(lender_id: uuid.UUID) -> dict[str, str]:
    lender = session.get_one(Lender, lender_id)
    return {"lender": lender.name, "phone": lender.phone, "address": str(current_app.config["BASE_URL"])}


def new_device(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, browser: str) -> None:
    """Say that somebody signed in on a device that was not seen before."""
    names = _names(lender_id)

    def words() -> tuple[str, str]:
        return (
            _("A new device signed in"),
            _(
                "%(lender)s: somebody signed in to your pages on a new device (%(browser)s). If it was you, all is "
                "well. If not, sign in at %(address)s and choose “Sign out everywhere”, or call %(phone)s.",
                browser=browser or _("unknown browser"),
                **names,
            ),
        )

    _tell("new_device", words, lender_id=lender_id, debtor_id=debtor_id)


def contact_changed(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, old: Iterable[Reach], undo: str, hours: int) -> None:
    """Tell the old contacts that one was changed, with the address that undoes it."""
    names = _names(lender_id) | {"undo": f"{current_app.config['BASE_URL']}/undo/{undo}"}

    def words() -> tuple[str, str]:
        return (
            _("How we reach you was changed"),
            _(
                "%(lender)s: the phone number or e-mail for your messages was changed. If it was you, there is nothing "
                "to do. If not, undo it here within %(hours)d hours: %(undo)s or call %(phone)s.",
                hours=hours,
                **names,
            ),
        )

    _tell("contact_changed", words, lender_id=lender_id, debtor_id=debtor_id, to=old)


def contact_change_undone(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, to: Iterable[Reach]) -> None:
    """Say that a change was undone from the old contact."""
    names = _names(lender_id)

    def words() -> tuple[str, str]:
        return (
            _("The change was undone"),
            _(
                "%(lender)s: the change of your phone number or e-mail was undone from the old one, and every device "
                "was signed out. A person looks at it now. Questions: %(phone)s.",
                **names,
            ),
        )

    _tell("contact_change_undone", words, lender_id=lender_id, debtor_id=debtor_id, to=to)


def contact_request_decided(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, number: str, approved: bool) -> None:
    """Say what a person decided about a change of contact."""
    names = _names(lender_id) | {"number": number}

    def words() -> tuple[str, str]:
        if approved:
            return (
                _("Your request was approved"),
                _("%(lender)s: we changed how we reach you, as you asked in request %(number)s.", **names),
            )
        return (
            _("Your request was not approved"),
            _(
                "%(lender)s: we could not approve request %(number)s to change how we reach you. Nothing has changed. "
                "Please call %(phone)s, and we look at it together.",
                **names,
            ),
        )

    _tell("contact_request_decided", words, lender_id=lender_id, debtor_id=debtor_id)


def passkey_added(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, name: str) -> None:
    """Say that a passkey was added."""
    names = _names(lender_id) | {"name": name}

    def words() -> tuple[str, str]:
        return (
            _("A passkey was added"),
            _(
                "%(lender)s: a passkey named “%(name)s” can now sign in to your pages. If it was not you, sign in at "
                "%(address)s and remove it, or call %(phone)s.",
                **names,
            ),
        )

    _tell("passkey_added", words, lender_id=lender_id, debtor_id=debtor_id)


def passkey_refused(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> None:
    """Say that a passkey was used that looks like a copy."""
    names = _names(lender_id)

    def words() -> tuple[str, str]:
        return (
            _("We refused a passkey"),
            _(
                "%(lender)s: somebody tried to sign in with a passkey of yours that looks like a copy. We did not let "
                "it in. You can remove it at %(address)s, or call %(phone)s.",
                **names,
            ),
        )

    _tell("passkey_refused", words, lender_id=lender_id, debtor_id=debtor_id)


def door_locked(job: queue.Job) -> None:
    """Tell a person that a door locked after wrong answers; for what is nobody's, there is nobody to tell."""
    if job.lender_id is None:
        return
    lender_id, debtor_id = job.lender_id, uuid.UUID(job.payload["debtor_id"])
    with transaction():
        debtor = session.get(Debtor, (lender_id, debtor_id))
        if debtor is None:
            return
        names = _names(lender_id)

        def words() -> tuple[str, str]:
            return (
                _("Somebody tried to sign in"),
                _(
                    "%(lender)s: somebody gave wrong answers when signing in as you, so that way in is closed for a "
                    "while. Nobody got in. If it was you, try again later, use the link in our message or a passkey, "
                    "or call %(phone)s.",
                    **names,
                )
                if job.payload["door"] != "code"
                else _(
                    "%(lender)s: somebody who is signed in as you typed several wrong codes. If it was you, ask for a "
                    "new code. If not, call %(phone)s.",
                    **names,
                ),
            )

        _tell("door_locked", words, lender_id=lender_id, debtor_id=debtor_id)
