"""Pages by which staff get in: password and code, passkey, link to join, the way back in; the first page; out."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime

import segno
from flask import Blueprint, abort, current_app, flash, jsonify, redirect, render_template, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user, logout_user
from markupsafe import Markup

from portal import clock
from portal.db import transaction
from portal.lenders.hosts import is_here, lenders_here
from portal.lenders.models import Lender
from portal.lenders.settings import NoSuchLender, all_lenders, by_slug
from portal.people import kept_forms, passkey_check
from portal.people.passkeys import Refused
from portal.people.views import key, new_challenge, onward, passkey_site, take_challenge, this_device
from portal.staff import entering, keys, members, passwords, recovering, totp
from portal.staff.entering import STEP_LIFE, AppGone, Entered, Locked, PasswordGood
from portal.staff.forms import (
    AppCodeForm,
    ChoosePasswordForm,
    LostForm,
    StaffPasskeyForm,
    StaffSignInForm,
)
from portal.staff.gates import Colleague, colleagues_own, load, me, needs
from portal.staff.members import LinkGone, WrongCode
from portal.staff.roles import Permission
from portal.staff.words import weak_words
from portal.web.languages import gettext as _
from portal.web.security import open_page

staff = Blueprint("staff", __name__, url_prefix="/staff")


def locked(until: datetime, zone: str) -> ResponseReturnValue:
    """Say until when a door is closed."""
    return render_template("staff/locked.html", until=until, zone=zone), 429


def _choices(form: StaffSignInForm | LostForm) -> bool:
    """Offer the lenders that there are; gives whether there are several."""
    lenders = lenders_here()
    form.lender.choices = [(lender.slug, lender.name) for lender in lenders]
    if len(lenders) == 1:
        form.lender.data = lenders[0].slug
    elif request.method == "GET":
        form.lender.data = request.args.get("lender")
    return len(lenders) > 1


def _let_in(done: Entered) -> ResponseReturnValue:
    """Put the new session into the cookie; whoever was signed in here before is signed out, on the server too."""
    language, after = cookie.get("language"), cookie.get("after_staff_sign_in")
    kept = kept_forms.waiting(colleagues_own(done.lender_id, done.member_id))
    if "kept" in cookie:
        # What somebody else typed leads nobody anywhere.
        after = kept.path if kept else None
    if current_user.is_authenticated:
        with transaction():
            current_user.end_session()
    cookie.clear()
    if language:
        cookie["language"] = language
    if kept is not None:
        cookie["kept"] = kept.id.hex
    if after:
        cookie["after_staff_sign_in"] = after
    who = load(f"staff:{done.lender_id.hex}:{done.session_id.hex}")
    if who is not None:
        login_user(who)
    return redirect(onward("after_staff_sign_in", otherwise=url_for("staff.home")), 303)


@staff.route("/sign-in", methods=["GET", "POST"])
@open_page
def sign_in() -> ResponseReturnValue:
    """Ask for e-mail and password."""
    form = StaffSignInForm()
    several = _choices(form)
    if form.validate_on_submit():
        lender = by_slug(str(form.lender.data))
        checked = entering.check(lender_id=lender.id, email=form.email.data or "", password=form.password.data or "")
        with transaction():
            said = entering.give_password(
                checked,
                lender_id=lender.id,
                address=request.remote_addr or "",
                key=key(),
                device=this_device().id,
            )
        match said:
            case PasswordGood(member_id=member_id, mark=mark):
                cookie["staff_step"] = [lender.id.hex, member_id.hex, mark, clock.now().timestamp()]
                return redirect(url_for("staff.second_step"), 303)
            case Locked(until=until):
                return locked(until, lender.zone)
            case _:
                form.password.errors = [_("The e-mail address and the password don’t match. Please check both.")]
    return render_template(
        "staff/sign_in.html", form=form, several=several, passkeys_here=passkey_site(lender_name="") is not None
    ), 422 if form.errors or form.password.errors else 200


def _step() -> tuple[uuid.UUID, uuid.UUID, str] | None:
    """Give lender, member and mark of whoever gave the password in this browser, for five minutes."""
    try:
        lender_hex, member_hex, mark, at = cookie["staff_step"]
        if 0 <= clock.now().timestamp() - float(at) <= STEP_LIFE.total_seconds():
            return uuid.UUID(lender_hex), uuid.UUID(member_hex), str(mark)
    except (KeyError, TypeError, ValueError):
        pass
    return None


@staff.route("/second-step", methods=["GET", "POST"])
@open_page
def second_step() -> ResponseReturnValue:
    """Ask for the code of the app."""
    step = _step()
    if step is None:
        cookie.pop("staff_step", None)
        flash(_("Please enter your password first. After it you have five minutes for the code."))
        return redirect(url_for("staff.sign_in"), 303)
    lender_id, member_id, mark = step
    form = AppCodeForm()
    if form.validate_on_submit():
        with transaction():
            said = entering.give_code(
                lender_id=lender_id,
                member_id=member_id,
                mark=mark,
                code=form.code.data or "",
                key=key(),
                device=this_device(),
            )
        match said:
            case Entered():
                return _let_in(said)
            case Locked(until=until):
                return locked(until, _zone_of(lender_id))
            case AppGone():
                cookie.pop("staff_step", None)
                flash(
                    _("The portal can’t check the codes of your app any more. It has to be set up again."),
                    "problem",
                )
                return redirect(url_for("staff.lost"), 303)
            case None:
                cookie.pop("staff_step", None)
                return redirect(url_for("staff.sign_in"), 303)
            case _:
                form.code.errors = [_("That code doesn’t fit. Wait for the next one in your app, and enter that.")]
    return render_template("staff/second_step.html", form=form), 422 if form.errors or form.code.errors else 200


def _zone_of(lender_id: uuid.UUID) -> str:
    return next((lender.zone for lender in all_lenders() if lender.id == lender_id), "UTC")


@staff.post("/sign-in/passkey/options")
@open_page
def passkey_options() -> ResponseReturnValue:
    """Give a browser what it asks a passkey."""
    site = passkey_site(lender_name="")
    if site is None:
        return {}, 404
    return jsonify(passkey_check.options_to_use(site, challenge=new_challenge("staff sign in")))


@staff.route("/sign-in/passkey", methods=["GET", "POST"])
@open_page
def passkey() -> ResponseReturnValue:
    """Sign in with a passkey, which is both factors in one."""
    form, site = StaffPasskeyForm(), passkey_site(lender_name="")
    if site is None:
        return redirect(url_for("staff.sign_in"), 303)
    if request.method == "GET":
        return render_template("staff/passkey.html", form=form)
    challenge = take_challenge("staff sign in", answer=form.credential.data or "")
    done: Entered | Refused = Refused()
    if form.validate():
        with transaction():
            done = keys.enter(
                at=site, answer=form.credential.data or "", challenge=challenge, key=key(), device=this_device()
            )
    if isinstance(done, Entered):
        return _let_in(done)
    flash(_("That passkey did not work. You can try again, or sign in with your password."), "problem")
    return redirect(url_for("staff.sign_in"), 303)


def _lender_or_404(slug: str) -> Lender:
    try:
        found = by_slug(slug)
    except NoSuchLender:
        abort(404)
    return found if is_here(found.id) else abort(404)


def _gone() -> ResponseReturnValue:
    return render_template("staff/link_gone.html"), 404


@staff.route("/<lender>/join/<token>", methods=["GET", "POST"])
@open_page
def join(lender: str, token: str) -> ResponseReturnValue:
    """Let whoever has the link choose a password."""
    lender_id = _lender_or_404(lender).id
    found = members.look_at_link(token, lender_id=lender_id, key=key())
    if isinstance(found, LinkGone):
        return _gone()
    form = ChoosePasswordForm()
    if form.validate_on_submit():
        password = form.password.data or ""
        if (weak := members.weakness(found.member, password)) is not None:
            form.password.errors = [weak_words(weak)]
        else:
            new_hash = passwords.hashed(password)
            with transaction():
                said = members.choose_password(token, lender_id=lender_id, new_hash=new_hash, key=key())
            if isinstance(said, LinkGone):
                return _gone()
            return redirect(url_for("staff.join_app", lender=lender, token=token), 303)
    return render_template(
        "staff/join.html", form=form, member=found.member, purpose=found.link.purpose
    ), 422 if form.errors or form.password.errors else 200


@staff.route("/<lender>/join/<token>/app", methods=["GET", "POST"])
@open_page
def join_app(lender: str, token: str) -> ResponseReturnValue:
    """Show the app's secret as a picture and as letters, and ask for its first code."""
    owner = _lender_or_404(lender)
    lender_id = owner.id
    found = members.look_at_link(token, lender_id=lender_id, key=key())
    if isinstance(found, LinkGone):
        return _gone()
    secret = members.new_secret(found.member, key=key())
    if found.link.new_password is None or secret is None:
        return redirect(url_for("staff.join", lender=lender, token=token), 303)
    form = AppCodeForm()
    if form.validate_on_submit():
        with transaction():
            said = members.join(token, lender_id=lender_id, code=form.code.data or "", key=key())
            entered = None
            if not isinstance(said, LinkGone | WrongCode):
                entered = entering.open_session(said, came_by="link", device=this_device())
        match said:
            case LinkGone():
                return _gone()
            case WrongCode():
                form.code.errors = [_("That code doesn’t fit. Wait for the next one in your app, and enter that.")]
        if entered is not None:
            answer = _let_in(entered)
            flash(
                _("Your account is open. From now on you sign in with your password and a code of the app."), "success"
            )
            return answer
    picture = segno.make(
        totp.address(secret, person=found.member.email, lender=owner.name), error="m", micro=False
    ).svg_inline(scale=5, border=3, dark="#000", light="#fff", svgclass=None, lineclass=None)
    return (
        render_template(
            "staff/join_app.html",
            form=form,
            member=found.member,
            # Drawn by us from our own secret.
            picture=Markup(picture),  # noqa: S704
            secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        ),
        422 if form.errors or form.code.errors else 200,
    )


