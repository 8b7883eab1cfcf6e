"""Pages for passkeys: what they are, add one, name it, remove it."""

from __future__ import annotations

import uuid

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.db import transaction
from portal.people import browsers, passkey_check, passkeys
from portal.people.models import Passkey
from portal.people.permissions import me, needs_code
from portal.people.views import key, new_challenge, passkey_site, take_challenge
from portal.web.languages import gettext as _
from portal.you.forms import NewPasskeyForm, PasskeyNameForm, SureForm
from portal.you.views import mine

passkey_pages = Blueprint("passkeys", __name__)


def _challenge_use() -> str:
    """Give what a challenge is for: this session alone."""
    return f"add:{me().session_id.hex}"


def _refused() -> str:
    return _("The passkey was not added. It may have taken too long: please try again.")


@passkey_pages.get("/you/passkeys", endpoint="passkeys")
@needs_code
def passkeys_page() -> ResponseReturnValue:
    """List the passkeys."""
    possible = passkey_site(lender_name=me().lender.name) is not None
    return render_template("you/passkeys.html", passkeys=passkeys.of(**mine()), possible=possible)


@passkey_pages.route("/you/passkeys/add", methods=["GET", "POST"])
@needs_code
def add() -> ResponseReturnValue:
    """Add a passkey that the browser made."""
    person = me()
    site = passkey_site(lender_name=person.lender.name)
    if site is None:
        abort(404)
    form = NewPasskeyForm()
    if request.method == "POST":
        challenge = take_challenge(_challenge_use(), answer=form.credential.data or "")
        if form.validate():
            with transaction():
                done = passkeys.add(
                    **mine(),
                    at=site,
                    answer=form.credential.data or "",
                    challenge=challenge,
                    name=form.name.data or "",
                    key=key(),
                    by=person.actor,
                )
            match done:
                case passkeys.Added():
                    flash(_("The passkey is added. You can sign in with it next time."), "success")
                    return redirect(url_for("passkeys.passkeys"), 303)
                case passkeys.TooManyKeys():
                    form.name.errors = [_("You have ten passkeys. Remove one before you add another.")]
                case passkeys.Refused():
                    form.name.errors = [_refused()]
        form.credential.data = ""
        form.name.data = (form.name.data or "")[: passkeys.MOST_NAME]
    elif not form.name.data:
        form.name.data = browsers.kind(request.headers.get("User-Agent", ""))[: passkeys.MOST_NAME]
    wrong = form.errors or form.name.errors
    return render_template("you/passkey_add.html", form=form), 422 if wrong else 200


@passkey_pages.post("/you/passkeys/options")
@needs_code
def options() -> ResponseReturnValue:
    """Give a browser what it asks a device for a new key."""
    person = me()
    site = passkey_site(lender_name=person.lender.name)
    if site is None:
        return {}, 404
    return jsonify(
        passkey_check.options_to_make(
            site,
            challenge=new_challenge(_challenge_use()),
            handle=passkeys.handle(**mine()),
            person=person.name,
            have=[one.credential_id for one in passkeys.of(**mine())],
        )
    )


def _mine_or_404(passkey_id: uuid.UUID) -> Passkey:
    found = passkeys.one(**mine(), passkey_id=passkey_id)
    if found is None:
        abort(404)
    return found


@passkey_pages.route("/you/passkeys/<uuid:passkey_id>/name", methods=["GET", "POST"])
@needs_code
def rename(passkey_id: uuid.UUID) -> ResponseReturnValue:
    """Give a passkey another name."""
    found = _mine_or_404(passkey_id)
    form = PasskeyNameForm()
    if form.validate_on_submit():
        with transaction():
            passkeys.rename(**mine(), passkey_id=passkey_id, name=form.name.data or "", by=me().actor)
        flash(_("The name is changed."), "success")
        return redirect(url_for("passkeys.passkeys"), 303)
    form.name.data = (form.name.data or found.name)[: passkeys.MOST_NAME]
    return render_template("you/passkey_name.html", form=form), 422 if form.errors else 200


@passkey_pages.route("/you/passkeys/<uuid:passkey_id>/remove", methods=["GET", "POST"])
@needs_code
def remove(passkey_id: uuid.UUID) -> ResponseReturnValue:
    """Ask once, and let the passkey sign in no more."""
    if request.method == "POST":
        with transaction():
            done = passkeys.remove(**mine(), passkey_id=passkey_id, by=me().actor)
        if not done:
            abort(404)
        flash(_("The passkey can’t sign in any more. You can also delete it on your device."), "success")
        return redirect(url_for("passkeys.passkeys"), 303)
    return render_template("you/passkey_remove.html", passkey=_mine_or_404(passkey_id), form=SureForm())
