"""The pages of finance: what goes back, what banks ask and take, and money that waits to be placed."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Row, select

from portal.care.requests import plain_words
from portal.db import session, transaction
from portal.desk.drafts import NotTwoPeople
from portal.finance import acts, lists
from portal.finance.forms import BackForm, FindForm, GiveBackForm, NoteForm, PlaceForm, ReasonForm
from portal.finance.words import (
    aside_words,
    dispute_reason_words,
    dispute_words,
    method_words,
    refund_words,
    tie_words,
    why_words,
)
from portal.helpdesk import opening
from portal.helpdesk.people_pages import of_person
from portal.helpdesk.person import Subject
from portal.money import Money
from portal.payments import aside, giving_back, going_back
from portal.payments.dispute_states import WAITS_FOR_EVIDENCE
from portal.payments.models import Payment, Refund, SetAside
from portal.payments.refund_states import Moved, Repeated, State, Word
from portal.people.models import Debtor
from portal.staff.gates import Colleague, me, needs
from portal.staff.roles import Permission
from portal.web.fields import tidy
from portal.web.formats import money as money_words
from portal.web.languages import gettext as _
from portal.web.paging import Seen, all_after, page_after
from portal.web.spreadsheet import csv_stream

finance = Blueprint("finance", __name__, url_prefix="/staff")
A_PAGE = 50


def sheets(here: str) -> list[tuple[str, str, bool]]:
    """Give the pages of money side by side."""
    return [
        (words, url_for(name), name.endswith(f".{here}"))
        for name, words in (
            ("finance.refunds", _("Money that goes back")),
            ("finance.disputes", _("Disputes")),
            ("finance.suspense", _("Money that waits")),
            ("reconciliation.lines", _("Books and Stripe")),
            ("reconciliation.payouts", _("Payouts")),
            ("reconciliation.journal", _("Journal")),
            ("banking.bank_files", _("Files of your bank")),
        )
    ]


def pages_of(seen: Seen, name: str, **here: Any) -> dict[str, str | None]:
    """Give the addresses of the next page of a list, and of its first where this is not it."""
    return {
        "more": url_for(name, **here, after=seen.next) if seen.next else None,
        "first": None if seen.is_first else url_for(name, **here),
    }


def _said(act: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """Refuse whoever may not act any more, by the roles under the lock."""

    @wraps(act)
    def done(*given: Any, **named: Any) -> ResponseReturnValue:
        try:
            return act(*given, **named)
        except acts.NotAllowed:
            abort(403)

    return done


@finance.get("/refunds")
@needs(Permission.SEE_MONEY)
def refunds() -> ResponseReturnValue:
    """List what goes back: what waits for a second person first."""
    seen = page_after(lists.refunds(me().lender_id), request.args.get("after"), size=A_PAGE)
    opening.a_list(me(), "refunds", shown=len(seen.rows), after=request.args.get("after"))
    return render_template(
        "finance/refunds.html",
        sheets=sheets("refunds"),
        **pages_of(seen, "finance.refunds"),
        shown=[
            (row, Money(row.Refund.amount_minor, row.Refund.currency), refund_words(row.Refund.state))
            for row in seen.rows
        ],
    )


@finance.get("/refunds.csv")
@needs(Permission.SEE_MONEY)
def refunds_csv() -> ResponseReturnValue:
    """Give the same as a file."""
    opening.a_file(me(), "refunds")
    return csv_stream(
        "refunds",
        ("number", "state", "amount", "currency", "person", "payment", "asked by", "asked", "reason", "decided by",
         "stripe", "failure"),
        (
            (
                row.Refund.number,
                row.Refund.state,
                str(Money(row.Refund.amount_minor, row.Refund.currency).amount),
                row.Refund.currency,
                row.person,
                row.payment,
                row.asker,
                row.Refund.asked_at.isoformat(timespec="minutes"),
                row.Refund.reason,
                row.decider,
                row.Refund.refund_id,
                row.Refund.failure,
            )
            for row in all_after(lists.refunds(me().lender_id))
        ),
    )  # fmt: skip


@finance.route("/refunds/<reference:number>", methods=["GET", "POST"])
@needs(Permission.SEE_MONEY)
def refund(number: str) -> ResponseReturnValue:
    """Show one refund, and to who may decide what it would do."""
    return _refund_page(ReasonForm(formdata=None), number)


def _refund_page(form: ReasonForm, number: str) -> ResponseReturnValue:
    who = me()
    found = session.execute(lists.refunds_query(who.lender_id).where(Refund.number == number)).one_or_none()
    if found is None:
        abort(404)
    row = found.Refund
    asks = opening.look(who, debtor_id=row.debtor_id, refund=number)
    if asks is not None:
        return asks
    amount, waits = Money(row.amount_minor, row.currency), row.state == State.ASKED.value
    shown = {"row": found, "amount": amount, "state": refund_words(row.state), "waits": waits}
    mine = row.asked_by == who.member_id
    return (
        render_template(
            "finance/refund.html",
            form=form,
            **shown,
            mine=mine,
            decides=waits and Permission.GIVE_BACK in who.may,
            foreseen=acts.foreseen_of(row) if waits else None,
        ),
        422 if form.errors else 200,
    )


@finance.post("/refunds/<reference:number>/foresee")
@needs(Permission.GIVE_BACK)
@_said
def foresee(number: str) -> ResponseReturnValue:
    """Work out anew what it would do as things stand now."""
    with transaction():
        done = acts.foresee_anew(me(), number=number)
    if done is None:
        abort(404)
    if not done:
        flash(_("That was done already, perhaps by a colleague. Nothing has changed."))
    return redirect(url_for("finance.refund", number=number), 303)


@finance.post("/refunds/<reference:number>/approve")
@needs(Permission.GIVE_BACK)
@_said
def approve(number: str) -> ResponseReturnValue:
    """Say yes to what a colleague gives back; once, whoever clicks."""
    return _decided(number, Word.APPROVE)


@finance.post("/refunds/<reference:number>/decline")
@needs(Permission.GIVE_BACK)
@_said
def decline(number: str) -> ResponseReturnValue:
    """Say no to it, and why."""
    return _decided(number, Word.DECLINE)


@finance.post("/refunds/<reference:number>/take-back")
@needs(Permission.GIVE_BACK)
@_said
def take_back(number: str) -> ResponseReturnValue:
    """Take back what one asked oneself."""
    return _decided(number, Word.TAKE_BACK)


def _decided(number: str, word: Word) -> ResponseReturnValue:
    form = ReasonForm()
    if word is Word.DECLINE and not form.validate():
        return _refund_page(form, number)
    with transaction():
        done = acts.decide(
            me(), number=number, word=word, words=plain_words(form.why.data) if word is Word.DECLINE else None
        )
    match done:
        case None:
            abort(404)
        case NotTwoPeople(tie, name):
            flash(tie_words(tie, name), "problem")
        case Moved(State.APPROVED):
            flash(_("You said yes. Stripe is asked now, and the person is told when it went."), "success")
        case Moved():
            flash(_("Nothing goes back. Your colleague reads why."), "success")
        case Repeated():
            flash(_("That was done already, perhaps by a colleague. Nothing has changed."))
        case _:
            flash(_("That is not possible any more. Here is how it stands now."), "problem")
    return redirect(url_for("finance.refund", number=number), 303)


@finance.route("/people/<uuid:debtor_id>/payments/<reference:number>/give-back", methods=["GET", "POST"])
@needs(Permission.GIVE_BACK)
@_said
@of_person
def give_back(who: Colleague, subject: Subject, number: str) -> ResponseReturnValue:
    """Ask how much goes back and why, show what that does, and then do it."""
    payment = session.scalars(
        select(Payment).where(
            Payment.lender_id == who.lender_id, Payment.debtor_id == subject.debtor_id, Payment.reference == number
        )
    ).one_or_none()
    if payment is None or payment.payment_intent_id is None:
        abort(404)
    payment_id, came = payment.id, going_back.came_of(payment, to_change=False)
    left, paid = giving_back.left_of(payment, came.aside), Money(payment.amount_minor, payment.currency)
    form = GiveBackForm()
    form.amount.currency = left.currency
    shown = {"person": subject, "number": number, "left": left, "paid": paid, "form": form}
    if form.validate_on_submit() and form.amount.money is not None:
        wanted = form.amount.money
        if "check" not in request.form and wanted <= left:
            alone = wanted <= acts.alone_up_to(lender_id=who.lender_id, currency=wanted.currency)
            with transaction():
                foreseen = acts.foresee(lender_id=who.lender_id, payment_id=payment_id, amount=wanted)
            return render_template("finance/check.html", **shown, wanted=wanted, alone=alone, foreseen=foreseen)
        with transaction():
            done = acts.give_back(
                who,
                payment_id=payment_id,
                amount=wanted,
                reason=plain_words(form.why.data),
                form_key=form.form_key.data or uuid.uuid4().hex,
            )
        if isinstance(done, giving_back.TooMuch):
            form.amount.errors = [
                _("That is more than can go back. It is at most %(amount)s.", amount=money_words(done.left))
            ]
        else:
            return _told(done)
    if request.method == "GET":
        form.begin(form_key=uuid.uuid4().hex)
    return render_template("finance/give_back.html", **shown), 422 if form.errors else 200


def _told(done: object) -> ResponseReturnValue:
    match done:
        case giving_back.Asked(number, waits=waits, before=before):
            if before:
                flash(_("That was done already, perhaps by a colleague. Nothing has changed."))
            elif waits:
                flash(_("A second person is asked. Nothing goes back before that."), "success")
            else:
                flash(_("Stripe is asked now, and the person is told when it went."), "success")
            return redirect(url_for("finance.refund", number=number), 303)
        case giving_back.OneIsOpen(number):
            flash(_("Another refund of the same money is open. Nothing has changed."), "problem")
            return redirect(url_for("finance.refund", number=number), 303)
        case _:
            flash(_("Nothing of it can go back now."), "problem")
            return redirect(url_for("finance.refunds"), 303)


@finance.get("/disputes")
@needs(Permission.SEE_MONEY)
def disputes() -> ResponseReturnValue:
    """List what banks ask and took, with the day by which an answer is due."""
    seen = page_after(lists.disputes(me().lender_id), request.args.get("after"), size=A_PAGE)
    opening.a_list(me(), "disputes", shown=len(seen.rows), after=request.args.get("after"))
    return render_template(
        "finance/disputes.html",
        sheets=sheets("disputes"),
        **pages_of(seen, "finance.disputes"),
        shown=[
            (
                row,
                Money(row.Dispute.amount_minor, row.Dispute.currency),
                dispute_words(row.Dispute.state, row.Dispute.reason),
                dispute_reason_words(row.Dispute.reason),
                row.Dispute.evidence_by if row.Dispute.status in WAITS_FOR_EVIDENCE else None,
            )
            for row in seen.rows
        ],
    )


@finance.get("/disputes.csv")
@needs(Permission.SEE_MONEY)
def disputes_csv() -> ResponseReturnValue:
    """Give the same as a file."""
    opening.a_file(me(), "disputes")
    return csv_stream(
        "disputes",
        ("dispute", "state", "status", "reason", "amount", "currency", "evidence by", "opened", "person", "payment"),
        (
            (
                row.Dispute.dispute_id,
                row.Dispute.state,
                row.Dispute.status,
                row.Dispute.reason,
                str(Money(row.Dispute.amount_minor, row.Dispute.currency).amount),
                row.Dispute.currency,
                row.Dispute.evidence_by.isoformat(timespec="minutes") if row.Dispute.evidence_by else None,
                row.Dispute.opened_at.isoformat(timespec="minutes"),
                row.person,
                row.payment,
            )
            for row in all_after(lists.disputes(me().lender_id))
        ),
    )


@finance.route("/suspense", methods=["GET", "POST"])
@needs(Permission.SEE_MONEY)
def suspense() -> ResponseReturnValue:
    """List money that waits to be placed, all that was ever set aside, or what was looked for."""
    form, everything = FindForm(), request.args.get("all") == "1"
    typed, lender_id = tidy(form.typed.data), me().lender_id
    if typed:
        seen = Seen(lists.found_asides(lender_id, typed), None, is_first=True)
    else:
        stretches = lists.asides(lender_id, waiting=not everything)
        seen = page_after(stretches, request.args.get("after"), size=A_PAGE)
    return render_template(
        "finance/suspense.html",
        sheets=sheets("suspense"),
        form=form,
        everything=everything,
        typed=typed,
        **pages_of(seen, "finance.suspense", all=1 if everything else None),
        shown=[
            (
                row,
                Money(row.SetAside.amount_minor, row.SetAside.currency),
                why_words(row.SetAside.why),
                aside_words(row.SetAside),
            )
            for row in seen.rows
        ],
    )


@finance.get("/suspense.csv")
@needs(Permission.SEE_MONEY)
def suspense_csv() -> ResponseReturnValue:
    """Give all that was ever set aside as a file."""
    opening.a_file(me(), "suspense")
    return csv_stream(
        "suspense",
        ("received", "why", "amount", "currency", "went back", "stripe", "payment", "has to do with", "placed on",
         "placed by", "reason", "note"),
        (
            (
                row.SetAside.received_at.isoformat(timespec="minutes"),
                row.SetAside.why,
                str(Money(row.SetAside.amount_minor, row.SetAside.currency).amount),
                row.SetAside.currency,
                str(Money(row.SetAside.gone_minor, row.SetAside.currency).amount),
                row.SetAside.payment_intent_id,
                row.payment,
                row.about,
                row.debt,
                row.placer,
                row.SetAside.placed_why,
                row.SetAside.note,
            )
            for row in all_after(lists.asides(me().lender_id, waiting=False))
        ),
    )  # fmt: skip


def _one_aside(aside_id: uuid.UUID) -> Row[Any]:
    found = session.execute(lists.asides_query(me().lender_id).where(SetAside.id == aside_id)).one_or_none()
    if found is None:
        abort(404)
    return found


@finance.route("/suspense/<uuid:aside_id>", methods=["GET", "POST"], endpoint="aside")
@needs(Permission.SEE_MONEY)
def aside_page(aside_id: uuid.UUID) -> ResponseReturnValue:
    """Show what was received, and what can be done with it."""
    return _aside_page(aside_id, None)


def _aside_page(aside_id: uuid.UUID, wrong: PlaceForm | BackForm | NoteForm | None, **more: Any) -> ResponseReturnValue:
    who, row = me(), _one_aside(aside_id)
    asks = opening.look(who, debtor_id=row.debtor_id, aside=aside_id.hex)
    if asks is not None:
        return asks
    place_form = wrong if isinstance(wrong, PlaceForm) else PlaceForm(formdata=None)
    back_form = wrong if isinstance(wrong, BackForm) else BackForm(formdata=None)
    note_form = wrong if isinstance(wrong, NoteForm) else NoteForm(formdata=None)
    if wrong is not note_form:
        note_form.begin(note=row.SetAside.note)
    if not back_form.form_key.data:
        back_form.form_key.data = uuid.uuid4().hex
    left = aside.waiting(row.SetAside)
    return (
        render_template(
            "finance/aside.html",
            row=row,
            why=why_words(row.SetAside.why),
            state=aside_words(row.SetAside),
            amount=Money(row.SetAside.amount_minor, row.SetAside.currency),
            left=left,
            acts=Permission.GIVE_BACK in who.may,
            waits=bool(left),
            going_back=aside.is_going_back(row.SetAside),
            by=method_words(row.SetAside.received.get("method")),
            at_lender=aside.at_lender(row.SetAside),
            counts_on=aside.counts_on(row.SetAside),
            form=wrong or place_form,
            place_form=place_form,
            back_form=back_form,
            note_form=note_form,
            **more,
        ),
        422 if wrong is not None and wrong.errors else 200,
    )


@finance.post("/suspense/<uuid:aside_id>/place")
@needs(Permission.GIVE_BACK)
@_said
def place(aside_id: uuid.UUID) -> ResponseReturnValue:
    """Show whose debt it is that was named, and then let the money count for it."""
    who, form = me(), PlaceForm()
    row = _one_aside(aside_id)
    left = aside.waiting(row.SetAside)
    if not form.validate():
        return _aside_page(aside_id, form)
    debt = acts.debt_named(lender_id=who.lender_id, reference=form.debt.data or "")
    if debt is None:
        form.debt.errors = [_("No open debt has this reference. Check it with the person’s page.")]
        return _aside_page(aside_id, form)
    if "check" not in request.form:
        asks = opening.look(who, debtor_id=debt.debtor_id, aside=aside_id.hex)
        if asks is not None:
            return asks
        person = session.get_one(Debtor, (who.lender_id, debt.debtor_id)).name
        return render_template("finance/place.html", row=row, form=form, debt=debt, person=person, left=left)
    with transaction():
        done = acts.place(who, aside_id=aside_id, debt=debt, reason=plain_words(form.why.data))
    match done:
        case aside.Placed():
            flash(_("It counts for this debt now, and the person is told."), "success")
        case aside.DoesNotFit():
            flash(_("That debt is in another currency, or is not open any more. Nothing has changed."), "problem")
        case aside.GoingBack():
            flash(_("Somebody is giving it back. Nothing has changed."), "problem")
        case _:
            flash(_("That was done already, perhaps by a colleague. Nothing has changed."))
    return redirect(url_for("finance.aside", aside_id=aside_id), 303)


@finance.post("/suspense/<uuid:aside_id>/give-back")
@needs(Permission.GIVE_BACK)
@_said
def aside_back(aside_id: uuid.UUID) -> ResponseReturnValue:
    """Give all that waits back to whoever paid it."""
    form = BackForm()
    _one_aside(aside_id)
    if not form.validate():
        return _aside_page(aside_id, form)
    with transaction():
        done = acts.give_back_aside(
            me(),
            aside_id=aside_id,
            reason=plain_words(form.why_back.data),
            form_key=form.form_key.data or uuid.uuid4().hex,
        )
    return _told(done)


@finance.post("/suspense/<uuid:aside_id>/note", endpoint="note")
@needs(Permission.GIVE_BACK)
@_said
def note_aside(aside_id: uuid.UUID) -> ResponseReturnValue:
    """Keep a note for colleagues."""
    form = NoteForm()
    _one_aside(aside_id)
    if not form.validate():
        return _aside_page(aside_id, form)
    with transaction():
        acts.note(me(), aside_id=aside_id, words=plain_words(form.note.data))
    flash(_("The note is there."), "success")
    return redirect(url_for("finance.aside", aside_id=aside_id), 303)
