"""A colleague's own page: what one may do, where one is signed in, passkeys, another password."""

from __future__ import annotations

import uuid

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.db import transaction
from portal.people import browsers, passkey_check
from portal.people.passkeys import Refused, TooManyKeys
from portal.people.views import key, new_challenge, passkey_site, take_challenge
from portal.staff import entering, keys, members, passwords
from portal.staff.entering import AppGone, Locked, Wrong
from portal.staff.forms import ChangePasswordForm, NewStaffPasskeyForm
from portal.staff.gates import me, needs
from portal.staff.models import StaffMember
from portal.staff.views import locked
from portal.staff.words import permission_words, weak_words
from portal.web.languages import gettext as _

staff_own = Blueprint("staff_own", __name__, url_prefix="/staff/you")


def myself() -> StaffMember:
    """Give the row of whoever asks."""
    who = me()
    found = members.one(lender_id=who.lender_id, member_id=who.member_id)
    if found is None:
        abort(404)
    return found


@staff_own.get("", endpoint="own")
@needs(None)
def own_page() -> ResponseReturnValue:
    """Show what one may do, where one is signed in, and one's passkeys."""
    who, member = me(), myself()
    return render_template(
        "staff/own.html",
        member=member,
        may=[permission_words(permission) for permission in sorted(who.may)],
        sessions=entering.sessions_of(member),
        this=who.session_id,
        passkeys=keys.of(member),
        possible=passkey_site(lender_name=who.lender.name) is not None,
    )


@staff_own.post("/sessions/<uuid:session_id>/end")
@needs(None)
def end_session(session_id: uuid.UUID) -> ResponseReturnValue:
    """Sign out one browser of one's own."""
    who = me()
    with transaction():
        done = entering.end_session(
            lender_id=who.lender_id, member_id=who.member_id, session_id=session_id, by=who.actor
        )
    if not done:
        abort(404)
    flash(_("That device is signed out."), "success")
    return redirect(url_for("staff_own.own"), 303)


@staff_own.post("/sessions/end-others")
@needs(None)
def end_others() -> ResponseReturnValue:
    """Sign out everywhere but here."""
    who = me()
    with transaction():
        entering.end_others(myself(), but=who.session_id, by=who.actor)
    flash(_("All other devices are signed out."), "success")
    return redirect(url_for("staff_own.own"), 303)


@staff_own.route("/password", methods=["GET", "POST"])
@needs(None)
def password() -> ResponseReturnValue:
    """Change one's password."""
    who, form = me(), ChangePasswordForm()
    if form.validate_on_submit():
        if (weak := members.weakness(myself(), form.password.data or "")) is not None:
            form.password.errors = [weak_words(weak)]
            return render_template("staff/password.html", form=form), 422
        old = entering.check(lender_id=who.lender_id, email=who.email, password=form.old.data or "")
        new_hash = passwords.hashed(form.password.data or "")
        with transaction():
            done = entering.change_password(
                who.member_id,
                lender_id=who.lender_id,
                old=old,
                new_hash=new_hash,
                kept_session=who.session_id,
                key=key(),
            )
        match done:
            case Wrong():
                form.old.errors = [_("That is not the password that you have now.")]
            case Locked(until=until):
                return locked(until, who.zone)
            case _:
                flash(_("Your password is changed, and all other devices are signed out."), "success")
                return redirect(url_for("staff_own.own"), 303)
    wrong = form.errors or form.password.errors or form.old.errors
    return render_template("staff/password.html", form=form), 422 if wrong else 200


@staff_own.post("/passkeys/options")
@needs(None)
def passkey_options() -> ResponseReturnValue:
    """Give a browser what it asks a device for a new key."""
    who, member = me(), myself()
    site = passkey_site(lender_name=who.lender.name)
    if site is None:
        return {}, 404
    return jsonify(
        passkey_check.options_to_make(
            site,
            challenge=new_challenge(_challenge_use()),
            handle=keys.handle(member),
            person=who.email,
            have=[one.credential_id for one in keys.of(member)],
        )
    )


def _challenge_use() -> str:
    return f"staff add:{me().session_id.hex}"


@staff_own.route("/passkeys/add", methods=["GET", "POST"])
@needs(None)
def add_passkey() -> ResponseReturnValue:
    """Add a passkey that the browser made."""
    who = me()
    site = passkey_site(lender_name=who.lender.name)
    if site is None:
        abort(404)
    form = NewStaffPasskeyForm()
    if request.method == "POST":
        challenge = take_challenge(_challenge_use(), answer=form.credential.data or "")
        if form.validate():
            with transaction():
                done = keys.add(
                    who.member_id,
                    lender_id=who.lender_id,
                    at=site,
                    answer=form.credential.data or "",
                    challenge=challenge,
                    name=form.name.data or "",
                    code=form.code.data or "",
                    key=key(),
                )
            match done:
                case Locked(until=until):
                    return locked(until, who.zone)
                case Wrong() | AppGone():
                    form.code.errors = [
                        _("That code doesn’t fit. Wait for the next one in your app, and make the passkey again.")
                    ]
                case TooManyKeys():
                    form.name.errors = [_("You have ten passkeys. Remove one before you add another.")]
                case Refused():
                    form.name.errors = [_("The passkey was not added. It may have taken too long: please try again.")]
                case _:
                    flash(_("The passkey is added. You can sign in with it next time."), "success")
                    return redirect(url_for("staff_own.own"), 303)
        form.credential.data = form.code.data = ""
    elif not form.name.data:
        form.name.data = browsers.kind(request.headers.get("User-Agent", ""))[:40]
    return render_template("staff/passkey_add.html", form=form), (
        422 if form.errors or form.name.errors or form.code.errors else 200
    )


@staff_own.post("/passkeys/<uuid:passkey_id>/remove")
@needs(None)
def remove_passkey(passkey_id: uuid.UUID) -> ResponseReturnValue:
    """Let a passkey sign in no more."""
    who = me()
    with transaction():
        done = keys.remove(lender_id=who.lender_id, member_id=who.member_id, passkey_id=passkey_id)
    if not done:
        abort(404)
    flash(_("The passkey can’t sign in any more. You can also delete it on your device."), "success")
    return redirect(url_for("staff_own.own"), 303)
