"""Pages of the other doors: help, one page for each door, what happens now, and everything that was asked so far.

A door works for everybody. Who is signed in needs one tap; a stranger says how to be reached, or calls.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue

from portal import clock
from portal.care import advice, requests, words
from portal.care.forms import AskForm, CantPayForm, VisitorForm
from portal.care.holds import of_request
from portal.care.messages import contacts_of
from portal.care.models import CareRequest
from portal.care.states import DISPUTES, DOORS, WAITING, Kind, Moved, Repeated, State, door_of
from portal.db import transaction
from portal.debts.pages import mine_or_404
from portal.debts.statement import Standing, debts_of
from portal.evidence.record import Actor
from portal.lenders.hosts import lenders_here, only_lender_here
from portal.lenders.models import Lender, LenderCard
from portal.people import guessing
from portal.people.permissions import is_debtor, me, needs_debtor
from portal.people.sign_in import hashed, masked
from portal.web.formats import day as day_words
from portal.web.formats import instant as instant_words
from portal.web.languages import get_locale
from portal.web.languages import gettext as _
from portal.web.security import open_page
from portal.web.spreadsheet import csv_answer

care = Blueprint("care", __name__)

VISITOR = Actor("visitor", "form")
# What a stranger can send without signing in; for the rest we have to know whose debt it is.
FOR_STRANGERS = (Kind.TALK, Kind.COMPLAIN, Kind.NOT_MINE)
ALL_DEBTS = "all"


def _lender() -> Lender | LenderCard | None:
    return me().lender if is_debtor() else only_lender_here()


def _place() -> advice.Place:
    """Give the place of the free advice: the one that was chosen, else where the lender is."""
    chosen = request.args.get("place", "")
    if chosen in advice.places():
        return advice.place_of(chosen)
    lender = _lender()
    return advice.place_of(lender.jurisdiction if lender else "")


def _place_names() -> list[tuple[str, str]]:
    """Give every place that we know advice for, by its name in the language of the page."""
    names = get_locale().territories
    return sorted(((code, str(names.get(code, code))) for code in advice.places()), key=lambda each: each[1])


def _my_reference() -> str | None:
    """Give the reference in the address if it is of one's own debt; anybody else's doesn't exist."""
    reference = request.args.get("debt")
    if reference is None or not is_debtor():
        return None
    return mine_or_404(reference).reference


@care.get("/help")
@open_page
def help() -> ResponseReturnValue:  # noqa: A001 - the page is called help
    """Show the other doors, what one has asked for, and free advice."""
    reference = _my_reference()
    mine = requests.requests_of(lender_id=me().lender_id, debtor_id=me().debtor_id) if is_debtor() else ()
    return render_template(
        "care/help.html",
        doors=[
            {"kind": kind, "id": _anchor(kind), "url": url_for("care.ask", kind=kind.slug, debt=reference)}
            for kind in DOORS
        ],
        waiting=[_line(each) for each in mine if each.state in WAITING],
        any_requests=bool(mine),
        place=_place(),
        places=_place_names(),
        reference=reference,
    )


def _anchor(kind: Kind) -> str:
    # Links and letters that are out in the world point here.
    return {Kind.CANT_PAY: "cannot-pay", Kind.TALK: "person"}.get(kind, kind.slug)


def _line(each: CareRequest) -> dict[str, object]:
    state = State(each.state)
    return {
        "number": each.number,
        "title": words.kind_words(Kind(each.kind)),
        "state": (words.state_words(state), words.tag_kind(state)),
        "opened_on": each.opened_at.astimezone(clock.zone(each.zone)).date(),
        "answer_by": each.answer_by if state in WAITING else None,
        "url": url_for("care.request", number=each.number),
    }


@care.route("/help/<kind>", methods=["GET", "POST"])
@open_page
def ask(kind: str) -> ResponseReturnValue:
    """Open one of the doors."""
    door = door_of(kind)
    if door is None:
        abort(404)
    return _ask_as_myself(door) if is_debtor() else _ask_as_stranger(door)


