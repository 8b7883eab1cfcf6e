"""What we write to staff about their accounts: in their language, at any hour, and nothing about any debtor."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from portal.db import session
from portal.lenders.models import Lender
from portal.post import outbox
from portal.post.compose import Link, base_url
from portal.staff.models import StaffMember
from portal.web.formats import day as day_words
from portal.web.languages import DEFAULT, best, force_locale
from portal.web.languages import gettext as _

Said = tuple[str, tuple[str, ...], Link | None]


def _write(member: StaffMember, kind: str, said: Callable[[str], Said], *, once: str | None = None) -> None:
    lender = session.get_one(Lender, member.lender_id)
    with force_locale(best((member.language,)) or DEFAULT):
        subject, paragraphs, link = said(lender.name)
        outbox.put(
            lender_id=member.lender_id,
            debtor_id=None,
            channel="email",
            address=member.email,
            kind=kind,
            subject=subject,
            body=paragraphs,
            link=link,
            once=once,
        )


def _address(member: StaffMember, token: str) -> str:
    slug = session.get_one(Lender, member.lender_id).slug
    return f"{base_url()}/staff/{slug}/join/{token}"


def invited(member: StaffMember, *, token: str) -> None:
    """Write that an account waits, with the link to it."""

    def said(lender: str) -> Said:
        return (
            _("Your account at %(lender)s", lender=lender),
            (
                _(
                    "%(name)s, you have been invited to work in the repayment portal of %(lender)s.",
                    name=member.name,
                    lender=lender,
                ),
                _("The link works for 72 hours. You choose a password, and need an app for codes on your phone."),
            ),
            Link(_("Set up my account"), _address(member, token)),
        )

    _write(member, "staff_invited", said)


def way_back(member: StaffMember, *, token: str, by_colleagues: bool = True) -> None:
    """Write that two colleagues, or else an operator, opened a way back in, with the link."""

    def said(lender: str) -> Said:
        return (
            _("Your way back in at %(lender)s", lender=lender),
            (
                _("Two colleagues have said that it is really you.")
                if by_colleagues
                else _("Whoever runs the portal opened it for you."),
                _("The link works for 72 hours. You choose a new password and set up your app again."),
                _("If you did not ask for this, tell your administrator now, and do not use the link."),
            ),
            Link(_("Choose a new password"), _address(member, token)),
        )

    _write(member, "staff_way_back", said)


def recovery_asked(member: StaffMember) -> None:
    """Write that somebody asked for a way back in as this member; whoever did may be somebody else."""

    def said(lender: str) -> Said:
        return (
            _("Somebody asked for a way back in"),
            (
                _("Somebody said at %(lender)s that you can’t sign in any more.", lender=lender),
                _("If it was you: ask two colleagues to say so in the portal. If not, tell your administrator now."),
            ),
            None,
        )

    _write(member, "staff_recovery_asked", said)


def roles_changed(member: StaffMember) -> None:
    """Write that what somebody may do has changed."""

    def said(lender: str) -> Said:
        return (
            _("What you may do has changed"),
            (_("Your roles in the portal of %(lender)s were changed. They are on your page there.", lender=lender),),
            None,
        )

    _write(member, "staff_roles_changed", said)


def new_device(member: StaffMember, *, browser: str) -> None:
    """Write that somebody signed in on a device that was not seen before."""

    def said(lender: str) -> Said:
        return (
            _("A new device signed in"),
            (
                _(
                    "Somebody signed in to your account at %(lender)s on a new device (%(browser)s).",
                    lender=lender,
                    browser=browser or _("unknown browser"),
                ),
                _("If it was not you, tell your administrator now."),
            ),
            None,
        )

    _write(member, "staff_new_device", said)


def password_changed(member: StaffMember) -> None:
    """Write that the password is another one now."""

    def said(lender: str) -> Said:
        return (
            _("Your password was changed"),
            (
                _("The password of your account at %(lender)s was changed.", lender=lender),
                _("If it was not you, tell your administrator now."),
            ),
            None,
        )

    _write(member, "staff_password_changed", said)


def passkey_added(member: StaffMember, *, name: str) -> None:
    """Write that another key opens the account."""

    def said(lender: str) -> Said:
        return (
            _("A passkey was added"),
            (
                _("A passkey, “%(name)s”, can now sign in to your account at %(lender)s.", name=name, lender=lender),
                _("If it was not you, tell your administrator now."),
            ),
            None,
        )

    _write(member, "staff_passkey_added", said)


def door_locked(member: StaffMember, *, knows_password: bool, once: str) -> None:
    """Write that somebody gave wrong passwords, or wrong codes after the right password; of each once a day."""

    def said(lender: str) -> Said:
        return (
            _("Somebody tried to sign in"),
            (
                _(
                    "Somebody gave wrong answers when signing in as you at %(lender)s. "
                    "Nobody got in, and that way in is closed for a while.",
                    lender=lender,
                ),
                *(
                    (_("They had your password. If it was not you, change it now, and tell your administrator."),)
                    if knows_password
                    else ()
                ),
            ),
            None,
        )

    _write(member, "staff_door_locked", said, once=once)


def limits_called_off(member: StaffMember, *, number: int, first_day: date, by: str, reason: str) -> None:
    """Write to whoever wrote or approved a version of the limits that it will not count, who says so, and why."""

    def said(lender: str) -> Said:
        return (
            _("Version %(number)s of the limits was called off", number=number),
            (
                _(
                    "%(name)s called off version %(number)s of what %(lender)s allows. It would have counted from "
                    "%(day)s on, and will not.",
                    name=by,
                    number=number,
                    lender=lender,
                    day=day_words(first_day),
                ),
                _("The reason: %(reason)s", reason=reason),
                _("If it is to count after all, write a draft from it and let a colleague approve it."),
            ),
            Link(_("See the version"), f"{base_url()}/staff/limits/{number}"),
        )

    _write(member, "limits_called_off", said)
