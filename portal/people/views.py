"""Pages to get in and out: link, reference, code, language, sign out."""

from __future__ import annotations

import base64
import binascii
import secrets
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from flask import (
    Blueprint,
    Response,
    after_this_request,
    current_app,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user, logout_user

from portal import clock
from portal.db import transaction
from portal.lenders.hosts import lender_id_here, lenders_here, only_lender_here
from portal.people import browsers, codes, kept_forms, notices, passkey_check, passkeys, sign_in
from portal.people.forms import CodeForm, PasskeyForm, SignInForm
from portal.people.permissions import debtors_own, is_debtor, load, me, needs_debtor, renew
from portal.web.fields import BirthDateForm
from portal.web.formats import instant
from portal.web.languages import LANGUAGES
from portal.web.languages import gettext as _
from portal.web.security import open_page

people = Blueprint("people", __name__)

# Tabs of one browser that may ask for a passkey at the same time.
_MOST_CHALLENGES: Final = 3


def key() -> str:
    """Give the installation's key, for hashes of tokens and codes."""
    return str(current_app.config["SECRET_KEY"])


def _owner_of(lender_id: uuid.UUID, reference: str) -> uuid.UUID | None:
    find: Callable[[uuid.UUID, str], uuid.UUID | None] = current_app.extensions["owner_of_reference"]
    return find(lender_id, reference)


# A device is known by a cookie of its own, which says nothing but that it is the same browser.
_DEVICE_LIFE = timedelta(days=365)


def this_device() -> sign_in.Device:
    """Give what is kept of this browser, and give it a cookie by which it is known again."""
    name = "__Host-device" if current_app.config["SESSION_COOKIE_SECURE"] else "device"
    said = request.cookies.get(name, "")
    mark = said if 20 <= len(said) <= 64 and said.isascii() else secrets.token_urlsafe(24)

    @after_this_request
    def remember(response: Response) -> Response:
        response.set_cookie(
            name,
            mark,
            max_age=_DEVICE_LIFE,
            secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
            httponly=True,
            samesite="Lax",
        )
        return response

    return sign_in.device_of(
        browser=browsers.kind(request.headers.get("User-Agent", "")),
        address=request.remote_addr or "",
        device=mark,
        key=key(),
    )


def _tell_if_new(done: object, device: sign_in.Device) -> None:
    """Tell the person of a device that was not seen before, in the transaction of the sign-in."""
    if isinstance(done, sign_in.SignedIn) and done.new_device:
        notices.new_device(lender_id=done.lender_id, debtor_id=done.debtor_id, browser=device.browser)


def _let_in(done: sign_in.SignedIn) -> None:
    language = cookie.get("language")
    after, kept = cookie.get("after_sign_in"), kept_forms.waiting(debtors_own(done.lender_id, done.debtor_id))
    if current_user.is_authenticated:
        # Signing in as one ends the other in the same browser, on the server too.
        earlier = current_user._get_current_object()
        with transaction():
            earlier.end_session()
        if getattr(earlier, "debtor_id", None) != done.debtor_id:
            after = None
    # A new sign-in starts a new cookie: nothing of an earlier person on this phone stays in it.
    cookie.clear()
    if language:
        cookie["language"] = language
    if kept is not None:
        cookie["kept"], after = kept.id.hex, kept.path
    if after:
        cookie["after_sign_in"] = after
    person = load(f"debtor:{done.lender_id.hex}:{done.session_id.hex}:0")
    if person is not None:
        login_user(person)


# Where a link may lead once it is open, by the word at its end.
LEADS_TO = {"pay": "payments.pay", "plan": "plans.prepared"}


def onward(name: str, *, otherwise: str) -> str:
    """Give the page that the visitor was on the way to; only ever a path of ours."""
    wanted = cookie.pop(name, None)
    if not isinstance(wanted, str):
        return otherwise
    # One slash and then something else than a slash is a path, whatever follows it.
    ours = wanted.isprintable() and wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if ours else otherwise


def _gone() -> ResponseReturnValue:
    return render_template("people/link_gone.html"), 404


def zone_before_sign_in() -> str:
    """Give the zone of whoever's page it is before anybody signed in."""
    lender = only_lender_here()
    return lender.zone if lender else "UTC"


def _locked(until: datetime, zone: str, *, by_link: bool = False) -> ResponseReturnValue:
    return render_template("people/locked.html", until=until, zone=zone, by_link=by_link), 429


@people.route("/i/<token>", methods=["GET", "POST"])
@open_page
def invitation(token: str) -> ResponseReturnValue:
    """Ask for the date of birth behind a link."""
    form = BirthDateForm()
    link = sign_in.look_at_link(token, key=key())
    match link:
        case sign_in.LinkGone():
            return _gone()
        case sign_in.Locked(until=until):
            return _locked(until, zone_before_sign_in(), by_link=True)
    if form.validate_on_submit() and (born_on := form.born_on()) is not None:
        device = this_device()
        with transaction():
            done = sign_in.open_link(token, born_on=born_on, key=key(), device=device)
            _tell_if_new(done, device)
        match done:
            case sign_in.SignedIn():
                cookie.pop("after_sign_in", None)
                _let_in(done)
                there = url_for(LEADS_TO.get(request.args.get("to", ""), "home.home"))
                return redirect(onward("after_sign_in", otherwise=there), 303)
            case sign_in.LinkGone():
                return _gone()
            case sign_in.Locked(until=until):
                return _locked(until, zone_before_sign_in(), by_link=True)
            case sign_in.Wrong(left=left):
                form.day.errors = [
                    _(
                        "That isn’t the date of birth we have. Please check it. Tries left: %(left)d.",
                        left=left,
                    )
                ]
    return render_template(
        "people/invitation.html", form=form, token=token
    ), 422 if form.errors or form.day.errors else 200


@people.route("/sign-in", methods=["GET", "POST"], endpoint="sign_in")
@open_page
def sign_in_page() -> ResponseReturnValue:
    """Sign in with a reference and the date of birth."""
    lenders = lenders_here()
    form = SignInForm()
    form.lender.choices = [(lender.slug, lender.name) for lender in lenders]
    if len(lenders) == 1:
        form.lender.data = lenders[0].slug
    if form.validate_on_submit() and (born_on := form.born_on()) is not None:
        lender = next(lender for lender in lenders if lender.slug == form.lender.data)
        lender_id, zone = lender.id, lender.zone
        device = this_device()
        with transaction():
            done = sign_in.by_reference(
                lender_id=lender_id,
                reference=form.reference.data or "",
                debtor_id=_owner_of(lender_id, form.reference.data or ""),
                born_on=born_on,
                address=request.remote_addr or "",
                key=key(),
                device=device,
            )
            _tell_if_new(done, device)
        match done:
            case sign_in.SignedIn():
                _let_in(done)
                cookie["after_code"] = onward("after_sign_in", otherwise=url_for("home.home"))
                if sign_in.can_get_codes(lender_id=done.lender_id, debtor_id=done.debtor_id):
                    send_code()
                return redirect(url_for("people.code"), 303)
            case sign_in.Locked(until=until):
                return _locked(until, zone)
            case sign_in.Wrong(left=left):
                form.reference.errors = [
                    _(
                        "The reference and the date of birth don’t match. Please check both. Tries left: %(left)d.",
                        left=left,
                    )
                ]
    shown = 422 if request.method == "POST" else 200
    return render_template(
        "people/sign_in.html",
        form=form,
        several=len(lenders) > 1,
        passkeys_here=passkey_site(lender_name="") is not None,
    ), shown


def passkey_site(*, lender_name: str) -> passkey_check.Site | None:
    """Give the site that passkeys are made for, or None where browsers make none, and under a lender's own host."""
    if lender_id_here() is not None:
        return None
    return passkey_check.site(str(current_app.config["BASE_URL"]), name=lender_name)


def new_challenge(use: str) -> bytes:
    """Make a passkey's challenge for this browser, and for one use of it; two other tabs keep theirs."""
    challenge = secrets.token_bytes(32)
    made = [use, base64.b64encode(challenge).decode(), clock.now().timestamp()]
    cookie["challenges"] = [*_challenges()[1 - _MOST_CHALLENGES :], made]
    return challenge


def take_challenge(use: str, *, answer: str) -> bytes | None:
    """Give the challenge that a key's answer is for, once.

    None if this browser has no such challenge, it was made for another use, or five minutes are over.
    """
    named = passkey_check.challenge_named(answer)
    for one in _challenges():
        try:
            made_for, text, at = one
            challenge = base64.b64decode(text)
            fresh = 0 <= clock.now().timestamp() - float(at) <= passkeys.CHALLENGE_LIFE.total_seconds()
        except (TypeError, ValueError, binascii.Error):
            continue
        if challenge == named:
            cookie["challenges"] = [other for other in _challenges() if other != one]
            return challenge if made_for == use and fresh else None
    return None


def _challenges() -> list[Any]:
    found = cookie.get("challenges")
    return found if isinstance(found, list) else []


@people.post("/sign-in/passkey/options")
@open_page
def passkey_options() -> ResponseReturnValue:
    """Give a browser what it asks a passkey."""
    site = passkey_site(lender_name="")
    if site is None:
        return {}, 404
    return jsonify(passkey_check.options_to_use(site, challenge=new_challenge("sign in")))


@people.route("/sign-in/passkey", methods=["GET", "POST"])
@open_page
def passkey() -> ResponseReturnValue:
    """Sign in with a passkey: as good as a code."""
    form, site = PasskeyForm(), passkey_site(lender_name="")
    if site is None:
        return redirect(url_for("people.sign_in"), 303)
    if request.method == "GET":
        return render_template("people/passkey.html", form=form)
    challenge = take_challenge("sign in", answer=form.credential.data or "")
    done: sign_in.SignedIn | passkeys.Refused = passkeys.Refused()
    if form.validate():
        device = this_device()
        with transaction():
            done = passkeys.enter(
                at=site, answer=form.credential.data or "", challenge=challenge, key=key(), device=device
            )
            _tell_if_new(done, device)
    if isinstance(done, sign_in.SignedIn):
        _let_in(done)
        return redirect(onward("after_sign_in", otherwise=url_for("home.home")), 303)
    if is_debtor():
        # The first of two clicks has let this person in.
        return redirect(url_for("home.home"), 303)
    flash(_("That passkey did not work. You can try again, or sign in with your reference."), "problem")
    return redirect(url_for("people.sign_in"), 303)


@people.route("/code", methods=["GET", "POST"])
@needs_debtor
def code() -> ResponseReturnValue:
    """Ask for a one-time code, for what needs more than a link or a reference; a button sends it, and never a look."""
    person = me()
    if person.strength == 2:
        return redirect(onward("after_code", otherwise=url_for("home.home")), 303)
    if not sign_in.can_get_codes(lender_id=person.lender_id, debtor_id=person.debtor_id):
        return render_template("people/no_contact.html", skip_to=url_for("home.home"))
    form = CodeForm()
    good_for = sign_in.For(person.lender_id, person.debtor_id, person.session_id)
    if request.method == "POST" and "again" in request.form:
        send_code()
        return redirect(url_for("people.code"), 303)
    if form.validate_on_submit():
        with transaction():
            given = sign_in.give_code(good_for, code=form.code.data or "", key=key())
        if isinstance(given, sign_in.CodeGood):
            renew(good_for, code=form.code.data or "", key=key())
            return redirect(onward("after_code", otherwise=url_for("home.home")), 303)
        form.code.errors = [code_problem(given)]
    return render_template(
        "people/code.html",
        form=form,
        sent_to=sign_in.code_waiting(good_for),
        purpose=_(
            "The code shows us that it is really you. We need it for letters, and whenever you agree to something."
        ),
        wait=wait_words(),
        skip_to=url_for("home.home"),
    ), 422 if form.errors else 200


def send_code(*, about: uuid.UUID | None = None, offer: str | None = None, most: int = sign_in.CODES_IN_A_ROW) -> None:
    """Send a code to the signed-in debtor, to show who it is or for one thing; the next page says why none was sent.

    `about` is the quote that the code agrees to and `offer` its number.
    """
    person = me()
    good_for = sign_in.For(person.lender_id, person.debtor_id, person.session_id, about)
    lender_name = person.lender.name
    with transaction():
        sent = codes.send(good_for, lender_name=lender_name, key=key(), offer=offer, most=most)
    match sent:
        case sign_in.CodeUnderway():
            flash(_("We sent you a code a moment ago. It can take a minute to arrive."), "wait")
        case sign_in.TooManyCodes(until=until) if most == sign_in.CODES_IN_A_ROW:
            flash(
                _(
                    "We sent you several codes just now. You can ask for the next one from %(time)s.",
                    time=instant(until),
                ),
                "wait",
            )
        case sign_in.NoContact():
            flash(_("We have no phone number or e-mail of yours on file. Please call us, and we will help."), "wait")


def wait_words() -> str:
    """Say how long one waits before a new code can be asked for."""
    return _(
        "You can ask for a new code after %(seconds)d seconds.",
        seconds=int(sign_in.NEW_CODE_AFTER.total_seconds()),
    )


def code_problem(given: sign_in.Wrong | sign_in.LinkGone) -> str:
    """Say in words why a code was not taken."""
    if isinstance(given, sign_in.Wrong):
        return _("That isn’t the code. Please check it. Tries left: %(left)d.", left=given.left)
    return _("This code no longer works. Ask for a new one below.")


@people.route("/sign-out", methods=["POST"])
@needs_debtor
def sign_out() -> ResponseReturnValue:
    """End this device's session."""
    person = me()
    with transaction():
        sign_in.end_session(lender_id=person.lender_id, debtor_id=person.debtor_id, session_id=person.session_id)
    language = cookie.get("language")
    logout_user()
    cookie.clear()
    if language:
        cookie["language"] = language
    return redirect(url_for("people.signed_out"), 303)


@people.get("/signed-out")
@open_page
def signed_out() -> ResponseReturnValue:
    """Say that the session has ended."""
    return render_template("people/signed_out.html")


@people.post("/language")
@open_page
def language() -> ResponseReturnValue:
    """Change the language of the pages, and remember it for letters and messages when the person is known."""
    wanted = request.form.get("language", "")
    if wanted in LANGUAGES:
        cookie["language"] = wanted
        if current_user.is_authenticated and current_user.language != wanted:
            with transaction():
                current_user.keep_language(wanted)
    back = request.form.get("next", "/")
    cookie["back"] = back
    return redirect(onward("back", otherwise="/"), 303)