def _ask_as_myself(door: Kind) -> ResponseReturnValue:
    person = me()
    reference = request.args.get("debt")
    debt = mine_or_404(reference) if reference is not None else None
    mine = [each for each in debts_of(lender_id=person.lender_id, debtor_id=person.debtor_id) if each.owed]
    if debt is None and request.args.get("about") != ALL_DEBTS and door not in (Kind.TALK, Kind.COMPLAIN):
        if len(mine) == 1:
            debt = mine[0]
        elif len(mine) > 1 and request.method == "GET":
            return render_template("care/which.html", kind=door, title=words.kind_words(door), debts=mine)
    form = CantPayForm() if door is Kind.CANT_PAY else AskForm()
    set_up(form, lender_id=person.lender_id, debtor_id=person.debtor_id)
    if request.method == "POST" and form.validate() and (key := form.key()) is not None:
        with transaction():
            done = requests.open_request(
                lender_id=person.lender_id,
                debtor_id=person.debtor_id,
                kind=door,
                debt_id=debt.id if debt else None,
                words=form.words.data or "",
                by=person.actor,
                key=key,
                reply_by=form.reply_by.data,
                wish=(form.wish.data or None) if door is Kind.CANT_PAY else None,
                needs=form.needs() if isinstance(form, CantPayForm) else (),
                needs_text=words.needs_agreement(),
            )
        if isinstance(done, requests.TooMany):
            return _too_many(done.until, person.zone)
        return redirect(url_for("care.request", number=done.number), 303)
    form.form_key.data = form.key() or uuid.uuid4().hex
    return (
        render_template(
            "care/ask.html",
            kind=door,
            title=words.kind_words(door),
            form=form,
            debt=debt,
            all_debts=debt is None and len(mine) > 1,
            needs=[(need, words.need_words(need)) for need in words.NEEDS],
            needs_agreement=words.needs_agreement(),
            told=_already_told(door, debt),
            **words.promise(door, jurisdiction=person.lender.jurisdiction, zone=person.zone, of_debt=debt is not None),
        ),
        422 if form.errors else 200,
    )


