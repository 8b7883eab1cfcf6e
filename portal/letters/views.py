"""Letters: the list, and each as a PDF. Seeing documents needs a one-time code."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import clock
from portal.db import transaction
from portal.debts.pages import mine_or_404
from portal.debts.statement import Standing, debts_of, references_of
from portal.letters import issue, spoken
from portal.letters.kept import awaited_of, by_hand_of, day_in, letter_of, letters_of, no_longer_true, replaced
from portal.people.models import Debtor
from portal.people.permissions import me, needs_code
from portal.plans.progress import coming_of
from portal.web.languages import LETTER_LANGUAGES
from portal.web.languages import gettext as _
from portal.web.paging import page_of
from portal.web.spreadsheet import csv_answer

letters = Blueprint("letters", __name__)

LETTERS_ON_A_PAGE = 20


def kind_words(kind: str) -> str:
    """Give the name of a kind of letter."""
    return {
        "plan-agreement": _("Plan agreement"),
        "payment-receipt": _("Payment receipt"),
        "statement-of-account": _("Statement of account"),
    }[kind]


@dataclass(frozen=True, slots=True)
class Listed:
    """One letter as the list shows it; `state` is valid, withdrawn, being_made, by_hand or sent_by_hand."""

    title: str
    number: str
    at: datetime
    made_on: date
    state: str
    debt: str
    url: str | None


def _listed() -> list[Listed]:
    person = me()
    return listed(lender_id=person.lender_id, debtor_id=person.debtor_id, zone=person.zone)


def listed(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, zone: str) -> list[Listed]:
    """Give a person's letters, newest first, with those that are being made."""
    mine = {"lender_id": lender_id, "debtor_id": debtor_id}
    gone = no_longer_true(**mine)
    issued = letters_of(**mine)
    older = replaced(issued)
    names = references_of(**mine)

    def one(kind: str, number: str, at: datetime, state: str, debt_id: uuid.UUID, url: str | None = None) -> Listed:
        day = day_in(zone, at)
        return Listed(kind_words(kind), number, at, day, state, names.get(debt_id, ""), url)

    found = [
        one(
            letter.kind,
            letter.number,
            letter.issued_at,
            "withdrawn" if letter.cause in gone else "superseded" if letter.number in older else "valid",
            letter.debt_id,
            url_for("letters.download", number=letter.number),
        )
        for letter in issued
    ]
    found += [
        one(
            letter.kind,
            letter.number,
            letter.asked_at,
            "by_hand" if letter.done_at is None else "sent_by_hand",
            letter.debt_id,
        )
        for letter in by_hand_of(**mine)
    ]
    found += [
        one(letter.kind, letter.number, letter.since, "being_made", letter.debt_id)
        for letter in awaited_of(**mine)
        if letter.happened
    ]
    return sorted(found, key=lambda letter: letter.at, reverse=True)


def state_words(state: str) -> str:
    """Say how a letter stands."""
    return {
        "valid": _("Valid"),
        "superseded": _("Replaced by a newer one"),
        "withdrawn": _("Taken back"),
        "being_made": _("Being made"),
        "by_hand": _("A person prepares it"),
        "sent_by_hand": _("Sent to you"),
    }[state]


@letters.get("/letters", endpoint="letters")
@needs_code
def letters_page() -> ResponseReturnValue:
    """Show every letter with its state, which can be asked for, and which are not there yet and why."""
    person = me()
    debts = debts_of(lender_id=person.lender_id, debtor_id=person.debtor_id)
    shown, pages = page_of(_listed(), request.args.get("page"), size=LETTERS_ON_A_PAGE)
    return render_template(
        "letters/letters.html",
        letters=[(letter, state_words(letter.state)) for letter in shown],
        pages=pages,
        debts=debts,
        not_yet=_not_yet(debts),
        spoken=spoken.chosen_by(lender_id=person.lender_id, debtor_id=person.debtor_id),
        choices=LETTER_LANGUAGES,
    )


def _not_yet(debts: Sequence[Standing]) -> list[tuple[str, str]]:
    """Give the letters that can't be made yet, each with when it can."""
    person = me()
    names = {debt.id: f"{debt.product} ({debt.reference})" for debt in debts}
    awaited = awaited_of(lender_id=person.lender_id, debtor_id=person.debtor_id)
    lines = [
        (
            _("Receipt of payment %(number)s", number=letter.number),
            _("Your bank is still working on this payment. The receipt is made on the day that it arrives."),
        )
        for letter in awaited
        if not letter.happened
    ]
    coming = coming_of(lender_id=person.lender_id, debtor_id=person.debtor_id, today=clock.today(person.zone))
    planned = {plan.debt_id for plan in coming}
    lines += [
        (
            _("Plan agreement for %(debt)s", debt=names[debt.id]),
            _("It is made within a minute after you agree to a plan."),
        )
        for debt in debts
        if debt.owed and debt.id not in planned
    ]
    return lines


@letters.post("/letters/language", endpoint="language")
@needs_code
def choose_language() -> ResponseReturnValue:
    """Choose the language of the letters that are made from now on."""
    person, wanted = me(), request.form.get("language", "")
    if wanted not in LETTER_LANGUAGES:
        abort(400)
    with transaction() as s:
        new = spoken.choose(s.get_one(Debtor, (person.lender_id, person.debtor_id)), wanted)
    if new:
        flash(_("New letters are in %(language)s from now on.", language=LETTER_LANGUAGES[wanted]), "success")
    return redirect(url_for("letters.letters"), 303)


@letters.post("/letters/ask")
@needs_code
def ask() -> ResponseReturnValue:
    """Ask for the statement of account of a debt."""
    person = me()
    debt = mine_or_404(request.form.get("debt", ""))
    with transaction():
        new = issue.ask_for_statement(debt, zone=person.zone, by=person.actor)
    if new:
        flash(_("We are making it. It will be here in a minute: open this page again."), "success")
    else:
        flash(_("You have asked for this one today already. There is one a day, and it is here or on its way."), "info")
    return redirect(url_for("letters.letters"), 303)


@letters.get("/letters.csv")
@needs_code
def letters_csv() -> ResponseReturnValue:
    """Give the list of letters as a file."""
    return csv_answer(
        "letters",
        (_("Number"), _("Letter"), _("Debt"), _("Made on"), _("State")),
        ((letter.number, letter.title, letter.debt, letter.made_on, state_words(letter.state)) for letter in _listed()),
    )


@letters.get("/letters/<number>.pdf")
@needs_code
def download(number: str) -> ResponseReturnValue:
    """Give a letter as it was issued."""
    person = me()
    letter = letter_of(lender_id=person.lender_id, debtor_id=person.debtor_id, number=number)
    if letter is None:
        abort(404)
    return Response(
        letter.pdf,
        mimetype="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{letter.kind}-{letter.number}.pdf"'},
    )