@staff.route("/lost", methods=["GET", "POST"])
@open_page
def lost() -> ResponseReturnValue:
    """Note that somebody lost the password or the app; what is answered is the same for everybody."""
    form = LostForm()
    several = _choices(form)
    if form.validate_on_submit():
        lender = by_slug(str(form.lender.data))
        with transaction():
            recovering.ask(
                lender_id=lender.id, email=form.email.data or "", address=request.remote_addr or "", key=key()
            )
        return redirect(url_for("staff.lost_noted"), 303)
    return render_template("staff/lost.html", form=form, several=several), 422 if form.errors else 200


@staff.get("/lost/noted")
@open_page
def lost_noted() -> ResponseReturnValue:
    """Say what happens now."""
    return render_template("staff/lost_noted.html")


@staff.get("", endpoint="home")
@needs(None)
def home_page() -> ResponseReturnValue:
    """Show what waits for this colleague."""
    who = me()
    vouching = recovering.waiting(lender_id=who.lender_id) if Permission.VOUCH in who.may else ()
    # What the pages above have to tell; this one knows none of them.
    told: Callable[[Colleague], list[tuple[str, str]]] = current_app.extensions["told_at_the_start"]
    return render_template(
        "staff/home.html",
        vouching=[member for _recovery, member in vouching if member.id != who.member_id],
        told=told(who),
    )


@staff.post("/sign-out")
@needs(None)
def sign_out() -> ResponseReturnValue:
    """End this session."""
    with transaction():
        me().end_session()
    language = cookie.get("language")
    logout_user()
    cookie.clear()
    if language:
        cookie["language"] = language
    flash(_("You are signed out."))
    return redirect(url_for("staff.sign_in"), 303)