def set_up(form: AskForm, *, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> None:
    """Give a form of one of the doors its answers to choose from, and what is right for most beforehand."""
    form.reply_by.choices = _ways_to_answer(contacts_of(lender_id=lender_id, debtor_id=debtor_id))
    form.wish.choices = [(wish, words.wish_words(wish)) for wish in words.WISHES]
    if request.method == "GET":
        form.begin(reply_by=form.reply_by.choices[0][0])


def _ways_to_answer(contacts: dict[str, str]) -> list[tuple[str, str]]:
    ways = []
    if "sms" in contacts:
        ways.append(("sms", _("Write to %(address)s", address=masked(contacts["sms"]))))
    if "email" in contacts:
        ways.append(("email", _("Write to %(address)s", address=masked(contacts["email"]))))
    ways.append(("here", _("Only here on this site")))
    ways.append(("call", _("Call me")))
    return ways


def _already_told(door: Kind, debt: Standing | None) -> list[dict[str, object]]:
    """Give what the person has told us of the same already, so that nobody says a hard thing twice for nothing."""
    person = me()
    return [
        _line(each)
        for each in requests.requests_of(lender_id=person.lender_id, debtor_id=person.debtor_id)
        if each.kind == door and each.state in WAITING and (debt is None or each.debt_id in (None, debt.id))
    ]


def _too_many(until: datetime, zone: str) -> ResponseReturnValue:
    return render_template("care/too_many.html", until=until, zone=zone), 429


def _ask_as_stranger(door: Kind) -> ResponseReturnValue:
    lenders = lenders_here()
    form = VisitorForm()
    form.lender.choices = [(lender.slug, lender.name) for lender in lenders]
    if len(lenders) == 1:
        form.lender.data = lenders[0].slug
    can_send = door in FOR_STRANGERS and bool(lenders)
    if request.method == "POST" and can_send and form.validate() and (key := form.key()) is not None:
        lender = next(lender for lender in lenders if lender.slug == form.lender.data)
        lender_id, zone = lender.id, lender.zone
        with transaction():
            done = requests.open_request(
                lender_id=lender_id,
                debtor_id=None,
                kind=door,
                debt_id=None,
                words=form.words.data or "",
                by=VISITOR,
                key=key,
                reply_by="email" if "@" in (form.contact.data or "") else "call",
                contact=form.contact.data or "",
                claimed_reference=form.reference.data or "",
                visitor=_visitor(),
            )
        if isinstance(done, requests.TooMany):
            return _too_many(done.until, zone)
        cookie["sent"] = {
            "number": done.number,
            "answer_by": done.answer_by.isoformat(),
            "urgent": done.urgent,
        }
        return redirect(url_for("care.sent", kind=door.slug), 303)
    if request.method == "GET":
        # Whoever signs in from here comes back to this door.
        cookie["after_sign_in"] = request.full_path.rstrip("?")
    form.form_key.data = form.key() or uuid.uuid4().hex
    return (
        render_template(
            "care/ask_as_stranger.html",
            kind=door,
            title=words.kind_words(door),
            form=form,
            several=len(lenders) > 1,
            can_send=can_send,
        ),
        422 if form.errors else 200,
    )


def _visitor() -> str:
    """Give a hash of the household that somebody writes from."""
    household, _neighbourhood = guessing.networks(request.remote_addr or "")
    return hashed("visitor", household, key=str(current_app.config["SECRET_KEY"]))


@care.get("/help/<kind>/sent")
@open_page
def sent(kind: str) -> ResponseReturnValue:
    """Tell a stranger what happens now; the same whether we know the contact and the reference or not."""
    made = cookie.get("sent")
    if door_of(kind) is None:
        abort(404)
    if not isinstance(made, dict):
        return redirect(url_for("care.ask", kind=kind), 303)
    return render_template(
        "care/sent.html",
        number=made["number"],
        answer_by=date.fromisoformat(made["answer_by"]),
        urgent=made["urgent"],
        place=_place(),
    )


@care.get("/requests", endpoint="requests")
@needs_debtor
def requests_page() -> ResponseReturnValue:
    """Show everything that one has asked for."""
    person = me()
    return render_template(
        "care/requests.html",
        requests=[_line(each) for each in requests.requests_of(lender_id=person.lender_id, debtor_id=person.debtor_id)],
        needs=[
            words.need_words(each.need)
            for each in requests.needs_of(lender_id=person.lender_id, debtor_id=person.debtor_id)
        ],
    )


@care.get("/requests.csv")
@needs_debtor
def requests_csv() -> ResponseReturnValue:
    """Give the list as a file."""
    person = me()
    return csv_answer(
        "requests",
        (
            _("Number"),
            _("What"),
            _("State"),
            _("Sent"),
            _("Answer by"),
            _("Answered"),
            _("Your words"),
            _("Our answer"),
        ),
        [
            (
                each.number,
                words.kind_words(Kind(each.kind)),
                words.state_words(State(each.state)),
                each.opened_at.isoformat(timespec="seconds"),
                each.answer_by.isoformat(),
                each.answered_at.isoformat(timespec="seconds") if each.answered_at else "",
                each.words,
                each.answer or "",
            )
            for each in requests.requests_of(lender_id=person.lender_id, debtor_id=person.debtor_id, limit=10_000)
        ],
    )


@care.post("/requests/needs")
@needs_debtor
def take_back_needs() -> ResponseReturnValue:
    """Forget what one told us about what makes it easier."""
    person = me()
    with transaction():
        requests.take_back_needs(lender_id=person.lender_id, debtor_id=person.debtor_id, by=person.actor)
    flash(_("We have forgotten it."), "success")
    return redirect(url_for("care.requests"), 303)


def _my_request_or_404(number: str) -> CareRequest:
    person = me()
    found = requests.request_of(lender_id=person.lender_id, debtor_id=person.debtor_id, number=number)
    if found is None:
        abort(404)
    return found


@care.get("/requests/<number>", endpoint="request")
@needs_debtor
def request_page(number: str) -> ResponseReturnValue:
    """Say what happens now, and what has happened so far."""
    person = me()
    found = _my_request_or_404(number)
    kind, state = Kind(found.kind), State(found.state)
    mine = debts_of(lender_id=person.lender_id, debtor_id=person.debtor_id)
    debt = next((each for each in mine if each.id == found.debt_id), None)
    stops: list[str] = []
    for hold in of_request(found):
        if hold.ended_at is None and (hold.until is None or hold.until > clock.now()):
            until = day_words(hold.until.astimezone(clock.zone(person.zone)).date()) if hold.until else None
            stops += words.stopped_words(frozenset(hold.stops), until=until)
    helper = requests.helper_of(lender_id=person.lender_id, request=found)
    return render_template(
        "care/request.html",
        kind=kind,
        helper=helper,
        title=words.kind_words(kind),
        number=found.number,
        state=state.value,
        tag=(words.state_words(state), words.tag_kind(state)),
        urgent=found.urgent and state in WAITING,
        answer_by=found.answer_by,
        late=state in WAITING and found.answer_by < clock.today(person.zone),
        answer=(found.answer or "").splitlines() if found.answer else (),
        own_words=found.words.splitlines(),
        wish=words.wish_words(found.wish) if found.wish else None,
        stops=tuple(dict.fromkeys(stops)),
        disputed=kind in DISPUTES and state in WAITING,
        history=_history(found, person.zone, helper=helper),
        debt=debt,
        can_withdraw=requests.can_withdraw(found),
        place=_place(),
    )


def _told_words(helper: str | None) -> str:
    """Say who told us: the person, or a colleague who wrote it down for the person."""
    return _("You told us") if helper is None else _("%(name)s wrote it down for you", name=helper)


def _history(found: CareRequest, zone: str, *, helper: str | None) -> list[tuple[str, str, bool]]:
    """Give what has happened and what comes, in its order: (title, words, is it done)."""
    steps = [(_told_words(helper), instant_words(found.opened_at, zone), True)]
    if found.withdrawn_at is not None:
        return [*steps, (_("You took it back"), instant_words(found.withdrawn_at, zone), True)]
    if found.taken_at is not None:
        steps.append((_("A person began to look at it"), instant_words(found.taken_at, zone), True))
    else:
        steps.append(
            (_("A person will look at it by %(day)s", day=day_words(found.look_by)), _("Not a machine."), False)
        )
    if found.answered_at is not None:
        steps.append((_("You got an answer"), instant_words(found.answered_at, zone), True))
    else:
        steps.append((_("You get an answer by %(day)s", day=day_words(found.answer_by)), _how_told(found), False))
    if found.closed_at is not None:
        steps.append((_("Closed"), instant_words(found.closed_at, zone), True))
    return steps


def _how_told(found: CareRequest) -> str:
    return {
        "call": _("We call you."),
        "here": _("You read it here on this page."),
    }.get(found.reply_by, _("We write to you, and you read it here on this page."))


@care.post("/requests/<number>/withdraw")
@needs_debtor
def withdraw(number: str) -> ResponseReturnValue:
    """Take a request back as long as nobody has taken it."""
    person = me()
    _my_request_or_404(number)
    with transaction():
        done = requests.withdraw(lender_id=person.lender_id, debtor_id=person.debtor_id, number=number, by=person.actor)
    if isinstance(done, Moved | Repeated):
        flash(_("You took it back. Everything is as it was before."), "success")
    else:
        flash(_("A person is looking at it already. Call us if it is no longer needed."), "wait")
    return redirect(url_for("care.request", number=number), 303)
