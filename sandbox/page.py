"""The hosted page at a session's address: what is paid, with which test card, and back to the portal.

It works without JavaScript; the page is one form, the bank's question is another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, url_for

from sandbox import cards, currencies
from sandbox.acts import Acts, Caller, Refused
from sandbox.cards import Method
from sandbox.memory import Body
from sandbox.words import words_for

page = Blueprint("page", __name__)

_CHOICES: Mapping[str, Method] = {
    "works": cards.WORKS_DEBIT,
    "credit": cards.WORKS_CREDIT,
    "declined": cards.DECLINED,
    "second_step": cards.SECOND_STEP,
    "bank": cards.BANK_DEBIT,
    "bank_fails": cards.BANK_FAILS,
    "bank_returns": cards.BANK_RETURNS,
    **{one.kind: one for one in cards.OTHERS if one.kind != "us_bank_account"},
}
_FAILURES = {
    "expired_card": "expired_card",
    "payment_intent_authentication_failure": "authentication",
    "setup_intent_authentication_failure": "authentication",
    "card_not_supported": "blocked",
}
_EXPIRY = re.compile(r"(0?[1-9]|1[0-2]) ?[/-]? ?(?:20)?([0-9]{2})", re.ASCII)


@page.get("/c/pay/<identifier>")
def pay(identifier: str) -> Response:
    """Show what is to be paid and how it can be paid."""
    by, session = _session(identifier)
    return _shut(session) or _form(by, session)


@page.post("/c/pay/<identifier>")
def pay_now(identifier: str) -> Response:
    """Try to pay with what was chosen; two presses of the button pay once."""
    by, session = _session(identifier)
    acts = _acts()
    method, wrong = _chosen()
    with acts.memory.transaction():
        session = acts.found(by, "checkout.session", identifier)
        shut = _shut(session)
        if shut is not None:
            return shut
        if method is None:
            return _form(by, session, wrong=wrong, status=422)
        try:
            saves = session["mode"] == "setup"
            intent = (acts.save_on_session if saves else acts.pay_session)(by, session, method)
        except Refused as refused:
            trouble = _FAILURES.get(str(refused.error.get("code")), "card_declined")
            return _form(by, session, trouble=trouble, status=402)
    current_app.config["COURIER"].poke()
    if session["status"] == "complete":
        return _back(session)
    if intent["status"] == "requires_action":
        return make_response(redirect(url_for("page.second_step", identifier=identifier), 303))
    # Post, redirect, get: a reload of the page that tells of a decline does not try to pay again.
    return make_response(redirect(url_for("page.pay", identifier=identifier), 303))


@page.get("/c/pay/<identifier>/voucher")
def voucher(identifier: str) -> Response:
    """Show the voucher with which somebody goes to a shop; as on Stripe's own page, as long as it can be paid."""
    by, session = _session(identifier)
    intent = _intent(by, session)
    action = intent and intent["next_action"]
    if not action or not action["type"].endswith("_display_details"):
        raise NoSuchPage
    shown = action[action["type"]]
    until = datetime.fromtimestamp(shown.get("expires_after") or shown["expires_at"], UTC)
    number = shown.get("number", "")
    return _page("voucher.html", session, number=number, until=until.strftime("%Y-%m-%d %H:%M UTC"))


@page.get("/c/pay/<identifier>/second-step")
def second_step(identifier: str) -> Response:
    """Ask in the bank's place whether it is the card's owner who pays."""
    by, session = _session(identifier)
    shut = _shut(session)
    if shut is not None:
        return shut
    intent = _intent(by, session)
    if intent is None or intent["status"] != "requires_action":
        return make_response(redirect(url_for("page.pay", identifier=identifier), 303))
    chosen = _acts().found(by, "payment_method", intent["payment_method"])
    return _page("bank.html", session, last4=chosen["card"]["last4"])


@page.post("/c/pay/<identifier>/second-step")
def second_step_now(identifier: str) -> Response:
    """Take the answer to the bank's question."""
    by, session = _session(identifier)
    acts = _acts()
    with acts.memory.transaction():
        session = acts.found(by, "checkout.session", identifier)
        shut = _shut(session)
        if shut is not None:
            return shut
        intent = _intent(by, session)
        if intent is not None and intent["status"] == "requires_action" and request.form.get("answer") in ("yes", "no"):
            answer = acts.answer_for_saving if session["mode"] == "setup" else acts.answer_second_step
            intent = answer(by, session, yes=request.form["answer"] == "yes")
    current_app.config["COURIER"].poke()
    if intent is not None and intent["status"] == "succeeded":
        return _back(session)
    return make_response(redirect(url_for("page.pay", identifier=identifier), 303))


