"""The queue of what people asked for: by the clock, read, taken, answered, closed."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.care import requests
from portal.care.requests import NoSuchRequest, Waiting, plain_words
from portal.care.states import Forbidden, Kind, Repeated, State
from portal.care.words import state_words, tag_kind, wish_words
from portal.db import transaction
from portal.helpdesk import opening
from portal.helpdesk.deciding import all_decisions, decided_for, decisions, reach_of
from portal.helpdesk.forms import AnswerForm, HandOverForm
from portal.helpdesk.offers import on_the_table
from portal.helpdesk.words import kind_words
from portal.staff import members
from portal.staff.gates import me, needs
from portal.staff.roles import Permission, permissions_of
from portal.web.languages import gettext as _
from portal.web.paging import page_of
from portal.web.spreadsheet import csv_answer

helpdesk = Blueprint("helpdesk", __name__, url_prefix="/staff")

A_PAGE = 50


def _names() -> dict[str | None, str]:
    """Give the names of all colleagues, by what stands in a request that one of them took."""
    return {str(member.id): member.name for member in members.of(lender_id=me().lender_id)}


@helpdesk.get("/requests", endpoint="requests")
@needs(Permission.SEE_REQUESTS)
def requests_page() -> ResponseReturnValue:
    """List what waits for a person: what can't wait first, then by the clock."""
    who = me()
    waiting, names = requests.queue(lender_id=who.lender_id), _names()
    asks = decisions(lender_id=who.lender_id, only_open=True) if Permission.ANSWER_REQUESTS in who.may else ()
    shown, pages = page_of(waiting, request.args.get("page"), size=A_PAGE)
    opening.a_list(who, "requests", shown=len(shown), page=request.args.get("page"))
    return render_template(
        "helpdesk/requests.html",
        shown=[
            (
                each,
                kind_words(each.kind),
                (state_words(each.state), tag_kind(each.state)),
                names.get(each.taken_by, each.taken_by),
            )
            for each in shown
        ],
        pages=pages,
        asks=[each for each in asks if Permission.GRANT_FURTHER in who.may or each.asked_by == who.member_id],
        decided=decided_for(who) if Permission.ANSWER_REQUESTS in who.may else (),
        me=who.member_id,
        late=sum(each.late for each in waiting),
        urgent=sum(each.urgent for each in waiting),
    )


@helpdesk.get("/requests.csv")
@needs(Permission.SEE_REQUESTS)
def requests_csv() -> ResponseReturnValue:
    """Give the same as a file; without the words, which are read one by one and on record."""
    waiting, names = requests.queue(lender_id=me().lender_id), _names()
    opening.a_file(me(), "requests", rows=len(waiting))
    return csv_answer(
        "requests",
        ("number", "urgent", "late", "due", "answer by", "kind", "state", "person", "debt", "with", "opened"),
        (
            (
                each.number,
                "urgent" if each.urgent else None,
                "late" if each.late else None,
                each.due.isoformat(),
                each.answer_by.isoformat(),
                each.kind.value,
                each.state.value,
                each.person,
                each.debt,
                names.get(each.taken_by, each.taken_by),
                each.opened_at.isoformat(timespec="minutes"),
            )
            for each in waiting
        ),
    )


@helpdesk.get("/requests/decisions.csv")
@needs(Permission.SEE_REQUESTS)
def decisions_csv() -> ResponseReturnValue:
    """Give what was granted beyond the usual or asked of a colleague as a file, with the reasons."""
    return csv_answer(
        "decisions",
        ("request", "plan", "state", "asked by", "asked", "reason", "decided by", "decided", "words"),
        (
            (
                each.number,
                each.plan,
                each.state,
                each.asker,
                each.asked_at.isoformat(timespec="minutes"),
                each.reason,
                each.decider,
                each.decided_at.isoformat(timespec="minutes") if each.decided_at else None,
                each.decided_words,
            )
            for each in all_decisions(me().lender_id)
        ),
    )


def _why(number: str) -> str:
    """Give the reason that is nearest, where somebody who needs care asked for something."""
    return _("Request %(number)s", number=number)


def one_or_404(number: str) -> Waiting:
    """Give a request of the lender's, or answer that there is none."""
    found = requests.queue(lender_id=me().lender_id, number=number)
    if not found:
        abort(404)
    return found[0]


@helpdesk.route("/requests/<reference:number>", methods=["GET", "POST"], endpoint="request")
@needs(Permission.SEE_REQUESTS)
def request_page(number: str) -> ResponseReturnValue:
    """Show one request, and take an answer; that somebody looked is on record."""
    who, found, form = me(), one_or_404(number), AnswerForm()
    if (asked := opening.look(who, debtor_id=found.debtor_id, request=number, suggest=_why(number))) is not None:
        return asked
    if request.method == "POST" and Permission.ANSWER_REQUESTS not in who.may:
        abort(403)
    if request.method == "POST" and form.validate():
        with transaction():
            done = requests.answer(lender_id=who.lender_id, number=number, words=form.words.data or "", by=who.actor)
        _say(done, _("The answer is sent. The person is told that there is one."))
        return redirect(url_for("helpdesk.request", number=number), 303)
    waits = found.state in (State.OPEN, State.WITH_PERSON)
    offers = found.kind is Kind.OFFER and waits
    return render_template(
        "helpdesk/request.html",
        form=form,
        one=found,
        kind=kind_words(found.kind),
        state=(state_words(found.state), tag_kind(found.state)),
        wish=wish_words(found.wish) if found.wish and found.kind is Kind.CANT_PAY else None,
        own_words=found.words.splitlines(),
        answer=(found.answer or "").splitlines(),
        taken_by=_names().get(found.taken_by, found.taken_by),
        helper=requests.helper_of(lender_id=who.lender_id, request=found),
        handed_over=requests.last_hand_over(lender_id=who.lender_id, request=found),
        may_see_person=Permission.SEE_PEOPLE in who.may,
        answers=Permission.ANSWER_REQUESTS in who.may,
        waits=waits,
        offers=offers,
        offer=on_the_table(lender_id=who.lender_id, number=number, reach=reach_of(who.may)) if offers else None,
        decisions=decisions(lender_id=who.lender_id, number=number) if found.kind is Kind.OFFER else (),
        me=who.member_id,
    ), 422 if form.errors else 200


@helpdesk.post("/requests/<reference:number>/take")
@needs(Permission.ANSWER_REQUESTS)
def take(number: str) -> ResponseReturnValue:
    """Take a request: from then on the person can't take it back, and colleagues see who looks at it."""
    who = me()
    one_or_404(number)
    with transaction():
        done = requests.take(lender_id=who.lender_id, number=number, by=who.actor)
    _say(done, _("It is with you now."))
    return redirect(url_for("helpdesk.request", number=number), 303)


@helpdesk.post("/requests/<reference:number>/close")
@needs(Permission.ANSWER_REQUESTS)
def close(number: str) -> ResponseReturnValue:
    """Close a request that was answered; every hold of it ends."""
    who = me()
    one_or_404(number)
    with transaction():
        done = requests.close(lender_id=who.lender_id, number=number, by=who.actor)
    _say(done, _("It is closed, and nothing of it is held any more."))
    return redirect(url_for("helpdesk.request", number=number), 303)


def _colleagues() -> list[tuple[str, str]]:
    """Give who else answers requests, after the queue itself."""
    return [("", _("Back to the queue"))] + [
        (str(member.id), member.name)
        for member in members.of(lender_id=me().lender_id)
        if member.state == "active"
        and member.id != me().member_id
        and Permission.ANSWER_REQUESTS in permissions_of(member.roles)
    ]


@helpdesk.route("/requests/<reference:number>/hand-over", methods=["GET", "POST"])
@needs(Permission.ANSWER_REQUESTS)
def hand_over(number: str) -> ResponseReturnValue:
    """Give a request to a colleague, or back to the queue, with a word for whoever goes on with it."""
    who, found, form = me(), one_or_404(number), HandOverForm()
    form.to.choices = _colleagues()
    if form.validate_on_submit():
        with transaction():
            done = requests.hand_over(
                lender_id=who.lender_id,
                number=number,
                to=form.to.data or None,
                by=who.actor,
                words=plain_words(form.why.data),
            )
        _say(done, _("It is handed over."))
        return redirect(url_for("helpdesk.request", number=number), 303)
    return render_template(
        "helpdesk/hand_over.html", form=form, one=found, kind=kind_words(found.kind)
    ), 422 if form.errors else 200


def _say(done: object, words: str) -> None:
    """Say what became of a click: done, done before by somebody, or not possible from where it stands."""
    match done:
        case NoSuchRequest():
            abort(404)
        case Repeated():
            flash(_("That was done already, perhaps by a colleague. Nothing has changed."))
        case Forbidden():
            flash(_("That is not possible any more. Here is how it stands now."), "problem")
        case _:
            flash(words, "success")