def _chosen() -> tuple[Method | None, dict[str, str]]:
    choice = request.form.get("choice", "typed" if request.form.get("number") else "")
    if choice in _CHOICES:
        return _CHOICES[choice], {}
    if choice != "typed":
        return None, {"choice": "error_choice"}
    wrong = {}
    number = re.sub(r"[ -]", "", request.form.get("number", ""))
    if not cards.looks_like_a_card(number):
        wrong["number"] = "error_number"
    elif number not in cards.BY_NUMBER:
        wrong["number"] = "error_unknown"
    expiry = _EXPIRY.fullmatch(request.form.get("expiry", "").strip())
    if expiry is None:
        wrong["expiry"] = "error_expiry"
    else:
        today = datetime.fromtimestamp(_acts().memory.now(), UTC)
        if (2000 + int(expiry[2]), int(expiry[1])) < (today.year, today.month):
            wrong["expiry"] = "error_past"
    if not re.fullmatch(r"[0-9]{3,4}", request.form.get("cvc", "").strip(), re.ASCII):
        wrong["cvc"] = "error_cvc"
    return (None, wrong) if wrong else (cards.BY_NUMBER[number], {})


def _form(
    by: Caller, session: Body, *, wrong: Mapping[str, str] | None = None, trouble: str = "", status: int = 200
) -> Response:
    intent = _intent(by, session)
    error = intent and (intent["last_setup_error" if session["mode"] == "setup" else "last_payment_error"])
    if not wrong and not trouble and error:
        trouble = _FAILURES.get(error["code"], "card_declined")
    restrictions = session["payment_method_options"]["card"]["restrictions"] or {}
    blocked = tuple(restrictions.get("funding_types_blocked") or ())
    return _page(
        "pay.html",
        session,
        status=status,
        wrong=wrong or {},
        trouble=trouble,
        choices=[
            (name, method, method.kind == "card" and method.funding in blocked)
            for name, method in _CHOICES.items()
            if method.kind in session["payment_method_types"]
        ],
        # What was typed is not shown again: a card number has no place in a page that is kept.
        picked=request.form.get("choice") or "works",
    )


def _shut(session: Body) -> Response | None:
    """Return what to show instead of the form when a session is no longer open."""
    if session["status"] == "open":
        return None
    if session["status"] == "complete" and request.method == "POST":
        return _back(session)
    state = "done" if session["status"] == "complete" else "expired"
    address = session["success_url"] if state == "done" else session["cancel_url"]
    return _page(
        "message.html",
        session,
        status=200 if state == "done" else 410,
        state=state,
        address=(address or "").replace("{CHECKOUT_SESSION_ID}", session["id"]),
    )


def _back(session: Body) -> Response:
    address = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])
    return make_response(redirect(address, 303))


def _session(identifier: str) -> tuple[Caller, Body]:
    acts = _acts()
    with acts.memory.transaction():
        acts.expire_overdue()
        account = acts.memory.owner("checkout.session", identifier)
        if account is None:
            raise NoSuchPage
        by = Caller(account)
        return by, acts.found(by, "checkout.session", identifier)


def _intent(by: Caller, session: Body) -> Body | None:
    """Give what the page is about: the payment, or where it saves a card, the saving of it."""
    if session["mode"] == "setup":
        return _acts().found(by, "setup_intent", session["setup_intent"])
    if session["payment_intent"] is None:
        return None
    return _acts().found(by, "payment_intent", session["payment_intent"])


def _acts() -> Acts:
    found: Acts = current_app.config["ACTS"]
    return found


class NoSuchPage(Exception):
    """No session has this address."""


@page.errorhandler(NoSuchPage)
def no_such_page(_: NoSuchPage) -> Response:
    return _page("message.html", None, status=404, state="gone", address="")


def _page(template: str, session: Body | None, *, status: int = 200, **values: object) -> Response:
    accepted = request.accept_languages.best_match(["en", "zh", "zh-CN", "zh-Hans"])
    language, words = words_for(session["locale"] if session else None, accepted)
    amount = ""
    if session and session["mode"] == "payment":
        amount = currencies.shown(session["amount_total"], session["currency"], language.replace("-", "_"))
    if session and session["mode"] == "setup":
        words = {name: words.get(f"{name}_saved", text) for name, text in words.items()}
    told = {name: text.replace("{amount}", amount) for name, text in words.items()}
    response = make_response(
        render_template(template, language=language, words=told, session=session, amount=amount, **values), status
    )
    response.headers["Content-Security-Policy"] = "; ".join(
        (
            "default-src 'none'",
            "style-src 'self'",
            "img-src 'self'",
            # Some browsers hold the redirect that follows a form against this too.
            f"form-action 'self'{_origin(session)}",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _origin(session: Body | None) -> str:
    if session is None:
        return ""
    parts = urlsplit(session["success_url"])
    safe = re.fullmatch(r"[A-Za-z0-9.:\[\]-]+", parts.netloc)
    return f" {parts.scheme}://{parts.netloc}" if safe else ""
